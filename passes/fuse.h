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
// goes under a broadcast, a gather or a window). Values that cost nothing to compute again
// (constants of one value, their broadcasts, iota) are copied into each consumer, and so is what is
// best read through (IsReadThroughBest). Reductions, gathers and dynamic slices take producers in;
// convolutions, sorts, scans and scatters take in constants only. So do dots, but where the context
// tells costs: there they read through data movement, and what is elementwise behind them, or
// another order of their elements, is computed in their kernels (AroundDots).
//
// Then, where the context can say what a fusion would cost, groups are merged (MergeGroups): a
// producer into a consumer, and siblings that read one array, such as the sums of x and of x * x.
//
//   Algorithm: a queue of candidates, edges before siblings, by the time that they save.
//   1. A candidate enters with a guess: a launch, and the time to copy the bytes that it spares.
//   2. When it comes to the front, filters judge it, the cheapest first: what is known of the two
//      groups in constant time (operations, lengths of reductions), a path around it, sizes, and
//      the plan.  It goes back with what the plan saves, or is refused with a reason.
//   3. When it comes to the front again, it is merged, and the candidates next to it enter anew.
//
// At last, results that readers can compute themselves in no more time are not kept for them
// (RecomputeForReaders).
//
// A merged group may have several results.  Where the context has a log, each merge and each pair
// that is left is written there with its reason: `ingot opt MODEL --until=fuse --explain`.
//
// A fusion is bounded: the code of its instructions (kMostCodeOfFusion), and its inputs.  What is
// beyond a bound becomes a fusion of its own, so that twice the graph takes twice the time to
// compile.
//
// Requires: row-major layouts, no calls.  Ensures: no fusion is beyond the bounds, but for one
// whose root alone is.
absl::StatusOr<bool> Fuse(Module& module, const PassContext& context);

}  // namespace ingot

#endif  // INGOT_PASSES_FUSE_H_
