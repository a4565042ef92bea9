#include "ir/base/float_bits.h"

#include <bit>
#include <cmath>
#include <limits>

namespace ingot {
namespace {

uint64_t Ones(int bits) { return bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1; }

// Half-to-even rounding of value / 2^shift, shift in [0, 63].
uint64_t RoundShift(uint64_t value, int shift) {
  if (shift == 0) return value;
  uint64_t quotient = value >> shift;
  uint64_t rest = value & Ones(shift);
  uint64_t half = uint64_t{1} << (shift - 1);
  if (rest > half || (rest == half && (quotient & 1))) ++quotient;
  return quotient;
}

double DecodeExponentOnly(const FloatFormat& format, uint64_t bits) {
  if (bits == Ones(format.bits)) return std::numeric_limits<double>::quiet_NaN();
  return std::ldexp(1.0, static_cast<int>(bits) - format.bias);
}

uint64_t EncodeExponentOnly(const FloatFormat& format, double value) {
  const uint64_t nan = Ones(format.bits);
  if (std::isnan(value) || std::isinf(value) || value <= 0) return nan;
  int exponent;
  double fraction =
      std::frexp(value, &exponent);  // value = fraction * 2^exponent, fraction in [0.5, 1)
  // Nearest power of two; the tie (fraction 0.75) goes up.
  int64_t field = exponent - 1 + format.bias;
  if (fraction >= 0.75) ++field;
  if (field < 0) return 0;
  return field >= static_cast<int64_t>(nan) ? nan : static_cast<uint64_t>(field);
}

// The largest finite pattern without its sign.
uint64_t LargestFinite(const FloatFormat& format) {
  const uint64_t all = Ones(format.exponent_bits + format.mantissa_bits);
  switch (format.specials) {
    case FloatSpecials::kIeee:
      return all - Ones(format.mantissa_bits) - 1;
    case FloatSpecials::kFn:
      return all - 1;
    case FloatSpecials::kFnuz:
    case FloatSpecials::kFinite:
    case FloatSpecials::kExponent:
      return all;
  }
  return all;
}

uint64_t NanPattern(const FloatFormat& format, uint64_t sign) {
  const uint64_t all = Ones(format.exponent_bits + format.mantissa_bits);
  switch (format.specials) {
    case FloatSpecials::kIeee:
      return sign | (all - Ones(format.mantissa_bits)) |
             (uint64_t{1} << (format.mantissa_bits - 1));
    case FloatSpecials::kFn:
      return sign | all;
    case FloatSpecials::kFnuz:
    case FloatSpecials::kFinite:
      return uint64_t{1} << (format.bits - 1);
    case FloatSpecials::kExponent:
      return Ones(format.bits);
  }
  return all;
}

uint64_t OverflowPattern(const FloatFormat& format, uint64_t sign) {
  switch (format.specials) {
    case FloatSpecials::kIeee:
      return sign | (LargestFinite(format) + 1);
    case FloatSpecials::kFinite:
      return sign | LargestFinite(format);
    case FloatSpecials::kFn:
    case FloatSpecials::kFnuz:
    case FloatSpecials::kExponent:
      return NanPattern(format, sign);
  }
  return NanPattern(format, sign);
}

}  // namespace

double DecodeFloat(const FloatFormat& format, uint64_t bits) {
  if (format.bits == 64) return std::bit_cast<double>(bits);
  if (format.bits == 32) return std::bit_cast<float>(static_cast<uint32_t>(bits));
  if (format.specials == FloatSpecials::kExponent) return DecodeExponentOnly(format, bits);
  const uint64_t mantissa = bits & Ones(format.mantissa_bits);
  const uint64_t exponent = (bits >> format.mantissa_bits) & Ones(format.exponent_bits);
  const bool negative = (bits >> (format.bits - 1)) & 1;
  const double nan = std::copysign(std::numeric_limits<double>::quiet_NaN(), negative ? -1.0 : 1.0);
  const uint64_t magnitude = bits & Ones(format.bits - 1);
  if (format.specials == FloatSpecials::kFnuz && negative && magnitude == 0) return nan;
  if (format.specials == FloatSpecials::kFn && magnitude > LargestFinite(format)) return nan;
  if (format.specials == FloatSpecials::kIeee && exponent == Ones(format.exponent_bits)) {
    if (mantissa != 0) return nan;
    return negative ? -std::numeric_limits<double>::infinity()
                    : std::numeric_limits<double>::infinity();
  }
  double value =
      exponent == 0
          ? std::ldexp(static_cast<double>(mantissa), 1 - format.bias - format.mantissa_bits)
          : std::ldexp(static_cast<double>(mantissa | (uint64_t{1} << format.mantissa_bits)),
                       static_cast<int>(exponent) - format.bias - format.mantissa_bits);
  return negative ? -value : value;
}

uint64_t EncodeFloat(const FloatFormat& format, double value) {
  if (format.bits == 64) return std::bit_cast<uint64_t>(value);
  if (format.bits == 32) return std::bit_cast<uint32_t>(static_cast<float>(value));
  if (format.specials == FloatSpecials::kExponent) return EncodeExponentOnly(format, value);
  const uint64_t sign = std::signbit(value) ? uint64_t{1} << (format.bits - 1) : 0;
  if (std::isnan(value)) return NanPattern(format, sign);
  if (std::isinf(value)) return OverflowPattern(format, sign);
  if (value == 0) return format.specials == FloatSpecials::kFnuz ? 0 : sign;
  int exponent;
  const double fraction = std::frexp(std::fabs(value), &exponent);  // in [0.5, 1)
  const uint64_t digits =
      static_cast<uint64_t>(std::ldexp(fraction, 53));  // 53 bits, the top one set
  const int unbiased = exponent - 1;
  // Units of the last place: 2^(max(unbiased, 1 - bias) - mantissa_bits).
  const int field = unbiased + format.bias;
  const int below = field >= 1 ? 0 : 1 - field;
  const int shift = 52 - format.mantissa_bits + below;
  const uint64_t rounded = shift > 63 ? 0 : RoundShift(digits, shift);
  // The implicit bit adds one to the exponent field, and a carry out of the mantissa another.
  const uint64_t magnitude =
      field >= 1 ? ((static_cast<uint64_t>(field) - 1) << format.mantissa_bits) + rounded : rounded;
  if (magnitude > LargestFinite(format)) return OverflowPattern(format, sign);
  if (magnitude == 0 && format.specials == FloatSpecials::kFnuz) return 0;
  return sign | magnitude;
}

}  // namespace ingot
