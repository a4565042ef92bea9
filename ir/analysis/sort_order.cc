#include "ir/analysis/sort_order.h"

#include <cmath>
#include <utility>

#include "ir/module.h"

namespace ingot {
namespace {

// Longer chains, of parts and of selects, are no order that anybody writes.
constexpr int kMostParts = 64;
constexpr int kMostSelects = 3;

// f(x) of an element of an operand.
struct Term {
  int64_t parameter = 0;  // of the comparator
  bool zeros_tie = false;
  NanOrder nans = NanOrder::kByBits;

  int64_t operand() const { return parameter / 2; }
  bool SameFunction(const Term& other) const {
    return operand() == other.operand() && zeros_tie == other.zeros_tie && nans == other.nans;
  }
};

bool IsTotal(const CompareAttributes& compare) {
  return compare.order == ComparisonOrder::kTotal || compare.type == ComparisonType::kTotalOrder;
}

bool IsOrdered(ElementType type) {
  return type == ElementType::kPred || (IsInteger(type) && BitWidth(type) >= 8) ||
         (IsFloat(type) && BitWidth(type) >= 16);
}

const Literal* ScalarOf(const Instruction& instruction) {
  if (instruction.opcode() != Opcode::kConstant || !instruction.shape().IsScalar()) return nullptr;
  const Literal& literal = instruction.literal();
  return literal.is_elided() ? nullptr : &literal;
}

bool IsZero(const Instruction& instruction) {
  const Literal* literal = ScalarOf(instruction);
  return literal != nullptr && IsFloat(literal->shape().element_type()) &&
         literal->AsDouble(0) == 0;
}

bool IsNan(const Instruction& instruction) {
  const Literal* literal = ScalarOf(instruction);
  return literal != nullptr && IsFloat(literal->shape().element_type()) &&
         std::isnan(literal->AsDouble(0));
}

// The sign of a scalar float: the top bit of its last byte.
bool IsNegative(const Instruction& constant) {
  return (std::to_integer<int>(constant.literal().bytes().back()) & 0x80) != 0;
}

// `selects` bounds those that f is made of.
std::optional<Term> TermOf(const Instruction& value, int selects = kMostSelects);

// Whether `compare` tells of the element behind `term` whether it is zero, by `==` with 0, or NaN,
// by `!=` with itself.  What f does to the element changes neither.
bool TellsZero(const Instruction& compare, const Term& term, int selects) {
  if (compare.opcode() != Opcode::kCompare) return false;
  const CompareAttributes& attributes = compare.attributes<CompareAttributes>();
  if (attributes.direction != ComparisonDirection::kEq || IsTotal(attributes)) return false;
  for (int side = 0; side < 2; ++side) {
    if (!IsZero(*compare.operand(1 - side))) continue;
    const std::optional<Term> element = TermOf(*compare.operand(side), selects);
    if (element.has_value() && element->parameter == term.parameter) return true;
  }
  return false;
}
bool TellsNan(const Instruction& compare, const Term& term, int selects) {
  if (compare.opcode() != Opcode::kCompare) return false;
  const CompareAttributes& attributes = compare.attributes<CompareAttributes>();
  if (attributes.direction != ComparisonDirection::kNe || IsTotal(attributes)) return false;
  if (compare.operand(0) != compare.operand(1)) return false;
  const std::optional<Term> element = TermOf(*compare.operand(0), selects);
  return element.has_value() && element->parameter == term.parameter;
}

std::optional<Term> TermOf(const Instruction& value, int selects) {
  if (value.opcode() == Opcode::kParameter) return Term{value.parameter_number()};
  if (value.opcode() != Opcode::kSelect || !IsFloat(value.shape().element_type()) || selects == 0) {
    return std::nullopt;
  }
  std::optional<Term> term = TermOf(*value.operand(2), selects - 1);
  if (!term.has_value()) return std::nullopt;
  const Instruction& constant = *value.operand(1);
  if (IsZero(constant) && TellsZero(*value.operand(0), *term, selects - 1)) {
    term->zeros_tie = true;
    return term;
  }
  if (IsNan(constant) && TellsNan(*value.operand(0), *term, selects - 1)) {
    term->nans = IsNegative(constant) ? NanOrder::kFirst : NanOrder::kLast;
    return term;
  }
  return std::nullopt;
}

// A comparison of the two elements of one operand by the same f.
struct Comparison {
  Term left;  // of the element that is compared: the first, if its parameter is even
  ComparisonDirection direction;
  bool is_total = false;
  ElementType type;
};
std::optional<Comparison> ComparisonOf(const Instruction& value) {
  if (value.opcode() != Opcode::kCompare) return std::nullopt;
  const ElementType type = value.operand(0)->shape().element_type();
  const std::optional<Term> left = TermOf(*value.operand(0));
  const std::optional<Term> right = TermOf(*value.operand(1));
  if (!left.has_value() || !right.has_value() || !IsOrdered(type)) return std::nullopt;
  if (left->parameter == right->parameter || !left->SameFunction(*right)) return std::nullopt;
  const CompareAttributes& attributes = value.attributes<CompareAttributes>();
  // An integer type has one order; who names another one's is refused elsewhere.
  return Comparison{*left, attributes.direction, !IsFloat(type) || IsTotal(attributes), type};
}

std::optional<SortKey> PartOf(const Comparison& comparison) {
  const bool less = comparison.direction == ComparisonDirection::kLt;
  if (!less && comparison.direction != ComparisonDirection::kGt) return std::nullopt;
  SortKey key;
  key.operand = comparison.left.operand();
  key.descending = less != (comparison.left.parameter % 2 == 0);
  key.zeros_tie = comparison.left.zeros_tie;
  key.nans = comparison.left.nans;
  if (!comparison.is_total) {
    key.zeros_tie = true;
    key.nans = NanOrder::kLast;
  }
  return key;
}

// Whether `value` says that the elements which `part` compares tie, or, negated, that they do not.
bool TellsTie(const Instruction& value, const Comparison& part, bool negated) {
  const std::optional<Comparison> tie = ComparisonOf(value);
  return tie.has_value() && tie->left.SameFunction(part.left) && tie->is_total == part.is_total &&
         tie->direction == (negated ? ComparisonDirection::kNe : ComparisonDirection::kEq);
}

// Of an order: its first part, and the order among what ties there.
struct Chain {
  const Instruction* part;
  const Instruction* rest;
};

// The ways to write (part | (tie & rest)) by which `value` may be a chain.
std::vector<std::pair<Chain, std::pair<const Instruction*, bool>>> ChainsOf(
    const Instruction& value) {
  std::vector<std::pair<Chain, std::pair<const Instruction*, bool>>> chains;
  if (value.opcode() == Opcode::kSelect) {
    const Instruction* tie = value.operand(0);
    chains.push_back({{value.operand(2), value.operand(1)}, {tie, false}});
    chains.push_back({{value.operand(1), value.operand(2)}, {tie, true}});
  } else if (value.opcode() == Opcode::kOr) {
    for (int side = 0; side < 2; ++side) {
      const Instruction& both = *value.operand(1 - side);
      if (both.opcode() != Opcode::kAnd) continue;
      for (int tie = 0; tie < 2; ++tie) {
        chains.push_back(
            {{value.operand(side), both.operand(1 - tie)}, {both.operand(tie), false}});
      }
    }
  }
  return chains;
}

std::optional<std::vector<SortKey>> OrderOf(const Instruction& root) {
  std::vector<SortKey> keys;
  const Instruction* value = &root;
  while (keys.size() < kMostParts) {
    if (const std::optional<Comparison> last = ComparisonOf(*value)) {
      const std::optional<SortKey> part = PartOf(*last);
      if (!part.has_value()) return std::nullopt;
      keys.push_back(*part);
      return keys;
    }
    const Instruction* rest = nullptr;
    for (const auto& [chain, tie] : ChainsOf(*value)) {
      const std::optional<Comparison> first = ComparisonOf(*chain.part);
      if (!first.has_value() || !TellsTie(*tie.first, *first, tie.second)) continue;
      const std::optional<SortKey> part = PartOf(*first);
      if (!part.has_value()) return std::nullopt;
      keys.push_back(*part);
      rest = chain.rest;
      break;
    }
    if (rest == nullptr) return std::nullopt;
    value = rest;
  }
  return std::nullopt;
}

}  // namespace

bool SortKey::IsInjective(ElementType type) const {
  return !IsFloat(type) || (!zeros_tie && nans == NanOrder::kByBits);
}

std::optional<std::vector<SortKey>> FindSortKeys(const Instruction& sort) {
  if (sort.opcode() == Opcode::kTopK) {
    if (!IsOrdered(sort.operand(0)->shape().element_type())) return std::nullopt;
    const bool descending = sort.attributes<TopKAttributes>().largest;
    return std::vector<SortKey>{{0, descending, /*zeros_tie=*/true, NanOrder::kLast}};
  }
  return OrderOf(*sort.to_apply()->root());
}

bool SelectsInBlocks(const Instruction& topk, const Target& target) {
  // A block has room for the k first, as many candidates, and more.
  constexpr int64_t kMost = 1024, kBytesOfEach = 32;
  constexpr int64_t kLeastOfRow = 4;  // times k; else a sort does no more
  constexpr int64_t kLongestRow = int64_t{1} << 30;
  const Shape& shape = topk.operand(0)->shape();
  if (target.platform != Platform::kCuda || shape.HasDynamicDimension()) return false;
  const int64_t k = topk.attributes<TopKAttributes>().k;
  const int64_t size = shape.dimensions().back();
  return FindSortKeys(topk).has_value() && shape.ElementCount() > 0 && k >= 1 && k <= kMost &&
         k * kBytesOfEach <= target.shared_bytes && size / kLeastOfRow >= k && size <= kLongestRow;
}

std::vector<int64_t> ComparedOperands(const Instruction& sort) {
  std::vector<int64_t> compared;
  const std::vector<Instruction*>& parameters = sort.to_apply()->parameters();
  for (int64_t k = 0; k < sort.operand_count(); ++k) {
    if (!parameters[2 * k]->users().empty() || !parameters[2 * k + 1]->users().empty() ||
        sort.to_apply()->root() == parameters[2 * k] ||
        sort.to_apply()->root() == parameters[2 * k + 1]) {
      compared.push_back(k);
    }
  }
  return compared;
}

}  // namespace ingot
