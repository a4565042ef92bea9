// x = n ln 2 + r with n = round(x / ln 2), |r| <= ln(2) / 2 (Cody and Waite: ln 2 in two parts),
// and e^x = 2^n e^r with a polynomial for e^r - 1.
#include "compiler/lower/math/families.h"

namespace ingot::lower::math {
namespace {

constexpr double kLog2E = 0x1.71547652b82fep+0;

// e^x = 2^n (1 + fraction).
struct Reduced {
  Expr fraction;
  Expr n;
};

// |x| must be below 2^(precision - 4).
Reduced Reduce(Expr x) {
  const Rounded n = RoundToInteger(x * kLog2E);
  const Pair ln2 = PairNumber(x, kLn2);
  const Expr r = Fma(n.number, -ln2.lo, Fma(n.number, -ln2.hi, x));
  return {ExpFraction(r), n.integer};
}

// e^x is zero from here on.
Expr ClampLow(Expr x) { return Max(x, x.Number(-105, -747)); }

// For f32: e^x = 2^n e^r, with 2^n × 2^offset put together from the bits of x log2(e) + middle,
// where middle = 1.5 × 2^23 + 127 + offset.  n + offset must be in [-126, 127].
struct FastReduced {
  Expr power;
  Expr r;
};
double Middle(int offset) { return 0x1.8p23 + 127 + offset; }
FastReduced FastReduce(Expr x, Expr middle) {
  const Expr shifted = Fma(x, x.Number(kLog2E), middle);
  const Expr n = shifted - middle;
  const Pair ln2 = PairNumber(x, kLn2);
  const Expr r = Fma(n, -ln2.lo, Fma(n, -ln2.hi, x));
  return {(shifted.AsSigned() << 23).AsFloat(), r};
}
// (e^r - 1) / r
Expr FastSlope(Expr r) { return Fma(Polynomial(r, kExpShort), r, r.Number(1)); }

}  // namespace

Expr ExpFraction(Expr r) { return Fma(r * r, Polynomial(r, kExp), r); }

Expr ScaledExp(Expr x, int extra) {
  const Reduced e = Reduce(Min(ClampLow(x), x.Number(90, 711)));
  return Scale(e.fraction + 1, e.n + extra);
}

Expr NormalExp(Expr x) {
  const Reduced e = Reduce(x);
  const Expr power = PowerOfTwo(e.n);
  return Fma(e.fraction, power, power);
}

Expr Exp(Expr x) { return ScaledExp(x, 0); }

// 2^n (1 + fraction) - 1, by halves: 2^n itself may overflow.
Expr Expm1(Expr x) {
  const Expr low = x.Number(-20, -40);  // -1 from there on
  const Expr high = x.Number(89, 710);  // infinity, and n no more than 128 or 1024
  const Reduced e = Reduce(Max(Min(x, high), low));
  const Expr half = PowerOfTwo(e.n - 1);
  const Expr result = Fma(half, e.fraction, half - 0.5) * 2;
  return Select(Abs(x) < x.Number(0x1p-25, 0x1p-54), x, result);
}

// e^-|x| does not overflow, and 1 / (1 + e^-x) = e^x / (1 + e^x) serves the other side.  The sum is
// kept as a pair, and what it and the reciprocal lost is put back.
Expr Logistic(Expr x) {
  const Reduced e = Reduce(ClampLow(-Abs(x)));
  const Expr power = Scale(e.fraction + 1, e.n);
  const Pair sum = FastTwoSum(x.Number(1), power);
  const Expr reciprocal = 1 / sum.hi;
  const Expr residual = Fma(-sum.lo, reciprocal, Fma(-sum.hi, reciprocal, x.Number(1)));
  const Pair quotient = TwoProduct(Select(x < 0, power, x.Number(1)), reciprocal);
  return quotient.hi + Fma(quotient.hi, residual, quotient.lo);
}

// No float is both 2^-150 and 2^128 away from one: negative x are scaled up, others down, and the
// last product scales back, rounds denormal results and overflows.
Expr FastExp(Expr x) {
  const Expr bounded = Min(Max(x, x.Number(-104)), x.Number(89));
  const Expr negative = bounded < 0;
  const Expr middle = Select(negative, x.Number(Middle(64)), x.Number(Middle(-1)));
  const Expr back = Select(negative, x.Number(0x1p-64), x.Number(2));
  const FastReduced e = FastReduce(bounded, middle);
  return Fma(FastSlope(e.r), e.power * e.r, e.power) * back;
}

// 2^n 2^r with r = x log2(e) - n, log2(e) in two parts.  n is held where 2^n is normal; beyond, r
// is large, and the instruction's result and the product underflow or overflow as e^x does.
Expr LooseExp(Expr x) {
  const Expr bounded = Min(Max(x, x.Number(-87)), x.Number(87));
  const Expr middle = x.Number(Middle(0));
  const Expr shifted = Fma(bounded, x.Number(kLog2E), middle);
  const Expr n = shifted - middle;
  const Expr high = Fma(x, x.Number(kLog2E), -n);
  const Expr r = Fma(x, x.Number(kLog2E - static_cast<float>(kLog2E)), high);
  const Expr power = (shifted.AsSigned() << 23).AsFloat();
  return Approximate(kernel::Intrinsic::kExp2ApproxFtz, r) * power;
}

// 1 / (1 + e^-x) = 2^-24 / (2^-24 + 2^-24 e^-x): neither sum nor quotient leaves the range of
// normal numbers before the last product.  With e^-x = 2^n (1 + f) the sum of the two powers is
// rounded if they are far apart, and so is that with 2^n f; both losses are kept.  The reciprocal
// is an approximation and a Newton step that takes them in.
Expr FastLogistic(Expr x) {
  const Expr bounded = Max(Min(-x, x.Number(105)), x.Number(-60));
  const Expr scale = x.Number(0x1p-24);
  const FastReduced e = FastReduce(bounded, x.Number(Middle(-24)));
  const Expr f = FastSlope(e.r) * e.r;
  const Expr powers = e.power + scale;
  const Expr lost = scale - (powers - e.power);
  const Expr sum = Fma(e.power, f, powers);
  const Expr low = Fma(e.power, f, powers - sum) + lost;
  const Expr reciprocal = Approximate(kernel::Intrinsic::kRcpApproxFtz, sum);
  const Expr residual = Fma(-low, reciprocal, Fma(-sum, reciprocal, x.Number(1)));
  return Fma(reciprocal, residual, reciprocal) * scale;
}

}  // namespace ingot::lower::math
