// Elementwise ops.  Constraints of all but map:
//   (E1) every operand is an array;
//   (E2) the operands have the same sizes, but for scalar bounds of clamp and a scalar predicate of
//        select; the result has them too;
//   (E3) the operands have one element type, which is of a category that the op takes; the result
//        has it too unless said otherwise below.
#include "absl/strings/str_join.h"
#include "ir/infer/op.h"

namespace ingot::infer {
namespace {

// Sets of type categories.
enum : uint32_t {
  kP = 1,
  kI = 2,  // signed or unsigned
  kF = 4,
  kC = 8,
  kAny = kP | kI | kF | kC,
};

uint32_t CategoryBit(ElementType type) {
  switch (Category(type)) {
    case TypeCategory::kPred:
      return kP;
    case TypeCategory::kSigned:
    case TypeCategory::kUnsigned:
      return kI;
    case TypeCategory::kFloat:
      return kF;
    case TypeCategory::kComplex:
      return kC;
  }
  return 0;
}

absl::Status RequireCategory(ElementType type, uint32_t allowed) {
  if (CategoryBit(type) & allowed) return absl::OkStatus();
  std::vector<absl::string_view> names;
  if (allowed & kP) names.push_back("pred");
  if (allowed & kI) names.push_back("integers");
  if (allowed & kF) names.push_back("floats");
  if (allowed & kC) names.push_back("complex");
  return InvalidArgument("takes ", absl::StrJoin(names, ", "), ", not ", Text(type));
}

// (E1), (E2) for operands [first, end).
absl::Status RequireSameSizes(const Op& op, int64_t first) {
  INGOT_RETURN_IF_ERROR(RequireArrays(op));
  for (int64_t i = first + 1; i < op.operand_count(); ++i) {
    INGOT_REQUIRE(SameSizes(op.operand(i), op.operand(first)), "operand ", i, " is ",
                  Text(op.operand(i)), " when operand ", first, " is ", Text(op.operand(first)));
  }
  return absl::OkStatus();
}

// The operands' sizes with `type`; a dimension is a bound if it is one of any operand.
Shape ResultOf(const Op& op, int64_t like, ElementType type) {
  Shape result = ArrayLike(op.operand(like), type);
  for (const Shape* operand : op.operands) {
    if (!operand->HasDynamicDimension()) continue;
    for (int64_t d = 0; d < operand->rank(); ++d) {
      if (operand->is_dynamic(d)) result.set_dynamic(d, true);
    }
  }
  return result;
}

// (E1) to (E3) for ops whose operands are all alike; the result has `type` of them.
template <uint32_t allowed>
absl::StatusOr<Shape> Alike(const Op& op) {
  INGOT_RETURN_IF_ERROR(RequireSameSizes(op, 0));
  const ElementType type = op.operand(0).element_type();
  for (int64_t i = 1; i < op.operand_count(); ++i) {
    INGOT_REQUIRE(op.operand(i).element_type() == type, "operand ", i, " is ", Text(op.operand(i)),
                  " when operand 0 is ", Text(op.operand(0)));
  }
  INGOT_RETURN_IF_ERROR(RequireCategory(type, allowed));
  return ResultOf(op, 0, type);
}

// is-finite: gives pred.
absl::StatusOr<Shape> IsFinite(const Op& op) {
  INGOT_ASSIGN_OR_RETURN(Shape shape, Alike<kF>(op));
  shape.set_element_type(ElementType::kPred);
  return shape;
}

// abs, real, imag: complex numbers give their component's type.
template <uint32_t allowed>
absl::StatusOr<Shape> Component(const Op& op) {
  INGOT_ASSIGN_OR_RETURN(Shape shape, Alike<allowed>(op));
  shape.set_element_type(ComponentType(shape.element_type()));
  return shape;
}

// convert: the element type is stated.
//   (C1) complex is not converted to real.
// stochastic-convert: besides,
//   (C2) the first operand is of floats and the second, random bits, is unsigned of their width;
//   (C3) the result is of floats or integers.
absl::StatusOr<Shape> Convert(const Op& op) {
  INGOT_RETURN_IF_ERROR(RequireSameSizes(op, 0));
  INGOT_ASSIGN_OR_RETURN(const Shape stated, StatedArray(op));
  const ElementType from = op.operand(0).element_type();
  const ElementType to = stated.element_type();
  INGOT_REQUIRE(!IsComplex(from) || IsComplex(to), "does not convert ", Text(from), " to ",
                Text(to));  // (C1)
  if (op.opcode == Opcode::kStochasticConvert) {
    const ElementType random = op.operand(1).element_type();
    INGOT_REQUIRE(IsFloat(from) && IsUnsigned(random) && BitWidth(from) == BitWidth(random),
                  "takes floats and unsigned integers of the same width, not ", Text(from), " and ",
                  Text(random));                                                    // (C2)
    INGOT_REQUIRE(IsFloat(to) || IsInteger(to), "does not convert to ", Text(to));  // (C3)
  }
  return ResultOf(op, 0, to);
}

// reduce-precision:  (C1) exponent_bits is at least 1, mantissa_bits at least 0.
absl::StatusOr<Shape> ReducePrecision(const Op& op) {
  const auto& attributes = op.attributes<ReducePrecisionAttributes>();
  INGOT_REQUIRE(attributes.exponent_bits >= 1, "exponent_bits is ", attributes.exponent_bits,
                " when it must be at least 1");
  INGOT_REQUIRE(attributes.mantissa_bits >= 0, "mantissa_bits is ", attributes.mantissa_bits,
                " when it must be at least 0");
  return Alike<kF>(op);
}

// complex: takes f32 or f64, gives c64 or c128.
absl::StatusOr<Shape> MakeComplex(const Op& op) {
  INGOT_ASSIGN_OR_RETURN(Shape shape, Alike<kF>(op));
  const std::optional<ElementType> type = ComplexTypeOf(shape.element_type());
  INGOT_REQUIRE(type.has_value(), "takes f32 or f64, not ", Text(shape.element_type()));
  shape.set_element_type(*type);
  return shape;
}

// compare: gives pred.
//   (C1) complex numbers are only equal or not;
//   (C2) a stated comparison type fits the operands: float for floats and complex, totalorder for
//        floats, signed for signed, unsigned for unsigned and pred.
absl::StatusOr<Shape> Compare(const Op& op) {
  INGOT_ASSIGN_OR_RETURN(Shape shape, Alike<kAny>(op));
  shape.set_element_type(ElementType::kPred);
  const auto& attributes = op.attributes<CompareAttributes>();
  const ElementType type = op.operand(0).element_type();
  INGOT_REQUIRE(!IsComplex(type) || attributes.direction == ComparisonDirection::kEq ||
                    attributes.direction == ComparisonDirection::kNe,
                "complex numbers have no order");  // (C1)
  const auto fits = [&] {
    switch (attributes.type) {
      case ComparisonType::kDefault:
        return true;
      case ComparisonType::kFloat:
        return IsFloat(type) || IsComplex(type);
      case ComparisonType::kTotalOrder:
        return IsFloat(type);
      case ComparisonType::kSigned:
        return IsSigned(type);
      case ComparisonType::kUnsigned:
        return IsUnsigned(type) || type == ElementType::kPred;
    }
    return false;
  };
  INGOT_REQUIRE(fits(), "the comparison type does not fit operands of ", Text(type));  // (C2)
  return shape;
}

// clamp(min, x, max):  (C1) each bound is a scalar or has x's sizes.
absl::StatusOr<Shape> Clamp(const Op& op) {
  INGOT_RETURN_IF_ERROR(RequireArrays(op));
  const Shape& x = op.operand(1);
  for (int64_t i : {0, 2}) {
    const Shape& bound = op.operand(i);
    INGOT_REQUIRE(
        (bound.IsScalar() || SameSizes(bound, x)) && bound.element_type() == x.element_type(),
        "operand ", i, " is ", Text(bound), " when operand 1 is ", Text(x));  // (C1)
  }
  INGOT_RETURN_IF_ERROR(RequireCategory(x.element_type(), kP | kI | kF));
  return ArrayLike(x, x.element_type());
}

// select(p, x, y):
//   (C1) p is of pred, a scalar or of the others' sizes;
//   (C2) x and y have one shape, the result's.
absl::StatusOr<Shape> Select(const Op& op) {
  INGOT_RETURN_IF_ERROR(RequireArrays(op));
  const Shape& p = op.operand(0);
  const Shape& x = op.operand(1);
  INGOT_REQUIRE(p.element_type() == ElementType::kPred && (p.IsScalar() || SameSizes(p, x)),
                "operand 0 is ", Text(p), " when it must be pred[] or pred with the sizes of ",
                Text(x));  // (C1)
  INGOT_REQUIRE(ShapesAgree(x, op.operand(2)), "operand 2 is ", Text(op.operand(2)),
                " when operand 1 is ", Text(x));  // (C2)
  return ResultOf(op, 1, x.element_type());
}

// map:
//   (C1) there is an operand, and all have the same sizes;
//   (C2) dimensions are 0, 1, ..., rank-1;
//   (C3) to_apply takes a scalar of each operand's type and returns a scalar: the result's type.
absl::StatusOr<Shape> Map(const Op& op) {
  INGOT_REQUIRE(op.operand_count() > 0, "has no operands");  // (C1)
  INGOT_RETURN_IF_ERROR(RequireSameSizes(op, 0));
  const std::vector<int64_t>& dimensions = op.attributes<DimensionsAttributes>().dimensions;
  const int64_t rank = op.operand(0).rank();
  INGOT_RETURN_IF_ERROR(RequireAscending("dimensions", dimensions));
  INGOT_RETURN_IF_ERROR(RequireDistinctDimensions("dimensions", dimensions, rank));
  INGOT_REQUIRE(static_cast<int64_t>(dimensions.size()) == rank, "dimensions ", Text(dimensions),
                " are not all of the ", rank);  // (C2)
  INGOT_ASSIGN_OR_RETURN(const Computation* function,
                         CalledWith(op, 0, "to_apply", op.operand_count()));
  for (int64_t i = 0; i < op.operand_count(); ++i) {
    INGOT_RETURN_IF_ERROR(RequireScalarParameter(*function, i, op.operand(i).element_type()));
  }
  const Shape& result = function->root()->shape();
  INGOT_REQUIRE(result.IsScalar(), "to_apply ", function->name(), " returns ", Text(result),
                ", not a scalar");  // (C3)
  return ResultOf(op, 0, result.element_type());
}

constexpr Rule kRules[] = {
    {Opcode::kAbs, Component<kI | kF | kC>},
    {Opcode::kAcos, Alike<kF | kC>},
    {Opcode::kAcosh, Alike<kF | kC>},
    {Opcode::kAsin, Alike<kF | kC>},
    {Opcode::kAsinh, Alike<kF | kC>},
    {Opcode::kAtanh, Alike<kF | kC>},
    {Opcode::kCbrt, Alike<kF | kC>},
    {Opcode::kCeil, Alike<kF>},
    {Opcode::kClz, Alike<kI>},
    {Opcode::kConvert, Convert},
    {Opcode::kCos, Alike<kF | kC>},
    {Opcode::kCosh, Alike<kF | kC>},
    {Opcode::kErf, Alike<kF>},
    {Opcode::kExp, Alike<kF | kC>},
    {Opcode::kExpm1, Alike<kF | kC>},
    {Opcode::kFloor, Alike<kF>},
    {Opcode::kImag, Component<kF | kC>},
    {Opcode::kIsFinite, IsFinite},
    {Opcode::kLog, Alike<kF | kC>},
    {Opcode::kLog1p, Alike<kF | kC>},
    {Opcode::kLogistic, Alike<kF | kC>},
    {Opcode::kNegate, Alike<kI | kF | kC>},
    {Opcode::kNot, Alike<kP | kI>},
    {Opcode::kPopulationCount, Alike<kI>},
    {Opcode::kReal, Component<kF | kC>},
    {Opcode::kReducePrecision, ReducePrecision},
    {Opcode::kRoundNearestAfz, Alike<kF>},
    {Opcode::kRoundNearestEven, Alike<kF>},
    {Opcode::kRsqrt, Alike<kF | kC>},
    {Opcode::kSign, Alike<kI | kF | kC>},
    {Opcode::kSin, Alike<kF | kC>},
    {Opcode::kSinh, Alike<kF | kC>},
    {Opcode::kSqrt, Alike<kF | kC>},
    {Opcode::kTan, Alike<kF | kC>},
    {Opcode::kTanh, Alike<kF | kC>},
    {Opcode::kAdd, Alike<kAny>},
    {Opcode::kAnd, Alike<kP | kI>},
    {Opcode::kAtan2, Alike<kF | kC>},
    {Opcode::kCompare, Compare},
    {Opcode::kComplex, MakeComplex},
    {Opcode::kDivide, Alike<kI | kF | kC>},
    {Opcode::kMaximum, Alike<kAny>},
    {Opcode::kMinimum, Alike<kAny>},
    {Opcode::kMulhi, Alike<kI>},
    {Opcode::kMultiply, Alike<kAny>},
    {Opcode::kOr, Alike<kP | kI>},
    {Opcode::kPower, Alike<kI | kF | kC>},
    {Opcode::kRemainder, Alike<kI | kF | kC>},
    {Opcode::kShiftLeft, Alike<kI>},
    {Opcode::kShiftRightArithmetic, Alike<kI>},
    {Opcode::kShiftRightLogical, Alike<kI>},
    {Opcode::kStochasticConvert, Convert},
    {Opcode::kSubtract, Alike<kI | kF | kC>},
    {Opcode::kXor, Alike<kP | kI>},
    {Opcode::kClamp, Clamp},
    {Opcode::kSelect, Select},
    {Opcode::kMap, Map},
};
static_assert(IsTableOf(OpKind::kElementwise, kRules));

}  // namespace

absl::StatusOr<Shape> InferElementwise(const Op& op) { return ApplyRule(kRules, op); }

}  // namespace ingot::infer
