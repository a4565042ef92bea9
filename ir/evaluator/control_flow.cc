// Control flow: computations run by the same Context.
#include <algorithm>
#include <utility>

#include "ir/base/status.h"
#include "ir/evaluator/context.h"

namespace ingot::evaluator {
namespace {

absl::StatusOr<Literal> While(const Instruction& instruction, Operands& operands,
                              Context& context) {
  Literal state = std::move(operands[0]);
  operands.clear();
  while (true) {
    INGOT_RETURN_IF_ERROR(context.CheckInterrupt());
    INGOT_ASSIGN_OR_RETURN(const Literal proceed,
                           context.Run(*instruction.while_condition(), {state}));
    if (proceed.AsInteger(0) == 0) return state;
    std::vector<Literal> arguments;
    arguments.push_back(std::move(state));
    INGOT_ASSIGN_OR_RETURN(state, context.Run(*instruction.while_body(), std::move(arguments)));
  }
}

// pred: the first branch where true; s32: the branch of that number, the last one out of range.
absl::StatusOr<Literal> Conditional(const Instruction& instruction, Operands& operands,
                                    Context& context) {
  const std::vector<Computation*>& branches = instruction.called_computations();
  const int64_t count = static_cast<int64_t>(branches.size());
  int64_t branch = operands[0].AsInteger(0);
  if (operands[0].shape().element_type() == ElementType::kPred) {
    branch = branch != 0 ? 0 : 1;
  } else if (branch < 0 || branch >= count) {
    branch = count - 1;
  }
  std::vector<Literal> arguments;
  arguments.push_back(std::move(operands[branch + 1]));
  return context.Run(*branches[branch], std::move(arguments));
}

absl::StatusOr<Literal> Call(const Instruction& instruction, Operands& operands, Context& context) {
  return context.Run(*instruction.to_apply(), std::move(operands));
}

// ((operands), result, contexts...): done at the start.
absl::StatusOr<Literal> AsyncStart(const Instruction& instruction, Operands& operands,
                                   Context& context) {
  Literal arguments = Literal::Tuple(operands);
  INGOT_ASSIGN_OR_RETURN(Literal result, Call(instruction, operands, context));
  std::vector<Literal> state = {std::move(arguments), std::move(result)};
  for (size_t i = 2; i < instruction.shape().tuple_shapes().size(); ++i) {
    state.push_back(Literal::Elided(instruction.shape().tuple_shapes()[i]));
  }
  return Literal::Tuple(std::move(state));
}

absl::StatusOr<Literal> AsyncUpdate(const Instruction&, Operands& operands, Context&) {
  return std::move(operands[0]);
}

absl::StatusOr<Literal> AsyncDone(const Instruction&, Operands& operands, Context&) {
  return operands[0].tuple()[1];
}

constexpr Row kRows[] = {
    {Opcode::kAsyncStart, AsyncStart},
    {Opcode::kAsyncUpdate, AsyncUpdate},
    {Opcode::kAsyncDone, AsyncDone},
    {Opcode::kCall, Call},
    {Opcode::kConditional, Conditional},
    {Opcode::kFusion, Call},
    {Opcode::kWhile, While},
};
static_assert(IsTableOf(OpKind::kControlFlow, kRows));

}  // namespace

absl::StatusOr<Literal> EvaluateControlFlow(const Instruction& instruction, Operands& operands,
                                            Context& context) {
  return FunctionOf(kRows, instruction.opcode())(instruction, operands, context);
}

}  // namespace ingot::evaluator
