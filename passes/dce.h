#ifndef INGOT_PASSES_DCE_H_
#define INGOT_PASSES_DCE_H_

#include "passes/pass.h"

namespace ingot {

// Removes instructions that no root needs and that have no side effect, and computations that
// nobody calls.
//
//   %1 = f32[8] exponential(%0)               ROOT %2 = f32[8] negate(%0)
//   ROOT %2 = f32[8] negate(%0)        ==>
//
// Parameters stay: they are the signature.
absl::StatusOr<bool> EliminateDeadCode(Module& module, const PassContext& context);

}  // namespace ingot

#endif  // INGOT_PASSES_DCE_H_
