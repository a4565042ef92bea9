// Elementwise ops.  Constraints of all but map:
//   (E1) every operand is an array;
//   (E2) the operands have the same sizes, but for scalar bounds of clamp and a scalar predicate of
//        select; the result has them too;
//   (E3) the operands have one element type, which is one that the op takes (ir/opcodes.def, which
//        also says what it gives), unless said otherwise below.
#include "absl/strings/str_join.h"
#include "ir/infer/op.h"

namespace ingot::infer {
namespace {

uint8_t BitOf(TypeCategory category) {
  switch (category) {
    case TypeCategory::kPred:
      return kTakesPred;
    case TypeCategory::kSigned:
      return kTakesSigned;
    case TypeCategory::kUnsigned:
      return kTakesUnsigned;
    case TypeCategory::kFloat:
      return kTakesFloats;
    case TypeCategory::kComplex:
      return kTakesComplex;
  }
  return 0;
}

absl::Status RequireTaken(const Op& op, ElementType type) {
  const uint8_t taken = InfoOf(op.opcode).takes;
  if (taken & BitOf(Category(type))) return absl::OkStatus();
  std::vector<absl::string_view> names;
  if (taken & kTakesPred) names.push_back("pred");
  if (taken & (kTakesSigned | kTakesUnsigned)) names.push_back("integers");
  if (taken & kTakesFloats) names.push_back("floats");
  if (taken & kTakesComplex) names.push_back("complex");
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

// What the op gives of operands of `type`; nullopt where no complex type has such components.
std::optional<ElementType> GivenType(const Op& op, ElementType type) {
  switch (InfoOf(op.opcode).gives) {
    case Gives::kSame:
      return type;
    case Gives::kPred:
      return ElementType::kPred;
    case Gives::kComponent:
      return ComponentType(type);
    case Gives::kPair:
      return ComplexTypeOf(type);
    case Gives::kOther:
      break;
  }
  INGOT_UNREACHABLE() << op.name() << " has a rule of its own";
  return std::nullopt;
}

// (E1) to (E3) for ops whose operands are all alike.
absl::StatusOr<Shape> Alike(const Op& op) {
  INGOT_RETURN_IF_ERROR(RequireSameSizes(op, 0));
  const ElementType type = op.operand(0).element_type();
  for (int64_t i = 1; i < op.operand_count(); ++i) {
    INGOT_REQUIRE(op.operand(i).element_type() == type, "operand ", i, " is ", Text(op.operand(i)),
                  " when operand 0 is ", Text(op.operand(0)));
  }
  INGOT_RETURN_IF_ERROR(RequireTaken(op, type));
  const std::optional<ElementType> given = GivenType(op, type);
  INGOT_REQUIRE(given.has_value(), "takes f32 or f64, not ", Text(type));
  return ResultOf(op, 0, *given);
}

// convert: the element type is stated.
//   (C1) complex is not converted to real.
absl::StatusOr<Shape> Convert(const Op& op) {
  INGOT_RETURN_IF_ERROR(RequireSameSizes(op, 0));
  INGOT_ASSIGN_OR_RETURN(const Shape stated, StatedArray(op));
  const ElementType from = op.operand(0).element_type();
  const ElementType to = stated.element_type();
  INGOT_REQUIRE(!IsComplex(from) || IsComplex(to), "does not convert ", Text(from), " to ",
                Text(to));  // (C1)
  return ResultOf(op, 0, to);
}

// stochastic-convert: the element type is stated.
//   (C1) the first operand is of floats and the second, random bits, is unsigned of their width;
//   (C2) the result is of floats or integers.
absl::StatusOr<Shape> StochasticConvert(const Op& op) {
  INGOT_ASSIGN_OR_RETURN(const Shape shape, Convert(op));
  const ElementType from = op.operand(0).element_type();
  const ElementType random = op.operand(1).element_type();
  const ElementType to = shape.element_type();
  INGOT_REQUIRE(IsFloat(from) && IsUnsigned(random) && BitWidth(from) == BitWidth(random),
                "takes floats and unsigned integers of the same width, not ", Text(from), " and ",
                Text(random));                                                    // (C1)
  INGOT_REQUIRE(IsFloat(to) || IsInteger(to), "does not convert to ", Text(to));  // (C2)
  return shape;
}

// reduce-precision:  (C1) exponent_bits is at least 1, mantissa_bits at least 0.
absl::StatusOr<Shape> ReducePrecision(const Op& op) {
  const auto& attributes = op.attributes<ReducePrecisionAttributes>();
  INGOT_REQUIRE(attributes.exponent_bits >= 1, "exponent_bits is ", attributes.exponent_bits,
                " when it must be at least 1");
  INGOT_REQUIRE(attributes.mantissa_bits >= 0, "mantissa_bits is ", attributes.mantissa_bits,
                " when it must be at least 0");
  return Alike(op);
}

// compare:
//   (C1) complex numbers are only equal or not;
//   (C2) a stated comparison type fits the operands: float for floats and complex, totalorder for
//        floats, signed for signed, unsigned for unsigned and pred.
absl::StatusOr<Shape> Compare(const Op& op) {
  INGOT_ASSIGN_OR_RETURN(Shape shape, Alike(op));
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
  INGOT_RETURN_IF_ERROR(RequireTaken(op, x.element_type()));
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

// Ops without attributes are alike; others have the rule of their name.
constexpr Rule kRules[] = {
#define INGOT_OPCODE(...)
#define INGOT_UNARY(Name, ...) {Opcode::k##Name, Alike},
#define INGOT_BINARY(Name, ...) {Opcode::k##Name, Alike},
#define INGOT_ELEMENTWISE(Name, ...) {Opcode::k##Name, Name},
#include "ir/opcodes.def"
};
static_assert(IsTableOf(OpKind::kElementwise, kRules));

}  // namespace

absl::StatusOr<Shape> InferElementwise(const Op& op) { return FunctionOf(kRules, op.opcode)(op); }

}  // namespace ingot::infer
