#include "passes/loop_invariants.h"

#include <algorithm>
#include <vector>

namespace ingot {
namespace {

// Whether the instruction's value is decided by its operands.
bool IsPure(const Instruction& instruction) {
  if (instruction.HasSideEffect() || instruction.shape().HasDynamicDimension()) return false;
  switch (instruction.kind()) {
    case OpKind::kElementwise:
    case OpKind::kDataMovement:
    case OpKind::kReduction:
    case OpKind::kContraction:
    case OpKind::kIndexing:
    case OpKind::kSorting:
      return true;
    case OpKind::kStructure:
      return instruction.opcode() == Opcode::kConstant || instruction.opcode() == Opcode::kTuple ||
             instruction.opcode() == Opcode::kGetTupleElement ||
             instruction.opcode() == Opcode::kOptimizationBarrier;
    case OpKind::kRandom:
    case OpKind::kLinearAlgebra:
    case OpKind::kControlFlow:
    case OpKind::kCollective:
    case OpKind::kExternal:
      return false;
  }
  return false;
}

}  // namespace

LoopInvariants::LoopInvariants(const Instruction& loop) {
  const Computation& body = *loop.while_body();
  parameter_ = body.parameters()[0];
  const Instruction& root = *body.root();
  has_state_ = root.opcode() == Opcode::kTuple && parameter_->shape().IsTuple() &&
               std::all_of(parameter_->users().begin(), parameter_->users().end(),
                           [](const Instruction* user) {
                             return user->opcode() == Opcode::kGetTupleElement;
                           });
  if (!has_state_) return;
  for (const Instruction* instruction : body.instructions()) {
    bool same = false;
    if (instruction->opcode() == Opcode::kGetTupleElement &&
        instruction->operand(0) == parameter_) {
      const int64_t index = instruction->attributes<TupleIndexAttributes>().index;
      const Instruction& next = *root.operand(index);
      same = next.opcode() == Opcode::kGetTupleElement && next.operand(0) == parameter_ &&
             next.attributes<TupleIndexAttributes>().index == index;
    } else if (instruction != &root && instruction->control_predecessors().empty() &&
               IsPure(*instruction)) {
      same = std::all_of(instruction->operands().begin(), instruction->operands().end(),
                         [&](const Instruction* operand) { return Contains(*operand); });
    }
    invariant_[instruction] = same;
  }
}

bool LoopInvariants::IsElement(const Instruction& instruction) const {
  return Contains(instruction) && instruction.opcode() == Opcode::kGetTupleElement &&
         instruction.operand(0) == parameter_;
}

}  // namespace ingot
