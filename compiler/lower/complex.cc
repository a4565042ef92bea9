// Complex arithmetic on pairs of components, and the table of what ops are on complex numbers.
#include <limits>

#include "compiler/kernel/expr.h"
#include "compiler/lower/math/families.h"
#include "compiler/lower/scalar.h"
#include "ir/base/status.h"

namespace ingot::lower {

using kernel::Builder;
using kernel::Expr;

namespace {

struct Complex {
  Expr re;
  Expr im;
};

Complex operator-(Complex x) { return {-x.re, -x.im}; }
Complex operator+(Complex x, Complex y) { return {x.re + y.re, x.im + y.im}; }
Complex operator-(Complex x, Complex y) { return {x.re - y.re, x.im - y.im}; }
Complex operator+(Complex x, double y) { return {x.re + y, x.im}; }
Complex operator*(Complex x, Complex y) {
  return {x.re * y.re - x.im * y.im, x.re * y.im + x.im * y.re};
}

// Smith's method: the larger component of the divisor is divided out first, so that nothing
// overflows that the quotient does not.
Complex operator/(Complex x, Complex y) {
  const Expr wide = Abs(y.re) >= Abs(y.im);
  const Expr large = Select(wide, y.re, y.im);
  const Expr small = Select(wide, y.im, y.re);
  const Expr ratio = small / large;
  const Expr scale = large + small * ratio;
  const Expr first = Select(wide, x.re, x.im);
  const Expr second = Select(wide, x.im, x.re);
  const Expr re = (first + second * ratio) / scale;
  const Expr im = (second - first * ratio) / scale;
  return {re, Select(wide, im, -im)};
}

Complex One(Complex like) { return {like.re.Number(1), like.re.Number(0)}; }
Complex TimesI(Complex x) { return {-x.im, x.re}; }
Complex TimesMinusI(Complex x) { return {x.im, -x.re}; }
Expr IsZero(Complex x) { return (x.re == 0) & (x.im == 0); }

Expr RealPart(Complex x) { return x.re; }
Expr ImaginaryPart(Complex x) { return x.im; }

// √(re² + im²) by the larger component.
Expr Modulus(Complex x) {
  const Expr a = Abs(x.re);
  const Expr c = Abs(x.im);
  const Expr large = Max(a, c);
  const Expr ratio = Min(a, c) / large;
  const Expr length = large * Sqrt(1 + ratio * ratio);
  const Expr infinity = a.Infinity();
  return Select((a == infinity) | (c == infinity), infinity,
                Select(large == 0, a.Number(0), length));
}

Expr Argument(Complex x) { return math::Atan2(x.im, x.re); }

Complex Sign(Complex x) {
  const Expr length = Modulus(x);
  const Expr is_zero = length == 0;
  return {Select(is_zero, x.re, x.re / length), Select(is_zero, x.im, x.im / length)};
}

Complex Exp(Complex x) {
  const Expr length = math::Exp(x.re);
  return {length * math::Cos(x.im), length * math::Sin(x.im)};
}

// e^a cos b - 1 = expm1(a) cos b - 2 sin²(b / 2), which does not cancel near 0.
Complex Expm1(Complex x) {
  const Expr half_sine = math::Sin(x.im * 0.5);
  return {math::Expm1(x.re) * math::Cos(x.im) - 2 * (half_sine * half_sine),
          math::Exp(x.re) * math::Sin(x.im)};
}

Complex Log(Complex x) { return {math::Log(Modulus(x)), Argument(x)}; }

// |1 + z|² - 1 = a (2 + a) + b² near 0, where 1 + z would lose what z has.
Complex Log1p(Complex x) {
  const Expr small = (Abs(x.re) < 0.5) & (Abs(x.im) < 0.5);
  const Expr excess = x.re * (2 + x.re) + x.im * x.im;
  const Complex sum = x + 1;
  return {Select(small, 0.5 * math::Log1p(excess), math::Log(Modulus(sum))), Argument(sum)};
}

// 1 / (1 + exp(-x)), or exp(x) / (1 + exp(x)): the exponential does not overflow.
Complex Logistic(Complex x) {
  const Expr right = x.re >= 0;
  const Complex power = Exp({Select(right, -x.re, x.re), Select(right, -x.im, x.im)});
  const Complex above = {Select(right, x.re.Number(1), power.re),
                         Select(right, x.re.Number(0), power.im)};
  return above / (power + 1);
}

// The root with the non-negative real part; the smaller component by division, so that it does not
// cancel.
Complex Sqrt(Complex x) {
  const Expr zero = x.re.Number(0);
  const Expr root = Sqrt(0.5 * (Modulus(x) + Abs(x.re)));
  const Expr other = (0.5 * x.im) / root;
  const Expr right = x.re >= 0;
  // On the cut the sign of zero says from which side.
  const Complex result = {Select(right, root, Abs(other)),
                          Select(right, other, math::CopySign(root, x.im))};
  const Expr is_zero = root == 0;
  return {Select(is_zero, zero, result.re), Select(is_zero, x.im, result.im)};
}

Complex Rsqrt(Complex x) { return One(x) / Sqrt(x); }

// x ** y = exp(y log x); 0 ** y is 0, and 1 for y = 0.
Complex Power(Complex x, Complex y) {
  const Expr zero = x.re.Number(0);
  const Complex result = Exp(y * Log(x));
  const Expr of_zero = IsZero(x);
  const Expr by_zero = IsZero(y);
  return {Select(by_zero, x.re.Number(1), Select(of_zero, zero, result.re)),
          Select(of_zero | by_zero, zero, result.im)};
}

Complex Cbrt(Complex x) { return Power(x, {x.re.Number(1.0 / 3), x.re.Number(0)}); }

Complex Sinh(Complex x) {
  return {math::Sinh(x.re) * math::Cos(x.im), math::Cosh(x.re) * math::Sin(x.im)};
}

Complex Cosh(Complex x) {
  return {math::Cosh(x.re) * math::Cos(x.im), math::Sinh(x.re) * math::Sin(x.im)};
}

// With t = tan b and h = tanh a: (h + i t) / (1 + i h t).
Complex Tanh(Complex x) {
  const Expr h = math::Tanh(x.re);
  const Expr t = math::Tan(x.im);
  return Complex{h, t} / Complex{h.Number(1), h * t};
}

// sin z = -i sinh(i z), cos z = cosh(i z), tan z = -i tanh(i z)
Complex Sin(Complex x) { return TimesMinusI(Sinh(TimesI(x))); }
Complex Cos(Complex x) { return Cosh(TimesI(x)); }
Complex Tan(Complex x) { return TimesMinusI(Tanh(TimesI(x))); }

// The inverse functions by W. Kahan, "Branch Cuts for Complex Elementary Functions" (1987): in
// products of the roots of 1 - z and 1 + z nothing cancels and nothing overflows.
//
// Real and imaginary part of conj(x) y.
Expr Inner(Complex x, Complex y) { return x.re * y.re + x.im * y.im; }
Expr Outer(Complex x, Complex y) { return x.re * y.im - x.im * y.re; }

Complex Acos(Complex x) {
  const Complex below = Sqrt(-x + 1);
  const Complex above = Sqrt(x + 1);
  return {2 * math::Atan2(below.re, above.re), math::Asinh(Outer(above, below))};
}

Complex Asin(Complex x) {
  const Complex below = Sqrt(-x + 1);
  const Complex above = Sqrt(x + 1);
  return {math::Atan2(x.re, (below * above).re), math::Asinh(Outer(below, above))};
}

Complex Acosh(Complex x) {
  const Complex below = Sqrt(x + -1);
  const Complex above = Sqrt(x + 1);
  return {math::Asinh(Inner(below, above)), 2 * math::Atan2(below.im, above.re)};
}

// asinh z = -i asin(i z)
Complex Asinh(Complex x) { return TimesMinusI(Asin(TimesI(x))); }

// (log1p(4 |a| / ((1 - |a|)² + b²)) / 4 with a's sign, atan2(2 b, (1 - a) (1 + a) - b²) / 2)
Complex Atanh(Complex x) {
  const Expr size = Abs(x.re);
  const Expr rest = 1 - size;
  const Expr square = x.im * x.im;
  const Expr length = 0.25 * math::Log1p(4 * size / (rest * rest + square));
  return {math::CopySign(length, x.re), 0.5 * math::Atan2(2 * x.im, rest * (1 + size) - square)};
}

// -i log((x + i y) / √(x² + y²))
Complex Atan2(Complex y, Complex x) {
  return TimesMinusI(Log((x + TimesI(y)) / Sqrt(x * x + y * y)));
}

// By the real part, then the imaginary one.
Expr IsLess(Complex x, Complex y) { return Select(x.re != y.re, x.re < y.re, x.im < y.im); }
Complex Select(Expr mask, Complex x, Complex y) {
  return {Select(mask, x.re, y.re), Select(mask, x.im, y.im)};
}
Complex Maximum(Complex x, Complex y) { return Select(IsLess(x, y), y, x); }
Complex Minimum(Complex x, Complex y) { return Select(IsLess(y, x), y, x); }

Complex Negate(Complex x) { return -x; }
Complex Add(Complex x, Complex y) { return x + y; }
Complex Subtract(Complex x, Complex y) { return x - y; }
Complex Multiply(Complex x, Complex y) { return x * y; }
Complex Divide(Complex x, Complex y) { return x / y; }

constexpr OpRow<Expr(Complex)> kPartRows[] = {
    {Opcode::kAbs, Modulus},
    {Opcode::kImag, ImaginaryPart},
    {Opcode::kReal, RealPart},
};

constexpr OpRow<Complex(Complex)> kUnaryRows[] = {
    {Opcode::kAcos, Acos},         {Opcode::kAcosh, Acosh},   {Opcode::kAsin, Asin},
    {Opcode::kAsinh, Asinh},       {Opcode::kAtanh, Atanh},   {Opcode::kCbrt, Cbrt},
    {Opcode::kCos, Cos},           {Opcode::kCosh, Cosh},     {Opcode::kExp, Exp},
    {Opcode::kExpm1, Expm1},       {Opcode::kLog, Log},       {Opcode::kLog1p, Log1p},
    {Opcode::kLogistic, Logistic}, {Opcode::kNegate, Negate}, {Opcode::kRsqrt, Rsqrt},
    {Opcode::kSign, Sign},         {Opcode::kSin, Sin},       {Opcode::kSinh, Sinh},
    {Opcode::kSqrt, Sqrt},         {Opcode::kTan, Tan},       {Opcode::kTanh, Tanh},
};

constexpr OpRow<Complex(Complex, Complex)> kBinaryRows[] = {
    {Opcode::kAdd, Add},         {Opcode::kAtan2, Atan2},       {Opcode::kDivide, Divide},
    {Opcode::kMaximum, Maximum}, {Opcode::kMinimum, Minimum},   {Opcode::kMultiply, Multiply},
    {Opcode::kPower, Power},     {Opcode::kSubtract, Subtract},
};

}  // namespace

absl::StatusOr<Element> EmitComplexScalar(Builder& b, Opcode opcode,
                                          absl::Span<const Element> operands) {
  const auto operand = [&](int i) {
    return Complex{Expr(b, operands[i].re), Expr(b, operands[i].im)};
  };
  const auto element = [](Complex x) { return Element{x.re.value(), x.im.value()}; };
  for (const auto& row : kPartRows) {
    if (row.opcode == opcode) return Element{row.function(operand(0)).value(), nullptr};
  }
  for (const auto& row : kUnaryRows) {
    if (row.opcode == opcode) return element(row.function(operand(0)));
  }
  for (const auto& row : kBinaryRows) {
    if (row.opcode == opcode) return element(row.function(operand(0), operand(1)));
  }
  return Unimplemented(OpcodeName(opcode), " of complex numbers");
}

}  // namespace ingot::lower
