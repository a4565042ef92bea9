// C's fmod, exact: |x| = M 2^E and |y| = m 2^e with integers M, m, and the remainder is
// (M 2^(E - e) mod m) 2^e.  The power of two is taken modulo m by repeated squaring.
#include "compiler/lower/math/families.h"

namespace ingot::lower::math {
namespace {

// size = significand 2^(exponent - bias - field), significand u64, exponent signed, at least 1.
struct Integral {
  Expr significand;
  Expr exponent;
};

Integral ToIntegral(Expr size) {
  const int field = size.precision() - 1;
  const Expr bits = size.AsSigned();
  const Expr exponent = bits >> field;
  const Expr fraction = bits & bits.Pattern((uint64_t{1} << field) - 1);
  const Expr denormal = exponent == 0;
  const Expr whole = fraction | bits.Pattern(uint64_t{1} << field);
  return {Select(denormal, fraction, whole).To(ElementType::kU64),
          Select(denormal, exponent.Number(1), exponent)};
}

// Products modulo m of numbers below m, all u64.
class Modulus {
 public:
  // `narrow`: m is below 2^32.
  Modulus(Expr m, bool narrow) : m_(m), narrow_(narrow), reciprocal_(1 / m.To(ElementType::kF64)) {}

  Expr Reduce(Expr a) const { return a % m_; }

  Expr Product(Expr a, Expr b) const {
    if (narrow_) return (a * b) % m_;
    // The quotient is below 2^53 and wrong by 3 at most; the remainder, that much of m off, fits 64
    // bits, so that products may wrap.
    const Expr estimate = a.To(ElementType::kF64) * b.To(ElementType::kF64) * reciprocal_;
    const Expr quotient = estimate.To(ElementType::kS64).AsUnsigned();
    return (a * b - quotient * m_ + m_ * 4) % m_;
  }

  Expr Double(Expr a) const {
    const Expr twice = a + a;
    return Select(twice < m_, twice, twice - m_);
  }

 private:
  Expr m_;
  bool narrow_;
  Expr reciprocal_;
};

// 2^distance mod m; distance is u64, less than 32 × 2^steps.
Expr PowerOfTwoMod(const Modulus& modulus, Expr distance, int steps) {
  Expr power = modulus.Reduce(distance.Number(1) << (distance >> steps));
  for (int bit = steps - 1; bit >= 0; --bit) {
    power = modulus.Product(power, power);
    const Expr odd = ((distance >> bit) & 1) != 0;
    power = Select(odd, modulus.Double(power), power);
  }
  return power;
}

}  // namespace

Expr Remainder(Expr x, Expr y) {
  const Expr a = Abs(x);
  const Expr b = Abs(y);
  const Integral n = ToIntegral(a);
  const Integral d = ToIntegral(b);
  const Modulus modulus(d.significand, !x.IsF64());
  const Expr gap = n.exponent - d.exponent;
  const Expr distance = Max(gap, gap.Number(0)).To(ElementType::kU64);
  const Expr power = PowerOfTwoMod(modulus, distance, x.IsF64() ? 6 : 4);
  const Expr rest = modulus.Product(power, modulus.Reduce(n.significand));
  const int unit = x.bias() + x.precision() - 1;
  const Expr size = Scale(rest.To(x.type().element), d.exponent - unit);
  const Expr result = Select(a < b, x, CopySign(size, x));
  const Expr invalid = (b == 0) | !(a < x.Infinity()) | IsNan(y);
  return Select(invalid, x.Nan(), result);
}

}  // namespace ingot::lower::math
