// Elementwise ops.
#include <algorithm>
#include <cmath>

#include "tests/random_graphs/drawer.h"

namespace ingot::random_graphs {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Of a float op that is one correctly rounded operation on exact operands.
Facts ExactFacts(double bound, bool whole, bool signed_zero) {
  return {bound, whole, 0, signed_zero};
}

}  // namespace

bool Drawer::Unary() {
  const Known x = Any();
  const ElementType type = x.type();
  const auto apply = [&](Opcode opcode) { return Elementwise(opcode, {x.value}); };
  if (type == ElementType::kPred) return Add(Not(x.value), {});
  if (IsInteger(type)) {
    static constexpr Opcode kOps[] = {
        Opcode::kAbs, Opcode::kClz, Opcode::kNegate, Opcode::kNot, Opcode::kPopulationCount,
        Opcode::kSign};
    return Add(apply(OneOf(kOps)), {});
  }
  if (IsComplex(type)) return Add(Negate(x.value), x.facts);
  if (OneIn(3)) {  // moves no bits but the sign
    const Opcode opcode = OneIn(2) ? Opcode::kAbs : Opcode::kNegate;
    return Add(apply(opcode), x.facts);
  }
  if (x.exact() && OneIn(2)) {
    static constexpr Opcode kWhole[] = {Opcode::kFloor, Opcode::kCeil, Opcode::kRoundNearestAfz,
                                        Opcode::kRoundNearestEven};
    switch (Below(4)) {
      case 0:
        return Add(IsFinite(x.value), {});
      case 1:
        return Add(Sign(x.value),
                   ExactFacts(x.finite() ? 1 : kInfinity, x.finite(), x.facts.signed_zero));
      case 2:
        return Add(Sqrt(x.value), ExactFacts(kInfinity, false, x.facts.signed_zero));
      default:
        return Add(apply(OneOf(kWhole)),
                   ExactFacts(x.finite() ? std::ceil(x.facts.bound) : kInfinity, x.finite(),
                              x.facts.signed_zero));
    }
  }
  static constexpr Opcode kSlow[] = {Opcode::kTanh, Opcode::kLogistic, Opcode::kSin, Opcode::kCos,
                                     Opcode::kErf};  // change at most 1.13 times as fast as x
  static constexpr Opcode kOthers[] = {
      Opcode::kAcos,  Opcode::kAcosh, Opcode::kAsin, Opcode::kAsinh, Opcode::kAtanh,
      Opcode::kCbrt,  Opcode::kCosh,  Opcode::kExp,  Opcode::kExpm1, Opcode::kLog,
      Opcode::kLog1p, Opcode::kRsqrt, Opcode::kSinh, Opcode::kTan};
  if (!x.exact() || OneIn(2)) {
    if (!x.exact()) return AddRough(apply(OneOf(kSlow)), 8, 1.2 * x.facts.error);
    return AddRough(Elementwise(OneOf(kSlow), {Bounded(x, 8).value}), 8);
  }
  return AddRough(Elementwise(OneOf(kOthers), {Bounded(x, 8).value}), 16);
}

// What is known of x op y on floats; nothing where the op does not suit them.
static std::optional<Facts> FloatBinaryFacts(Opcode opcode, const Known& x, const Known& y) {
  const Facts& a = x.facts;
  const Facts& b = y.facts;
  const bool exact = x.exact() && y.exact();
  if (!exact && !(x.finite() && y.finite())) return std::nullopt;
  const bool zero = a.signed_zero && b.signed_zero;
  const bool whole = a.whole && b.whole;
  switch (opcode) {
    case Opcode::kAdd:
    case Opcode::kSubtract: {
      Facts facts{a.bound + b.bound, whole, a.error + b.error, zero};
      return facts;
    }
    case Opcode::kMultiply: {
      if (!x.finite() || !y.finite()) return Facts{kInfinity, false, 0, zero};
      return Facts{a.bound * b.bound, whole,
                   a.bound * b.error + b.bound * a.error + a.error * b.error, zero};
    }
    case Opcode::kMaximum:
    case Opcode::kMinimum:
      return Facts{std::max(a.bound, b.bound), whole, std::max(a.error, b.error), zero};
    case Opcode::kDivide:
      // One over a zero of either sign is an infinity of either sign.
      if (!exact || !b.signed_zero) return std::nullopt;
      return Facts{kInfinity, false, 0, a.signed_zero};
    case Opcode::kRemainder:
      if (!exact) return std::nullopt;
      return Facts{kInfinity, false, 0, a.signed_zero};
    default:
      return std::nullopt;
  }
}

bool Drawer::FloatBinary(Opcode opcode, const Known& x, const Known& y) {
  const std::optional<Facts> facts = FloatBinaryFacts(opcode, x, y);
  return facts.has_value() && Add(Elementwise(opcode, {x.value, y.value}), *facts);
}

bool Drawer::Binary() {
  const Known x = Any();
  const Known y = Like(x);
  const ElementType type = x.type();
  const auto apply = [&](Opcode opcode) { return Elementwise(opcode, {x.value, y.value}); };
  if (type == ElementType::kPred) {
    static constexpr Opcode kOps[] = {Opcode::kAnd, Opcode::kOr, Opcode::kXor, Opcode::kMaximum,
                                      Opcode::kMinimum};
    return Add(apply(OneOf(kOps)), {});
  }
  if (IsInteger(type)) {
    static constexpr Opcode kOps[] = {Opcode::kAdd,       Opcode::kSubtract,
                                      Opcode::kMultiply,  Opcode::kMaximum,
                                      Opcode::kMinimum,   Opcode::kAnd,
                                      Opcode::kOr,        Opcode::kXor,
                                      Opcode::kDivide,    Opcode::kRemainder,
                                      Opcode::kShiftLeft, Opcode::kShiftRightArithmetic,
                                      Opcode::kMulhi,     Opcode::kShiftRightLogical,
                                      Opcode::kAdd,       Opcode::kSubtract};
    return Add(apply(OneOf(kOps)), {});
  }
  if (IsComplex(type)) {
    if (!x.exact() || !y.exact()) return false;
    const Facts& a = x.facts;
    const Facts& b = y.facts;
    const double exactly = std::ldexp(1.0, FormatOf(ComponentType(type)).mantissa_bits);
    if (OneIn(2)) {
      const Opcode opcode = OneIn(2) ? Opcode::kAdd : Opcode::kSubtract;
      return Add(apply(opcode), {a.bound + b.bound, a.whole && b.whole, 0, false});
    }
    if (!a.whole || !b.whole || 2 * a.bound * b.bound > exactly) return false;
    return Add(Multiply(x.value, y.value), {2 * a.bound * b.bound, true, 0, false});
  }
  if (OneIn(8)) {
    if (!x.exact() || !y.exact() || !x.facts.signed_zero || !y.facts.signed_zero) return false;
    const Value a = Bounded(x, 4).value, b = Bounded(y, 4).value;
    return AddRough(OneIn(2) ? Power(a, b) : Atan2(a, b), 16);
  }
  static constexpr Opcode kOps[] = {Opcode::kAdd,       Opcode::kSubtract, Opcode::kMultiply,
                                    Opcode::kMaximum,   Opcode::kMinimum,  Opcode::kDivide,
                                    Opcode::kRemainder, Opcode::kAdd,      Opcode::kMultiply};
  return FloatBinary(OneOf(kOps), x, y);
}

bool Drawer::Compare() {
  const Known x = Any();
  const Known y = Like(x);
  if (!x.exact() || !y.exact()) return false;
  static constexpr ComparisonDirection kOrdered[] = {
      ComparisonDirection::kEq, ComparisonDirection::kNe, ComparisonDirection::kGe,
      ComparisonDirection::kGt, ComparisonDirection::kLe, ComparisonDirection::kLt};
  CompareAttributes attributes;
  attributes.direction = kOrdered[Below(IsComplex(x.type()) ? 2 : 6)];
  // NaNs of either sign are one value to us: the total order tells them apart.
  const bool zeros = x.facts.signed_zero && y.facts.signed_zero;
  if (IsFloat(x.type()) && zeros && x.finite() && y.finite() && OneIn(4)) {
    attributes.type = ComparisonType::kTotalOrder;
  }
  return Add(Elementwise(Opcode::kCompare, {x.value, y.value}, attributes), {});
}

bool Drawer::Select() {
  const Known x = Any();
  const Known y = Like(x);
  const Known p = Like(ElementType::kPred, OneIn(4) ? Sizes{} : x.sizes());
  return Add(b_.Apply(Opcode::kSelect, {p.value, x.value, y.value}), Either(x.facts, y.facts));
}

bool Drawer::Clamp() {
  const Known x = Any();
  if (IsComplex(x.type())) return false;
  const Known low = Like(x.type(), OneIn(2) ? Sizes{} : x.sizes());
  const Known high = Like(x.type(), OneIn(2) ? Sizes{} : x.sizes());
  if (!(x.finite() && low.finite() && high.finite()) &&
      !(x.exact() && low.exact() && high.exact())) {
    return false;
  }
  return Add(b_.Apply(Opcode::kClamp, {low.value, x.value, high.value}),
             Either(x.facts, Either(low.facts, high.facts)));
}

bool Drawer::Convert() {
  const Known x = Any();
  const ElementType to =
      OneIn(2) ? OneOf(style_.types) : static_cast<ElementType>(Below(kElementTypeCount));
  if (IsComplex(x.type()) && !IsComplex(to)) return false;
  const bool to_float = IsFloat(ComponentType(to));
  if (!x.exact() && !to_float) return false;
  if (!to_float) return Add(ingot::Convert(x.value, to), {});
  return Add(ingot::Convert(x.value, to), x.facts);
}

bool Drawer::ReducePrecision() {
  const Known x = Any();
  if (!IsFloat(x.type()) || BitWidth(x.type()) < 16 || !x.exact()) return false;
  const int64_t exponent = 2 + Below(8), mantissa = Below(12);
  return Add(ingot::ReducePrecision(x.value, exponent, mantissa),
             {kInfinity, false, 0, x.facts.signed_zero});
}

bool Drawer::Complex() {
  const Known x = Any();
  if (IsComplex(x.type())) {
    return Add(OneIn(2) ? Real(x.value) : Imag(x.value), x.facts);
  }
  const Known y = Like(x);
  // Complex arithmetic on infinities is not defined to the bit.
  if (!ComplexTypeOf(x.type()).has_value() || !x.finite() || !y.finite()) return false;
  return Add(ingot::Complex(x.value, y.value), Either(x.facts, y.facts));
}

bool Drawer::Map() {
  const Known x = Any();
  const Known y = Like(x);
  const ElementType type = x.type();
  if (IsComplex(type) || type == ElementType::kPred) return false;
  static constexpr Opcode kOps[] = {Opcode::kAdd, Opcode::kSubtract, Opcode::kMultiply,
                                    Opcode::kMaximum};
  const Opcode opcode = OneOf(kOps);
  const std::optional<Facts> facts =
      IsFloat(type) ? FloatBinaryFacts(opcode, x, y) : std::optional<Facts>(Facts{});
  if (!facts.has_value()) return false;
  const Shape scalar = Shape::Scalar(type);
  Computation* function = b_.Define("function", {scalar, scalar}, [&](Values arguments) {
    return Negate(Elementwise(opcode, {arguments[0], arguments[1]}));
  });
  DimensionsAttributes dimensions;
  for (int64_t d = 0; d < x.rank(); ++d) dimensions.dimensions.push_back(d);
  return Add(b_.Apply(Opcode::kMap, {x.value, y.value}, dimensions, {function}), *facts);
}

}  // namespace ingot::random_graphs
