// The expansions, by family.  Operands are f32 or f64, scalar or vector, and so is the result.
// Special values are those of C's Annex F.  math.cc has the table with methods and bounds.
#ifndef INGOT_COMPILER_LOWER_MATH_FAMILIES_H_
#define INGOT_COMPILER_LOWER_MATH_FAMILIES_H_

#include "compiler/lower/math/expression.h"

namespace ingot::lower::math {

// exponential.cc
Expr Exp(Expr x);
Expr Expm1(Expr x);
Expr Logistic(Expr x);
// Second expansions, of f32.
Expr FastExp(Expr x);
Expr LooseExp(Expr x);  // of f32
Expr FastLogistic(Expr x);
// e^x × 2^extra, |extra| <= 1.
Expr ScaledExp(Expr x, int extra);
// e^x where that is normal and finite; fewer operations.
Expr NormalExp(Expr x);
// e^r - 1 for |r| <= ln(2) / 2, and a thousandth more.
Expr ExpFraction(Expr r);

// logarithm.cc
Expr Log(Expr x);
Expr Log1p(Expr x);
// Second expansions, of f32.
Expr FastLog(Expr x);
Expr FastLog1p(Expr x);
// log((u.hi + u.lo) × 2^extra); u.hi is positive, finite and normal, `extra` an integer as a float.
Expr LogOf(Pair u, Expr extra);

// power.cc
Expr Power(Expr x, Expr y);

// root.cc
Expr Rsqrt(Expr x);
Expr FastRsqrt(Expr x);  // of f32
Expr FastSqrt(Expr x);   // of f32
Expr Cbrt(Expr x);

// trigonometric.cc
Expr Sin(Expr x);
Expr Cos(Expr x);
Expr Tan(Expr x);
// Second expansions, of f32.
Expr FastSin(Expr x);
Expr FastCos(Expr x);

// inverse_trigonometric.cc
Expr Asin(Expr x);
Expr Acos(Expr x);
Expr Atan2(Expr y, Expr x);

// hyperbolic.cc
Expr Sinh(Expr x);
Expr Cosh(Expr x);
Expr Tanh(Expr x);
Expr FastTanh(Expr x);  // of f32
Expr Asinh(Expr x);
Expr Acosh(Expr x);
Expr Atanh(Expr x);

// erf.cc
Expr Erf(Expr x);

// narrow.cc: of bf16 and f16 in f32, before the result is rounded.
Expr NarrowExp(Expr x);
Expr NarrowLogistic(Expr x);
Expr NarrowTanh(Expr x);
Expr ShiftedTanh(Expr x, int shift);
Expr NarrowRsqrt(Expr x);
Expr NarrowDivide(Expr x, Expr y, ElementType type);

// remainder.cc
Expr Remainder(Expr x, Expr y);

}  // namespace ingot::lower::math

#endif  // INGOT_COMPILER_LOWER_MATH_FAMILIES_H_
