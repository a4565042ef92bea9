// Merging groups of instructions along their edges, by what plans say of the costs.
#ifndef INGOT_PASSES_MERGE_GROUPS_H_
#define INGOT_PASSES_MERGE_GROUPS_H_

#include <vector>

#include "passes/pass.h"

namespace ingot {

// What is to become a fusion.
struct FusionGroup {
  std::vector<Instruction*> members;  // in topological order; may share cheap members with others
  std::vector<Instruction*> roots;    // the results
};

// The groups of a computation after merging.  A merge needs one walk for both, a cost below the sum
// of the two, and no other path from one to the other.  Values of which the kernel only sees
// another name (row-major reshapes) are copied into the groups that they connect.
//
// Then values that have fewer elements than a group's largest go up to it from a group that reduces
// them, where it stores no more for them and both cost less: the loss of each row is computed where
// the row is.
//
// Near linear: each edge is costed once, again when a neighbour was merged, and once at the
// end; groups are bounded.
std::vector<FusionGroup> MergeGroups(const Computation& computation,
                                     std::vector<FusionGroup> groups,
                                     const FusionCostFunction& cost);

}  // namespace ingot

#endif  // INGOT_PASSES_MERGE_GROUPS_H_
