// Collectives of one device: each sees only itself.
#include <utility>

#include "ir/base/status.h"
#include "ir/evaluator/context.h"

namespace ingot::evaluator {
namespace {

// A collective among one participant is the identity; one that changes shapes has more.
absl::StatusOr<Literal> Identity(const Instruction& instruction, Operands& operands) {
  Literal result =
      operands.size() == 1 ? std::move(operands[0]) : Literal::Tuple(std::move(operands));
  if (!Shape::SameIgnoringLayout(result.shape(), instruction.shape())) {
    return Unimplemented("the evaluator runs ", OpcodeName(instruction.opcode()),
                         " on one device only: ", result.shape().ToString(false), " cannot become ",
                         instruction.shape().ToString(false));
  }
  return result;
}

}  // namespace

absl::StatusOr<Literal> EvaluateCollective(const Instruction& instruction, Operands& operands,
                                           Context&) {
  switch (instruction.opcode()) {
    case Opcode::kAllGather:
    case Opcode::kAllReduce:
    case Opcode::kAllReduceDone:
    case Opcode::kAllReduceStart:
    case Opcode::kAllToAll:
    case Opcode::kCollectiveBroadcast:
    case Opcode::kCollectivePermute:
    case Opcode::kReduceScatter:
      return Identity(instruction, operands);
    case Opcode::kPartitionId:
    case Opcode::kReplicaId:
      return Literal::ScalarInteger(instruction.shape().element_type(), 0);
    default:
      return NotEvaluated(instruction);
  }
}

}  // namespace ingot::evaluator
