// Values of kernel IR as C++ expressions, and the steps that the expansions share.
//
// All is lane-wise and of one width: next to f32 stand s32, u32 and pred, next to f64 s64, u64 and
// pred, with as many lanes.
#ifndef INGOT_COMPILER_LOWER_MATH_EXPRESSION_H_
#define INGOT_COMPILER_LOWER_MATH_EXPRESSION_H_

#include <cstdint>

#include "compiler/kernel/builder.h"
#include "compiler/lower/math/coefficients.h"

namespace ingot::lower::math {

// A value and the builder that operations on it are appended to.  A number beside an Expr is a
// constant of its type; >> shifts the sign in for signed types.
class Expr {
 public:
  Expr(kernel::Builder& builder, kernel::Value value) : builder_(&builder), value_(value) {}

  kernel::Builder& builder() const { return *builder_; }
  kernel::Value value() const { return value_; }
  kernel::Type type() const { return value_->type; }

  bool IsF64() const { return BitWidth(type().element) == 64; }
  // Of the float type of this width: bits of a lane, of the significand with the leading one, and
  // the bias of the exponent.
  int width() const { return BitWidth(type().element); }
  int precision() const { return IsF64() ? 53 : 24; }
  int bias() const { return IsF64() ? 1023 : 127; }

  // A constant of this type, rounded once; of an integer type it must be an integer.
  Expr Number(double value) const;
  // One for each float type.
  Expr Number(double for_f32, double for_f64) const { return Number(IsF64() ? for_f64 : for_f32); }
  Expr Pattern(uint64_t bits) const { return {*builder_, builder_->Constant(type(), bits)}; }
  Expr Infinity() const;
  Expr Nan() const;

  // The same bits as another type of this width.
  Expr AsFloat() const;
  Expr AsSigned() const;
  Expr AsUnsigned() const;
  // The value, converted: to the float type of this width; to any.
  Expr ToFloat() const;
  Expr To(ElementType element) const;

 private:
  kernel::Builder* builder_;
  kernel::Value value_;
};

Expr operator-(Expr a);
Expr operator!(Expr mask);
#define INGOT_EXPRESSION_OPERATOR(symbol)                                        \
  Expr operator symbol(Expr a, Expr b);                                          \
  inline Expr operator symbol(Expr a, double b) { return a symbol a.Number(b); } \
  inline Expr operator symbol(double a, Expr b) { return b.Number(a) symbol b; }
INGOT_EXPRESSION_OPERATOR(+)
INGOT_EXPRESSION_OPERATOR(-)
INGOT_EXPRESSION_OPERATOR(*)
INGOT_EXPRESSION_OPERATOR(/)
INGOT_EXPRESSION_OPERATOR(%)
INGOT_EXPRESSION_OPERATOR(&)
INGOT_EXPRESSION_OPERATOR(|)
INGOT_EXPRESSION_OPERATOR(^)
INGOT_EXPRESSION_OPERATOR(<<)
INGOT_EXPRESSION_OPERATOR(>>)
INGOT_EXPRESSION_OPERATOR(==)
INGOT_EXPRESSION_OPERATOR(!=)
INGOT_EXPRESSION_OPERATOR(<)
INGOT_EXPRESSION_OPERATOR(<=)
INGOT_EXPRESSION_OPERATOR(>)
INGOT_EXPRESSION_OPERATOR(>=)
#undef INGOT_EXPRESSION_OPERATOR

Expr Abs(Expr a);
Expr Sqrt(Expr a);
Expr Trunc(Expr a);
Expr MulHigh(Expr a, Expr b);
// NaN where either is NaN.
Expr Min(Expr a, Expr b);
Expr Max(Expr a, Expr b);
// a × b + c, rounded once.
Expr Fma(Expr a, Expr b, Expr c);
Expr Select(Expr mask, Expr on_true, Expr on_false);
Expr IsNan(Expr a);

// A row of kernel/approximations.h, of f32.
Expr Approximate(kernel::Intrinsic intrinsic, Expr a);

// The unevaluated sum hi + lo, |lo| at most half a unit in the last place of hi.
struct Pair {
  Expr hi;
  Expr lo;
};
// a + b exactly; Fast: where |a| >= |b| or a is 0.
Pair TwoSum(Expr a, Expr b);
Pair FastTwoSum(Expr a, Expr b);
// a × b exactly, away from underflow.
Pair TwoProduct(Expr a, Expr b);
// Products and sums of pairs, to about twice the precision.  Sum: where |a| >= |b|.
Pair Product(Pair a, Pair b);
Pair Sum(Pair a, Pair b);
// The square root of a.hi + a.lo; 0 of 0, NaN below.
Pair SqrtPair(Pair a);

// Horner's scheme with fma.
Expr Polynomial(Expr x, const Coefficients& coefficients);

// x rounded to an integer, as a float and as a signed integer; |x| at most 2^(precision - 3).
struct Rounded {
  Expr number;
  Expr integer;
};
Rounded RoundToInteger(Expr x);

// 2^n; `n` signed, from 1 - bias to bias.
Expr PowerOfTwo(Expr n);
// x × 2^n, rounded once (twice where the result is denormal); |n| at most twice the bias.
Expr Scale(Expr x, Expr n);
// |magnitude| is `magnitude`, the sign that of `sign`.
Expr CopySign(Expr magnitude, Expr sign);

// x = 2^exponent × significand, where `least` <= significand < 2 × least, for positive finite x.
// `exponent` is signed.
struct Parts {
  Expr significand;
  Expr exponent;
};
// Of normal x.
Parts SplitNormal(Expr x, double least);
// Of any x > 0.
Parts Split(Expr x, double least);

// The constant in the type of `like`.
Pair PairNumber(Expr like, const PairConstant& constant);

}  // namespace ingot::lower::math

#endif  // INGOT_COMPILER_LOWER_MATH_EXPRESSION_H_
