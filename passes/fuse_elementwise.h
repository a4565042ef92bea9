#ifndef INGOT_PASSES_FUSE_ELEMENTWISE_H_
#define INGOT_PASSES_FUSE_ELEMENTWISE_H_

#include "passes/pass.h"

namespace ingot {

// Puts elementwise chains, and the data movement that feeds them, into one fusion: one kernel that
// reads its inputs once.
//
//   %1 = f32[8] exponential(%0)               ROOT %2 = f32[8] fusion(%0), kind=kLoop, calls=fused
//   { ROOT %2 = f32[8] negate(%1)        ==>      p = f32[8] parameter(0)
//                                               e = f32[8] exponential(p)
//                                               ROOT n = f32[8] negate(e) }
//
// A producer joins its consumer's fusion when every user is in that fusion, and on the way to the
// root no value is computed more than once for each element (nothing but cheap values goes under a
// broadcast, a gather or a window). Values that cost nothing to compute again (scalar constants,
// their broadcasts, iota) are copied into each consumer. Reductions, gathers and dynamic slices
// take producers in; contractions, sorts, scans and scatters take in constants only. Requires:
// row-major layouts, no calls.  Ensures: no elementwise instruction has a single elementwise user
// outside its fusion.
absl::StatusOr<bool> FuseElementwise(Module& module, const PassContext& context);

}  // namespace ingot

#endif  // INGOT_PASSES_FUSE_ELEMENTWISE_H_
