// Division of many values by one, as by the sum of a row: one reciprocal, and five instructions a
// value instead of ten and a branch.
#ifndef INGOT_COMPILER_LOWER_MATH_DIVISION_H_
#define INGOT_COMPILER_LOWER_MATH_DIVISION_H_

#include "compiler/kernel/builder.h"

namespace ingot::lower {

struct Divisor {
  kernel::Value value;       // f32
  kernel::Value reciprocal;  // of it, rounded to nearest
  // pred: DivideByReciprocal is right.  Where |value| is in [2^-126, 2^126], zero, infinite or NaN.
  // Elsewhere the caller divides.
  kernel::Value fits;
};

// For a scalar or vector of f32.
Divisor MakeDivisor(kernel::Builder& b, kernel::Value value);

// x / divisor, of the divisor's type, or a vector of it where the divisor is a scalar; where
// divisor.fits.  Correctly rounded where |x| >= 2^-100 and the quotient is normal, and where x or
// the divisor is zero, infinite or NaN; elsewhere within 1.5 units in the last place.
//
// q = x r, then q + r (x - q y), exact before the last rounding (Markstein 1990, "Computation of
// elementary functions on the IBM RISC System/6000 processor").  That it is correctly rounded has
// been tried for all 2^46 pairs of significands.
kernel::Value DivideByReciprocal(kernel::Builder& b, kernel::Value x, const Divisor& divisor);

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_MATH_DIVISION_H_
