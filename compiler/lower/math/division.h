// Division of many values by one, as by the sum of a row: one reciprocal, and a few instructions a
// value instead of ten and a branch.
#ifndef INGOT_COMPILER_LOWER_MATH_DIVISION_H_
#define INGOT_COMPILER_LOWER_MATH_DIVISION_H_

#include "compiler/kernel/builder.h"

namespace ingot::lower {

// What is divided by, times a power of two that makes it and its reciprocal normal numbers.
struct Divisor {
  kernel::Value scaled;      // f32, as all three
  kernel::Value reciprocal;  // of `scaled`, rounded to nearest
  kernel::Value scale;
};

// For a scalar or vector of f32.
Divisor MakeDivisor(kernel::Builder& b, kernel::Value value);

// x / divisor, of the divisor's type, or a vector of it where the divisor is a scalar.  Correctly
// rounded where |x| >= 2^-100 and the quotient is normal, and where x or the divisor is zero,
// infinite or NaN; elsewhere within 1.5 units in the last place.
//
// q = x r, then q + r (x - q y), exact before the last rounding (Markstein 1990, "Computation of
// elementary functions on the IBM RISC System/6000 processor").  That it is correctly rounded has
// been tried for all 2^46 pairs of significands.
kernel::Value DivideByReciprocal(kernel::Builder& b, kernel::Value x, const Divisor& divisor);

// The same without the correction, for quotients that are rounded to bf16 or f16: within 2 units in
// the last place of f32.
kernel::Value MultiplyByReciprocal(kernel::Builder& b, kernel::Value x, const Divisor& divisor);

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_MATH_DIVISION_H_
