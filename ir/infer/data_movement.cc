// Ops whose result's elements are the operands' elements.  Constraint of all:
//   (D1) every operand is an array, but for copy.
#include <algorithm>

#include "ir/infer/op.h"

namespace ingot::infer {
namespace {

const std::vector<int64_t>& DimensionsOf(const Op& op) {
  return op.attributes<DimensionsAttributes>().dimensions;
}

// Operand 0, an array, and the stated result have `type` in common.
absl::Status RequireSameType(const Shape& operand, const Shape& result) {
  INGOT_REQUIRE(operand.element_type() == result.element_type(), "the operand is ", Text(operand),
                " when the result is ", Text(result));
  return absl::OkStatus();
}

// The sizes' product; 2^62 where it is past that.
int64_t ElementsOf(const Shape& shape) {
  return CheckedProduct(shape.dimensions()).value_or(int64_t{1} << 62);
}

// bitcast: the bytes as they lie in memory, seen as the stated shape.
//   (C1) both shapes have the same number of bits.
absl::StatusOr<Shape> Bitcast(const Op& op) {
  INGOT_RETURN_IF_ERROR(RequireArray(op, 0));
  INGOT_ASSIGN_OR_RETURN(Shape result, StatedArray(op));
  const Shape& operand = op.operand(0);
  const Wide from = Wide{ElementsOf(operand)} * BitWidth(operand.element_type());
  const Wide to = Wide{ElementsOf(result)} * BitWidth(result.element_type());
  INGOT_REQUIRE(from == to, "the operand ", Text(operand), " and the result ", Text(result),
                " have different numbers of bits");  // (C1)
  return result;
}

// bitcast-convert: each element's bits as the stated type.
//   (C1) both types are complex or neither is;
//   (C2) of types of one width, the sizes are the operand's; to a type k times narrower, they are
//        the operand's and a last k; to one k times wider, the operand's without its last k.
absl::StatusOr<Shape> BitcastConvert(const Op& op) {
  INGOT_RETURN_IF_ERROR(RequireArray(op, 0));
  INGOT_ASSIGN_OR_RETURN(const Shape stated, StatedArray(op));
  const Shape& operand = op.operand(0);
  const ElementType from = operand.element_type();
  const ElementType to = stated.element_type();
  INGOT_REQUIRE(IsComplex(from) == IsComplex(to), "does not convert ", Text(from), " to ",
                Text(to));  // (C1)
  std::vector<int64_t> sizes = operand.dimensions();
  const int from_bits = BitWidth(from);
  const int to_bits = BitWidth(to);
  if (from_bits > to_bits) {
    INGOT_REQUIRE(from_bits % to_bits == 0, Text(from), " is not a whole number of ", Text(to));
    sizes.push_back(from_bits / to_bits);
  } else if (from_bits < to_bits) {
    INGOT_REQUIRE(to_bits % from_bits == 0, Text(to), " is not a whole number of ", Text(from));
    INGOT_REQUIRE(!sizes.empty() && sizes.back() == to_bits / from_bits, "the last size of ",
                  Text(operand), " is not ", to_bits / from_bits, ", as many as make one ",
                  Text(to));  // (C2)
    sizes.pop_back();
  }
  return Shape::Array(to, std::move(sizes));
}

// broadcast: operand dimension i is result dimension dimensions[i]; the result's sizes are stated.
//   (C1) there are as many dimensions as the operand has;
//   (C2) they are distinct dimensions of the result;
//   (C3) the operand's sizes are the result's there: a size of 1 is not stretched;
//   (C4) the element type stays.
absl::StatusOr<Shape> Broadcast(const Op& op) {
  INGOT_RETURN_IF_ERROR(RequireArray(op, 0));
  INGOT_ASSIGN_OR_RETURN(Shape result, StatedArray(op));
  const Shape& operand = op.operand(0);
  const std::vector<int64_t>& dimensions = DimensionsOf(op);
  INGOT_REQUIRE(static_cast<int64_t>(dimensions.size()) == operand.rank(), "dimensions ",
                Text(dimensions), " has ", dimensions.size(), " entries when the operand has ",
                operand.rank(), " dimensions");  // (C1)
  INGOT_RETURN_IF_ERROR(
      RequireDistinctDimensions("dimensions", dimensions, result.rank()));  // (C2)
  for (int64_t i = 0; i < operand.rank(); ++i) {
    INGOT_REQUIRE(operand.dimension(i) == result.dimension(dimensions[i]), "operand dimension ", i,
                  " has size ", operand.dimension(i), " when result dimension ", dimensions[i],
                  " has ", result.dimension(dimensions[i]));  // (C3)
  }
  INGOT_RETURN_IF_ERROR(RequireSameType(operand, result));  // (C4)
  return result;
}

// concatenate:
//   (C1) there is an operand, and one dimension, which all operands have;
//   (C2) the operands have one element type and rank;
//   (C3) and the same sizes but for that dimension, along which they are summed.
absl::StatusOr<Shape> Concatenate(const Op& op) {
  INGOT_REQUIRE(op.operand_count() > 0, "has no operands");  // (C1)
  INGOT_RETURN_IF_ERROR(RequireArrays(op));
  const std::vector<int64_t>& dimensions = DimensionsOf(op);
  INGOT_REQUIRE(dimensions.size() == 1, "dimensions ", Text(dimensions), " is not one dimension");
  const int64_t along = dimensions[0];
  const Shape& first = op.operand(0);
  INGOT_RETURN_IF_ERROR(RequireDimension("dimension", along, first.rank()));
  Wide sum = 0;
  for (int64_t i = 0; i < op.operand_count(); ++i) {
    const Shape& operand = op.operand(i);
    bool fits =
        operand.rank() == first.rank() && operand.element_type() == first.element_type();  // (C2)
    for (int64_t d = 0; fits && d < first.rank(); ++d) {
      fits = d == along || operand.dimension(d) == first.dimension(d);  // (C3)
    }
    INGOT_REQUIRE(fits, "operand ", i, " is ", Text(operand), " when operand 0 is ", Text(first),
                  " and dimension ", along, " is concatenated");
    sum += operand.dimension(along);
  }
  Shape result = ArrayLike(first, first.element_type());
  INGOT_ASSIGN_OR_RETURN(const int64_t size, ToSize("the concatenated size", sum));
  result.set_dimension(along, size);
  return result;
}

// copy: anything.
absl::StatusOr<Shape> Copy(const Op& op) {
  const Shape& operand = op.operand(0);
  return operand.IsArray() ? ArrayLike(operand, operand.element_type()) : operand;
}

// dynamic-reshape: as reshape to the stated bounds; the sizes are operands.
//   (C1) after the array there is one scalar integer for each dimension of the result.
//   (C2) the element type stays.
absl::StatusOr<Shape> DynamicReshape(const Op& op) {
  INGOT_REQUIRE(op.operand_count() > 0, "has no operands");
  INGOT_RETURN_IF_ERROR(RequireArray(op, 0));
  INGOT_ASSIGN_OR_RETURN(Shape result, StatedArray(op));
  INGOT_REQUIRE(op.operand_count() - 1 == result.rank(), "has ", op.operand_count() - 1,
                " sizes when the result has ", result.rank(), " dimensions");  // (C1)
  for (int64_t i = 1; i < op.operand_count(); ++i) {
    INGOT_RETURN_IF_ERROR(RequireScalarInteger(op, i));
  }
  INGOT_RETURN_IF_ERROR(RequireSameType(op.operand(0), result));  // (C2)
  return result;
}

// get-dimension-size, set-dimension-size:
//   (C1) there is one dimension, and the operand has it;
//   (C2) the size that is set is a scalar s32.
absl::StatusOr<int64_t> OneDimension(const Op& op) {
  INGOT_RETURN_IF_ERROR(RequireArray(op, 0));
  const std::vector<int64_t>& dimensions = DimensionsOf(op);
  INGOT_REQUIRE(dimensions.size() == 1, "dimensions ", Text(dimensions), " is not one dimension");
  INGOT_RETURN_IF_ERROR(RequireDimension("dimension", dimensions[0], op.operand(0).rank()));
  return dimensions[0];
}

absl::StatusOr<Shape> GetDimensionSize(const Op& op) {
  INGOT_RETURN_IF_ERROR(OneDimension(op).status());
  return Shape::Scalar(ElementType::kS32);
}

absl::StatusOr<Shape> SetDimensionSize(const Op& op) {
  INGOT_ASSIGN_OR_RETURN(const int64_t dimension, OneDimension(op));
  const Shape& size = op.operand(1);
  INGOT_REQUIRE(size.IsScalar() && size.element_type() == ElementType::kS32, "operand 1 is ",
                Text(size), " when it must be s32[]");
  Shape result = ArrayLike(op.operand(0), op.operand(0).element_type());
  result.set_dynamic(dimension, true);
  return result;
}

// iota: the result is stated.
//   (C1) it is of numbers;
//   (C2) it has the iota_dimension.
absl::StatusOr<Shape> Iota(const Op& op) {
  INGOT_ASSIGN_OR_RETURN(Shape result, StatedArray(op));
  INGOT_REQUIRE(result.element_type() != ElementType::kPred, "does not count in pred");  // (C1)
  INGOT_RETURN_IF_ERROR(RequireDimension("iota_dimension",
                                         op.attributes<IotaAttributes>().iota_dimension,
                                         result.rank()));  // (C2)
  return result;
}

// pad(x, value): low and high may be negative, which cuts off.
//   (C1) there is one entry of padding for each dimension;
//   (C2) interior is at least 0;
//   (C3) low + size + max(size - 1, 0) * interior + high, the result's size, is at least 0;
//   (C4) the value is a scalar of x's type.
absl::StatusOr<Shape> Pad(const Op& op) {
  INGOT_RETURN_IF_ERROR(RequireArrays(op));
  const Shape& operand = op.operand(0);
  const Padding& padding = op.attributes<PadAttributes>().padding;
  INGOT_REQUIRE(static_cast<int64_t>(padding.size()) == operand.rank(), "padding has ",
                padding.size(), " entries when the operand has ", operand.rank(),
                " dimensions");  // (C1)
  const Shape& value = op.operand(1);
  INGOT_REQUIRE(value.IsScalar() && value.element_type() == operand.element_type(), "operand 1 is ",
                Text(value), " when it must be ", Text(operand.element_type()),
                "[]");  // (C4)
  Shape result = ArrayLike(operand, operand.element_type());
  for (int64_t i = 0; i < operand.rank(); ++i) {
    INGOT_REQUIRE(padding[i].interior >= 0, "interior padding of dimension ", i, " is ",
                  padding[i].interior);  // (C2)
    const int64_t holes = std::max<int64_t>(operand.dimension(i) - 1, 0);
    const Wide padded = Wide{padding[i].low} + operand.dimension(i) +
                        Wide{holes} * padding[i].interior + padding[i].high;
    INGOT_ASSIGN_OR_RETURN(
        const int64_t size,
        ToSize(absl::StrCat("the padded size of dimension ", i), padded));  // (C3)
    result.set_dimension(i, size);
  }
  return result;
}

// reshape: the result's sizes are stated.
//   (C1) both shapes have the same number of elements;
//   (C2) the element type stays;
//   (C3) inferred_dimension, where there is one, is a dimension of the result.
absl::StatusOr<Shape> Reshape(const Op& op) {
  INGOT_RETURN_IF_ERROR(RequireArray(op, 0));
  INGOT_ASSIGN_OR_RETURN(Shape result, StatedArray(op));
  const Shape& operand = op.operand(0);
  INGOT_REQUIRE(ElementsOf(operand) == ElementsOf(result), "the operand ", Text(operand), " has ",
                ElementsOf(operand), " elements when the result ", Text(result), " has ",
                ElementsOf(result));                        // (C1)
  INGOT_RETURN_IF_ERROR(RequireSameType(operand, result));  // (C2)
  const auto& inferred = op.attributes<ReshapeAttributes>().inferred_dimension;
  if (inferred.has_value()) {
    INGOT_RETURN_IF_ERROR(
        RequireDimension("inferred_dimension", *inferred, result.rank()));  // (C3)
  }
  return result;
}

// reverse:  (C1) the dimensions are distinct ones of the operand.
absl::StatusOr<Shape> Reverse(const Op& op) {
  INGOT_RETURN_IF_ERROR(RequireArray(op, 0));
  const Shape& operand = op.operand(0);
  INGOT_RETURN_IF_ERROR(
      RequireDistinctDimensions("dimensions", DimensionsOf(op), operand.rank()));  // (C1)
  return ArrayLike(operand, operand.element_type());
}

// slice:
//   (C1) there is one entry for each dimension;
//   (C2) 0 <= start <= limit <= size;
//   (C3) stride is at least 1.
absl::StatusOr<Shape> Slice(const Op& op) {
  INGOT_RETURN_IF_ERROR(RequireArray(op, 0));
  const Shape& operand = op.operand(0);
  const SliceDimensions& slice = op.attributes<SliceAttributes>().slice;
  INGOT_REQUIRE(static_cast<int64_t>(slice.size()) == operand.rank(), "slice has ", slice.size(),
                " entries when the operand has ", operand.rank(), " dimensions");  // (C1)
  Shape result = Shape::Array(operand.element_type(), operand.dimensions());
  for (int64_t i = 0; i < operand.rank(); ++i) {
    const SliceDimension& s = slice[i];
    INGOT_REQUIRE(0 <= s.start && s.start <= s.limit && s.limit <= operand.dimension(i),
                  "slice dimension ", i, " is [", s.start, ":", s.limit,
                  "] when the operand's size is ", operand.dimension(i));           // (C2)
    INGOT_REQUIRE(s.stride >= 1, "slice dimension ", i, " has stride ", s.stride);  // (C3)
    const int64_t length = s.limit - s.start;
    result.set_dimension(i, length == 0 ? 0 : (length - 1) / s.stride + 1);
  }
  return result;
}

// transpose: result dimension i is operand dimension dimensions[i].
//   (C1) dimensions is a permutation of the operand's.
absl::StatusOr<Shape> Transpose(const Op& op) {
  INGOT_RETURN_IF_ERROR(RequireArray(op, 0));
  const Shape& operand = op.operand(0);
  const std::vector<int64_t>& permutation = DimensionsOf(op);
  const bool is_permutation =
      static_cast<int64_t>(permutation.size()) == operand.rank() &&
      RequireDistinctDimensions("dimensions", permutation, operand.rank()).ok();
  INGOT_REQUIRE(is_permutation, "permutation ", Text(permutation), " is not a permutation of ",
                operand.rank(), " dimensions");  // (C1)
  Shape result = Shape::Array(operand.element_type(), operand.dimensions());
  for (int64_t i = 0; i < operand.rank(); ++i) {
    result.set_dimension(i, operand.dimension(permutation[i]));
    result.set_dynamic(i, operand.is_dynamic(permutation[i]));
  }
  return result;
}

constexpr Rule kRules[] = {
    {Opcode::kBitcast, Bitcast},
    {Opcode::kBitcastConvert, BitcastConvert},
    {Opcode::kBroadcast, Broadcast},
    {Opcode::kConcatenate, Concatenate},
    {Opcode::kCopy, Copy},
    {Opcode::kDynamicReshape, DynamicReshape},
    {Opcode::kGetDimensionSize, GetDimensionSize},
    {Opcode::kIota, Iota},
    {Opcode::kPad, Pad},
    {Opcode::kReshape, Reshape},
    {Opcode::kReverse, Reverse},
    {Opcode::kSetDimensionSize, SetDimensionSize},
    {Opcode::kSlice, Slice},
    {Opcode::kTranspose, Transpose},
};
static_assert(IsTableOf(OpKind::kDataMovement, kRules));

}  // namespace

absl::StatusOr<Shape> InferDataMovement(const Op& op) { return FunctionOf(kRules, op.opcode)(op); }

}  // namespace ingot::infer
