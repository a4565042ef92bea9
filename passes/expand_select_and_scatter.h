#ifndef INGOT_PASSES_EXPAND_SELECT_AND_SCATTER_H_
#define INGOT_PASSES_EXPAND_SELECT_AND_SCATTER_H_

#include "passes/pass.h"

namespace ingot {

// For select-and-scatter, the gradient of a max pooling: a window that finds the place of the
// element that each position selects, and a sum over the places of the window, each of which is the
// source with holes.
//
//   %g = f32[8] select-and-scatter(%x, %dy, %zero), window={size=2 stride=2}, select=ge,
//   scatter=add
//   ==>  (%v, %p) = reduce-window(%x, iota), window={size=2 stride=2}, to_apply=selected
//        %g = sum over t = 1, 0 of select(pad(%p, -1, t_.._1) == iota, pad(%dy, 0, t_.._1), 0)
//
// An element of the operand would else search each window that it lies in.  Windows of many
// elements stay what they are: the sum has a term for each.
//
// Requires: row-major layouts, no calls.
absl::StatusOr<bool> ExpandSelectAndScatter(Module& module, const PassContext& context);

}  // namespace ingot

#endif  // INGOT_PASSES_EXPAND_SELECT_AND_SCATTER_H_
