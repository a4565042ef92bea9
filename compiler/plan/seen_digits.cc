#include "compiler/plan/seen_digits.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "compiler/plan/analysis.h"
#include "ir/analysis/op_facts.h"

namespace ingot::plan {
namespace {

// Terms from which on a sum's order shows: a tree of them rounds eight times.
constexpr int64_t kManyTerms = 256;

// How many digits are seen, fewest first.
// kExactly: something tells two values apart, however unsettled they are.
enum class Digits : uint8_t { kNarrow, kLoose, kAll, kExactly };

bool IsF32(const Instruction& instruction) {
  return instruction.shape().IsArray() && instruction.shape().element_type() == ElementType::kF32;
}

bool HasShortExpansion(const Instruction& instruction) {
  return IsF32(instruction) &&
         IsOneOf(instruction.opcode(),
                 {Opcode::kDivide, Opcode::kExp, Opcode::kLogistic, Opcode::kRsqrt, Opcode::kTanh});
}

bool IsSum(const Instruction& instruction) {
  return instruction.opcode() == Opcode::kReduce && instruction.operand_count() == 2 &&
         IsF32(instruction) && SimpleCombiner(*instruction.to_apply()) == Opcode::kAdd;
}

bool HasManyTerms(const Instruction& sum) {
  const int64_t terms = ElementsOf(sum.operand(0)->shape());
  const int64_t results = ElementsOf(sum.shape());
  return results > 0 && terms / results >= kManyTerms;
}

// The sign of a constant that is 1 or -1 everywhere; 0 for others.
int SignOfOne(const Instruction& instruction) {
  const Instruction* source = &instruction;
  while (HasFact(source->opcode(), kMoves) && source->operand_count() == 1) {
    source = source->operand(0);
  }
  if (!IsConstantOfOneValue(*source) || !IsF32(*source)) return 0;
  if (ElementsOf(source->shape()) == 0 || source->literal().is_elided()) return 0;
  const double value = source->literal().AsDouble(0);
  return value == 1 ? 1 : value == -1 ? -1 : 0;
}

bool IsZero(const Instruction& instruction) {
  if (instruction.opcode() != Opcode::kConstant || !IsF32(instruction)) return false;
  const absl::Span<const std::byte> bytes = instruction.literal().bytes();
  return std::all_of(bytes.begin(), bytes.end(),
                     [](std::byte byte) { return byte == std::byte{0}; });
}

// Facts that follow from operands.  Of instructions that have one number all must agree, so that
// too coarse numbers cost digits that nobody sees, no others.
class Facts {
 public:
  explicit Facts(const FusionMembers& members)
      : numbers_(members.numbers()), members_(members), flags_(numbers_.count(), 0) {
    // All that a fusion computes has every fact, until one of them turns out not to follow.
    const auto visit = [&](const auto& each) {
      for (const EqualFusions& group : members.groups()) {
        for (const Computation* fusion : group) {
          for (const Instruction* instruction : fusion->instructions()) {
            if (instruction->opcode() != Opcode::kParameter) each(*instruction);
          }
        }
      }
    };
    visit([&](const Instruction& instruction) {
      if (IsF32(instruction)) flags_[numbers_.NumberOf(instruction)] = kUnsettled | kPositive;
    });
    visit([&](const Instruction& instruction) { Update(instruction); });
    // A fact holds at a place of equal fusions if it does in each of them.
    for (const EqualFusions& group : members.groups()) {
      for (const Instruction* first : group[0]->instructions()) {
        const std::vector<const Instruction*> places = members_.AtSamePlace(*first);
        uint8_t kept = kUnsettled | kPositive;
        for (const Instruction* place : places) kept &= flags_[numbers_.NumberOf(*place)];
        for (const Instruction* place : places) Keep(*place, kept);
      }
    }
    while (!queue_.empty()) {
      const int64_t number = queue_.back();
      queue_.pop_back();
      for (const Instruction* member : members_.WithNumber(number)) {
        for (const Instruction* user : member->users()) Update(*user);
        for (const Instruction* same : members_.AtSamePlace(*member)) {
          Keep(*same, flags_[number]);
        }
      }
    }
  }

  // Zeros count: they stay what they are beside any factor.
  bool IsUnsettled(const Instruction& instruction) const { return Has(instruction, kUnsettled); }
  // No element is below zero, NaN aside.
  bool IsPositive(const Instruction& instruction) const { return Has(instruction, kPositive); }

 private:
  enum Flag : uint8_t { kUnsettled = 1, kPositive = 2 };

  bool Has(const Instruction& instruction, Flag flag) const {
    return (flags_[numbers_.NumberOf(instruction)] & flag) != 0;
  }

  void Update(const Instruction& instruction) {
    uint8_t found = kUnsettled | kPositive;
    if (!ComesOutUnsettled(instruction)) found &= ~kUnsettled;
    if (!ComesOutPositive(instruction)) found &= ~kPositive;
    Keep(instruction, found);
  }

  // Takes away the facts that are not in `kept`.
  void Keep(const Instruction& instruction, uint8_t kept) {
    uint8_t& flags = flags_[numbers_.NumberOf(instruction)];
    if ((flags & kept) == flags) return;
    flags &= kept;
    queue_.push_back(numbers_.NumberOf(instruction));
  }

  bool ComesOutUnsettled(const Instruction& instruction) const {
    const Opcode opcode = instruction.opcode();
    const auto is = [&](int64_t k) { return IsUnsettled(*instruction.operand(k)); };
    if (opcode == Opcode::kConstant) return IsZero(instruction);
    if (opcode == Opcode::kReduce) {
      return IsSum(instruction) && (HasManyTerms(instruction) || (is(0) && is(1)));
    }
    if (opcode == Opcode::kSelect) return is(1) && is(2);
    if (HasFact(opcode, kMoves) || IsOneOf(opcode, {Opcode::kAbs, Opcode::kNegate})) return is(0);
    if (IsOneOf(opcode, {Opcode::kAdd, Opcode::kSubtract})) return is(0) && is(1);
    return IsOneOf(opcode, {Opcode::kDivide, Opcode::kMultiply}) && (is(0) || is(1));
  }

  bool ComesOutPositive(const Instruction& instruction) const {
    const Opcode opcode = instruction.opcode();
    const auto is = [&](int64_t k) { return IsPositive(*instruction.operand(k)); };
    if (IsOneOf(opcode,
                {Opcode::kAbs, Opcode::kExp, Opcode::kLogistic, Opcode::kRsqrt, Opcode::kSqrt})) {
      return true;
    }
    if (opcode == Opcode::kConstant) return IsZero(instruction);
    if (opcode == Opcode::kReduce) return IsSum(instruction) && is(0) && is(1);
    if (opcode == Opcode::kSelect) return is(1) && is(2);
    if (HasFact(opcode, kMoves)) return is(0);
    if (opcode == Opcode::kMultiply && instruction.operand(0) == instruction.operand(1)) {
      return true;
    }
    return IsOneOf(opcode, {Opcode::kAdd, Opcode::kDivide, Opcode::kMultiply}) && is(0) && is(1);
  }

  const ValueNumbers& numbers_;
  const FusionMembers& members_;
  std::vector<uint8_t> flags_;  // by value
  std::vector<int64_t> queue_;
};

// How many digits of each value are seen, found from consumers to producers.
class Uses {
 public:
  explicit Uses(const FusionMembers& members)
      : numbers_(members.numbers()),
        members_(members),
        facts_(members),
        seen_(numbers_.count(), Digits::kNarrow) {
    for (const EqualFusions& group : members.groups()) {
      for (const Computation* fusion : group) {
        See(*fusion->root(), Digits::kAll);
        for (const Instruction* instruction : fusion->instructions()) SeeOperands(*instruction);
      }
    }
    while (!queue_.empty()) {
      const int64_t number = queue_.back();
      queue_.pop_back();
      for (const Instruction* member : members_.WithNumber(number)) {
        SeeOperands(*member);
        for (const Instruction* same : members_.AtSamePlace(*member)) See(*same, seen_[number]);
      }
    }
    FindShifts();
  }

  Digits SeenOf(const Instruction& instruction) const {
    return seen_[numbers_.NumberOf(instruction)];
  }
  // 1 or -1: of a tanh that is seen only as a sum with it, which is narrow; 0: of others.
  int ShiftOf(const Instruction& instruction) const {
    const auto it = shifts_.find(numbers_.NumberOf(instruction));
    return it == shifts_.end() ? 0 : it->second;
  }

 private:
  void FindShifts() {
    std::vector<std::vector<const Instruction*>> places;  // of each tanh, in equal fusions
    for (const EqualFusions& group : members_.groups()) {
      for (const Instruction* first : group[0]->instructions()) {
        if (first->opcode() != Opcode::kTanh || !IsF32(*first)) continue;
        places.push_back(members_.AtSamePlace(*first));
        for (const Instruction* tanh : places.back()) {
          const int shift = ShiftByUses(*tanh);
          int& known = shifts_.try_emplace(numbers_.NumberOf(*tanh), shift).first->second;
          if (known != shift) known = 0;
        }
      }
    }
    // Those at one place are one instruction.
    for (bool changed = true; changed;) {
      changed = false;
      for (const std::vector<const Instruction*>& place : places) {
        const int first = ShiftOf(*place[0]);
        const auto agrees = [&](const Instruction* tanh) { return ShiftOf(*tanh) == first; };
        if (std::all_of(place.begin(), place.end(), agrees)) continue;
        for (const Instruction* tanh : place) shifts_[numbers_.NumberOf(*tanh)] = 0;
        changed = true;
      }
    }
  }
  int ShiftByUses(const Instruction& instruction) const {
    if (instruction.users().empty() || &instruction == instruction.parent()->root()) return 0;
    int shift = 0;
    for (const Instruction* user : instruction.users()) {
      if (!IsOneOf(user->opcode(), {Opcode::kAdd, Opcode::kSubtract})) return 0;
      if (user->operand(0) == user->operand(1) || SeenOf(*user) > Digits::kNarrow) return 0;
      const bool is_first = user->operand(0) == &instruction;
      int sign = SignOfOne(*user->operand(is_first ? 1 : 0));
      if (user->opcode() == Opcode::kSubtract) sign = -sign;
      if (sign == 0 || (shift != 0 && shift != sign)) return 0;
      shift = sign;
    }
    return shift;
  }

  void See(const Instruction& instruction, Digits digits) {
    const int64_t number = numbers_.NumberOf(instruction);
    if (digits == Digits::kAll && facts_.IsUnsettled(instruction)) digits = Digits::kLoose;
    if (digits <= seen_[number]) return;
    seen_[number] = digits;
    queue_.push_back(number);
  }

  void SeeOperands(const Instruction& user) {
    for (int64_t k = 0; k < user.operand_count(); ++k) {
      if (IsF32(*user.operand(k))) See(*user.operand(k), SeenBy(user, k));
    }
  }

  // What an op that computes with all digits sees of its operand.
  Digits AllOf(const Instruction& user) const { return std::max(SeenOf(user), Digits::kAll); }

  Digits SeenBy(const Instruction& user, int64_t operand) const {
    const Opcode opcode = user.opcode();
    if (opcode == Opcode::kTuple) return Digits::kAll;
    if (opcode == Opcode::kReduce) return SeenBySum(user, operand);
    if (opcode == Opcode::kSelect) return operand == 0 ? Digits::kExactly : SeenOf(user);
    if (opcode == Opcode::kConvert) {
      const ElementType type = user.shape().element_type();
      if (type == ElementType::kBF16 || type == ElementType::kF16) return Digits::kNarrow;
      return type == ElementType::kF64 ? AllOf(user) : Digits::kExactly;
    }
    if (HasFact(opcode, kMoves) ||
        IsOneOf(opcode, {Opcode::kAbs, Opcode::kNegate, Opcode::kRsqrt, Opcode::kSqrt})) {
      return SeenOf(user);
    }
    if (IsOneOf(opcode, {Opcode::kDivide, Opcode::kMultiply})) {
      // A square doubles a relative error.
      if (user.operand(0) == user.operand(1)) return AllOf(user);
      const bool beside = facts_.IsUnsettled(*user.operand(1 - operand));
      return beside && SeenOf(user) == Digits::kAll ? Digits::kLoose : SeenOf(user);
    }
    return IsOneOf(opcode, {Opcode::kAdd, Opcode::kSubtract, Opcode::kExp, Opcode::kLog,
                            Opcode::kTanh, Opcode::kLogistic})
               ? AllOf(user)
               : Digits::kExactly;
  }

  Digits SeenBySum(const Instruction& sum, int64_t operand) const {
    if (!IsSum(sum)) return Digits::kExactly;
    const bool is_positive =
        facts_.IsPositive(*sum.operand(0)) && facts_.IsPositive(*sum.operand(1));
    const Digits seen = is_positive ? SeenOf(sum) : AllOf(sum);
    return operand == 0 && HasManyTerms(sum) ? std::min(seen, Digits::kLoose) : seen;
  }

  const ValueNumbers& numbers_;
  const FusionMembers& members_;
  const Facts facts_;
  std::vector<Digits> seen_;  // by value
  std::vector<int64_t> queue_;
  absl::flat_hash_map<int64_t, int> shifts_;  // by value, of each tanh
};

}  // namespace

std::vector<SeenDigits> FindSeenDigits(const FusionMembers& members) {
  const Uses uses(members);
  std::vector<SeenDigits> found;
  for (const EqualFusions& group : members.groups()) {
    SeenDigits& digits = found.emplace_back();
    for (const Instruction* instruction : group[0]->instructions()) {
      if (!HasShortExpansion(*instruction)) continue;
      const int shift = uses.ShiftOf(*instruction);
      if (shift != 0) {
        (shift > 0 ? digits.plus_one : digits.minus_one).push_back(instruction->id());
        continue;
      }
      const Digits seen = uses.SeenOf(*instruction);
      if (seen == Digits::kLoose) digits.loose.push_back(instruction->id());
      if (seen == Digits::kNarrow) digits.narrow.push_back(instruction->id());
    }
    for (std::vector<int64_t>* ids :
         {&digits.loose, &digits.narrow, &digits.plus_one, &digits.minus_one}) {
      std::sort(ids->begin(), ids->end());
    }
  }
  return found;
}

const Instruction* UnroundedProduct(const Instruction& reduce) {
  if (!IsSum(reduce) || !HasManyTerms(reduce)) return nullptr;
  const Instruction& term = *reduce.operand(0);
  const bool is_product = term.opcode() == Opcode::kMultiply && IsF32(term);
  return is_product && term.users().size() == 1 ? &term : nullptr;
}

}  // namespace ingot::plan
