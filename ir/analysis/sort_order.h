// The order of a sort, where its comparator is one that integers have too.
#ifndef INGOT_IR_ANALYSIS_SORT_ORDER_H_
#define INGOT_IR_ANALYSIS_SORT_ORDER_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "ir/base/target.h"
#include "ir/instruction.h"

namespace ingot {

// Where an order has the NaNs of a float type.
enum class NanOrder : uint8_t {
  kByBits,  // those of a negative sign before all numbers, the others behind, by their bits
  kFirst,   // they tie, before all numbers
  kLast,    // they tie, behind all numbers
};

// One part of an order: elements of one operand, by value.  In ascending order integers are as they
// are, false is before true, and floats are as IEEE 754's totalOrder has them, but for what ties.
struct SortKey {
  int64_t operand = 0;
  bool descending = false;
  bool zeros_tie = false;  // -0 and 0
  NanOrder nans = NanOrder::kByBits;
  bool operator==(const SortKey&) const = default;

  // Elements that tie have the same bits.
  bool IsInjective(ElementType type) const;
};

// The parts of the order in which `sort` has its elements, the most significant one first; elements
// that tie in all of them are equal for the comparator.  Each part compares an operand of pred, an
// integer of 8 bits and more, f16, bf16, f32 or f64.  nullopt where the comparator is none of the
// forms that are proved:
//
//   part        compare(f(x), f(y)) by LT or GT, x and y the two elements of one operand
//   f(x)        x, or select(x == 0, 0, f(x)), or select(x != x, NaN, f(x))
//   order       part, or (part | (f(x) == f(y) & order)), or select(f(x) == f(y), order, part), or
//               select(f(x) != f(y), part, order)
//
// A partial comparison of floats is an order of numbers, where 0 and -0 tie; of data with NaNs it
// is none, and any result is right: here NaNs are the last of the ascending order.
//
// `sort` may be a topk too, which has one part: NaNs are the largest, and zeros tie.
std::optional<std::vector<SortKey>> FindSortKeys(const Instruction& sort);

// Whether blocks of a GPU's kernel select the elements of a topk: few of long rows.  Others are
// sorted (passes/expand_top_k.h).
bool SelectsInBlocks(const Instruction& topk, const Target& target);

// The operands whose elements the comparator reads, ascending.
std::vector<int64_t> ComparedOperands(const Instruction& sort);

}  // namespace ingot

#endif  // INGOT_IR_ANALYSIS_SORT_ORDER_H_
