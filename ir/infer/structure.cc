// Values that no kernel computes: parameters, constants, tuples, tokens.
#include "ir/infer/op.h"

namespace ingot::infer {
namespace {

absl::Status RequireToken(const Op& op, int64_t i) {
  INGOT_REQUIRE(op.operand(i).IsToken(), "operand ", i, " is ", Text(op.operand(i)),
                ", not token[]");
  return absl::OkStatus();
}

// opt-barrier, domain: anything, as it is.
absl::StatusOr<Shape> PassThrough(const Op& op) { return op.operand(0); }

// add-dependency(x, token): x.
absl::StatusOr<Shape> AddDependency(const Op& op) {
  INGOT_RETURN_IF_ERROR(RequireToken(op, 1));
  return op.operand(0);
}

// after-all: tokens into one.
absl::StatusOr<Shape> AfterAll(const Op& op) {
  for (int64_t i = 0; i < op.operand_count(); ++i) INGOT_RETURN_IF_ERROR(RequireToken(op, i));
  return Shape::Token();
}

// constant: its literal's shape.
absl::StatusOr<Shape> Constant(const Op& op) {
  return op.attributes<ConstantAttributes>().literal.shape();
}

// get-tuple-element:
//   (C1) the operand is a tuple;
//   (C2) it has the index.
absl::StatusOr<Shape> GetTupleElement(const Op& op) {
  const Shape& operand = op.operand(0);
  const int64_t index = op.attributes<TupleIndexAttributes>().index;
  const int64_t size = static_cast<int64_t>(operand.tuple_shapes().size());
  INGOT_REQUIRE(operand.IsTuple(), "the operand ", Text(operand), " is not a tuple");  // (C1)
  INGOT_REQUIRE(index >= 0 && index < size, "index ", index, " is not in [0, ", size,
                ")");  // (C2)
  return operand.tuple_shapes()[index];
}

// tuple: the operands' shapes; checked before they are copied, as they are many when one is shared.
absl::StatusOr<Shape> Tuple(const Op& op) {
  INGOT_RETURN_IF_ERROR(RequireKnownSizes(op.operands));
  std::vector<Shape> elements;
  elements.reserve(op.operands.size());
  for (const Shape* operand : op.operands) elements.push_back(*operand);
  return Shape::Tuple(std::move(elements));
}

constexpr Rule kRules[] = {
    {Opcode::kAddDependency, AddDependency},
    {Opcode::kAfterAll, AfterAll},
    {Opcode::kConstant, Constant},
    {Opcode::kDomain, PassThrough},
    {Opcode::kGetTupleElement, GetTupleElement},
    {Opcode::kOptimizationBarrier, PassThrough},
    {Opcode::kParameter, Stated},
    {Opcode::kTuple, Tuple},
};
static_assert(IsTableOf(OpKind::kStructure, kRules));

}  // namespace

absl::StatusOr<Shape> InferStructure(const Op& op) { return FunctionOf(kRules, op.opcode)(op); }

}  // namespace ingot::infer
