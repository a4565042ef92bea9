// The functions that scalar_ops.def names: where HLO says more than C++ does, or where domains
// differ.  int64_t and uint64_t hold values of `width` bits; arithmetic wraps (-fwrapv).
#ifndef INGOT_IR_EVALUATOR_SCALAR_FUNCTIONS_H_
#define INGOT_IR_EVALUATOR_SCALAR_FUNCTIONS_H_

#include <bit>
#include <cmath>
#include <complex>
#include <cstdint>
#include <type_traits>

namespace ingot::evaluator {

using Complex = std::complex<double>;

template <typename T>
concept Float = std::is_floating_point_v<T>;
template <typename T>
concept Integer = std::is_same_v<T, int64_t> || std::is_same_v<T, uint64_t>;

// of pred: and
template <typename T>
T Multiply(T x, T y) {
  if constexpr (std::is_same_v<T, bool>) {
    return x && y;
  } else {
    return x * y;
  }
}

// ---- integers

template <Integer T>
uint64_t LowBits(T x, int width) {
  return static_cast<uint64_t>(x) & (~uint64_t{0} >> (64 - width));
}

template <Integer T>
T CountLeadingZeros(T x, int width) {
  return std::countl_zero(LowBits(x, width)) - (64 - width);
}

template <Integer T>
T Not(T x) {
  return ~x;
}
inline bool Not(bool x) { return !x; }

// The high half of the product of 2 * width bits.
template <Integer T>
T MultiplyHigh(T x, T y, int width) {
  using Wide = std::conditional_t<std::is_signed_v<T>, __int128, unsigned __int128>;
  return static_cast<T>(static_cast<Wide>(x) * static_cast<Wide>(y) >> width);
}

// x / 0 is -1, or all ones; the least value / -1 is itself.
template <Integer T>
T Divide(T x, T y) {
  if (y == 0) return static_cast<T>(-1);
  if (std::is_signed_v<T> && y == static_cast<T>(-1)) return -x;
  return x / y;
}

// x rem 0 is x.
template <Integer T>
T Remainder(T x, T y) {
  if (y == 0) return x;
  if (std::is_signed_v<T> && y == static_cast<T>(-1)) return 0;
  return x % y;
}

// Shift amounts are unsigned; from the width on everything is shifted out.
template <Integer T>
T ShiftLeft(T x, T y, int width) {
  return LowBits(y, width) >= static_cast<uint64_t>(width) ? 0 : x << y;
}
template <Integer T>
T ShiftRightLogical(T x, T y, int width) {
  return LowBits(y, width) >= static_cast<uint64_t>(width) ? 0
                                                           : static_cast<T>(LowBits(x, width) >> y);
}
template <Integer T>
T ShiftRightArithmetic(T x, T y, int width) {
  const int64_t extended =
      static_cast<int64_t>(static_cast<uint64_t>(x) << (64 - width)) >> (64 - width);
  return static_cast<T>(extended >>
                        (LowBits(y, width) >= static_cast<uint64_t>(width) ? width - 1 : y));
}

// By squaring.  A negative exponent leaves 0 of all bases but 1 and -1.
template <Integer T>
T Power(T x, T y) {
  if (std::is_signed_v<T> && static_cast<int64_t>(y) < 0) {
    if (x == 1) return 1;
    if (x == static_cast<T>(-1)) return y & 1 ? x : 1;
    return 0;
  }
  T result = 1;
  for (; y != 0; y = static_cast<T>(static_cast<uint64_t>(y) >> 1), x *= x) {
    if (y & 1) result *= x;
  }
  return result;
}

inline int64_t Abs(int64_t x) { return x < 0 ? -x : x; }
inline uint64_t Abs(uint64_t x) { return x; }
inline int64_t Sign(int64_t x) { return (x > 0) - (x < 0); }
inline uint64_t Sign(uint64_t x) { return x != 0; }

template <typename T>
requires(Integer<T> || std::is_same_v<T, bool>) T Maximum(T x, T y) { return x > y ? x : y; }
template <typename T>
requires(Integer<T> || std::is_same_v<T, bool>) T Minimum(T x, T y) { return x < y ? x : y; }

// ---- floats

template <Float T>
T Abs(T x) {
  return std::fabs(x);
}
template <Float T>
T Divide(T x, T y) {
  return x / y;
}
template <Float T>
T Remainder(T x, T y) {
  return std::fmod(x, y);
}
// NaN of NaN, and zeros keep their sign.
template <Float T>
T Sign(T x) {
  return x > 0 ? T(1) : x < 0 ? T(-1) : x;
}
// IEEE 754-2019 maximum: NaN if either is, and +0 is larger than -0.
template <Float T>
T Maximum(T x, T y) {
  if (x > y || x != x) return x;
  if (y > x || y != y) return y;
  return x == 0 ? x + y : x;
}
template <Float T>
T Minimum(T x, T y) {
  if (x < y || x != x) return x;
  if (y < x || y != y) return y;
  return x == 0 ? -(-x - y) : x;
}
inline double Power(double x, double y) { return std::pow(x, y); }
inline double Atan2(double y, double x) { return std::atan2(y, x); }
inline double Cbrt(double x) { return std::cbrt(x); }
inline double Expm1(double x) { return std::expm1(x); }
inline double Log1p(double x) { return std::log1p(x); }
inline double Logistic(double x) { return 1 / (1 + std::exp(-x)); }
inline double Reciprocal(double x) { return 1 / x; }

// ---- complex numbers

inline Complex Divide(Complex x, Complex y) { return x / y; }
// By the real part, then the imaginary one (StableHLO's order of complex numbers).
inline bool IsLess(Complex x, Complex y) {
  return x.real() != y.real() ? x.real() < y.real() : x.imag() < y.imag();
}
inline Complex Maximum(Complex x, Complex y) { return IsLess(x, y) ? y : x; }
inline Complex Minimum(Complex x, Complex y) { return IsLess(y, x) ? y : x; }
inline Complex Reciprocal(Complex x) { return 1.0 / x; }
inline Complex Sign(Complex x) {
  if (std::isnan(x.real()) || std::isnan(x.imag())) return {NAN, NAN};
  return x == Complex() ? Complex() : x / std::abs(x);
}
inline Complex Cbrt(Complex x) { return x == Complex() ? x : std::pow(x, 1.0 / 3.0); }
// e^a cos b - 1 = expm1(a) cos b - 2 sin²(b/2)
inline Complex Expm1(Complex x) {
  const double half_sine = std::sin(x.imag() / 2);
  return {std::expm1(x.real()) * std::cos(x.imag()) - 2 * half_sine * half_sine,
          std::exp(x.real()) * std::sin(x.imag())};
}
// log|1 + z| = log1p(|1 + z|² - 1) / 2 near 0, where 1 + z would lose what z has
inline Complex Log1p(Complex x) {
  const double a = x.real(), b = x.imag();
  const double magnitude = std::fabs(a) < 0.5 && std::fabs(b) < 0.5
                               ? std::log1p(a * (2 + a) + b * b) / 2
                               : std::log(std::hypot(1 + a, b));
  return {magnitude, std::atan2(b, 1 + a)};
}
inline Complex Logistic(Complex x) { return 1.0 / (1.0 + std::exp(-x)); }
// -i log((x + i y) / √(x² + y²)), of y and x as atan2 has them
inline Complex Atan2(Complex y, Complex x) {
  const Complex i(0, 1);
  return -i * std::log((x + i * y) / std::sqrt(x * x + y * y));
}
inline Complex Power(Complex x, Complex y) {
  if (y == Complex()) return 1;
  if (x == Complex()) return y.imag() == 0 && y.real() > 0 ? Complex() : Complex(NAN, NAN);
  return std::pow(x, y);
}

}  // namespace ingot::evaluator

#endif  // INGOT_IR_EVALUATOR_SCALAR_FUNCTIONS_H_
