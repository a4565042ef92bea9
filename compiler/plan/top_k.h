// topk: a block goes through a row, some elements a thread at once, and keeps the k first records
// (a key and the place in the row) of what it has seen.  Elements that stand before the k-th go to
// the rest of a tile in shared memory; where that is full, the tile is sorted as merge_sort's are,
// and the k first stay.  Few elements of a row in no order get that far.
#ifndef INGOT_COMPILER_PLAN_TOP_K_H_
#define INGOT_COMPILER_PLAN_TOP_K_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "compiler/plan/plan.h"

namespace ingot::plan {

// The type of keys of elements of `type`: u32, or u64 for 64 bits.
ElementType KeyTypeOf(ElementType type);

// Of a row, the elements that a block of this plan looks at together: half of what the tile has.
int64_t ElementsAtOnce(const MergeSortPlan& plan);

// Adds plans for a topk that SelectsInBlocks (ir/analysis/sort_order.h), the cheapest first.
void ProposeTopK(const Computation& fusion, const Target& target,
                 std::vector<FusionPlan>& candidates);

// The part of Fits for these plans.
absl::Status TopKFits(const FusionPlan& plan, const Computation& fusion, const Target& target);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_TOP_K_H_
