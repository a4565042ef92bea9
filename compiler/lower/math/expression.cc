#include "compiler/lower/math/expression.h"

#include <limits>
#include <vector>

namespace ingot::lower::math {
namespace {

using kernel::Type;

ElementType FloatElement(Type type) {
  return BitWidth(type.element) == 64 ? ElementType::kF64 : ElementType::kF32;
}
ElementType SignedElement(Type type) {
  return BitWidth(type.element) == 64 ? ElementType::kS64 : ElementType::kS32;
}
ElementType UnsignedElement(Type type) {
  return BitWidth(type.element) == 64 ? ElementType::kU64 : ElementType::kU32;
}

Expr Cast(Expr a, ElementType element) {
  return {a.builder(), a.builder().Bitcast(a.value(), a.type().WithElement(element))};
}

}  // namespace

Expr Expr::Number(double value) const {
  if (IsFloat(type().element)) return {*builder_, builder_->Float(type(), value)};
  return {*builder_, builder_->Integer(type(), static_cast<int64_t>(value))};
}
Expr Expr::Infinity() const { return Number(std::numeric_limits<double>::infinity()); }
Expr Expr::Nan() const { return Number(std::numeric_limits<double>::quiet_NaN()); }

Expr Expr::AsFloat() const { return Cast(*this, FloatElement(type())); }
Expr Expr::AsSigned() const { return Cast(*this, SignedElement(type())); }
Expr Expr::AsUnsigned() const { return Cast(*this, UnsignedElement(type())); }
Expr Expr::ToFloat() const { return To(FloatElement(type())); }
Expr Expr::To(ElementType element) const { return {*builder_, builder_->Convert(value_, element)}; }

#define INGOT_EXPRESSION_UNARY(Function, Row) \
  Expr Function(Expr a) { return {a.builder(), a.builder().Row(a.value())}; }
#define INGOT_EXPRESSION_BINARY(Function, Row) \
  Expr Function(Expr a, Expr b) { return {a.builder(), a.builder().Row(a.value(), b.value())}; }
INGOT_EXPRESSION_UNARY(operator-, Neg)
INGOT_EXPRESSION_UNARY(operator!, Not)
INGOT_EXPRESSION_UNARY(Abs, Abs)
INGOT_EXPRESSION_UNARY(Sqrt, Sqrt)
INGOT_EXPRESSION_UNARY(Trunc, Trunc)
INGOT_EXPRESSION_BINARY(operator+, Add)
INGOT_EXPRESSION_BINARY(operator-, Sub)
INGOT_EXPRESSION_BINARY(operator*, Mul)
INGOT_EXPRESSION_BINARY(operator/, Div)
INGOT_EXPRESSION_BINARY(operator%, Rem)
INGOT_EXPRESSION_BINARY(operator&, And)
INGOT_EXPRESSION_BINARY(operator|, Or)
INGOT_EXPRESSION_BINARY(operator^, Xor)
INGOT_EXPRESSION_BINARY(operator<<, Shl)
INGOT_EXPRESSION_BINARY(operator==, Eq)
INGOT_EXPRESSION_BINARY(operator!=, Ne)
INGOT_EXPRESSION_BINARY(operator<, Lt)
INGOT_EXPRESSION_BINARY(operator<=, Le)
INGOT_EXPRESSION_BINARY(operator>, Gt)
INGOT_EXPRESSION_BINARY(operator>=, Ge)
INGOT_EXPRESSION_BINARY(MulHigh, Mulhi)
INGOT_EXPRESSION_BINARY(Min, Min)
INGOT_EXPRESSION_BINARY(Max, Max)
#undef INGOT_EXPRESSION_UNARY
#undef INGOT_EXPRESSION_BINARY

Expr operator>>(Expr a, Expr b) {
  kernel::Builder& builder = a.builder();
  return {builder, IsSigned(a.type().element) ? builder.Ashr(a.value(), b.value())
                                              : builder.Lshr(a.value(), b.value())};
}

Expr Fma(Expr a, Expr b, Expr c) {
  return {a.builder(), a.builder().Fma(a.value(), b.value(), c.value())};
}
Expr Select(Expr mask, Expr on_true, Expr on_false) {
  return {mask.builder(), mask.builder().Select(mask.value(), on_true.value(), on_false.value())};
}
Expr IsNan(Expr a) { return a != a; }

// Instructions take scalars.
Expr Approximate(kernel::Intrinsic intrinsic, Expr a) {
  kernel::Builder& builder = a.builder();
  std::vector<kernel::Value> lanes;
  for (int i = 0; i < a.type().lanes; ++i) {
    lanes.push_back(builder.Call(intrinsic, {builder.Extract(a.value(), i)}));
  }
  return {builder, builder.Build(lanes)};
}

Pair TwoSum(Expr a, Expr b) {
  const Expr hi = a + b;
  const Expr b_part = hi - a;
  return {hi, (a - (hi - b_part)) + (b - b_part)};
}

Pair FastTwoSum(Expr a, Expr b) {
  const Expr hi = a + b;
  return {hi, b - (hi - a)};
}

Pair TwoProduct(Expr a, Expr b) {
  const Expr hi = a * b;
  return {hi, Fma(a, b, -hi)};
}

Pair Product(Pair a, Pair b) {
  const Pair p = TwoProduct(a.hi, b.hi);
  return FastTwoSum(p.hi, p.lo + Fma(a.hi, b.lo, a.lo * b.hi));
}

Pair Sum(Pair a, Pair b) {
  const Pair s = FastTwoSum(a.hi, b.hi);
  return FastTwoSum(s.hi, s.lo + (a.lo + b.lo));
}

Pair SqrtPair(Pair a) {
  const Expr root = Sqrt(a.hi);
  const Expr low = (Fma(-root, root, a.hi) + a.lo) * (0.5 / root);
  return {root, Select(a.hi > 0, low, a.hi.Number(0))};
}

Expr Polynomial(Expr x, const Coefficients& coefficients) {
  const absl::Span<const double> numbers = x.IsF64() ? coefficients.f64 : coefficients.f32;
  Expr sum = x.Number(numbers.back());
  for (size_t i = numbers.size() - 1; i-- > 0;) sum = Fma(sum, x, x.Number(numbers[i]));
  return sum;
}

// In [2^(p-1), 2^p) the unit in the last place is 1; the middle of it leaves room to both sides.
Rounded RoundToInteger(Expr x) {
  const Expr middle = x.Number(0x1.8p23, 0x1.8p52);
  const Expr shifted = x + middle;
  return {shifted - middle, shifted.AsSigned() - middle.AsSigned()};
}

Expr PowerOfTwo(Expr n) {
  const Expr like = n.AsFloat();
  return ((n + like.bias()) << (like.precision() - 1)).AsFloat();
}

Expr Scale(Expr x, Expr n) {
  const Expr half = n >> 1;
  return x * PowerOfTwo(half) * PowerOfTwo(n - half);
}

Expr CopySign(Expr magnitude, Expr sign) {
  const Expr bits = sign.AsUnsigned();
  return (magnitude.AsUnsigned() | (bits & bits.Pattern(uint64_t{1} << (sign.width() - 1))))
      .AsFloat();
}

// Less `least`, the bits of x hold the exponent above the significand's field, and in that field
// what `least` has to be raised by.
Parts SplitNormal(Expr x, double least) {
  const Expr offset = x.Number(least).AsSigned();
  const Expr above = x.AsSigned() - offset;
  const int field = x.precision() - 1;
  return {((above & above.Pattern((uint64_t{1} << field) - 1)) + offset).AsFloat(), above >> field};
}

Parts Split(Expr x, double least) {
  const Expr small = x < x.Number(0x1p-126, 0x1p-1022);
  const Parts parts = SplitNormal(Select(small, x * x.Number(0x1p24, 0x1p53), x), least);
  const Expr zero = parts.exponent.Number(0);
  return {parts.significand, parts.exponent - Select(small, zero + x.precision(), zero)};
}

Pair PairNumber(Expr like, const PairConstant& constant) {
  return {like.Number(constant.high_f32, constant.high_f64),
          like.Number(constant.low_f32, constant.low_f64)};
}

}  // namespace ingot::lower::math
