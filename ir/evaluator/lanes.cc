#include "ir/evaluator/lanes.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <mutex>
#include <vector>

#include "ir/base/float_bits.h"

namespace ingot::evaluator {
namespace {

using std::complex;

template <typename T>
constexpr bool kIsComplex = false;
template <typename T>
constexpr bool kIsComplex<complex<T>> = true;

// ---- narrow floats

constexpr int kDoubleMantissa = 52;

// EncodeFloat, quickly for values that are normal in the format.
class Encoder {
 public:
  explicit Encoder(ElementType type)
      : format_(FormatOf(type)),
        shift_(kDoubleMantissa - format_.mantissa_bits),
        most_(LargestPlainExponent(format_)) {}

  uint64_t operator()(double value) const {
    const uint64_t bits = std::bit_cast<uint64_t>(value);
    const int exponent = static_cast<int>(bits >> kDoubleMantissa & 0x7ff) - 1023 + format_.bias;
    if (exponent <= 0 || exponent > most_) return EncodeFloat(format_, value);
    uint64_t magnitude = static_cast<uint64_t>(exponent) << kDoubleMantissa |
                         (bits & ((uint64_t{1} << kDoubleMantissa) - 1));
    magnitude += (uint64_t{1} << (shift_ - 1)) - 1 + (magnitude >> shift_ & 1);
    return magnitude >> shift_ | bits >> 63 << (format_.bits - 1);
  }

 private:
  // The largest biased exponent from which rounding up meets no special pattern wrongly.
  static int LargestPlainExponent(const FloatFormat& format) {
    if (format.specials == FloatSpecials::kExponent) return 0;
    return (1 << format.exponent_bits) - (format.specials == FloatSpecials::kIeee ? 2 : 3);
  }

  const FloatFormat& format_;
  int shift_;
  int most_;
};

// The f32 value of every pattern of a float type of at most 16 bits.
const float* DecodeTable(ElementType type) {
  static std::array<std::once_flag, kElementTypeCount> once;
  static std::array<std::vector<float>, kElementTypeCount>& tables =
      *new std::array<std::vector<float>, kElementTypeCount>;
  std::vector<float>& table = tables[static_cast<int>(type)];
  std::call_once(once[static_cast<int>(type)], [&] {
    const FloatFormat& format = FormatOf(type);
    table.resize(size_t{1} << (8 * ByteWidth(type)));
    for (size_t i = 0; i < table.size(); ++i) {
      const uint64_t bits = i & ((uint64_t{1} << format.bits) - 1);
      table[i] = static_cast<float>(DecodeFloat(format, bits));
    }
  });
  return table.data();
}

// ---- one element type's storage

// Calls f(storage type, to_lane, from_lane) of the element type.
template <typename F>
void VisitStorage(ElementType type, F&& f) {
  const int unused_bits = 8 * ByteWidth(type) - BitWidth(type);
  const auto sign_extend = [unused_bits](auto x) {
    return static_cast<int64_t>(x << unused_bits) << (64 - 8 * sizeof(x)) >>
           (64 - 8 * sizeof(x) + unused_bits);
  };
  const auto zero_extend = [unused_bits](auto x) {
    using T = decltype(x);
    return static_cast<uint64_t>(x & static_cast<T>(static_cast<T>(~T{0}) >> unused_bits));
  };
  const auto same = [](auto x) { return x; };
  const auto narrow = [&]<typename Storage>(Storage s) {
    f(
        s, [table = DecodeTable(type)](Storage x) { return table[x]; },
        [encode = Encoder(type)](auto x) {
          return static_cast<Storage>(encode(static_cast<double>(x)));
        });
  };
  const auto as_signed = [&]<typename Storage>(Storage s) {
    f(s, sign_extend, [=](auto x) {
      return static_cast<Storage>(sign_extend(static_cast<Storage>(static_cast<int64_t>(x))));
    });
  };
  const auto as_unsigned = [&]<typename Storage>(Storage s) {
    f(s, zero_extend, [=](auto x) {
      return static_cast<Storage>(zero_extend(static_cast<Storage>(static_cast<uint64_t>(x))));
    });
  };
  switch (type) {
    case ElementType::kPred:
      return f(
          uint8_t(), [](uint8_t x) { return x != 0; },
          [](auto x) { return static_cast<uint8_t>(x != decltype(x)()); });
    case ElementType::kS2:
    case ElementType::kS4:
    case ElementType::kS8:
      return as_signed(int8_t());
    case ElementType::kS16:
      return as_signed(int16_t());
    case ElementType::kS32:
      return as_signed(int32_t());
    case ElementType::kS64:
      return f(int64_t(), same, [](auto x) { return static_cast<int64_t>(x); });
    case ElementType::kU2:
    case ElementType::kU4:
    case ElementType::kU8:
      return as_unsigned(uint8_t());
    case ElementType::kU16:
      return as_unsigned(uint16_t());
    case ElementType::kU32:
      return as_unsigned(uint32_t());
    case ElementType::kU64:
      return f(uint64_t(), same, [](auto x) { return static_cast<uint64_t>(x); });
    case ElementType::kF4E2M1FN:
    case ElementType::kF6E2M3FN:
    case ElementType::kF6E3M2FN:
    case ElementType::kF8E3M4:
    case ElementType::kF8E4M3:
    case ElementType::kF8E4M3FN:
    case ElementType::kF8E4M3B11FNUZ:
    case ElementType::kF8E4M3FNUZ:
    case ElementType::kF8E5M2:
    case ElementType::kF8E5M2FNUZ:
    case ElementType::kF8E8M0FNU:
      return narrow(uint8_t());
    case ElementType::kF16:
      return narrow(uint16_t());
    case ElementType::kBF16:
      return f(
          uint16_t(),
          [](uint16_t x) { return std::bit_cast<float>(static_cast<uint32_t>(x) << 16); },
          [encode = Encoder(ElementType::kBF16)](auto x) {
            return static_cast<uint16_t>(encode(static_cast<double>(x)));
          });
    case ElementType::kF32:
      return f(float(), same, [](auto x) { return static_cast<float>(x); });
    case ElementType::kF64:
      return f(double(), same, [](auto x) { return static_cast<double>(x); });
    case ElementType::kC64:
      return f(complex<float>(), same, same);
    case ElementType::kC128:
      return f(complex<double>(), same, same);
  }
}

template <typename From, typename To, typename F>
void Transform(const From* from, int64_t from_stride, To* to, int64_t to_stride, int64_t n, F f) {
  if (from_stride == 1 && to_stride == 1) {
    for (int64_t i = 0; i < n; ++i) to[i] = f(from[i]);
  } else {
    for (int64_t i = 0; i < n; ++i) to[i * to_stride] = f(from[i * from_stride]);
  }
}

// ---- conversion of one value

// An integer as a double that rounds to any narrower float as the integer does: bits that do not
// fit are or-ed into the last one ("round to odd").
double ToDoubleForRounding(uint64_t magnitude) {
  const int excess = 64 - std::countl_zero(magnitude) - 53;
  if (excess <= 0) return static_cast<double>(magnitude);
  const uint64_t lost = magnitude & ((uint64_t{1} << excess) - 1);
  return std::ldexp(static_cast<double>(magnitude >> excess | (lost != 0)), excess);
}

// Saturating truncation to the integer type; NaN is 0.
template <typename T>
T TruncateTo(ElementType type, double x) {
  const int width = BitWidth(type);
  if (std::isnan(x)) return 0;
  if constexpr (std::is_signed_v<T>) {
    const double limit = std::ldexp(1.0, width - 1);
    if (x >= limit) return static_cast<T>(~uint64_t{0} >> (65 - width));
    if (x < -limit) return static_cast<T>(-1) << (width - 1);
  } else {
    if (x >= std::ldexp(1.0, width)) return ~uint64_t{0} >> (64 - width);
    if (x <= 0) return 0;
  }
  return static_cast<T>(x);
}

template <typename To, typename From>
void ConvertTyped(ElementType to_type, const From* from, int64_t n, To* to) {
  if constexpr (std::is_same_v<To, bool>) {
    for (int64_t i = 0; i < n; ++i) to[i] = from[i] != From();
  } else if constexpr (kIsComplex<To> && kIsComplex<From>) {
    for (int64_t i = 0; i < n; ++i) to[i] = To(from[i]);
  } else if constexpr (kIsComplex<To>) {
    for (int64_t i = 0; i < n; ++i) to[i] = To(static_cast<typename To::value_type>(from[i]));
  } else if constexpr (kIsComplex<From>) {
    std::array<typename From::value_type, kBlock> real;
    for (int64_t i = 0; i < n; ++i) real[i] = from[i].real();
    ConvertTyped<To>(to_type, real.data(), n, to);
  } else if constexpr (std::is_integral_v<To> && std::is_floating_point_v<From>) {
    for (int64_t i = 0; i < n; ++i) to[i] = TruncateTo<To>(to_type, from[i]);
  } else if constexpr (std::is_integral_v<To>) {
    for (int64_t i = 0; i < n; ++i) to[i] = static_cast<To>(from[i]);
    NormalizeLanes(to_type, n, to);
  } else if constexpr (std::is_same_v<To, double> || std::is_same_v<From, bool>) {
    for (int64_t i = 0; i < n; ++i) to[i] = static_cast<To>(from[i]);
  } else if constexpr (std::is_integral_v<From>) {
    if (to_type == ElementType::kF32) {
      for (int64_t i = 0; i < n; ++i) to[i] = static_cast<To>(from[i]);
      return;
    }
    std::array<double, kBlock> values;
    for (int64_t i = 0; i < n; ++i) {
      const bool negative = std::is_signed_v<From> && static_cast<int64_t>(from[i]) < 0;
      const uint64_t bits = static_cast<uint64_t>(from[i]);
      const double magnitude = ToDoubleForRounding(negative ? -bits : bits);
      values[i] = negative ? -magnitude : magnitude;
    }
    RoundLanes(to_type, values.data(), n, to);
  } else if constexpr (std::is_same_v<From, double>) {
    RoundLanes(to_type, from, n, to);
  } else {
    std::copy_n(from, n, to);
    NormalizeLanes(to_type, n, to);
  }
}

}  // namespace

bool LaneIsStorage(ElementType type) {
  switch (Category(type)) {
    case TypeCategory::kPred:  // a byte that is neither 0 nor 1 is no bool
      return false;
    case TypeCategory::kSigned:
    case TypeCategory::kUnsigned:
      return BitWidth(type) == 64;
    case TypeCategory::kFloat:
      return BitWidth(type) >= 32;
    case TypeCategory::kComplex:
      return true;
  }
  return false;
}

void LoadLanes(ElementType type, const std::byte* source, int64_t stride, int64_t n, void* lanes) {
  VisitStorage(type, [&](auto storage, auto to_lane, auto) {
    using Storage = decltype(storage);
    using Lane = decltype(to_lane(storage));
    Transform(reinterpret_cast<const Storage*>(source), stride, static_cast<Lane*>(lanes), 1, n,
              to_lane);
  });
}

void StoreLanes(ElementType type, const void* lanes, int64_t n, std::byte* target, int64_t stride) {
  VisitStorage(type, [&](auto storage, auto to_lane, auto from_lane) {
    using Storage = decltype(storage);
    using Lane = decltype(to_lane(storage));
    Transform(static_cast<const Lane*>(lanes), 1, reinterpret_cast<Storage*>(target), stride, n,
              from_lane);
  });
}

template <typename T>
void LoadAs(ElementType type, const std::byte* source, int64_t stride, int64_t n, T* values) {
  VisitStorage(type, [&](auto storage, auto to_lane, auto) {
    using Storage = decltype(storage);
    const auto convert = [to_lane](Storage x) {
      if constexpr (kIsComplex<Storage> && !kIsComplex<T>) {
        return static_cast<T>(x.real());
      } else if constexpr (kIsComplex<T> && !kIsComplex<Storage>) {
        return T(static_cast<double>(to_lane(x)));
      } else {
        return static_cast<T>(to_lane(x));
      }
    };
    Transform(reinterpret_cast<const Storage*>(source), stride, values, 1, n, convert);
  });
}

template <typename T>
void StoreFrom(ElementType type, const T* values, int64_t n, std::byte* target, int64_t stride) {
  constexpr ElementType from = std::is_same_v<T, double>    ? ElementType::kF64
                               : std::is_same_v<T, int64_t> ? ElementType::kS64
                                                            : ElementType::kC128;
  alignas(16) std::array<std::byte, kBlock * 16> lanes;
  for (int64_t at = 0; at < n; at += kBlock) {
    const int64_t count = std::min(kBlock, n - at);
    ConvertLanes(from, values + at, type, count, lanes.data());
    StoreLanes(type, lanes.data(), count, target + at * stride * ByteWidth(type), stride);
  }
}

template void LoadAs(ElementType, const std::byte*, int64_t, int64_t, double*);
template void LoadAs(ElementType, const std::byte*, int64_t, int64_t, int64_t*);
template void LoadAs(ElementType, const std::byte*, int64_t, int64_t, complex<double>*);
template void StoreFrom(ElementType, const double*, int64_t, std::byte*, int64_t);
template void StoreFrom(ElementType, const int64_t*, int64_t, std::byte*, int64_t);
template void StoreFrom(ElementType, const complex<double>*, int64_t, std::byte*, int64_t);

void ConvertLanes(ElementType from, const void* lanes, ElementType to, int64_t n, void* result) {
  VisitLane(from, [&](auto from_tag) {
    VisitLane(to, [&](auto to_tag) {
      ConvertTyped(to, static_cast<const decltype(from_tag)*>(lanes), n,
                   static_cast<decltype(to_tag)*>(result));
    });
  });
}

void NormalizeLanes(ElementType type, int64_t n, void* lanes) {
  const int unused_bits = 64 - BitWidth(type);
  switch (Category(type)) {
    case TypeCategory::kPred:
    case TypeCategory::kComplex:
      return;
    case TypeCategory::kSigned: {
      int64_t* values = static_cast<int64_t*>(lanes);
      if (unused_bits == 0) return;
      for (int64_t i = 0; i < n; ++i) values[i] = values[i] << unused_bits >> unused_bits;
      return;
    }
    case TypeCategory::kUnsigned: {
      uint64_t* values = static_cast<uint64_t*>(lanes);
      if (unused_bits == 0) return;
      for (int64_t i = 0; i < n; ++i) values[i] = values[i] << unused_bits >> unused_bits;
      return;
    }
    case TypeCategory::kFloat:
      if (LaneIsStorage(type)) return;
      VisitStorage(type, [&](auto, auto to_lane, auto from_lane) {
        float* values = static_cast<float*>(lanes);
        for (int64_t i = 0; i < n; ++i) {
          values[i] = static_cast<float>(to_lane(from_lane(values[i])));
        }
      });
      return;
  }
}

namespace {

template <typename Value, typename Narrow>
void RoundTyped(const Value* values, int64_t n, void* lanes) {
  for (int64_t i = 0; i < n; ++i) static_cast<Narrow*>(lanes)[i] = static_cast<Narrow>(values[i]);
}

}  // namespace

void RoundLanes(ElementType type, const double* values, int64_t n, void* lanes) {
  if (type == ElementType::kF64) return RoundTyped<double, double>(values, n, lanes);
  if (type == ElementType::kF32) return RoundTyped<double, float>(values, n, lanes);
  VisitStorage(type, [&](auto storage, auto to_lane, auto from_lane) {
    if constexpr (!kIsComplex<decltype(storage)>) {
      for (int64_t i = 0; i < n; ++i) {
        static_cast<float*>(lanes)[i] = static_cast<float>(to_lane(from_lane(values[i])));
      }
    }
  });
}

void RoundLanes(ElementType type, const complex<double>* values, int64_t n, void* lanes) {
  if (type == ElementType::kC128)
    return RoundTyped<complex<double>, complex<double>>(values, n, lanes);
  RoundTyped<complex<double>, complex<float>>(values, n, lanes);
}

}  // namespace ingot::evaluator
