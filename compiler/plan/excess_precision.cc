#include "compiler/plan/excess_precision.h"

#include <algorithm>
#include <optional>

#include "compiler/plan/analysis.h"
#include "ir/analysis/op_facts.h"
#include "ir/base/card.h"

namespace ingot::plan {
namespace {

// Less is not noticed beside a launch, which takes a few microseconds.
constexpr double kWorthwhileNs = 200;

bool IsNarrow(const Shape& shape) {
  return shape.IsArray() &&
         (shape.element_type() == ElementType::kBF16 || shape.element_type() == ElementType::kF16);
}

// What an op makes of an operand of excess precision.
enum class Use {
  kAny,         // a result that differs by no more than rounding may
  kPassesOn,    // the operand itself: as good as the result's uses
  kTellsApart,  // something else, perhaps
};

Use UseOfElementwise(const Instruction& user) {
  const Opcode opcode = user.opcode();
  if (HasFact(opcode, kPicks)) return Use::kPassesOn;
  if (opcode == Opcode::kConvert) {
    const ElementType type = user.shape().element_type();
    const bool wide = IsFloat(type) && BitWidth(type) >= 16;
    return wide && type != user.operand(0)->shape().element_type() ? Use::kAny : Use::kTellsApart;
  }
  return HasFact(opcode, kSmooth) ? Use::kAny : Use::kTellsApart;
}

bool IsSumOrProduct(const Instruction& reduce) {
  if (reduce.operand_count() != 2) return false;
  const std::optional<Opcode> opcode = SimpleCombiner(*reduce.to_apply());
  return (opcode == Opcode::kAdd || opcode == Opcode::kMultiply) &&
         reduce.to_apply()->root()->shape().element_type() ==
             reduce.operand(0)->shape().element_type();
}

Use UseOf(const Instruction& user, int64_t operand) {
  if (HasFact(user.opcode(), kMoves)) return Use::kPassesOn;
  if (user.opcode() == Opcode::kReduce) {
    return operand == 0 && IsSumOrProduct(user) ? Use::kAny : Use::kTellsApart;
  }
  return user.kind() == OpKind::kElementwise ? UseOfElementwise(user) : Use::kTellsApart;
}

// Whether lowering can leave the result in f32.
bool IsCandidate(const Instruction& instruction) {
  if (!IsNarrow(instruction.shape())) return false;
  if (instruction.opcode() == Opcode::kConvert) {
    return instruction.operand(0)->shape().element_type() == ElementType::kF32;
  }
  return UseOf(instruction, 0) != Use::kTellsApart && instruction.opcode() != Opcode::kReduce;
}

// Marks values that have to be rounded until no more have to be.
class Marks {
 public:
  Marks(const FusionMembers& members, int64_t least_roundings)
      : numbers_(members.numbers()), members_(members), rounded_(numbers_.count(), false) {
    for (const EqualFusions& group : members.groups()) {
      for (const Computation* fusion : group) MarkFusion(*fusion);
    }
    MarkReached();
    for (const EqualFusions& group : members.groups()) {
      if (RoundingsLeftOut(*group[0]) >= least_roundings) continue;
      for (const Instruction* instruction : group[0]->instructions()) Mark(*instruction);
    }
    MarkReached();
  }

  bool IsRounded(const Instruction& instruction) const {
    return rounded_[numbers_.NumberOf(instruction)];
  }

 private:
  void Mark(const Instruction& instruction) {
    const int64_t number = numbers_.NumberOf(instruction);
    if (rounded_[number]) return;
    rounded_[number] = true;
    queue_.push_back(number);
  }

  void MarkReached() {
    while (!queue_.empty()) {
      const int64_t number = queue_.back();
      queue_.pop_back();
      for (const Instruction* instruction : members_.WithNumber(number)) Follow(*instruction);
    }
  }

  int64_t RoundingsLeftOut(const Computation& fusion) const {
    int64_t count = 0;
    for (const Instruction* instruction : fusion.instructions()) {
      if (!IsRounded(*instruction)) {
        count = SaturatingAdd(count, instruction->shape().ElementCount());
      }
    }
    return count;
  }

  void MarkFusion(const Computation& fusion) {
    Mark(*fusion.root());
    for (const Instruction* instruction : fusion.instructions()) {
      if (!IsCandidate(*instruction)) Mark(*instruction);
      for (int64_t k = 0; k < instruction->operand_count(); ++k) {
        if (UseOf(*instruction, k) == Use::kTellsApart) Mark(*instruction->operand(k));
      }
    }
  }

  // What a rounded value asks of others: of its own operands where it is one of them, and of the
  // same instruction of equal fusions.
  void Follow(const Instruction& instruction) {
    for (int64_t k = 0; k < instruction.operand_count(); ++k) {
      if (UseOf(instruction, k) == Use::kPassesOn) Mark(*instruction.operand(k));
    }
    for (const Instruction* same : members_.AtSamePlace(instruction)) Mark(*same);
  }

  const ValueNumbers& numbers_;
  const FusionMembers& members_;
  std::vector<bool> rounded_;
  std::vector<int64_t> queue_;
};

}  // namespace

std::vector<std::vector<int64_t>> FindUnrounded(const FusionMembers& members,
                                                int64_t least_roundings) {
  const Marks marks(members, least_roundings);
  std::vector<std::vector<int64_t>> unrounded;
  for (const EqualFusions& group : members.groups()) {
    unrounded.emplace_back();
    for (const Instruction* instruction : group[0]->instructions()) {
      if (!marks.IsRounded(*instruction)) unrounded.back().push_back(instruction->id());
    }
    std::sort(unrounded.back().begin(), unrounded.back().end());
  }
  return unrounded;
}

int64_t LeastRoundings(const Target& target) {
  const Card& card = *target.card;
  const double per_ns = target.multiprocessors * card.conversion_lanes * card.clock_ghz;
  return static_cast<int64_t>(kWorthwhileNs * per_ns);
}

}  // namespace ingot::plan
