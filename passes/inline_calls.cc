#include "passes/inline_calls.h"

#include "absl/container/flat_hash_map.h"

namespace ingot {
namespace {

// The body's values in the caller; returns the root's.
Instruction* InlineBody(Computation& caller, const Instruction& call) {
  absl::flat_hash_map<const Instruction*, Instruction*> map;
  const Computation& body = *call.to_apply();
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
    std::vector<Instruction*> calls;
    for (Instruction* instruction : computation->instructions()) {
      if (instruction->opcode() == Opcode::kCall) calls.push_back(instruction);
    }
    for (Instruction* call : calls) {
      computation->ReplaceAllUses(call, InlineBody(*computation, *call));
      computation->Remove(call);
    }
    if (!calls.empty()) computation->Normalize();
    changed |= !calls.empty();
  }
  if (changed) module.RemoveUnreachableComputations();
  return changed;
}

}  // namespace ingot
