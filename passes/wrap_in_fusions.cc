#include "passes/wrap_in_fusions.h"

#include "absl/strings/str_cat.h"
#include "ir/analysis/op_facts.h"
#include "passes/fusion_util.h"

namespace ingot {
namespace {

// The instruction after those of its operands that cost a kernel nothing: constants of one value,
// and the places of what is sorted.
std::vector<Instruction*> WithFreeOperands(Instruction* instruction) {
  const bool sorts = instruction->opcode() == Opcode::kSort;
  std::vector<Instruction*> members;
  for (Instruction* operand : instruction->operands()) {
    if ((IsConstantOfOneValue(*operand) || (sorts && operand->opcode() == Opcode::kIota)) &&
        std::find(members.begin(), members.end(), operand) == members.end())
      members.push_back(operand);
  }
  members.push_back(instruction);
  return members;
}

}  // namespace

absl::StatusOr<bool> WrapInFusions(Module& module, const PassContext&) {
  bool changed = false;
  for (Computation* computation : SequentialComputations(module)) {
    const std::vector<Instruction*> instructions = computation->instructions();
    // Sorts first: what they take in may have no other user.
    for (const bool sorts : {true, false}) {
      for (Instruction* instruction : instructions) {
        if (instruction->is_removed() || !NeedsKernel(*instruction)) continue;
        if ((instruction->opcode() == Opcode::kSort) != sorts) continue;
        Outline(*computation, WithFreeOperands(instruction), {instruction},
                absl::StrCat("wrapped_", OpcodeName(instruction->opcode())));
        changed = true;
      }
    }
  }
  return changed;
}

}  // namespace ingot
