#ifndef INGOT_PASSES_HOIST_FROM_LOOPS_H_
#define INGOT_PASSES_HOIST_FROM_LOOPS_H_

#include "passes/pass.h"

namespace ingot {

// Computes before a loop what each of its trips would compute alike.  What trips need of it becomes
// an element of the loop's state that no trip changes.
//
// - Values of elements of the state that no trip changes, where they are no larger than what they
//   are made of and take a kernel by themselves: products, reductions, elementwise work, and what
//   stands behind an opt-barrier.  Data movement stays, for kernels read through it.
// - Where plans say that it is faster (PassContext::product_cost): a product of one matrix with one
//   slice of an array a trip is one product with the whole array, of which each trip takes a slice.
//
//     body:    %s = f32[1,64,256] dynamic-slice(%x, %i, 0, 0)
//              %d = f32[64,512] dot(reshape(%s), %w)
//     ==>
//     before:  %all = f32[128,64,512] dot(%x, %w)
//     body:    %d = reshape(dynamic-slice(%all, %i, 0, 0))
//
//   The array has at most as many slices as the loop has trips (ir/analysis/trip_count.h).
//
// A loop that makes no trip wastes what is computed before it; nothing that is moved can fail.
//
// Requires: row-major layouts, no calls.
absl::StatusOr<bool> HoistFromLoops(Module& module, const PassContext& context);

}  // namespace ingot

#endif  // INGOT_PASSES_HOIST_FROM_LOOPS_H_
