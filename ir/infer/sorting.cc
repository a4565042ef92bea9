// Sort and top-k.
#include "ir/infer/op.h"

namespace ingot::infer {
namespace {

// sort:
//   (C1) there is an operand; all are arrays of the same sizes;
//   (C2) there is one dimension, which they have;
//   (C3) to_apply takes two scalars of each operand's type, pair after pair, and returns pred[].
absl::StatusOr<Shape> Sort(const Op& op) {
  INGOT_REQUIRE(op.operand_count() > 0, "has no operands");
  INGOT_RETURN_IF_ERROR(RequireArrays(op));
  const Shape& first = op.operand(0);
  const std::vector<int64_t>& dimensions = op.attributes<SortAttributes>().dimensions;
  INGOT_REQUIRE(dimensions.size() == 1, "dimensions ", Text(dimensions), " is not one dimension");
  INGOT_RETURN_IF_ERROR(RequireDimension("dimension", dimensions[0], first.rank()));  // (C2)
  INGOT_ASSIGN_OR_RETURN(const Computation* less,
                         CalledWith(op, 0, "to_apply", 2 * op.operand_count()));
  std::vector<Shape> results;
  for (int64_t i = 0; i < op.operand_count(); ++i) {
    const Shape& operand = op.operand(i);
    INGOT_REQUIRE(SameSizes(operand, first), "operand ", i, " is ", Text(operand),
                  " when operand 0 is ", Text(first));  // (C1)
    INGOT_RETURN_IF_ERROR(RequireScalarParameter(*less, 2 * i, operand.element_type()));
    INGOT_RETURN_IF_ERROR(RequireScalarParameter(*less, 2 * i + 1, operand.element_type()));
    results.push_back(ArrayLike(operand, operand.element_type()));
  }
  const Shape& result = less->root()->shape();
  INGOT_REQUIRE(result.IsScalar() && result.element_type() == ElementType::kPred, "to_apply ",
                less->name(), " returns ", Text(result), ", not pred[]");  // (C3)
  return OneOrTuple(std::move(results));
}

// topk: (values, s32 indices) of the k extreme elements of the last dimension.
//   (C1) the operand is an array with a dimension;
//   (C2) k is at least 0 and at most the last size.
absl::StatusOr<Shape> TopK(const Op& op) {
  INGOT_RETURN_IF_ERROR(RequireArray(op, 0));
  const Shape& operand = op.operand(0);
  const int64_t last = operand.rank() - 1;
  INGOT_REQUIRE(last >= 0, "the operand ", Text(operand), " has no dimension");  // (C1)
  const int64_t k = op.attributes<TopKAttributes>().k;
  INGOT_REQUIRE(k >= 0 && k <= operand.dimension(last), "k ", k, " is not in [0, ",
                operand.dimension(last), "]");  // (C2)
  Shape values = Shape::Array(operand.element_type(), operand.dimensions());
  values.set_dimension(last, k);
  Shape indices = values;
  indices.set_element_type(ElementType::kS32);
  return Shape::Tuple({std::move(values), std::move(indices)});
}

constexpr Rule kRules[] = {
    {Opcode::kSort, Sort},
    {Opcode::kTopK, TopK},
};
static_assert(IsTableOf(OpKind::kSorting, kRules));

}  // namespace

absl::StatusOr<Shape> InferSorting(const Op& op) { return FunctionOf(kRules, op.opcode)(op); }

}  // namespace ingot::infer
