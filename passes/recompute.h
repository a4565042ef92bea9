// Values that are computed again where they are read, rather than kept in memory.
#ifndef INGOT_PASSES_RECOMPUTE_H_
#define INGOT_PASSES_RECOMPUTE_H_

#include <vector>

#include "passes/group_graph.h"
#include "passes/pass.h"

namespace ingot {

// The groups of a computation, in which readers compute a result of another group themselves where
// that takes no more time, as `context` tells costs, and keeps fewer bytes alive; or less time, and
// keeps about as many.
//
//   P: x → f32 of x, its mean, result      P: x → its mean, result
//   C: f32 of x, mean → gradient      ==>  C: x, mean → gradient      (C makes f32 of x itself)
//
// A result is computed again by elementwise and data movement operations, from what the group
// reads and from those of its values that have fewer elements, such as sums, or are kept for others
// in any case.  All readers do so, or none.  Results of less than 32 KB stay.  A training step
// keeps the outputs of its convolutions in bf16 for the backward pass, and not what is made of them
// in f32.
//
// The groups come in the order in which they are to be outlined: what reads the results of a group,
// or computes them too, is before it.
//
// Near linear: each result is judged with the others of its group and alone, and has at most 8
// readers; groups are bounded.
std::vector<FusionGroup> RecomputeForReaders(const Computation& computation,
                                             std::vector<FusionGroup> groups,
                                             const PassContext& context);

}  // namespace ingot

#endif  // INGOT_PASSES_RECOMPUTE_H_
