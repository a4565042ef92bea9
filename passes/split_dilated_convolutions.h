#ifndef INGOT_PASSES_SPLIT_DILATED_CONVOLUTIONS_H_
#define INGOT_PASSES_SPLIT_DILATED_CONVOLUTIONS_H_

#include "passes/pass.h"

namespace ingot {

// A convolution whose input has holes (lhs_dilate), the data gradient of a strided one say,
// multiplies them as zeros.  Positions of the result that have the same remainder by the dilation
// see the same part of the window, so one convolution without holes computes all remainders, each
// as output features of its own (the sub-pixel form: Shi et al., CVPR 2016, section 3.2).
//
//   %c = conv(%x, %w), window={size=4 pad=2_2 lhs_dilate=2}                %c: f positions, n
//   features
//   ==>  %v = concatenate(slice(%w, [0:4:2]), slice(%w, [1:4:2]))    of the odd, of the even
//   positions
//        %s = conv(%x, %v), window={size=2 …}                          f / 2 positions, 2 n
//        features %c = reshape(transpose(reshape(%s)))
//
// Parts of unlike sizes are filled up with zeros; remainders that see no element of the window are
// zeros behind the convolution.  So it is done where plans say that it saves more than what moves
// the elements costs (PassContext::product_cost).  Without that cost nothing changes, nor does it
// where each hole has to be multiplied, so that an infinite weight makes a NaN of it
// (PassContext::holes_are_zeros), nor with groups.  PassContext::fusion_log is told of each
// convolution that might change.
//
// Requires: row-major layouts, no calls.
absl::StatusOr<bool> SplitDilatedConvolutions(Module& module, const PassContext& context);

}  // namespace ingot

#endif  // INGOT_PASSES_SPLIT_DILATED_CONVOLUTIONS_H_
