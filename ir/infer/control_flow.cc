// Calls, loops, branches.
#include "ir/infer/op.h"

namespace ingot::infer {
namespace {

// Called computation `i`, whose parameters agree with `given`.
absl::StatusOr<const Computation*> Taking(const Op& op, int64_t i, absl::string_view role,
                                          absl::Span<const Shape* const> given) {
  INGOT_ASSIGN_OR_RETURN(const Computation* computation,
                         CalledWith(op, i, role, static_cast<int64_t>(given.size())));
  for (size_t p = 0; p < given.size(); ++p) {
    const Shape& taken = computation->parameters()[p]->shape();
    INGOT_REQUIRE(ShapesAgree(taken, *given[p]), "parameter ", p, " of ", role, " ",
                  computation->name(), " is ", Text(taken), " when it is given ", Text(*given[p]));
  }
  return computation;
}

// call, fusion:  (C1) the computation takes the operands.  What it returns is the result.
absl::StatusOr<Shape> Call(const Op& op) {
  const absl::string_view role = op.opcode == Opcode::kCall ? "to_apply" : "calls";
  INGOT_ASSIGN_OR_RETURN(const Computation* computation, Taking(op, 0, role, op.operands));
  return computation->root()->shape();
}

// conditional(selector, operands...): one branch runs, on its operand.
//   (C1) the selector is pred[], with two branches (true first), or s32[];
//   (C2) there is a branch, and one operand for each;
//   (C3) each branch takes its operand;
//   (C4) all branches return one shape, the result.
absl::StatusOr<Shape> Conditional(const Op& op) {
  const int64_t branches = static_cast<int64_t>(op.called.size());
  INGOT_REQUIRE(branches > 0, "has no branches");
  INGOT_REQUIRE(op.operand_count() == branches + 1, "has ", op.operand_count(),
                " operands when it has ", branches, " branches");  // (C2)
  const Shape& selector = op.operand(0);
  const bool is_pred = selector.IsScalar() && selector.element_type() == ElementType::kPred;
  const bool is_index = selector.IsScalar() && selector.element_type() == ElementType::kS32;
  INGOT_REQUIRE(is_index || (is_pred && branches == 2), "the selector is ", Text(selector),
                " with ", branches, " branches, when it must be s32[], or pred[] with 2");  // (C1)
  for (int64_t i = 0; i < branches; ++i) {
    INGOT_ASSIGN_OR_RETURN(
        const Computation* branch,
        Taking(op, i, absl::StrCat("branch ", i), op.operands.subspan(i + 1, 1)));  // (C3)
    const Shape& result = branch->root()->shape();
    const Shape& first = op.called[0]->root()->shape();
    INGOT_REQUIRE(ShapesAgree(result, first), "branch ", i, " returns ", Text(result),
                  " when branch 0 returns ", Text(first));  // (C4)
  }
  return op.called[0]->root()->shape();
}

// while(state):
//   (C1) condition and body take the state;
//   (C2) the condition returns pred[];
//   (C3) the body returns the state's shape.
absl::StatusOr<Shape> While(const Op& op) {
  INGOT_ASSIGN_OR_RETURN(const Computation* condition, Taking(op, 0, "condition", op.operands));
  INGOT_ASSIGN_OR_RETURN(const Computation* body, Taking(op, 1, "body", op.operands));  // (C1)
  const Shape& goes_on = condition->root()->shape();
  INGOT_REQUIRE(goes_on.IsScalar() && goes_on.element_type() == ElementType::kPred, "condition ",
                condition->name(), " returns ", Text(goes_on), ", not pred[]");  // (C2)
  const Shape& next = body->root()->shape();
  INGOT_REQUIRE(ShapesAgree(next, op.operand(0)), "body ", body->name(), " returns ", Text(next),
                " when the state is ", Text(op.operand(0)));  // (C3)
  return op.operand(0);
}

constexpr Rule kRules[] = {
    {Opcode::kAsyncStart, NotInferable},
    {Opcode::kAsyncUpdate, NotInferable},
    {Opcode::kAsyncDone, NotInferable},
    {Opcode::kCall, Call},
    {Opcode::kConditional, Conditional},
    {Opcode::kFusion, Call},
    {Opcode::kWhile, While},
};
static_assert(IsTableOf(OpKind::kControlFlow, kRules));

}  // namespace

absl::StatusOr<Shape> InferControlFlow(const Op& op) { return FunctionOf(kRules, op.opcode)(op); }

}  // namespace ingot::infer
