#include "compiler/lower/math/families.h"

namespace ingot::lower::math {

// The quotient, and a Newton step from it: r + r (1 - x r^2) / 2 with the residual to full
// precision.
Expr Rsqrt(Expr x) {
  const Expr r = 1 / Sqrt(x);
  const Pair product = TwoProduct(x, r);
  const Expr residual = Fma(-product.lo, r, Fma(-product.hi, r, x.Number(1)));
  const Expr better = Fma(r * 0.5, residual, r);
  return Select(Abs(residual) < 1, better, r);  // zero, infinity and NaN stay
}

}  // namespace ingot::lower::math
