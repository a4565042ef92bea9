#include "compiler/plan/value_numbers.h"

#include <utility>

namespace ingot::plan {
namespace {

// Of constants that are compared; a larger one is a value of its own wherever it stands.
constexpr size_t kMostBytesOfConstant = 16;

}  // namespace

ValueNumbers::ValueNumbers(const Module& module) {
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

void ValueNumbers::Number(const Computation& computation, const Instruction* caller) {
  for (const Instruction* instruction : computation.instructions()) {
    numbers_[instruction] = NumberFor(*instruction, caller);
  }
}

int64_t ValueNumbers::NumberFor(const Instruction& instruction, const Instruction* caller) {
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
  if (instruction.opcode() == Opcode::kConstant) {
    const absl::Span<const std::byte> bytes = instruction.literal().bytes();
    if (bytes.size() > kMostBytesOfConstant) return count_++;
    for (std::byte byte : bytes) key.push_back(static_cast<int64_t>(byte));
  }
  const auto [it, is_new] = by_key_.insert({std::move(key), count_});
  if (is_new) ++count_;
  return it->second;
}

FusionMembers::FusionMembers(const Module& module, std::vector<EqualFusions> groups)
    : groups_(std::move(groups)), numbers_(module) {
  for (const EqualFusions& group : groups_) {
    for (const Computation* fusion : group) {
      group_of_[fusion] = &group;
      int64_t place = 0;
      for (const Instruction* instruction : fusion->instructions()) {
        members_[numbers_.NumberOf(*instruction)].push_back(instruction);
        places_[instruction] = place++;
      }
    }
  }
}

absl::Span<const Instruction* const> FusionMembers::WithNumber(int64_t number) const {
  const auto it = members_.find(number);
  if (it == members_.end()) return {};
  return it->second;
}

std::vector<const Instruction*> FusionMembers::AtSamePlace(const Instruction& instruction) const {
  std::vector<const Instruction*> same;
  const int64_t place = places_.at(&instruction);
  for (const Computation* fusion : *group_of_.at(instruction.parent())) {
    same.push_back(fusion->instructions()[place]);
  }
  return same;
}

}  // namespace ingot::plan
