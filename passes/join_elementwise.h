#ifndef INGOT_PASSES_JOIN_ELEMENTWISE_H_
#define INGOT_PASSES_JOIN_ELEMENTWISE_H_

#include "passes/pass.h"

namespace ingot {

// Joins small elementwise fusions of the computation's own parameters, whose results have as many
// elements and are read one soon after the other: one kernel, and one launch, instead of several.
//
//   %u = bf16[768,3072] fusion(%w0), calls=convert      %w2 = f32[2359296] reshape(%w0)
//   %v = bf16[3072,768] fusion(%w1), calls=convert  ==> %w3 = f32[2359296] reshape(%w1)
//                                                       %t = (bf16[2359296], bf16[2359296])
//                                                              fusion(%w2, %w3), calls=both
//                                                       …reshapes of its elements
//
// What only parameters are read for can be computed at any time, so that no path joins two such.
// Results live longer by the kernels between their readers: few, and of few bytes.
//
// Only where the context tells costs: elsewhere kernels have no launch to save.
// Requires: fusions (wrap-in-fusions), row-major layouts.  Linear.
absl::StatusOr<bool> JoinElementwise(Module& module, const PassContext& context);

}  // namespace ingot

#endif  // INGOT_PASSES_JOIN_ELEMENTWISE_H_
