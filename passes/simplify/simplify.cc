#include "passes/simplify/simplify.h"

#include <array>
#include <vector>

namespace ingot {
namespace {

// Rules by opcode.
std::array<std::vector<const SimplifyRule*>, kOpcodeCount> IndexRules() {
  std::array<std::vector<const SimplifyRule*>, kOpcodeCount> index;
  for (const auto& table :
       {ElementwiseRules(), ComplexPartRules(), CounterRules(), DataMovementRules(),
        ContractionRules(), IndexingRules(), ReductionRules(), StructureRules()}) {
    for (const SimplifyRule& rule : table) index[static_cast<int>(rule.opcode)].push_back(&rule);
  }
  return index;
}

}  // namespace

const Instruction* ScalarOf(const Instruction& value) {
  const Instruction* scalar = &value;
  while (scalar->opcode() == Opcode::kBroadcast || scalar->opcode() == Opcode::kReshape) {
    scalar = scalar->operand(0);
  }
  return scalar->shape().IsScalar() ? scalar : nullptr;
}

// Algorithm: walk the instructions in order, appended ones included; replace an instruction by the
// first rule's result. Operands come first, so each instruction meets simplified operands.
absl::StatusOr<bool> Simplify(Module& module, const PassContext&) {
  static const auto& rules = *new auto(IndexRules());
  bool changed = false;
  for (Computation* computation : module.computations()) {
    bool changed_here = false;
    for (size_t i = 0; i < computation->instructions().size(); ++i) {
      Instruction* instruction = computation->instructions()[i];
      if (instruction->users().empty() && instruction != computation->root()) continue;
      if (!instruction->control_predecessors().empty()) continue;
      for (const SimplifyRule* rule : rules[static_cast<int>(instruction->opcode())]) {
        Instruction* value = rule->apply(instruction);
        if (value == nullptr || value == instruction) continue;
        computation->ReplaceAllUses(instruction, value);
        changed_here = true;
        break;
      }
    }
    if (changed_here) {
      computation->RemoveDead();
      computation->Normalize();
      changed = true;
    }
  }
  return changed;
}

}  // namespace ingot
