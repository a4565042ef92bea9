#include "passes/fold_constants.h"

#include <algorithm>

#include "ir/evaluator/evaluator.h"
#include "passes/fusion_util.h"

namespace ingot {
namespace {

bool IsFoldable(const Instruction& instruction) {
  if (!NeedsKernel(instruction) && instruction.opcode() != Opcode::kReshape) return false;
  if (!instruction.shape().IsArray() || instruction.operands().empty() ||
      instruction.HasSideEffect())
    return false;
  int64_t operand_bytes = 0;
  for (const Instruction* operand : instruction.operands()) {
    if (operand->opcode() != Opcode::kConstant || operand->literal().is_elided()) return false;
    operand_bytes += operand->shape().ByteSize();
  }
  return instruction.shape().ByteSize() <= std::max(kFoldedBytes, operand_bytes);
}

// The instruction's value: that of a computation of its operands and itself.
absl::StatusOr<Literal> Value(const Instruction& instruction) {
  Module module("fold");
  Computation* computation = module.AddComputation("fold");
  std::vector<Instruction*> operands;
  for (const Instruction* operand : instruction.operands()) {
    operands.push_back(computation->AddConstant(operand->literal()));
  }
  computation->set_root(computation->AddClone(instruction, std::move(operands)));
  EvaluatorOptions options;
  options.threads = 1;  // the values are small
  return EvaluateComputation(*computation, {}, options);
}

}  // namespace

absl::StatusOr<bool> FoldConstants(Module& module, const PassContext&) {
  bool changed = false;
  for (Computation* computation : SequentialComputations(module)) {
    const std::vector<Instruction*> instructions = computation->instructions();
    bool changed_here = false;
    for (Instruction* instruction : instructions) {
      if (!IsFoldable(*instruction)) continue;
      absl::StatusOr<Literal> value = Value(*instruction);
      if (absl::IsUnimplemented(value.status())) continue;  // compiled code may still know how
      if (!value.ok()) return value.status();
      computation->ReplaceAllUses(instruction,
                                  computation->AddConstant(*std::move(value), instruction->name()));
      changed_here = true;
    }
    if (changed_here) computation->RemoveDead();
    changed |= changed_here;
  }
  return changed;
}

}  // namespace ingot
