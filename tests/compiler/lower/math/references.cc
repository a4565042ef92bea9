#include "tests/compiler/lower/math/references.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "ir/base/float_bits.h"

namespace ingot::test {
namespace {

constexpr double kWrong = std::numeric_limits<double>::infinity();

template <typename T>
T Logistic(T x) {
  return 1 / (1 + std::exp(-x));
}

#define INGOT_UNARY(opcode, expression)                                       \
  {                                                                           \
    Opcode::opcode, 1, [](double x, double) -> double { return expression; }, \
        [](long double x, long double) -> long double { return expression; }  \
  }
#define INGOT_BINARY(opcode, expression)                                        \
  {                                                                             \
    Opcode::opcode, 2, [](double x, double y) -> double { return expression; }, \
        [](long double x, long double y) -> long double { return expression; }  \
  }
constexpr Reference kReferences[] = {
    INGOT_UNARY(kExp, std::exp(x)),         INGOT_UNARY(kExpm1, std::expm1(x)),
    INGOT_UNARY(kLogistic, Logistic(x)),    INGOT_UNARY(kLog, std::log(x)),
    INGOT_UNARY(kLog1p, std::log1p(x)),     INGOT_UNARY(kRsqrt, 1 / std::sqrt(x)),
    INGOT_UNARY(kCbrt, std::cbrt(x)),       INGOT_UNARY(kSin, std::sin(x)),
    INGOT_UNARY(kCos, std::cos(x)),         INGOT_UNARY(kTan, std::tan(x)),
    INGOT_UNARY(kAsin, std::asin(x)),       INGOT_UNARY(kAcos, std::acos(x)),
    INGOT_UNARY(kSinh, std::sinh(x)),       INGOT_UNARY(kCosh, std::cosh(x)),
    INGOT_UNARY(kTanh, std::tanh(x)),       INGOT_UNARY(kAsinh, std::asinh(x)),
    INGOT_UNARY(kAcosh, std::acosh(x)),     INGOT_UNARY(kAtanh, std::atanh(x)),
    INGOT_UNARY(kErf, std::erf(x)),         INGOT_BINARY(kPower, std::pow(x, y)),
    INGOT_BINARY(kAtan2, std::atan2(x, y)), INGOT_BINARY(kRemainder, std::fmod(x, y)),
};

}  // namespace

const Reference* FindReference(Opcode opcode) {
  for (const Reference& reference : kReferences) {
    if (reference.opcode == opcode) return &reference;
  }
  return nullptr;
}

double UlpError(ElementType element, double actual, long double exact) {
  const FloatFormat& format = FormatOf(element);
  const int precision = format.mantissa_bits + 1;
  const int most = 1 << (format.exponent_bits - 1);  // the least power of two that is infinity
  const int least = 2 - most - format.mantissa_bits;
  if (std::isnan(exact) || std::isnan(actual)) {
    return std::isnan(exact) && std::isnan(actual) ? 0 : kWrong;
  }
  if (std::signbit(exact) != std::signbit(actual)) return kWrong;
  if (exact == 0 || std::isinf(exact)) return actual == exact ? 0 : kWrong;
  // Finite and infinity are one unit apart at the end of the range.
  const long double limit = std::ldexp(1.0L, most);
  const long double value = std::isinf(actual) ? std::copysign(limit, exact) : actual;
  if (std::fabs(exact) >= limit && std::isinf(actual)) return 0;
  int exponent;
  std::frexp(exact, &exponent);
  exponent = std::clamp(exponent - precision, least, most - precision);
  return static_cast<double>(std::fabs(value - exact) / std::ldexp(1.0L, exponent));
}

std::vector<uint64_t> SpecialValues(ElementType element) {
  const bool f64 = element == ElementType::kF64;
  const double least = f64 ? 0x1p-1074 : 0x1p-149;
  const double normal = f64 ? 0x1p-1022 : 0x1p-126;
  const double most = f64 ? 0x1.fffffffffffffp1023 : 0x1.fffffep127;
  const double unit = f64 ? 0x1p-53 : 0x1p-24;
  const double whole = f64 ? 0x1p53 : 0x1p24;  // all numbers from here on are integers, then even
  // Near a multiple of pi / 2, as is 0x1.5c0e66p+73: the f64 that comes closest.
  const double hard = 6381956970095103 * 0x1p797;
  std::vector<uint64_t> bits;
  for (double value : {0.0,
                       least,
                       3 * least,
                       normal - least,
                       normal,
                       normal * 1.5,
                       unit * 0.25,
                       unit,
                       1e-3,
                       0.25,
                       0.5 - unit / 2,
                       0.5,
                       0.55,
                       0.75,
                       1 - unit,
                       1.0,
                       1 + 2 * unit,
                       1.5,
                       2.0,
                       2.5,
                       3.0,
                       4.0,
                       5.0,
                       10.0,
                       20.0,
                       21.5,
                       31.0,
                       88.0,
                       88.5,
                       89.0,
                       103.0,
                       104.0,
                       300.5,
                       709.0,
                       710.0,
                       745.0,
                       746.0,
                       1e5,
                       1e10,
                       0x1.5c0e66p+73,
                       hard,
                       whole - 1,
                       whole,
                       whole + 2,
                       3e37,
                       most / 4,
                       most / 2,
                       most,
                       std::numeric_limits<double>::infinity()}) {
    bits.push_back(EncodeFloat(FormatOf(element), value));
    bits.push_back(EncodeFloat(FormatOf(element), -value));
  }
  bits.push_back(EncodeFloat(FormatOf(element), std::numeric_limits<double>::quiet_NaN()));
  return bits;
}

namespace {

// Uniform in (-1, 1).
double Uniform(std::mt19937_64& random) { return static_cast<int64_t>(random()) * 0x1p-63; }

// A number of the type with any exponent.
double Any(std::mt19937_64& random, ElementType element) {
  return element == ElementType::kF64 ? std::bit_cast<double>(random())
                                      : std::bit_cast<float>(static_cast<uint32_t>(random() >> 32));
}

}  // namespace

Points SamplePoints(ElementType element, int arity, int64_t count) {
  const FloatFormat& format = FormatOf(element);
  std::mt19937_64 random(20261121);
  const double range = element == ElementType::kF64 ? 750 : 105;  // |log| of what is not infinite
  Points points;
  for (int64_t i = 0; i < count; ++i) {
    double x = Any(random, element);
    double y = Any(random, element);
    const int exponent = static_cast<int>(random() % 40);
    switch (i % 4) {
      case 0:
        break;
      case 1:
        x = std::ldexp(Uniform(random), exponent - 28);
        y = x * (1 + Uniform(random));
        break;
      case 2:
        if (arity == 1) x = std::ldexp(Uniform(random), exponent % 11);
        x = arity == 1 ? x : std::fabs(x);
        y = Uniform(random) * range / std::log(x);
        break;
      case 3:
        x = 1 + Uniform(random) * 0.5;
        y = Uniform(random) * range / std::log(x);
        break;
    }
    points.x.push_back(EncodeFloat(format, x));
    points.y.push_back(EncodeFloat(format, y));
  }
  return points;
}

}  // namespace ingot::test
