#include "compiler/lower/math/families.h"

namespace ingot::lower::math {
namespace {

// The number whose bits are 4/3 of those of 1, less what evens out the error of taking the bits for
// a logarithm: less a third of the bits of x, a guess at x^(-1/3) to 4 %.
constexpr double kCbrtGuess32 = 0x1.45f51ap+42;
constexpr double kCbrtGuess64 = 0x1.f09fc49d9b000p+340;

// A Newton step from r: r + r (1 - x r^2) / 2 with the residual to full precision.
Expr RsqrtStep(Expr x, Expr r) {
  const Pair product = TwoProduct(x, r);
  const Expr residual = Fma(-product.lo, r, Fma(-product.hi, r, x.Number(1)));
  const Expr better = Fma(r * 0.5, residual, r);
  return Select(Abs(residual) < 1, better, r);  // zero, infinity and NaN stay
}

}  // namespace

Expr Rsqrt(Expr x) { return RsqrtStep(x, 1 / Sqrt(x)); }

Expr FastRsqrt(Expr x) { return RsqrtStep(x, Approximate(kernel::Intrinsic::kRsqrtApprox, x)); }

// Of x that is known to be far from the ends of the exponents: the root that x times the
// instruction's result is, and a step with what its square lacks, as the correctly rounded
// instruction's usual path does without asking.
Expr FastSqrt(Expr x) {
  const kernel::ValueRange range = x.builder().RangeOf(x.value());
  if (!range.IsFiniteFrom(0x1p-96) || range.high > 0x1p96) return Sqrt(x);
  const Expr inverse = Approximate(kernel::Intrinsic::kRsqrtApprox, x);
  const Expr root = x * inverse;
  return Fma(Fma(-root, root, x), inverse * 0.5, root);
}

// r ~ x^(-1/3) from a third of the exponent, by Newton's r + r (1 - x r^3) / 3, which squares the
// error and takes it twice; then the root is x r^2, with one step more from its exact cube.
Expr Cbrt(Expr x) {
  const Expr size = Abs(x);
  // A denormal is scaled by a cube.
  const Expr small = size < x.Number(0x1p-126, 0x1p-1022);
  const Expr a = Select(small, size * x.Number(0x1p24, 0x1p54), size);
  const Expr guess = x.Number(kCbrtGuess32, kCbrtGuess64).AsSigned() - a.AsSigned() / 3;
  Expr r = guess.AsFloat();
  const double third = 1.0 / 3;
  for (int i = 0; i < (x.IsF64() ? 4 : 3); ++i) {
    r = Fma(r * third, Fma(-(a * r * r), r, x.Number(1)), r);
  }
  const Expr root = a * r * r;
  const Pair square = TwoProduct(root, root);
  const Expr excess = Fma(square.hi, root, -a) + square.lo * root;
  const Expr better = Fma(-excess, r * r * third, root);
  const Expr result = Select(small, better * x.Number(0x1p-8, 0x1p-18), better);
  const Expr itself = (size == 0) | !(size < x.Infinity());
  return Select(itself, x, CopySign(result, x));
}

}  // namespace ingot::lower::math
