#include "compiler/lower/math/division.h"

#include "compiler/lower/math/expression.h"
#include "ir/base/check.h"

namespace ingot::lower {

using math::Abs;
using math::Expr;
using math::Fma;
using math::Select;

Divisor MakeDivisor(kernel::Builder& b, kernel::Value value) {
  INGOT_CHECK(value->type.element == ElementType::kF32) << value->type.ToString();
  const Expr y(b, value);
  const Expr size = Abs(y);
  const Expr between = (size >= 0x1p-126) & (size <= 0x1p126);
  const Expr special = (size == 0) | !(size < y.Infinity());
  return {value, (1 / y).value(), (between | special).value()};
}

kernel::Value DivideByReciprocal(kernel::Builder& b, kernel::Value x, const Divisor& divisor) {
  const auto spread = [&](kernel::Value value) {
    return Expr(b, value->type.lanes == 1 ? b.Broadcast(value, x->type.lanes) : value);
  };
  const Expr numerator(b, x);
  const Expr y = spread(divisor.value);
  const Expr r = spread(divisor.reciprocal);
  const Expr quotient = numerator * r;
  const Expr remainder = Fma(-quotient, y, numerator);
  const Expr better = Fma(remainder, r, quotient);
  // Zeros keep their sign, and where something is infinite the remainder is NaN.
  return Select(Abs(remainder) < Abs(numerator), better, quotient).value();
}

}  // namespace ingot::lower
