// merge_sort: blocks sort rows in shared memory.  A thread sorts a few elements in registers; then
// runs of neighbouring threads are merged, two at a time, each thread taking its part of the merged
// run: where that part begins in either run is found by a binary search (Green, Odeh and Birk,
// "Merge Path", 2014).  What is exchanged are records: what is compared of an element, and its
// place in the row, by which the results are gathered at last.  The order is stable.
//
// Of a row that no block holds, blocks sort tiles, and further kernels merge runs: a block makes a
// tile of a merged run, whose ends in both runs its warps look for first.
#ifndef INGOT_COMPILER_PLAN_MERGE_SORT_H_
#define INGOT_COMPILER_PLAN_MERGE_SORT_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "compiler/plan/plan.h"
#include "ir/analysis/fusion_info.h"

namespace ingot::plan {

// A field of the records: an integer that stands for a part of the order (by_key: key number
// `number` of FindSortKeys), or the element of operand `number`; or the place in the row.
struct SortField {
  enum class Kind : uint8_t { kKey, kElement, kPlace };
  Kind kind = Kind::kKey;
  int64_t number = 0;
  ElementType type = ElementType::kU32;  // in registers and memory
};
// The fields that `plan` exchanges of the elements of `sort`; the place, if it is one, is the last.
std::vector<SortField> FieldsOf(const MergeSortPlan& plan, const Instruction& sort);
// What lies in scratch between passes: field f of the records of pass p is scratch
// p % 2 * fields + f, an array [rows, elements of a row].

// Elements of a tile in shared memory, one more than those of its threads.  Threads have powers of
// two of keys alone, and one element is left out behind every kElementsOfPad, so that a warp's
// threads meet each bank once.
inline constexpr int kElementsOfPad = 32;
int64_t PitchOf(int64_t tile, bool keys_alone);

// Adds plans for a fusion whose root is a sort, the cheapest first.
void ProposeMergeSort(Skeleton skeleton, const Computation& fusion, const FusionInfo& info,
                      const Target& target, Numerics numerics, std::vector<FusionPlan>& candidates);

// The part of Fits for these plans.
absl::Status MergeSortFits(const FusionPlan& plan, const Computation& fusion, const Target& target);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_MERGE_SORT_H_
