// |x| <= 1: x + x P(x^2).  Beyond: 1 - exp(-Q(|x|)), Q fitted to -log(1 - erf); errors of exp count
// for little there.
#include "compiler/lower/math/families.h"

namespace ingot::lower::math {

Expr Erf(Expr x) {
  const Expr size = Abs(x);
  const Expr near = Fma(x, Polynomial(x * x, kErf), x);
  const Expr bounded = Min(size, x.Number(3.95, 5.95));  // 1 - erf is below half a unit of 1 there
  const Expr log = Polynomial(bounded - 1.5, kErfTail);
  return Select(size < 1, near, CopySign(1 - NormalExp(-log), x));
}

}  // namespace ingot::lower::math
