#include "ir/infer/infer.h"

#include <algorithm>
#include <vector>

#include "ir/infer/op.h"

namespace ingot {
namespace {

using infer::Op;

// How many computations the roles ask for; kVariadic where it varies.
int CalledCount(CalledRoles roles) {
  switch (roles) {
    case CalledRoles::kNone:
      return 0;
    case CalledRoles::kToApply:
    case CalledRoles::kCalls:
      return 1;
    case CalledRoles::kWhile:
    case CalledRoles::kSelectAndScatter:
      return 2;
    case CalledRoles::kOptionalCalls:
    case CalledRoles::kBranches:
    case CalledRoles::kCalledComputations:
      return kVariadic;
  }
  return kVariadic;
}

absl::StatusOr<Shape> InferKind(const Op& op) {
  switch (KindOf(op.opcode)) {
    case OpKind::kElementwise:
      return infer::InferElementwise(op);
    case OpKind::kDataMovement:
      return infer::InferDataMovement(op);
    case OpKind::kReduction:
      return infer::InferReduction(op);
    case OpKind::kContraction:
      return infer::InferContraction(op);
    case OpKind::kIndexing:
      return infer::InferIndexing(op);
    case OpKind::kSorting:
      return infer::InferSorting(op);
    case OpKind::kRandom:
      return infer::InferRandom(op);
    case OpKind::kLinearAlgebra:
      return infer::InferLinearAlgebra(op);
    case OpKind::kStructure:
      return infer::InferStructure(op);
    case OpKind::kControlFlow:
      return infer::InferControlFlow(op);
    case OpKind::kCollective:
      return infer::InferCollective(op);
    case OpKind::kExternal:
      return infer::InferExternal(op);
  }
  INGOT_UNREACHABLE() << op.name();
  return absl::InternalError("no kind");
}

absl::StatusOr<Shape> InferInstruction(const Instruction& instruction, const Shape* stated) {
  std::vector<const Shape*> operands;
  operands.reserve(instruction.operands().size());
  for (const Instruction* operand : instruction.operands()) operands.push_back(&operand->shape());
  return InferShape(instruction.opcode(), operands, instruction.all_attributes(),
                    instruction.called_computations(), stated);
}

}  // namespace

absl::StatusOr<Shape> InferShape(Opcode opcode, absl::Span<const Shape* const> operands,
                                 const Attributes& attributes,
                                 absl::Span<const Computation* const> called, const Shape* stated) {
  const Op op{opcode, operands, attributes, called, stated};
  const OpInfo& info = InfoOf(opcode);
  INGOT_REQUIRE(info.arity == kVariadic || info.arity == op.operand_count(), "has ",
                op.operand_count(), " operands when it takes ", info.arity);
  const int expected = CalledCount(info.calls);
  INGOT_REQUIRE(expected == kVariadic || expected == static_cast<int>(called.size()), "calls ",
                called.size(), " computations when it calls ", expected);
  // What is taken out of a tuple or put together from tuples is looked at as a result: so a
  // thousand get-tuple-elements of a thousand leaves do not look at a million shapes.
  for (const Shape* operand : operands) {
    if (operand->IsArray()) INGOT_RETURN_IF_ERROR(infer::RequireKnownSizes({operand}));
  }
  if (stated != nullptr) INGOT_RETURN_IF_ERROR(infer::RequireKnownSizes({stated}));
  INGOT_ASSIGN_OR_RETURN(Shape shape, InferKind(op));
  INGOT_RETURN_IF_ERROR(infer::RequireKnownSizes({&shape}));
  INGOT_RETURN_IF_ERROR(shape.Validate());
  return shape;
}

absl::StatusOr<Shape> InferShape(const Instruction& instruction) {
  return InferInstruction(instruction, &instruction.shape());
}

absl::StatusOr<Shape> InferUnstatedShape(const Instruction& instruction) {
  return InferInstruction(instruction, nullptr);
}

bool ShapesAgree(const Shape& a, const Shape& b) {
  if (a.kind() != b.kind() || a.dimensions() != b.dimensions()) return false;
  if (a.IsArray() && a.element_type() != b.element_type()) return false;
  return std::equal(a.tuple_shapes().begin(), a.tuple_shapes().end(), b.tuple_shapes().begin(),
                    b.tuple_shapes().end(), ShapesAgree);
}

}  // namespace ingot
