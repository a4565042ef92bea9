// x = 2^k m with m in [2/3, 4/3), f = m - 1, and log x = k ln 2 + (f - f^2 / 2 + f^3 P(f)), where
// the two large terms k ln 2 and f are added exactly.
#include "compiler/lower/math/families.h"

namespace ingot::lower::math {
namespace {

constexpr double kLeast = 2.0 / 3;

// k ln 2 + log(1 + f + low), where low is at most half a unit in the last place of f.
Expr Assemble(Expr k, Expr f, const Expr* low) {
  const Pair ln2 = PairNumber(f, kLn2);
  const Expr square = f * f;
  Expr small = Fma(k, ln2.lo, square * f * Polynomial(f, kLog));
  if (low != nullptr) small = small + Fma(-*low, f, *low);
  small = Fma(square, f.Number(-0.5), small);
  const Expr sum = Fma(k, ln2.hi, f);
  const Expr lost = Fma(k, ln2.hi, -sum) + f;  // |k ln 2| > |f|, or k = 0
  return sum + (small + lost);
}

// log x for x in (0, infinity): beyond it, what C says.
Expr WithSpecials(Expr x, Expr result) {
  const Expr not_positive = Select(x == 0, -x.Infinity(), x.Nan());
  return Select(x <= 0, not_positive, Select(x < x.Infinity(), result, x));
}

}  // namespace

Expr LogOf(Pair u, Expr extra) {
  const Parts parts = SplitNormal(u.hi, kLeast);
  // Beyond the least normal power the low part is nothing anyway.
  const Expr down = PowerOfTwo(Max(-parts.exponent, parts.exponent.Number(1 - u.hi.bias())));
  const Pair f = FastTwoSum(parts.significand - 1, u.lo * down);
  return Assemble(parts.exponent.ToFloat() + extra, f.hi, &f.lo);
}

Expr Log(Expr x) {
  const Parts parts = Split(x, kLeast);
  return WithSpecials(x, Assemble(parts.exponent.ToFloat(), parts.significand - 1, nullptr));
}

Expr Log1p(Expr x) {
  const Expr result = LogOf(TwoSum(x.Number(1), x), x.Number(0));
  // The sum with one has the specials of log; -0 and the least x are their own result.
  const Expr small = Abs(x) < x.Number(0x1p-25, 0x1p-54);
  return Select(small, x, WithSpecials(x + 1, result));
}

}  // namespace ingot::lower::math
