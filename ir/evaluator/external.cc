// The outside world, which the evaluator does not reach.
#include "ir/base/status.h"
#include "ir/evaluator/context.h"

namespace ingot::evaluator {
namespace {

// The copy, the source, and a handle.
absl::StatusOr<Literal> CopyStart(const Instruction&, Operands& operands, Context&) {
  return Literal::Tuple({operands[0], operands[0], Literal::ScalarInteger(ElementType::kU32, 0)});
}

absl::StatusOr<Literal> CopyDone(const Instruction&, Operands& operands, Context&) {
  return operands[0].tuple()[0];
}

absl::StatusOr<Literal> CustomCall(const Instruction& instruction, Operands&, Context&) {
  return Unimplemented("the evaluator does not do custom-call \"",
                       instruction.attributes<CustomCallAttributes>().custom_call_target, "\"");
}

constexpr Row kRows[] = {
    {Opcode::kCopyDone, CopyDone},     {Opcode::kCopyStart, CopyStart},
    {Opcode::kCustomCall, CustomCall}, {Opcode::kInfeed, Refuse},
    {Opcode::kOutfeed, Refuse},        {Opcode::kRecv, Refuse},
    {Opcode::kRecvDone, Refuse},       {Opcode::kSend, Refuse},
    {Opcode::kSendDone, Refuse},
};
static_assert(IsTableOf(OpKind::kExternal, kRows));

}  // namespace

absl::StatusOr<Literal> EvaluateExternal(const Instruction& instruction, Operands& operands,
                                         Context& context) {
  return FunctionOf(kRows, instruction.opcode())(instruction, operands, context);
}

}  // namespace ingot::evaluator
