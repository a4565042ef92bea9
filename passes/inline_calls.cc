#include "passes/inline_calls.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"

namespace ingot {
namespace {

bool IsInlined(const Instruction& instruction) {
  return instruction.opcode() == Opcode::kCall || instruction.opcode() == Opcode::kFusion;
}

// Whether a map's body can work on whole arrays: elementwise operations of scalars, and constants.
bool IsElementwiseBody(const Computation& body) {
  return std::all_of(
      body.instructions().begin(), body.instructions().end(), [](const Instruction* instruction) {
        return instruction->shape().IsScalar() && (instruction->opcode() == Opcode::kParameter ||
                                                   instruction->opcode() == Opcode::kConstant ||
                                                   (instruction->kind() == OpKind::kElementwise &&
                                                    instruction->opcode() != Opcode::kMap));
      });
}

// The body's values in the caller; returns the root's.  `sizes`: of the arrays that scalars become,
// for map.
Instruction* InlineBody(Computation& caller, const Instruction& call,
                        const std::vector<int64_t>* sizes) {
  absl::flat_hash_map<const Instruction*, Instruction*> map;
  const Computation& body = *call.called_computations()[0];
  for (const Instruction* instruction : body.instructions()) {
    if (instruction->opcode() == Opcode::kParameter) {
      map[instruction] = call.operand(instruction->parameter_number());
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

}  // namespace

// Algorithm:
// 1. Take computations callees first, so that a body has no calls left when it is inlined.
// 2. Replace each call by the values of a copy of the body.
// 3. Drop the computations that nobody calls any more.
absl::StatusOr<bool> InlineCalls(Module& module, const PassContext&) {
  bool changed = false;
  for (Computation* computation : module.computations()) {
    const std::vector<Instruction*> instructions = computation->instructions();
    bool changed_here = false;
    for (Instruction* instruction : instructions) {
      const bool is_map = instruction->opcode() == Opcode::kMap &&
                          IsElementwiseBody(*instruction->called_computations()[0]);
      if (!is_map && !IsInlined(*instruction)) continue;
      const std::vector<int64_t>* sizes = is_map ? &instruction->shape().dimensions() : nullptr;
      computation->ReplaceAllUses(instruction, InlineBody(*computation, *instruction, sizes));
      computation->Remove(instruction);
      changed_here = true;
    }
    if (changed_here) computation->Normalize();
    changed |= changed_here;
  }
  if (changed) module.RemoveUnreachableComputations();
  return changed;
}

}  // namespace ingot
