#ifndef INGOT_PASSES_FOLD_CONSTANTS_H_
#define INGOT_PASSES_FOLD_CONSTANTS_H_

#include "passes/pass.h"

namespace ingot {

// Evaluates instructions whose operands are all constants.
//
//   %1 = f32[] constant(3)
//   %2 = f32[] constant(4)             ==>   ROOT %3 = f32[] constant(7)
//   ROOT %3 = f32[] add(%1, %2)
//
// Only results of at most kFoldedBytes, or no larger than their operands together: a folded
// broadcast or iota would trade a few operations for memory.  Elided constants, calls of control
// flow and side effects are left alone.
inline constexpr int64_t kFoldedBytes = 1024;
absl::StatusOr<bool> FoldConstants(Module& module, const PassContext& context);

}  // namespace ingot

#endif  // INGOT_PASSES_FOLD_CONSTANTS_H_
