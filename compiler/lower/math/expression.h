// The steps that the expansions share, on values as C++ expressions (kernel/expr.h).
#ifndef INGOT_COMPILER_LOWER_MATH_EXPRESSION_H_
#define INGOT_COMPILER_LOWER_MATH_EXPRESSION_H_

#include "compiler/kernel/expr.h"
#include "compiler/lower/math/coefficients.h"

namespace ingot::lower::math {

using kernel::Expr;

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
