// Complex arithmetic on pairs of components.
#include <limits>

#include "compiler/lower/math/math.h"
#include "compiler/lower/scalar.h"
#include "ir/base/status.h"

namespace ingot::lower {

using kernel::Builder;
using kernel::Value;

namespace {

// Component arithmetic whose elementary functions may have no row: the first failure is kept.
class ComplexMath {
 public:
  explicit ComplexMath(Builder* b) : b_(*b) {}

  Builder& b() { return b_; }
  const absl::Status& status() const { return status_; }

  Value Real(Opcode opcode, absl::Span<const Value> x) {
    absl::StatusOr<Value> result = EmitRealScalar(b_, opcode, x[0]->type.element, x);
    if (result.ok()) return *result;
    if (status_.ok()) status_ = result.status();
    return x[0];
  }
  Value Const(Value like, double value) { return b_.Float(like->type, value); }

  Element Add(Element x, Element y) { return {b_.Add(x.re, y.re), b_.Add(x.im, y.im)}; }
  Element Sub(Element x, Element y) { return {b_.Sub(x.re, y.re), b_.Sub(x.im, y.im)}; }
  Element Mul(Element x, Element y) {
    return {b_.Sub(b_.Mul(x.re, y.re), b_.Mul(x.im, y.im)),
            b_.Add(b_.Mul(x.re, y.im), b_.Mul(x.im, y.re))};
  }
  Element Scale(Element x, Value by) { return {b_.Mul(x.re, by), b_.Mul(x.im, by)}; }

  // Smith's method: the larger component of the divisor is divided out first, so that nothing
  // overflows that the quotient does not.
  Element Div(Element x, Element y) {
    const Value wide = b_.Ge(b_.Abs(y.re), b_.Abs(y.im));
    const Value large = b_.Select(wide, y.re, y.im);
    const Value small = b_.Select(wide, y.im, y.re);
    const Value ratio = b_.Div(small, large);
    const Value scale = b_.Add(large, b_.Mul(small, ratio));
    const Value first = b_.Select(wide, x.re, x.im);
    const Value second = b_.Select(wide, x.im, x.re);
    const Value re = b_.Div(b_.Add(first, b_.Mul(second, ratio)), scale);
    const Value im = b_.Div(b_.Sub(second, b_.Mul(first, ratio)), scale);
    return {re, b_.Select(wide, im, b_.Neg(im))};
  }

  // sqrt(re² + im²) by the larger component.
  Value Abs(Element x) {
    const Value a = b_.Abs(x.re);
    const Value c = b_.Abs(x.im);
    const Value large = b_.Max(a, c);
    const Value small = b_.Min(a, c);
    const Value ratio = b_.Div(small, large);
    const Value length = b_.Mul(large, b_.Sqrt(b_.Add(Const(a, 1), b_.Mul(ratio, ratio))));
    const Value infinity = Const(a, std::numeric_limits<double>::infinity());
    const Value zero = Const(a, 0);
    const Value infinite = b_.Or(b_.Eq(a, infinity), b_.Eq(c, infinity));
    return b_.Select(infinite, infinity, b_.Select(b_.Eq(large, zero), zero, length));
  }
  Value Arg(Element x) { return Real(Opcode::kAtan2, {x.im, x.re}); }
  Element Polar(Value length, Value angle) {
    return {b_.Mul(length, Real(Opcode::kCos, {angle})),
            b_.Mul(length, Real(Opcode::kSin, {angle}))};
  }
  Element Exp(Element x) { return Polar(Real(Opcode::kExp, {x.re}), x.im); }
  // e^a cos b - 1 = expm1(a) cos b - 2 sin²(b / 2), which does not cancel near 0.
  Element Expm1(Element x) {
    const Value half_sine = Real(Opcode::kSin, {b_.Mul(x.im, Const(x.im, 0.5))});
    const Value re = b_.Mul(Real(Opcode::kExpm1, {x.re}), Real(Opcode::kCos, {x.im}));
    return {b_.Sub(re, b_.Mul(Const(re, 2), b_.Mul(half_sine, half_sine))),
            b_.Mul(Real(Opcode::kExp, {x.re}), Real(Opcode::kSin, {x.im}))};
  }
  // |1 + z|² - 1 = a (2 + a) + b² near 0, where 1 + z would lose what z has.
  Element Log1p(Element x) {
    const Value one = Const(x.re, 1);
    const Value limit = Const(x.re, 0.5);
    const Value small = b_.And(b_.Lt(b_.Abs(x.re), limit), b_.Lt(b_.Abs(x.im), limit));
    const Value excess = b_.Add(b_.Mul(x.re, b_.Add(Const(x.re, 2), x.re)), b_.Mul(x.im, x.im));
    const Element sum = {b_.Add(one, x.re), x.im};
    const Value near = b_.Mul(limit, Real(Opcode::kLog1p, {excess}));
    return {b_.Select(small, near, Real(Opcode::kLog, {Abs(sum)})), Arg(sum)};
  }
  Element Logistic(Element x) {
    const Element one = {Const(x.re, 1), Const(x.re, 0)};
    return Div(one, Add(one, Exp({b_.Neg(x.re), b_.Neg(x.im)})));
  }
  Element Cbrt(Element x) {
    const Element third = {Const(x.re, 1.0 / 3), Const(x.re, 0)};
    return Power(x, third);
  }
  Element Log(Element x) { return {Real(Opcode::kLog, {Abs(x)}), Arg(x)}; }
  // The root with the non-negative real part; the smaller component by division, so that it does
  // not cancel.
  Element Sqrt(Element x) {
    const Value half = Const(x.re, 0.5);
    const Value zero = Const(x.re, 0);
    const Value root = b_.Sqrt(b_.Mul(half, b_.Add(Abs(x), b_.Abs(x.re))));
    const Value other = b_.Div(b_.Mul(half, x.im), root);
    const Value right = b_.Ge(x.re, zero);
    const Value sign = b_.Select(b_.Lt(x.im, zero), Const(x.re, -1), Const(x.re, 1));
    const Element result = {b_.Select(right, root, b_.Abs(other)),
                            b_.Select(right, other, b_.Mul(sign, root))};
    const Value is_zero = b_.Eq(root, zero);
    return {b_.Select(is_zero, zero, result.re), b_.Select(is_zero, x.im, result.im)};
  }
  // (sin a cosh b, cos a sinh b)
  Element Sin(Element x) {
    return {b_.Mul(Real(Opcode::kSin, {x.re}), Real(Opcode::kCosh, {x.im})),
            b_.Mul(Real(Opcode::kCos, {x.re}), Real(Opcode::kSinh, {x.im}))};
  }
  Element Cos(Element x) {
    return {b_.Mul(Real(Opcode::kCos, {x.re}), Real(Opcode::kCosh, {x.im})),
            b_.Neg(b_.Mul(Real(Opcode::kSin, {x.re}), Real(Opcode::kSinh, {x.im})))};
  }
  // With t = tan b and h = tanh a: (h + i t) / (1 + i h t).
  Element Tanh(Element x) {
    const Value h = Real(Opcode::kTanh, {x.re});
    const Value t = Real(Opcode::kTan, {x.im});
    return Div({h, t}, {Const(h, 1), b_.Mul(h, t)});
  }
  // tan z = -i tanh(i z)
  Element Tan(Element x) {
    const Element y = Tanh({b_.Neg(x.im), x.re});
    return {y.im, b_.Neg(y.re)};
  }
  // x ** y = exp(y log x); 0 ** y is 0, and 1 for y = 0.
  Element Power(Element x, Element y) {
    const Value zero = Const(x.re, 0);
    const Value one = Const(x.re, 1);
    const Element result = Exp(Mul(y, Log(x)));
    const Value x_zero = b_.And(b_.Eq(x.re, zero), b_.Eq(x.im, zero));
    const Value y_zero = b_.And(b_.Eq(y.re, zero), b_.Eq(y.im, zero));
    return {b_.Select(y_zero, one, b_.Select(x_zero, zero, result.re)),
            b_.Select(b_.Or(x_zero, y_zero), zero, result.im)};
  }
  Element Sign(Element x) {
    const Value length = Abs(x);
    const Value is_zero = b_.Eq(length, Const(length, 0));
    return {b_.Select(is_zero, x.re, b_.Div(x.re, length)),
            b_.Select(is_zero, x.im, b_.Div(x.im, length))};
  }

 private:
  Builder& b_;
  absl::Status status_;
};

struct ComplexRow {
  Opcode opcode;
  Element (*emit)(ComplexMath& m, absl::Span<const Element> x);
};

#define ROW(expression) \
  [](ComplexMath& m, absl::Span<const Element> x) -> Element { return expression; }

constexpr ComplexRow kComplexRows[] = {
    {Opcode::kAbs, ROW((Element{m.Abs(x[0]), nullptr}))},
    {Opcode::kReal, ROW((static_cast<void>(m), Element{x[0].re, nullptr}))},
    {Opcode::kImag, ROW((static_cast<void>(m), Element{x[0].im, nullptr}))},
    {Opcode::kNegate, ROW((Element{m.b().Neg(x[0].re), m.b().Neg(x[0].im)}))},
    {Opcode::kSign, ROW(m.Sign(x[0]))},
    {Opcode::kSqrt, ROW(m.Sqrt(x[0]))},
    {Opcode::kRsqrt, ROW(m.Div({m.Const(x[0].re, 1), m.Const(x[0].re, 0)}, m.Sqrt(x[0])))},
    {Opcode::kExp, ROW(m.Exp(x[0]))},
    {Opcode::kLog, ROW(m.Log(x[0]))},
    {Opcode::kExpm1, ROW(m.Expm1(x[0]))},
    {Opcode::kLog1p, ROW(m.Log1p(x[0]))},
    {Opcode::kLogistic, ROW(m.Logistic(x[0]))},
    {Opcode::kCbrt, ROW(m.Cbrt(x[0]))},
    {Opcode::kSin, ROW(m.Sin(x[0]))},
    {Opcode::kCos, ROW(m.Cos(x[0]))},
    {Opcode::kTan, ROW(m.Tan(x[0]))},
    {Opcode::kTanh, ROW(m.Tanh(x[0]))},
    {Opcode::kAdd, ROW(m.Add(x[0], x[1]))},
    {Opcode::kSubtract, ROW(m.Sub(x[0], x[1]))},
    {Opcode::kMultiply, ROW(m.Mul(x[0], x[1]))},
    {Opcode::kDivide, ROW(m.Div(x[0], x[1]))},
    {Opcode::kPower, ROW(m.Power(x[0], x[1]))},
};

#undef ROW

}  // namespace

absl::StatusOr<Element> EmitComplexScalar(Builder& b, Opcode opcode,
                                          absl::Span<const Element> operands) {
  for (const ComplexRow& row : kComplexRows) {
    if (row.opcode != opcode) continue;
    ComplexMath math(&b);
    const Element result = row.emit(math, operands);
    if (!math.status().ok()) return math.status();
    return result;
  }
  return Unimplemented(OpcodeName(opcode), " of complex numbers");
}

}  // namespace ingot::lower
