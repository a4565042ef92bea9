// Values that no kernel computes.
#include <utility>

#include "ir/base/status.h"
#include "ir/evaluator/context.h"

namespace ingot::evaluator {
namespace {

absl::StatusOr<Literal> PassOn(const Instruction&, Operands& operands, Context&) {
  return std::move(operands[0]);
}

absl::StatusOr<Literal> AfterAll(const Instruction&, Operands&, Context&) {
  return Literal::Elided(Shape::Token());
}

absl::StatusOr<Literal> Constant(const Instruction& instruction, Operands&, Context&) {
  if (instruction.literal().is_elided()) {
    return InvalidArgument("its value was left out of the text");
  }
  return instruction.literal();
}

absl::StatusOr<Literal> GetTupleElement(const Instruction& instruction, Operands& operands,
                                        Context&) {
  return operands[0].tuple()[instruction.tuple_index()];
}

absl::StatusOr<Literal> Tuple(const Instruction&, Operands& operands, Context&) {
  return Literal::Tuple(std::move(operands));
}

constexpr Row kRows[] = {
    {Opcode::kAddDependency, PassOn},
    {Opcode::kAfterAll, AfterAll},
    {Opcode::kConstant, Constant},
    {Opcode::kDomain, PassOn},
    {Opcode::kGetTupleElement, GetTupleElement},
    {Opcode::kOptimizationBarrier, PassOn},
    {Opcode::kParameter, Refuse},  // Context::Run has them
    {Opcode::kTuple, Tuple},
};
static_assert(IsTableOf(OpKind::kStructure, kRows));

}  // namespace

absl::StatusOr<Literal> EvaluateStructure(const Instruction& instruction, Operands& operands,
                                          Context& context) {
  return FunctionOf(kRows, instruction.opcode())(instruction, operands, context);
}

}  // namespace ingot::evaluator
