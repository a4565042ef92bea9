// Collectives.  Replica groups mean nothing to a program for one device and are not read, so sizes
// that depend on how many devices there are have to be stated.  Constraints of all:
//   (A1) there is an operand;
//   (A2) the operands are arrays; several give a tuple.
#include "ir/infer/op.h"

namespace ingot::infer {
namespace {

// (A1), (A2) and the operands' own shapes as the result.
absl::StatusOr<std::vector<Shape>> OperandShapes(const Op& op) {
  INGOT_REQUIRE(op.operand_count() > 0, "has no operands");  // (A1)
  INGOT_RETURN_IF_ERROR(RequireArrays(op));                  // (A2)
  std::vector<Shape> shapes;
  for (const Shape* operand : op.operands) {
    shapes.push_back(ArrayLike(*operand, operand->element_type()));
  }
  return shapes;
}

absl::StatusOr<Shape> Same(const Op& op) {
  INGOT_ASSIGN_OR_RETURN(std::vector<Shape> shapes, OperandShapes(op));
  return OneOrTuple(std::move(shapes));
}

// to_apply takes two scalars and returns one, whatever the number of operands.
absl::Status RequireScalarReducer(const Op& op) {
  INGOT_ASSIGN_OR_RETURN(const Computation* reducer, CalledWith(op, 0, "to_apply", 2));
  for (const Shape* shape : {&reducer->parameters()[0]->shape(), &reducer->parameters()[1]->shape(),
                             &reducer->root()->shape()}) {
    INGOT_REQUIRE(shape->IsScalar(), "to_apply ", reducer->name(), " takes or returns ",
                  Text(*shape), ", not a scalar");
  }
  return absl::OkStatus();
}

// all-reduce, all-reduce-start:  (C1) to_apply takes two scalars and returns one.
absl::StatusOr<Shape> AllReduce(const Op& op) {
  INGOT_RETURN_IF_ERROR(RequireScalarReducer(op));  // (C1)
  return Same(op);
}

absl::StatusOr<int64_t> OneOf(const std::vector<int64_t>& dimensions) {
  INGOT_REQUIRE(dimensions.size() == 1, "dimensions ", Text(dimensions), " is not one dimension");
  return dimensions[0];
}

// all-gather, reduce-scatter: the stated result.
//   (C1) there is one dimension, which the operands have;
//   (C2) each result has its operand's type and sizes, but along the dimension a multiple
//        (all-gather) or a divisor (reduce-scatter) of it.
absl::StatusOr<Shape> Rescaled(const Op& op, int64_t dimension, bool grows) {
  INGOT_RETURN_IF_ERROR(OperandShapes(op).status());
  INGOT_ASSIGN_OR_RETURN(Shape result, Stated(op));
  const bool single = op.operand_count() == 1;
  INGOT_REQUIRE(single || (result.IsTuple() && static_cast<int64_t>(result.tuple_shapes().size()) ==
                                                   op.operand_count()),
                "the result ", Text(result), " is not a tuple of ", op.operand_count());
  for (int64_t i = 0; i < op.operand_count(); ++i) {
    const Shape& operand = op.operand(i);
    const Shape& element = single ? result : result.tuple_shapes()[i];
    INGOT_RETURN_IF_ERROR(RequireDimension("dimension", dimension, operand.rank()));  // (C1)
    bool fits = element.IsArray() && element.rank() == operand.rank() &&
                element.element_type() == operand.element_type();
    for (int64_t d = 0; fits && d < operand.rank(); ++d) {
      const int64_t small = (grows ? operand : element).dimension(d);
      const int64_t large = (grows ? element : operand).dimension(d);
      fits = d == dimension ? (small == 0 ? large == 0 : large % small == 0) : small == large;
    }
    INGOT_REQUIRE(fits, "the result ", Text(element), " does not fit the operand ", Text(operand),
                  " along dimension ", dimension);  // (C2)
  }
  return result;
}

absl::StatusOr<Shape> AllGather(const Op& op) {
  INGOT_ASSIGN_OR_RETURN(const int64_t dimension,
                         OneOf(op.attributes<AllGatherAttributes>().dimensions));
  return Rescaled(op, dimension, /*grows=*/true);
}

absl::StatusOr<Shape> ReduceScatter(const Op& op) {
  INGOT_RETURN_IF_ERROR(RequireScalarReducer(op));
  INGOT_ASSIGN_OR_RETURN(const int64_t dimension,
                         OneOf(op.attributes<CollectiveAttributes>().dimensions));
  return Rescaled(op, dimension, /*grows=*/false);
}

// all-to-all: with a dimension, one array is split and put together along it and keeps its shape;
// without, the operands are exchanged and the result is a tuple.
//   (C1) there is at most one dimension, which the operand has; with it there is one operand.
absl::StatusOr<Shape> AllToAll(const Op& op) {
  INGOT_ASSIGN_OR_RETURN(std::vector<Shape> shapes, OperandShapes(op));
  const std::vector<int64_t>& dimensions = op.attributes<CollectiveAttributes>().dimensions;
  if (dimensions.empty()) return Shape::Tuple(std::move(shapes));
  INGOT_ASSIGN_OR_RETURN(const int64_t dimension, OneOf(dimensions));
  INGOT_REQUIRE(shapes.size() == 1, "has ", shapes.size(), " operands when it has a dimension");
  INGOT_RETURN_IF_ERROR(RequireDimension("dimension", dimension, shapes[0].rank()));  // (C1)
  return std::move(shapes[0]);
}

// collective-permute with slice_sizes updates buffers in place: no rule.
absl::StatusOr<Shape> CollectivePermute(const Op& op) {
  if (!op.attributes<CollectivePermuteAttributes>().slice_sizes.text.empty()) {
    return NotInferable(op);
  }
  return Same(op);
}

absl::StatusOr<Shape> DeviceNumber(const Op&) { return Shape::Scalar(ElementType::kU32); }

// all-reduce-done: what the start gave.
absl::StatusOr<Shape> PassThrough(const Op& op) { return op.operand(0); }

constexpr Rule kRules[] = {
    {Opcode::kAllGather, AllGather},
    {Opcode::kAllGatherDone, NotInferable},
    {Opcode::kAllGatherStart, NotInferable},
    {Opcode::kAllReduce, AllReduce},
    {Opcode::kAllReduceDone, PassThrough},
    {Opcode::kAllReduceStart, AllReduce},
    {Opcode::kAllToAll, AllToAll},
    {Opcode::kCollectiveBroadcast, Same},
    {Opcode::kCollectivePermute, CollectivePermute},
    {Opcode::kCollectivePermuteDone, NotInferable},
    {Opcode::kCollectivePermuteStart, NotInferable},
    {Opcode::kPartitionId, DeviceNumber},
    {Opcode::kRaggedAllToAll, NotInferable},
    {Opcode::kReduceScatter, ReduceScatter},
    {Opcode::kReplicaId, DeviceNumber},
};
static_assert(IsTableOf(OpKind::kCollective, kRules));

}  // namespace

absl::StatusOr<Shape> InferCollective(const Op& op) { return FunctionOf(kRules, op.opcode)(op); }

}  // namespace ingot::infer
