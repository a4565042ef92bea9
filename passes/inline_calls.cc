#include "passes/inline_calls.h"

#include "passes/inline_body.h"

namespace ingot {
namespace {

bool IsInlined(const Instruction& instruction) {
  return instruction.opcode() == Opcode::kCall || instruction.opcode() == Opcode::kFusion;
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
      computation->ReplaceAllUses(instruction,
                                  InlineBody(*computation, *instruction->called_computations()[0],
                                             instruction->operands(), sizes));
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
