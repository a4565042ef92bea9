#include "compiler/lower/math/families.h"

namespace ingot::lower::math {
namespace {

// Up to 1/2, asin a = a + a z P(z) with z = a^2.  Beyond, by half the angle: with z = (1 - a) / 2,
// asin a = pi / 2 - 2 asin(sqrt z).
struct Half {
  Expr near;  // mask: a <= 1/2
  Pair root;  // a, or sqrt z as a pair
  Expr tail;  // asin(root) - root.hi
};

Half HalfAngle(Expr size) {
  const Expr near = size <= 0.5;
  const Expr half = (1 - size) * 0.5;  // exact where it is used
  const Expr zero = size.Number(0);
  const Pair root = SqrtPair({half, zero});
  const Expr hi = Select(near, size, root.hi);
  const Expr lo = Select(near, zero, root.lo);
  const Expr square = Select(near, size * size, half);
  return {near, {hi, lo}, Fma(square * hi, Polynomial(square, kAsin), lo)};
}

}  // namespace

Expr Asin(Expr x) {
  const Half half = HalfAngle(Abs(x));
  const Pair right = PairNumber(x, kHalfPi);
  const Pair rest = FastTwoSum(right.hi, half.root.hi * -2);
  const Expr far = rest.hi + (rest.lo + Fma(half.tail, x.Number(-2), right.lo));
  return CopySign(Select(half.near, half.root.hi + half.tail, far), x);
}

// Of |x| up to 1/2: pi / 2 - asin x.  Beyond: 2 asin(sqrt z), or pi less that.
Expr Acos(Expr x) {
  const Half half = HalfAngle(Abs(x));
  const Pair right = PairNumber(x, kHalfPi);
  const Expr negative = x < 0;
  const Expr turn = Select(half.near, x.Number(1), x.Number(2));
  const Expr angle = half.root.hi * turn;
  const Expr tail = half.tail * turn;
  const Expr sign = Select(negative == half.near, x.Number(1), x.Number(-1));
  // Multiples of the right angle: 1, but beyond 1/2 none or two.
  const Expr base = Select(half.near, x.Number(1), Select(negative, x.Number(2), x.Number(0)));
  const Expr whole = right.hi * base;
  const Expr sum = Fma(sign, angle, whole);
  const Expr lost = Fma(sign, angle, whole - sum);  // exact: |whole| >= angle, or whole = 0
  return sum + (lost + Fma(right.lo, base, sign * tail));
}

// The angle of the smaller to the larger of |x| and |y|, up to pi / 4, then the octant.
Expr Atan2(Expr y, Expr x) {
  const Expr across = Abs(x);
  const Expr up = Abs(y);
  const Expr zero = x.Number(0);
  const Expr larger = Max(across, up);
  const Expr ratio = Select(across == up, x.Number(1), Min(across, up) / larger);
  const Expr t = Select(larger == 0, zero, ratio);
  const Expr square = t * t;
  const Expr angle = Fma(square * t, Polynomial(square, kAtan), t);

  const Expr steep = up > across;
  const Expr left = x.AsSigned() < 0;
  const Pair right = PairNumber(x, kHalfPi);
  const Expr base = Select(steep, x.Number(1), Select(left, x.Number(2), zero));
  const Expr sign = Select(steep ^ left, x.Number(-1), x.Number(1));
  const Expr result = Fma(base, right.hi, Fma(base, right.lo, sign * angle));
  return CopySign(Select(IsNan(larger), x.Nan(), result), y);
}

}  // namespace ingot::lower::math
