// Conversion between any float format of element_types.def and f64, bit by bit.
#ifndef INGOT_IR_BASE_FLOAT_BITS_H_
#define INGOT_IR_BASE_FLOAT_BITS_H_

#include <cstdint>

#include "ir/base/element_type.h"

namespace ingot {

// The value of the bit pattern `bits` (in the low bits).  Exact: f64 holds every value of every
// format.  NaNs become a quiet NaN of the same sign.
double DecodeFloat(const FloatFormat& format, uint64_t bits);

// The bit pattern of `value` rounded once to nearest, ties to even.  A value out of range becomes
// infinity (kIeee), NaN (kFn, kFnuz, kExponent) or the largest finite value (kFinite).  NaN becomes
// the format's quiet NaN of the same sign, or negative zero's pattern where there is no NaN
// (kFinite). kExponent, as XLA's conversion does: ties go to the greater power, a positive value
// below all powers becomes the smallest, zero and negative values become NaN.
uint64_t EncodeFloat(const FloatFormat& format, double value);

}  // namespace ingot

#endif  // INGOT_IR_BASE_FLOAT_BITS_H_
