#include "compiler/plan/contractions.h"

#include <algorithm>

#include "ir/analysis/op_facts.h"

namespace ingot::plan {
namespace {

constexpr int kMostSelects = 4;

bool IsF32(const Instruction& instruction) {
  return instruction.shape().IsArray() && instruction.shape().element_type() == ElementType::kF32;
}

bool IsSum(const Instruction& instruction) {
  return IsOneOf(instruction.opcode(), {Opcode::kAdd, Opcode::kSubtract}) && IsF32(instruction);
}

// `selects`: how many may stand one behind the other.
bool IsMadeOfConstants(const Instruction& value, int selects) {
  const Instruction* inner = &value;
  while (IsOneOf(inner->opcode(), {Opcode::kBroadcast, Opcode::kReshape})) {
    inner = inner->operand(0);
  }
  if (inner->opcode() == Opcode::kConstant) return true;
  return inner->opcode() == Opcode::kSelect && selects > 0 &&
         IsMadeOfConstants(*inner->operand(1), selects - 1) &&
         IsMadeOfConstants(*inner->operand(2), selects - 1);
}

class Contractions {
 public:
  explicit Contractions(const FusionMembers& members)
      : numbers_(members.numbers()), members_(members), refused_(numbers_.count(), false) {
    for (const EqualFusions& group : members.groups()) {
      for (const Computation* fusion : group) {
        for (const Instruction* instruction : fusion->instructions()) {
          if (!IsF32(*instruction) || IsPart(*instruction)) continue;
          // A sum may be stored, a product may not.
          if (instruction->opcode() != Opcode::kParameter || IsProduct(*instruction)) {
            Refuse(*instruction);
          }
        }
      }
    }
    while (!queue_.empty()) {
      const int64_t number = queue_.back();
      queue_.pop_back();
      for (const Instruction* member : members_.WithNumber(number)) Spread(*member);
    }
  }

  bool Has(const Instruction& instruction) const {
    return IsSum(instruction) && ProductOfStep(instruction) != nullptr &&
           !refused_[numbers_.NumberOf(instruction)];
  }

 private:
  // A step's sum, or its product.
  static bool IsPart(const Instruction& instruction) {
    if (ProductOfStep(instruction) != nullptr) return true;
    return instruction.opcode() == Opcode::kMultiply && instruction.users().size() == 1 &&
           ProductOfStep(*instruction.users()[0]) == &instruction;
  }

  // Whether another instruction that has the value multiplies.
  bool IsProduct(const Instruction& parameter) const {
    const absl::Span<const Instruction* const> same =
        members_.WithNumber(numbers_.NumberOf(parameter));
    return std::any_of(same.begin(), same.end(), [](const Instruction* member) {
      return member->opcode() == Opcode::kMultiply;
    });
  }

  void Refuse(const Instruction& instruction) {
    const int64_t number = numbers_.NumberOf(instruction);
    if (refused_[number]) return;
    refused_[number] = true;
    queue_.push_back(number);
  }

  // A sum and its product go together, and so do those at one place of equal fusions.
  void Spread(const Instruction& instruction) {
    if (instruction.opcode() == Opcode::kParameter) return;
    if (const Instruction* product = ProductOfStep(instruction)) Refuse(*product);
    for (const Instruction* user : instruction.users()) {
      if (ProductOfStep(*user) == &instruction) Refuse(*user);
    }
    for (const Instruction* same : members_.AtSamePlace(instruction)) Refuse(*same);
  }

  const ValueNumbers& numbers_;
  const FusionMembers& members_;
  std::vector<bool> refused_;  // by value
  std::vector<int64_t> queue_;
};

}  // namespace

const Instruction* ProductOfStep(const Instruction& sum) {
  if (!IsSum(sum)) return nullptr;
  for (int k : {0, 1}) {
    const Instruction* product = sum.operand(k);
    if (product->opcode() == Opcode::kMultiply && IsF32(*product) && product->users().size() == 1 &&
        product != product->parent()->root() &&
        IsMadeOfConstants(*sum.operand(1 - k), kMostSelects)) {
      return product;
    }
  }
  return nullptr;
}

std::vector<std::vector<int64_t>> FindContractions(const FusionMembers& members) {
  const Contractions contractions(members);
  std::vector<std::vector<int64_t>> found;
  for (const EqualFusions& group : members.groups()) {
    std::vector<int64_t>& ids = found.emplace_back();
    for (const Instruction* instruction : group[0]->instructions()) {
      if (contractions.Has(*instruction)) ids.push_back(instruction->id());
    }
    std::sort(ids.begin(), ids.end());
  }
  return found;
}

}  // namespace ingot::plan
