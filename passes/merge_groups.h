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
// Near linear: each edge is costed once, and again when a neighbour was merged; groups are bounded.
std::vector<FusionGroup> MergeGroups(const Computation& computation,
                                     std::vector<FusionGroup> groups,
                                     const FusionCostFunction& cost);

}  // namespace ingot

#endif  // INGOT_PASSES_MERGE_GROUPS_H_
