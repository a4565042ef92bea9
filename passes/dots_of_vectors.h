#ifndef INGOT_PASSES_DOTS_OF_VECTORS_H_
#define INGOT_PASSES_DOTS_OF_VECTORS_H_

#include "passes/pass.h"

namespace ingot {

// Where one operand of a dot has nothing but batch and contracted dimensions, each element of the
// other one is used once: the dot is bound by memory, and is a sum of products on a GPU.
//
//   %y = bf16[4096] dot(%a, %x)       ==>  %p = f32[4096,512] multiply(convert(%a),
//     of bf16[4096,512], bf16[512]                                     broadcast(convert(%x)))
//                                          %y = bf16[4096] convert(reduce(%p, 0), by add)
//
// Sums are of f32, or of a wider result's type, as a dot's are, in an order that plans decide; the
// last digits may change.  A host has a library for such dots.
//
// Requires: row-major layouts, no calls.
absl::StatusOr<bool> DotsOfVectors(Module& module, const PassContext& context);

}  // namespace ingot

#endif  // INGOT_PASSES_DOTS_OF_VECTORS_H_
