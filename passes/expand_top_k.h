#ifndef INGOT_PASSES_EXPAND_TOP_K_H_
#define INGOT_PASSES_EXPAND_TOP_K_H_

#include "passes/pass.h"

namespace ingot {

// Sorts for topk, and slices of the sorted arrays.
//
//   %t = (f32[8,5], s32[8,5]) topk(%x), k=5  ==>  %s = (f32[8,100], s32[8,100]) sort(%x, iota),
//                                                   dimensions={1}, is_stable=true, to_apply=before
//                                                 %t = (slice of %s's first, slice of its second)
//
// The comparator has NaNs larger than all numbers, and 0 and -0 equal.  A topk stays what it is
// where kernels select its elements (SelectsInBlocks).
//
// Requires: row-major layouts, no calls.
absl::StatusOr<bool> ExpandTopK(Module& module, const PassContext& context);

}  // namespace ingot

#endif  // INGOT_PASSES_EXPAND_TOP_K_H_
