// Near zero each odd function is x + x^3 P(x^2).
#include "compiler/lower/math/families.h"

namespace ingot::lower::math {
namespace {

constexpr double kTwoLog2E = 0x1.71547652b82fep+1;

Expr Odd(Expr size, const Coefficients& coefficients) {
  const Expr square = size * size;
  return Fma(square * size, Polynomial(square, coefficients), size);
}

// log((u.hi + u.lo) 2^doubled), for u.hi >= 1, infinity too.
Expr LogFrom(Pair u, Expr doubled) {
  const Expr one = u.hi.Number(1);
  const Expr zero = u.hi.Number(0);
  return Select(u.hi < u.hi.Infinity(), LogOf(u, Select(doubled, one, zero)), u.hi);
}

// log(a + sqrt(a^2 + sign)).  From 2^28 on the root is a.
Expr LogOfSum(Expr a, double sign) {
  const Expr far = a > 0x1p28;
  const Expr bounded = Select(far, a.Number(2), a);
  const Pair square = TwoProduct(bounded, bounded);
  const Pair shifted = TwoSum(square.hi, a.Number(sign));
  const Pair root = SqrtPair(FastTwoSum(shifted.hi, shifted.lo + square.lo));
  const Pair sum = TwoSum(bounded, root.hi);
  const Pair u = {Select(far, a, sum.hi), Select(far, a.Number(0), sum.lo + root.lo)};
  return LogFrom(u, far);
}

}  // namespace

// From 1 on: h - 1 / (4 h) with h = e^|x| / 2, which is finite where the result is.
Expr Sinh(Expr x) {
  const Expr size = Abs(x);
  const Expr half = ScaledExp(size, -1);
  return CopySign(Select(size < 1, Odd(size, kSinh), half - 0.25 / half), x);
}

Expr Cosh(Expr x) {
  const Expr half = ScaledExp(Abs(x), -1);
  return half + 0.25 / half;
}

// From 0.55 on: 1 - 2 / (e^2|x| + 1).
Expr Tanh(Expr x) {
  const Expr size = Abs(x);
  const Expr far = 1 - 2 / (NormalExp(Min(size, x.Number(10, 20)) * 2) + 1);
  return CopySign(Select(size < 0.55, Odd(size, kTanh), far), x);
}

// The same with a wider polynomial: from 1.25 on the quotient is so small that the error of an
// approximate power counts for little.  The reciprocal is an approximation and a Newton step.
Expr FastTanh(Expr x) {
  const Expr size = Abs(x);
  const Expr bounded = Min(size, x.Number(10));
  const Expr power = Approximate(kernel::Intrinsic::kExp2ApproxFtz, bounded * kTwoLog2E);
  const Expr sum = power + 1;
  const Expr rough = Approximate(kernel::Intrinsic::kRcpApproxFtz, sum);
  const Expr reciprocal = Fma(rough, Fma(-sum, rough, x.Number(1)), rough);
  const Expr far = Fma(reciprocal, x.Number(-2), x.Number(1));
  return CopySign(Select(size < 1.25, Odd(size, kTanhWide), far), x);
}

Expr Asinh(Expr x) {
  const Expr size = Abs(x);
  return CopySign(Select(size < 0.5, Odd(size, kAsinh), LogOfSum(size, 1)), x);
}

Expr Acosh(Expr x) { return Select(x >= 1, LogOfSum(x, -1), x.Nan()); }

// From 1/2 on: log((1 + |x|) / (1 - |x|)) / 2, the quotient as a pair.
Expr Atanh(Expr x) {
  const Expr size = Abs(x);
  const Pair above = FastTwoSum(x.Number(1), size);
  const Expr reciprocal = 1 / (1 - size);  // of an exact difference
  const Expr hi = above.hi * reciprocal;
  const Expr lo = (Fma(-hi, 1 - size, above.hi) + above.lo) * reciprocal;
  const Expr far = LogFrom(FastTwoSum(hi, lo), size != size) * 0.5;
  const Expr result = Select(size < 0.5, Odd(size, kAtanh), far);
  return CopySign(Select(size < 1, result, Select(size == 1, x.Infinity(), x.Nan())), x);
}

}  // namespace ingot::lower::math
