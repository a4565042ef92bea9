#ifndef INGOT_PASSES_EXPAND_REDUCERS_H_
#define INGOT_PASSES_EXPAND_REDUCERS_H_

#include "passes/pass.h"

namespace ingot {

// A reduce whose computation has more code (CodeSize) than this is expanded.
inline constexpr int64_t kMostCodeOfReducer = 1500;

// Makes a reduce with a very long computation f a loop over the reduced elements, whose body has f
// on whole arrays.  There fusion may cut f into several kernels; a reduce has all of f in one.
//
//   %y = f32[8] reduce(%x, %z),        ==>  %y = the second element of
//     dimensions={1}, to_apply=f              while (i, y, x) = (0, broadcast(%z), transpose(%x))
//                                             while i < 100 do (i + 1, f(y, x[i]), x)
//
// Elements are combined one after the other in row-major order.  Each step launches kernels: slow,
// and in linear time to compile.
//
// Requires: row-major layouts, no calls.  Ensures: no reduce of one operand in a computation that
// runs as commands applies more code than kMostCodeOfReducer, where all that it applies is
// elementwise.
absl::StatusOr<bool> ExpandReducers(Module& module, const PassContext& context);

}  // namespace ingot

#endif  // INGOT_PASSES_EXPAND_REDUCERS_H_
