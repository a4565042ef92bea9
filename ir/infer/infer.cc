#include "ir/infer/infer.h"

#include <algorithm>
#include <vector>

#include "ir/infer/op.h"

namespace ingot {
namespace {

using infer::Op;

// Tuples may share one value many times, so a few ops can state a tuple of a billion leaves.
constexpr int64_t kMaxTupleLeaves = int64_t{1} << 16;

// Counts leaves, and refuses a negative size, an unbounded one, and tuples that are too large.
absl::Status CheckOperand(const Shape& shape, int depth, int64_t& leaves) {
  if (shape.IsTuple()) {
    INGOT_REQUIRE(depth < kMaxTupleDepth, "tuples nest deeper than ", kMaxTupleDepth);
    for (const Shape& element : shape.tuple_shapes()) {
      INGOT_RETURN_IF_ERROR(CheckOperand(element, depth + 1, leaves));
    }
    return absl::OkStatus();
  }
  INGOT_REQUIRE(++leaves <= kMaxTupleLeaves, "a tuple of more than ", kMaxTupleLeaves, " leaves");
  for (int64_t i = 0; i < shape.rank(); ++i) {
    if (shape.dimension(i) >= 0) continue;
    if (shape.dimension(i) == kUnboundedSize && shape.is_dynamic(i)) {
      return Unimplemented("the size of dimension ", i, " of ", infer::Text(shape),
                           " has no bound, which is not supported");
    }
    return InvalidArgument("dimension ", i, " has the negative size ", shape.dimension(i));
  }
  return absl::OkStatus();
}

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
  int64_t leaves = 0;
  for (const Shape* operand : operands) {
    INGOT_RETURN_IF_ERROR(CheckOperand(*operand, 0, leaves));
  }
  if (stated != nullptr) {
    leaves = 0;
    INGOT_RETURN_IF_ERROR(CheckOperand(*stated, 0, leaves));
  }
  INGOT_ASSIGN_OR_RETURN(Shape shape, InferKind(op));
  leaves = 0;
  INGOT_RETURN_IF_ERROR(CheckOperand(shape, 0, leaves));
  INGOT_RETURN_IF_ERROR(shape.Validate());
  return shape;
}

absl::StatusOr<Shape> InferShape(const Instruction& instruction) {
  std::vector<const Shape*> operands;
  operands.reserve(instruction.operands().size());
  for (const Instruction* operand : instruction.operands()) operands.push_back(&operand->shape());
  return InferShape(instruction.opcode(), operands, instruction.all_attributes(),
                    instruction.called_computations(), &instruction.shape());
}

bool ShapesAgree(const Shape& a, const Shape& b) {
  if (a.kind() != b.kind() || a.dimensions() != b.dimensions()) return false;
  if (a.IsArray() && a.element_type() != b.element_type()) return false;
  return std::equal(a.tuple_shapes().begin(), a.tuple_shapes().end(), b.tuple_shapes().begin(),
                    b.tuple_shapes().end(), ShapesAgree);
}

}  // namespace ingot
