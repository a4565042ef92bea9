// x = 2^k m with m in [2/3, 4/3), f = m - 1, and log x = k ln 2 + (f - f^2 / 2 + f^3 P(f)), where
// the two large terms k ln 2 and f are added exactly.  The second expansions add them in floats.
//
// What the kernel's operations say of an operand's range (kernel/value_range.h) spares what stands
// at its ends: denormal operands, zero, infinity and NaN.
#include <cmath>

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

// What of log x the operand's range asks for.
struct Ends {
  bool denormal, special;
};
Ends EndsOf(Expr x) {
  const kernel::ValueRange range = x.builder().RangeOf(x.value());
  return {!range.IsFiniteFrom(x.IsF64() ? 0x1p-1022 : 0x1p-126), !range.IsFiniteFrom(0x1p-1074)};
}

// Says of `result`, which is `function` of x, a growing one, within a few units in its last place,
// between which numbers it lies; returns it.
Expr WithRange(Expr x, Expr result, double (*function)(double)) {
  constexpr double kUnits = 0x1p-20;
  const kernel::ValueRange range = x.builder().RangeOf(x.value());
  const double low = function(range.low), high = function(range.high);
  if (range.nan || std::isnan(low) || std::isnan(high)) return result;
  result.builder().SetRange(result.value(), {low - std::fabs(low) * kUnits,
                                             high + std::fabs(high) * kUnits, /*nan=*/false});
  return result;
}
double LogOfNumber(double x) { return std::log(x); }
double Log1pOfNumber(double x) { return std::log1p(x); }

// log x for x in (0, infinity): beyond it, what C says.
Expr WithSpecials(Expr x, Expr result) {
  if (!EndsOf(x).special) return result;
  const Expr not_positive = Select(x == 0, -x.Infinity(), x.Nan());
  return Select(x <= 0, not_positive, Select(x < x.Infinity(), result, x));
}

// log(1 + f) + field × unit, of f32.
Expr ShortLog(Expr field, double unit, Expr f) {
  return Fma(field.ToFloat(), f.Number(unit), Fma(f * f, Polynomial(f, kLogShort), f));
}
constexpr double kLn2OfField = 0.693147180559945309417 * 0x1p-23;  // of FieldOfPower's unit
// k 2^23 of f32 x > 0, where x 2^-k is in [kLeast, 2 kLeast).
Expr FieldOfPower(Expr x) {
  const Expr above = x.AsSigned() - x.Number(kLeast).AsSigned();
  return above & above.Pattern(0xff800000);
}

// The same specials for what makes infinities of infinity and NaN: infinity and NaN times infinity
// are themselves, and -infinity and infinity are no number.
Expr WithShortSpecials(Expr x, Expr result) {
  if (!EndsOf(x).special) return result;
  const Expr beyond = Fma(x, x.Infinity(), x.Infinity());
  const Expr inside = (x.AsUnsigned() < x.Infinity().AsUnsigned());
  return Select(x == 0, -x.Infinity(), Select(inside, result, beyond));
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
  const Parts parts = EndsOf(x).denormal ? Split(x, kLeast) : SplitNormal(x, kLeast);
  const Expr result = Assemble(parts.exponent.ToFloat(), parts.significand - 1, nullptr);
  return WithRange(x, WithSpecials(x, result), LogOfNumber);
}

Expr Log1p(Expr x) {
  const Expr result = LogOf(TwoSum(x.Number(1), x), x.Number(0));
  // The sum with one has the specials of log; -0 and the least x are their own result.
  const Expr small = Abs(x) < x.Number(0x1p-25, 0x1p-54);
  return WithRange(x, Select(small, x, WithSpecials(x + 1, result)), Log1pOfNumber);
}

Expr FastLog(Expr x) {
  constexpr int kUp = 24;
  const bool denormal = EndsOf(x).denormal;
  const Expr small = x < x.Number(0x1p-126);
  const Expr normal = denormal ? Select(small, x * x.Number(std::ldexp(1, kUp)), x) : x;
  const Expr field = FieldOfPower(normal);
  const Expr f = (normal.AsSigned() - field).AsFloat() - 1;
  const Expr lifted = Select(small, field - field.Number(kUp << 23), field);
  const Expr result = ShortLog(denormal ? lifted : field, kLn2OfField, f);
  return WithRange(x, WithShortSpecials(x, result), LogOfNumber);
}

// 1 + x = 2^k m, and f = m - 1 is x 2^-k + (2^-k - 1): the sum's exponent serves, its rounding is
// not seen.  2^-k is made four times as large, for k may be 128; x is scaled through its exponent,
// which is no less than that of the least normal number where k is not 0.  Signs are such that the
// result of -0 is -0: f is -0 - 0, and the product that is added to it 0 times a negative number.
Expr FastLog1p(Expr x) {
  const Expr field = FieldOfPower(x + 1);
  const Expr scaled = (x.AsSigned() - field).AsFloat();
  const Expr power = (x.Number(4).AsSigned() - field).AsFloat();
  const Expr f = scaled - Fma(power, x.Number(-0.25), x.Number(1));
  return WithRange(x, WithShortSpecials(x + 1, ShortLog(-field, -kLn2OfField, f)), Log1pOfNumber);
}

}  // namespace ingot::lower::math
