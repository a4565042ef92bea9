#include "compiler/lower/math/families.h"

namespace ingot::lower::math {

// |x| < 0.55: x + x^3 P(x^2).  Beyond: 1 - 2 / (e^2|x| + 1).
Expr Tanh(Expr x) {
  const Expr size = Abs(x);
  const Expr square = size * size;
  const Expr near = Fma(square * size, Polynomial(square, kTanh), size);
  const Expr far = 1 - 2 / (ScaledExp(Min(size, x.Number(10, 20)) * 2, 0) + 1);
  return CopySign(Select(size < 0.55, near, far), x);
}

}  // namespace ingot::lower::math
