#include "compiler/plan/excess_precision.h"

#include <algorithm>
#include <optional>

#include "absl/container/flat_hash_map.h"
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
  switch (user.opcode()) {
    case Opcode::kAbs:
    case Opcode::kNegate:
    case Opcode::kMaximum:
    case Opcode::kMinimum:
    case Opcode::kSelect:
    case Opcode::kClamp:
      return Use::kPassesOn;
    case Opcode::kConvert: {
      const ElementType type = user.shape().element_type();
      const bool wide = IsFloat(type) && BitWidth(type) >= 16;
      return wide && type != user.operand(0)->shape().element_type() ? Use::kAny : Use::kTellsApart;
    }
    case Opcode::kAcos:
    case Opcode::kAcosh:
    case Opcode::kAdd:
    case Opcode::kAsin:
    case Opcode::kAsinh:
    case Opcode::kAtan2:
    case Opcode::kAtanh:
    case Opcode::kCbrt:
    case Opcode::kCos:
    case Opcode::kCosh:
    case Opcode::kDivide:
    case Opcode::kErf:
    case Opcode::kExp:
    case Opcode::kExpm1:
    case Opcode::kLog:
    case Opcode::kLog1p:
    case Opcode::kLogistic:
    case Opcode::kMultiply:
    case Opcode::kPower:
    case Opcode::kRsqrt:
    case Opcode::kSin:
    case Opcode::kSinh:
    case Opcode::kSqrt:
    case Opcode::kSubtract:
    case Opcode::kTan:
    case Opcode::kTanh:
      return Use::kAny;
    default:
      return Use::kTellsApart;
  }
}

bool IsSumOrProduct(const Instruction& reduce) {
  if (reduce.operand_count() != 2) return false;
  const std::optional<Opcode> opcode = SimpleCombiner(*reduce.to_apply());
  return (opcode == Opcode::kAdd || opcode == Opcode::kMultiply) &&
         reduce.to_apply()->root()->shape().element_type() ==
             reduce.operand(0)->shape().element_type();
}

Use UseOf(const Instruction& user, int64_t operand) {
  switch (user.opcode()) {
    case Opcode::kBroadcast:
    case Opcode::kCopy:
    case Opcode::kReshape:
    case Opcode::kReverse:
    case Opcode::kSlice:
    case Opcode::kTranspose:
      return Use::kPassesOn;
    case Opcode::kReduce:
      return operand == 0 && IsSumOrProduct(user) ? Use::kAny : Use::kTellsApart;
    default:
      return user.kind() == OpKind::kElementwise ? UseOfElementwise(user) : Use::kTellsApart;
  }
}

// Whether lowering can leave the result in f32.
bool IsCandidate(const Instruction& instruction) {
  if (!IsNarrow(instruction.shape())) return false;
  if (instruction.opcode() == Opcode::kConvert) {
    return instruction.operand(0)->shape().element_type() == ElementType::kF32;
  }
  return UseOf(instruction, 0) != Use::kTellsApart && instruction.opcode() != Opcode::kReduce;
}

// A number for each value of the program.
class Values {
 public:
  explicit Values(const Module& module) {
    for (const Computation* computation : module.computations()) {
      for (const Instruction* instruction : computation->instructions()) {
        if (instruction->opcode() == Opcode::kFusion) {
          fused_.insert({instruction->called_computations()[0], instruction});
        }
      }
    }
    for (const Computation* computation : module.computations()) {
      if (!fused_.contains(computation)) Number(*computation, nullptr);
    }
  }

  int64_t NumberOf(const Instruction& instruction) const { return numbers_.at(&instruction); }
  int64_t count() const { return count_; }

 private:
  // `caller`: the fusion instruction, or null.
  void Number(const Computation& computation, const Instruction* caller) {
    for (const Instruction* instruction : computation.instructions()) {
      numbers_[instruction] = NumberFor(*instruction, caller);
    }
  }

  int64_t NumberFor(const Instruction& instruction, const Instruction* caller) {
    if (instruction.opcode() == Opcode::kParameter) {
      if (caller == nullptr) return count_++;
      return numbers_.at(caller->operand(instruction.parameter_number()));
    }
    if (instruction.opcode() == Opcode::kFusion) {
      const Computation& body = *instruction.called_computations()[0];
      Number(body, &instruction);
      return numbers_.at(body.root());
    }
    if (instruction.opcode() == Opcode::kGetTupleElement) {
      // Of a fusion with several results: the value inside.
      const Instruction* tuple = instruction.operand(0);
      if (tuple->opcode() == Opcode::kFusion) {
        const Instruction& root = *tuple->called_computations()[0]->root();
        if (root.opcode() == Opcode::kTuple) {
          return numbers_.at(root.operand(instruction.tuple_index()));
        }
      }
      return count_++;
    }
    if (instruction.HasSideEffect()) return count_++;
    std::vector<int64_t> key = {static_cast<int64_t>(instruction.opcode())};
    for (const Instruction* operand : instruction.operands()) {
      key.push_back(numbers_.at(operand));
    }
    key.push_back(-1);
    if (instruction.shape().IsArray()) {
      key.push_back(static_cast<int64_t>(instruction.shape().element_type()));
      for (int64_t size : instruction.shape().dimensions()) key.push_back(size);
    }
    const auto [it, is_new] = by_key_.insert({std::move(key), count_});
    if (is_new) ++count_;
    return it->second;
  }

  absl::flat_hash_map<const Computation*, const Instruction*> fused_;  // and their callers
  absl::flat_hash_map<const Instruction*, int64_t> numbers_;
  absl::flat_hash_map<std::vector<int64_t>, int64_t> by_key_;
  int64_t count_ = 0;
};

// Marks values that have to be rounded until no more have to be.
class Marks {
 public:
  Marks(const Values& values, absl::Span<const EqualFusions> groups, int64_t least_roundings)
      : values_(values), rounded_(values.count(), false) {
    for (const EqualFusions& group : groups) {
      for (const Computation* fusion : group) {
        group_of_[fusion] = &group;
        for (const Instruction* instruction : fusion->instructions()) {
          members_[values.NumberOf(*instruction)].push_back(instruction);
        }
      }
    }
    for (const EqualFusions& group : groups) {
      for (const Computation* fusion : group) MarkFusion(*fusion);
    }
    MarkReached();
    for (const EqualFusions& group : groups) {
      if (RoundingsLeftOut(*group[0]) >= least_roundings) continue;
      for (const Instruction* instruction : group[0]->instructions()) Mark(*instruction);
    }
    MarkReached();
  }

  bool IsRounded(const Instruction& instruction) const {
    return rounded_[values_.NumberOf(instruction)];
  }

 private:
  void Mark(const Instruction& instruction) {
    const int64_t value = values_.NumberOf(instruction);
    if (rounded_[value]) return;
    rounded_[value] = true;
    queue_.push_back(value);
  }

  void MarkReached() {
    while (!queue_.empty()) {
      const int64_t value = queue_.back();
      queue_.pop_back();
      for (const Instruction* instruction : members_[value]) Follow(*instruction);
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
    for (const Computation* fusion : *group_of_.at(instruction.parent())) {
      Mark(*fusion->instructions()[PositionOf(instruction)]);
    }
  }

  int64_t PositionOf(const Instruction& instruction) {
    auto& positions = positions_[instruction.parent()];
    if (positions.empty()) {
      int64_t next = 0;
      for (const Instruction* each : instruction.parent()->instructions()) {
        positions[each] = next++;
      }
    }
    return positions.at(&instruction);
  }

  const Values& values_;
  std::vector<bool> rounded_;
  std::vector<int64_t> queue_;
  absl::flat_hash_map<int64_t, std::vector<const Instruction*>> members_;
  absl::flat_hash_map<const Computation*, const EqualFusions*> group_of_;
  absl::flat_hash_map<const Computation*, absl::flat_hash_map<const Instruction*, int64_t>>
      positions_;
};

}  // namespace

std::vector<std::vector<int64_t>> FindUnrounded(const Module& module,
                                                absl::Span<const EqualFusions> groups,
                                                int64_t least_roundings) {
  const Values values(module);
  const Marks marks(values, groups, least_roundings);
  std::vector<std::vector<int64_t>> unrounded;
  for (const EqualFusions& group : groups) {
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
