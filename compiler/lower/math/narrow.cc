// bf16 and f16 in f32: a few units in the last place of f32 are a small part of one of the
// result's, which is rounded once more.
#include "compiler/lower/math/families.h"

namespace ingot::lower::math {
namespace {

constexpr double kLog2E = 0x1.71547652b82fep+0;

Expr Exp2(Expr x) { return Approximate(kernel::Intrinsic::kExp2ApproxFtz, x); }
Expr Reciprocal(Expr x) { return Approximate(kernel::Intrinsic::kRcpApproxFtz, x); }

}  // namespace

// The root of e^x is normal where e^x is not zero.
Expr NarrowExp(Expr x) {
  const Expr root = Exp2(x * (kLog2E / 2));
  return root * root;
}

// 2^-24 / (2^-24 + 2^-24 e^-x): the quotient is normal before the last product.
Expr NarrowLogistic(Expr x) {
  const Expr scale = x.Number(0x1p-24);
  const Expr power = Exp2(Fma(x, x.Number(-kLog2E), x.Number(-24)));
  return Reciprocal(power + scale) * scale;
}

// 1 - 2 / (e^2x + 1) is good to 2^-22; below 2^-7, where that is too little, tanh x is x to 2^-15.
Expr NarrowTanh(Expr x) {
  const Expr far = Fma(Reciprocal(Exp2(x * (2 * kLog2E)) + 1), x.Number(-2), x.Number(1));
  return Select(Abs(x) < 0x1p-7, x, far);
}

// ±(1 - 2 / (1 + e^±2x)): near the end where the sum with `shift` is small the quotient is too, so
// that its relative error is the sum's.
Expr ShiftedTanh(Expr x, int shift) {
  const double sign = shift;
  const Expr power = Exp2(x * (-2 * sign * kLog2E));
  return Fma(Reciprocal(power + 1), x.Number(2 * sign), x.Number(-sign));
}

Expr NarrowRsqrt(Expr x) { return Approximate(kernel::Intrinsic::kRsqrtApprox, x); }

// Of bf16, both are scaled so that y and its reciprocal are normal.  That is exact, for numbers of
// bf16 are multiples of 2^-133, unless x overflows, and then the quotient does.
Expr NarrowDivide(Expr x, Expr y, ElementType type) {
  if (type == ElementType::kF16) return x * Reciprocal(y);
  const Expr scale = Select(Abs(y) < 0x1p-60, x.Number(0x1p8), x.Number(0x1p-2));
  return (x * scale) * Reciprocal(y * scale);
}

}  // namespace ingot::lower::math
