#include "compiler/lower/math/division.h"

#include "compiler/kernel/expr.h"
#include "ir/base/check.h"

namespace ingot::lower {

using kernel::Expr;

namespace {

// In all the lanes of x.
Expr Spread(Expr x, kernel::Value value) {
  kernel::Builder& b = x.builder();
  return {b, value->type.lanes == 1 ? b.Broadcast(value, x.type().lanes) : value};
}

}  // namespace

// Where scaling overflows x, the quotient overflows; where it rounds x, the quotient is zero.
Divisor MakeDivisor(kernel::Builder& b, kernel::Value value) {
  INGOT_CHECK(value->type.element == ElementType::kF32) << value->type.ToString();
  const Expr y(b, value);
  const Expr size = Abs(y);
  const Expr large = Select(size > 0x1p126, y.Number(0x1p-4), y.Number(1));
  const Expr scale = Select(size < 0x1p-126, y.Number(0x1p32), large);
  const Expr scaled = y * scale;
  return {scaled.value(), (1 / scaled).value(), scale.value()};
}

kernel::Value DivideByReciprocal(kernel::Builder& b, kernel::Value x, const Divisor& divisor) {
  const Expr unscaled(b, x);
  const Expr numerator = unscaled * Spread(unscaled, divisor.scale);
  const Expr y = Spread(unscaled, divisor.scaled);
  const Expr r = Spread(unscaled, divisor.reciprocal);
  const Expr quotient = numerator * r;
  const Expr remainder = Fma(-quotient, y, numerator);
  const Expr better = Fma(remainder, r, quotient);
  // Zeros keep their sign, and where something is infinite the remainder is NaN.
  return Select(Abs(remainder) < Abs(numerator), better, quotient).value();
}

kernel::Value MultiplyByReciprocal(kernel::Builder& b, kernel::Value x, const Divisor& divisor) {
  const Expr numerator(b, x);
  return (numerator * Spread(numerator, divisor.scale) * Spread(numerator, divisor.reciprocal))
      .value();
}

}  // namespace ingot::lower
