#ifndef INGOT_PASSES_CSE_H_
#define INGOT_PASSES_CSE_H_

#include "passes/pass.h"

namespace ingot {

// One instruction for each value that a computation computes.
//
//   %1 = f32[8] exponential(%0)               %1 = f32[8] exponential(%0)
//   %2 = f32[8] exponential(%0)        ==>    ROOT %3 = f32[8] add(%1, %1)
//   ROOT %3 = f32[8] add(%1, %2)
//
// Called computations are compared by structure.  Instructions with side effects and parameters
// stay.
absl::StatusOr<bool> EliminateCommonSubexpressions(Module& module, const PassContext& context);

}  // namespace ingot

#endif  // INGOT_PASSES_CSE_H_
