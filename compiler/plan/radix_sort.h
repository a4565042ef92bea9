// radix_sort: rows that no block holds are sorted by radix passes (radix_pass.h), where the order
// is proved to be one of integers (ir/analysis/sort_order.h).  An entry is an element of each
// operand, or of those that are compared and the place in the row, by which the last pass has
// the others' elements.  What moves are the elements themselves, and each pass makes the digit
// anew from them: elements that tie and have other bits (-0, NaNs) need no places.  The keys'
// digits are taken from the least significant key on; a key has as many bits as its type.
#ifndef INGOT_COMPILER_PLAN_RADIX_SORT_H_
#define INGOT_COMPILER_PLAN_RADIX_SORT_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "compiler/plan/plan.h"
#include "ir/analysis/fusion_info.h"

namespace ingot::plan {

// The rows of a sort, and how far apart a row's elements are.
struct SortedRows {
  int64_t rows = 1;
  int64_t size = 1;
  int64_t inner = 1;
};
SortedRows SortedRowsOf(const Instruction& sort);

// A field of the entries: the element of operand `number`, or the place in the row.
struct RadixField {
  bool is_place = false;
  int64_t number = 0;
  ElementType type = ElementType::kU32;
};
std::vector<RadixField> RadixFieldsOf(const RadixSortPlan& plan, const Instruction& sort);

// Scratch: first the words (RadixWords), unless a tile holds a row; then field f of what pass p
// leaves, an array [rows, size].
struct RadixScratch {
  bool has_words = true;
  int fields = 1;
  int OfField(int f, int pass) const { return (has_words ? 1 : 0) + pass % 2 * fields + f; }
};
RadixScratch RadixScratchOf(const RadixSortPlan& plan, const Instruction& sort);

// The digits of the passes: bits of a key (of FindSortKeys) from `shift` on.
struct RadixDigitOf {
  int key = 0;
  int shift = 0;
  int bits = 1;
};
std::vector<RadixDigitOf> RadixDigitsOf(const Instruction& sort, int digit_bits);

// Adds plans for a sort of long rows on a GPU, the cheapest first, where merging takes longer.
void ProposeRadixSort(Skeleton skeleton, const Computation& fusion, const FusionInfo& info,
                      const Target& target, Numerics numerics, std::vector<FusionPlan>& candidates);

// The plan of these numbers, whose stage and pass say nothing, if it fits.
absl::StatusOr<FusionPlan> MakeRadixSort(const RadixSortPlan& work, const Computation& fusion,
                                         const Target& target);

// The part of Fits for these plans.
absl::Status RadixSortFits(const FusionPlan& plan, const Computation& fusion, const Target& target);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_RADIX_SORT_H_
