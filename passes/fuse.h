#ifndef INGOT_PASSES_FUSE_H_
#define INGOT_PASSES_FUSE_H_

#include "passes/pass.h"

namespace ingot {

// Puts instructions that one kernel, or a few of one plan, can compute into one fusion.
//
//   %1 = f32[8] exponential(%0)               ROOT %2 = f32[8] fusion(%0), kind=kLoop, calls=fused
//   { ROOT %2 = f32[8] negate(%1)        ==>      p = f32[8] parameter(0)
//                                               e = f32[8] exponential(p)
//                                               ROOT n = f32[8] negate(e) }
//
// First, chains: a producer joins its consumer's group when every user is in that group, and on the
// way to the root no value is computed more than once for each element (nothing but cheap values
// goes under a broadcast, a gather or a window). Values that cost nothing to compute again (scalar
// constants, their broadcasts, iota) are copied into each consumer. Reductions, gathers and dynamic
// slices take producers in; contractions, sorts, scans and scatters take in constants only.
//
// Then, where the context can say what a fusion would cost, groups are merged along their edges,
// those that save most bytes first: when one walk computes both and costs less than the two apart.
// A merged group may have several results.
//
// A fusion is bounded: the code of its instructions (kMostCodeOfFusion), and its inputs.  What is
// beyond a bound becomes a fusion of its own, so that twice the graph takes twice the time to
// compile.
//
// Requires: row-major layouts, no calls.  Ensures: within the bounds, no elementwise instruction
// has a single elementwise user outside its fusion.
absl::StatusOr<bool> Fuse(Module& module, const PassContext& context);

}  // namespace ingot

#endif  // INGOT_PASSES_FUSE_H_
