#ifndef INGOT_PASSES_DOTS_OF_FEW_ROWS_H_
#define INGOT_PASSES_DOTS_OF_FEW_ROWS_H_

#include "passes/pass.h"

namespace ingot {

// Where one operand of a dot has at most eight rows (elements besides batch and contracted
// dimensions), the time is what the other one takes to be read: the dot is a sum of products on a
// GPU, which plans make like other sums.
//
//   %y = bf16[2,4096] dot(%x, %w)     ==>  %p = f32[2,512,4096] multiply(
//     of bf16[2,512], bf16[512,4096]         broadcast(convert(%x)), broadcast(convert(%w)))
//                                          %y = bf16[2,4096] convert(reduce(%p, 0), by add)
//
// Where matrix units multiply the operands' type at the speed of memory, dots of 64 columns and
// more stay.
//
// Sums are of f32, or of a wider result's type, as a dot's are, in an order that plans decide; the
// last digits may change.  A host has a library for such dots.
//
// Requires: row-major layouts, no calls.
absl::StatusOr<bool> DotsOfFewRows(Module& module, const PassContext& context);

}  // namespace ingot

#endif  // INGOT_PASSES_DOTS_OF_FEW_ROWS_H_
