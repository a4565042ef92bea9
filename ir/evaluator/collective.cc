// Collectives of one device: each sees only itself.
#include <utility>

#include "ir/base/status.h"
#include "ir/evaluator/context.h"

namespace ingot::evaluator {
namespace {

// A collective among one participant is the identity; one that changes shapes has more.
absl::StatusOr<Literal> Identity(const Instruction& instruction, Operands& operands, Context&) {
  Literal result =
      operands.size() == 1 ? std::move(operands[0]) : Literal::Tuple(std::move(operands));
  if (!Shape::SameIgnoringLayout(result.shape(), instruction.shape())) {
    return Unimplemented("the evaluator runs ", OpcodeName(instruction.opcode()),
                         " on one device only: ", result.shape().ToString(false), " cannot become ",
                         instruction.shape().ToString(false));
  }
  return result;
}

// The number of the one device.
absl::StatusOr<Literal> Zero(const Instruction& instruction, Operands&, Context&) {
  return Literal::ScalarInteger(instruction.shape().element_type(), 0);
}

constexpr Row kRows[] = {
    {Opcode::kAllGather, Identity},
    {Opcode::kAllGatherDone, Refuse},
    {Opcode::kAllGatherStart, Refuse},
    {Opcode::kAllReduce, Identity},
    {Opcode::kAllReduceDone, Identity},
    {Opcode::kAllReduceStart, Identity},
    {Opcode::kAllToAll, Identity},
    {Opcode::kCollectiveBroadcast, Identity},
    {Opcode::kCollectivePermute, Identity},
    {Opcode::kCollectivePermuteDone, Refuse},
    {Opcode::kCollectivePermuteStart, Refuse},
    {Opcode::kPartitionId, Zero},
    {Opcode::kRaggedAllToAll, Refuse},
    {Opcode::kReduceScatter, Identity},
    {Opcode::kReplicaId, Zero},
};
static_assert(IsTableOf(OpKind::kCollective, kRows));

}  // namespace

absl::StatusOr<Literal> EvaluateCollective(const Instruction& instruction, Operands& operands,
                                           Context& context) {
  return FunctionOf(kRows, instruction.opcode())(instruction, operands, context);
}

}  // namespace ingot::evaluator
