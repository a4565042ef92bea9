#include "passes/inline_body.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"

namespace ingot {

bool IsElementwiseBody(const Computation& body) {
  return std::all_of(
      body.instructions().begin(), body.instructions().end(), [](const Instruction* instruction) {
        return instruction->shape().IsScalar() && (instruction->opcode() == Opcode::kParameter ||
                                                   instruction->opcode() == Opcode::kConstant ||
                                                   (instruction->kind() == OpKind::kElementwise &&
                                                    instruction->opcode() != Opcode::kMap));
      });
}

Instruction* InlineBody(Computation& caller, const Computation& body,
                        absl::Span<Instruction* const> arguments,
                        const std::vector<int64_t>* sizes) {
  absl::flat_hash_map<const Instruction*, Instruction*> map;
  for (const Instruction* instruction : body.instructions()) {
    if (instruction->opcode() == Opcode::kParameter) {
      map[instruction] = arguments[instruction->parameter_number()];
      continue;
    }
    std::vector<Instruction*> operands;
    for (const Instruction* operand : instruction->operands()) operands.push_back(map.at(operand));
    Instruction* copy = caller.AddClone(*instruction, std::move(operands));
    for (const Instruction* predecessor : instruction->control_predecessors()) {
      copy->AddControlPredecessor(map.at(predecessor));
    }
    if (sizes != nullptr) {
      const Shape shape = Shape::ArrayWithDefaultLayout(copy->shape().element_type(), *sizes);
      if (copy->opcode() == Opcode::kConstant) {
        copy = caller.Add(Opcode::kBroadcast, shape, {copy}, DimensionsAttributes{});
      } else {
        copy->set_shape(shape);
      }
    }
    map[instruction] = copy;
  }
  return map.at(body.root());
}

}  // namespace ingot
