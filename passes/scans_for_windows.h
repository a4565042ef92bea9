#ifndef INGOT_PASSES_SCANS_FOR_WINDOWS_H_
#define INGOT_PASSES_SCANS_FOR_WINDOWS_H_

#include "passes/pass.h"

namespace ingot {

// Scans for cumulative windows, which reach from each element to an end of its dimension.  A window
// reads n elements for each of n results, a scan one.
//
//   %c = f32[8,100] reduce-window(%x, %init), window={size=1x100 pad=0_0x99_0}, to_apply=sum
//   ==>  %s = (f32[8,100], f32[8]) scan(%x, broadcast(%init)), dimensions={1}, num_carries=1,
//                                  is_associative=true, to_apply=sums;  %c = first of %s
//
// Windows that end with the dimension are reverse scans.  Sums and products of floats of fewer than
// 32 bits are computed in f32 and rounded once, as windows of them are.
//
// Requires: row-major layouts, no calls.
absl::StatusOr<bool> ScansForWindows(Module& module, const PassContext& context);

}  // namespace ingot

#endif  // INGOT_PASSES_SCANS_FOR_WINDOWS_H_
