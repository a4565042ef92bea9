// x^y = 2^(y log2 x).  The logarithm is a pair: with x = 2^k m, m in [sqrt(1/2), sqrt(2)), and
// s = (m - 1) / (m + 1), log2 m = s (C0 + C1 s^2 + C2 s^4 + ...), whose first terms are summed as
// pairs; so is its product with y.
#include "compiler/lower/math/families.h"

namespace ingot::lower::math {
namespace {

constexpr double kLeast = 0x1.6a09e6p-1;  // sqrt(1/2)
constexpr double kLn2Rounded = 0x1.62e42fefa39efp-1;

// (m - 1) / (m + 1).
Pair Quotient(Expr m) {
  const Expr f = m - 1;
  const Pair g = FastTwoSum(m.Number(1), m);  // whichever is greater, the sum is below 4: exact
  const Expr reciprocal = 1 / g.hi;
  const Expr hi = f * reciprocal;
  const Expr lo = (Fma(-hi, g.hi, f) - hi * g.lo) * reciprocal;
  return FastTwoSum(hi, lo);
}

// log2 x for positive finite x.
Pair Log2(Expr x) {
  const Parts parts = Split(x, kLeast);
  const Pair s = Quotient(parts.significand);
  const Pair z = Product(s, s);
  // The terms that need no pair, then those that do, the last of them first.
  Pair sum = FastTwoSum(x.Number(0), z.hi * Polynomial(z.hi, x.IsF64() ? kLog2Tail2 : kLog2Tail1));
  if (x.IsF64()) sum = Product(z, Sum(PairNumber(x, kLog2C2), sum));
  if (!x.IsF64()) sum = {sum.hi, sum.lo};
  sum = Sum(PairNumber(x, kLog2C1), sum);
  sum = Sum(PairNumber(x, kLog2C0), Product(z, sum));
  const Pair log = Product(s, sum);
  const Expr k = parts.exponent.ToFloat();
  return Sum({k, k.Number(0)}, log);
}

// 2^(y log), zero or infinity where it is past the range.
Expr Exp2OfProduct(Expr y, Pair log) {
  // No logarithm but 0 is below 2^-precision: what is cut off here saturates all the same.
  const Expr limit = y.Number(0x1p40, 0x1p80);
  const Expr bounded = Max(Min(y, limit), -limit);
  const Pair product = TwoProduct(bounded, log.hi);
  const Expr most = y.Number(200, 1200);
  const Expr high = Max(Min(product.hi, most), -most);
  const Expr low = Select(high == product.hi, Fma(bounded, log.lo, product.lo), y.Number(0));
  const Rounded n = RoundToInteger(high);
  const Expr fraction = ExpFraction(((high - n.number) + low) * kLn2Rounded);
  return Scale(fraction + 1, n.integer);
}

}  // namespace

Expr Power(Expr x, Expr y) {
  const Expr size = Abs(x);
  const Expr one = x.Number(1);
  const Expr infinity = x.Infinity();
  const Expr is_integer = Trunc(y) == y;
  const Expr half = y * 0.5;
  const Expr is_odd = is_integer & (Trunc(half) != half);
  const Expr extreme = (size == 0) | (size == infinity);

  Expr result = Exp2OfProduct(y, Log2(size));
  result = Select(extreme, Select((size == 0) == (y < 0), infinity, x.Number(0)), result);
  result = Select(is_odd, CopySign(result, x), result);
  const Expr invalid = (x < 0) & (size != infinity) & !is_integer;
  result = Select(invalid | IsNan(x) | IsNan(y), x.Nan(), result);
  return Select((x == one) | (y == 0), one, result);
}

}  // namespace ingot::lower::math
