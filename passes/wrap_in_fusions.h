#ifndef INGOT_PASSES_WRAP_IN_FUSIONS_H_
#define INGOT_PASSES_WRAP_IN_FUSIONS_H_

#include "passes/pass.h"

namespace ingot {

// Puts each instruction that needs a kernel and is in no fusion into a fusion of its own, so that
// plans and lowering have one case: a fusion's computation.
//
//   ROOT %1 = f32[4,4] dot(%a, %b), ...   ==>   ROOT %1 = f32[4,4] fusion(%a, %b), kind=kLoop,
//   calls=wrapped_dot
//
// Constants of one value go with it, and iotas that a sort has for operands.  Reshapes stay: on
// row-major arrays they are another name for the same bytes.
absl::StatusOr<bool> WrapInFusions(Module& module, const PassContext& context);

}  // namespace ingot

#endif  // INGOT_PASSES_WRAP_IN_FUSIONS_H_
