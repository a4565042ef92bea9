// Merging groups of instructions, by what plans say of the costs.
#ifndef INGOT_PASSES_MERGE_GROUPS_H_
#define INGOT_PASSES_MERGE_GROUPS_H_

#include <vector>

#include "passes/group_graph.h"
#include "passes/pass.h"

namespace ingot {

// Bounds of a group that is more than a chain: operations, inputs and results, results.
inline constexpr size_t kMostMembers = 512;
inline constexpr size_t kMostBuffers = 64;
inline constexpr size_t kMostRoots = 12;

// The groups of a computation after merging.  `context` tells what fusions cost.
//
// The candidates stand in a queue: edges first, then siblings, each by the time that they save as
// plans see it.  After a merge the candidates next to it are judged anew, and no others.
//
// Candidates are a producer with a consumer of its values, and siblings: two groups of which
// neither reads the other and that read one array, of at least as many elements as the smaller
// group's largest.  A merge needs one walk for both, a cost below the sum of the two, and no other
// path from one to the other; a group has at most 512 operations, 64 buffers and 12 results, and
// siblings become one of at most 8 results. Values of which the kernel only sees another name
// (row-major reshapes) are copied into the groups that they connect.  The cheapest filter that can
// refuses a candidate: what is known of the two groups in constant time, then a path, then sizes,
// then the plan.
//
// When the queue is empty, values that have fewer elements than a group's largest go up to it from
// a group that reduces them, where it stores no more for them and both cost less: the loss of each
// row is computed where the row is.  The candidates next to such a move are judged again.
//
// Near linear: a candidate is planned once, and again when one of its two was merged; a group is a
// sibling of at most 4 others before and behind it for each of its inputs; groups are bounded.
//
// If `context` has a log, it gets a part for this computation.
std::vector<FusionGroup> MergeGroups(const Computation& computation,
                                     std::vector<FusionGroup> groups, const PassContext& context);

}  // namespace ingot

#endif  // INGOT_PASSES_MERGE_GROUPS_H_
