// Element types, vectors and conversions of kernel IR as CUDA C++: the head of every source that
// this folder writes, of which rows.h and memory.h are the rest.
//
// It is C++17 without a header, for NVRTC needs no include path then.  A test compiles it for the
// host, where INGOT_CUDA_HOST says that there are no instructions of a card.
#ifndef INGOT_COMPILER_CODEGEN_CUDA_ELEMENTS_H_
#define INGOT_COMPILER_CODEGEN_CUDA_ELEMENTS_H_

#define INGOT_ROW static __device__ __forceinline__
#define INGOT_UNROLL _Pragma("unroll")
#define INGOT_ACCESS(bytes) __attribute__((may_alias, aligned(bytes)))

namespace kernel_ir {

// ----- Element types: native ones, and those that are patterns, in the low bits.

using s8 = signed char;
using s16 = short;
using s32 = int;
using s64 = long long;
using u8 = unsigned char;
using u16 = unsigned short;
using u32 = unsigned int;
using u64 = unsigned long long;
using f32 = float;
using f64 = double;
using pred = bool;

// Kinds of element types, and how a narrow float spends its extreme patterns
// (ir/base/element_types.def).  Constants are enumerators: others would be variables of the module.
enum : int { kPred, kSigned, kUnsigned, kFloat, kNarrowFloat, kNarrowInteger };
enum : int { kIeee, kFn, kFnuz, kFinite, kExponent };

// A float of up to 16 bits.
template <typename Pattern, int bits_, int mantissa_bits_, int bias_, int specials_>
struct NarrowFloat {
  enum : int {
    kKind = kNarrowFloat,
    kBits = bits_,
    kMantissaBits = mantissa_bits_,
    kBias = bias_,
    kSpecials = specials_
  };
  Pattern bits;
};
// An integer of fewer than 8 bits.
template <int bits_, bool is_signed_>
struct NarrowInteger {
  enum : int { kKind = kNarrowInteger, kBits = bits_, kIsSigned = is_signed_ };
  u8 bits;
};

// `Of<T>`: the facts of an element type, and the unsigned integer that holds its pattern.
template <typename T>
struct Of {
  enum : int { kKind = T::kKind, kBits = T::kBits };
  using Pattern = decltype(T::bits);
};
template <int kind_, int bits_, typename Pattern_>
struct Native {
  enum : int { kKind = kind_, kBits = bits_ };
  using Pattern = Pattern_;
};
// clang-format off
template <> struct Of<pred> : Native<kPred, 1, u8> {};
template <> struct Of<s8> : Native<kSigned, 8, u8> {};
template <> struct Of<s16> : Native<kSigned, 16, u16> {};
template <> struct Of<s32> : Native<kSigned, 32, u32> {};
template <> struct Of<s64> : Native<kSigned, 64, u64> {};
template <> struct Of<u8> : Native<kUnsigned, 8, u8> {};
template <> struct Of<u16> : Native<kUnsigned, 16, u16> {};
template <> struct Of<u32> : Native<kUnsigned, 32, u32> {};
template <> struct Of<u64> : Native<kUnsigned, 64, u64> {};
template <> struct Of<f32> : Native<kFloat, 32, u32> {};
template <> struct Of<f64> : Native<kFloat, 64, u64> {};
template <bool condition_, typename A, typename B> struct Either { using Type = A; };
template <typename A, typename B> struct Either<false, A, B> { using Type = B; };
template <typename T> using Pattern = typename Of<T>::Pattern;
// Sums of it do not overflow an int on the way.
template <typename T> using Word = typename Either<sizeof(T) == 8, u64, u32>::Type;
// clang-format on

// A vector, and a vector's or a scalar's lanes.
template <typename T, int lanes_>
struct vec {
  T lane[lanes_];
};
template <typename V>
struct Lanes {
  using Element = V;
  enum : int { kCount = 1 };
};
template <typename T, int lanes_>
struct Lanes<vec<T, lanes_>> {
  using Element = T;
  enum : int { kCount = lanes_ };
};
template <typename V>
using Element = typename Lanes<V>::Element;
template <typename T, int lanes_>
using Vector = typename Either<lanes_ == 1, T, vec<T, lanes_>>::Type;

template <typename T>
INGOT_ROW T& lane_of(T& value, int) {
  return value;
}
template <typename T, int lanes_>
INGOT_ROW T& lane_of(vec<T, lanes_>& value, int lane) {
  return value.lane[lane];
}

// ----- Patterns.

template <typename T>
INGOT_ROW Pattern<T> bits_of(T value) {
  if constexpr (Of<T>::kKind == kFloat) {
    return __builtin_bit_cast(Pattern<T>, value);
  } else if constexpr (Of<T>::kKind == kNarrowFloat || Of<T>::kKind == kNarrowInteger) {
    return value.bits;
  } else {
    return Pattern<T>(value);
  }
}
// The low bits of a pattern.
template <typename T>
INGOT_ROW T from_bits(u64 bits) {
  if constexpr (Of<T>::kKind == kFloat) {
    return __builtin_bit_cast(T, Pattern<T>(bits));
  } else if constexpr (Of<T>::kKind == kNarrowFloat || Of<T>::kKind == kNarrowInteger) {
    T value;
    value.bits = Pattern<T>(bits & ((u64(1) << Of<T>::kBits) - 1));
    return value;
  } else if constexpr (Of<T>::kKind == kPred) {
    return (bits & 1) != 0;
  } else {
    return T(bits);
  }
}

// The bits of all lanes in a row, lane 0 lowest, cut anew.
template <typename R, typename V>
INGOT_ROW R bitcast(V value) {
  constexpr int kFrom = Of<Element<V>>::kBits;
  constexpr int kTo = Of<Element<R>>::kBits;
  R result{};
  INGOT_UNROLL for (int i = 0; i < Lanes<R>::kCount; ++i) {
    u64 whole = 0;
    INGOT_UNROLL for (int j = 0; j < (kTo - 1) / kFrom + 2; ++j) {
      const int lane = i * kTo / kFrom + j;
      const int place = lane * kFrom - i * kTo;
      if (lane >= Lanes<V>::kCount || place >= kTo) continue;
      const u64 bits = bits_of(lane_of(value, lane));
      whole |= place >= 0 ? bits << (place & 63) : bits >> (-place & 63);
    }
    lane_of(result, i) = from_bits<Element<R>>(whole);
  }
  return result;
}

// ----- Vectors: every row below is lane-wise.

template <int lanes_, typename T>
INGOT_ROW vec<T, lanes_> broadcast(T value) {
  vec<T, lanes_> result;
  INGOT_UNROLL for (int i = 0; i < lanes_; ++i) result.lane[i] = value;
  return result;
}
// Every cell of an array.
template <typename T, int count_>
INGOT_ROW void fill(T (&cells)[count_], T value) {
  INGOT_UNROLL for (int i = 0; i < count_; ++i) cells[i] = value;
}
template <typename R>
INGOT_ROW R iota() {
  R result;
  INGOT_UNROLL for (int i = 0; i < Lanes<R>::kCount; ++i) lane_of(result, i) = Element<R>(i);
  return result;
}
template <int lane_, typename V>
INGOT_ROW Element<V> extract(V value) {
  return lane_of(value, lane_);
}
template <int lane_, typename V>
INGOT_ROW V insert(V value, Element<V> element) {
  lane_of(value, lane_) = element;
  return value;
}
// Lanes of a, then of b.
template <typename R, int... lanes_, typename A, typename B>
INGOT_ROW R vector_shuffle(A a, B b) {
  constexpr int kFirst = Lanes<A>::kCount;
  return R{(lanes_ < kFirst ? lane_of(a, lanes_ < kFirst ? lanes_ : 0)
                            : lane_of(b, lanes_ < kFirst ? 0 : lanes_ - kFirst))...};
}

#define INGOT_UNARY(row)                                                      \
  template <typename T, int lanes_>                                           \
  INGOT_ROW vec<T, lanes_> row(vec<T, lanes_> a) {                            \
    INGOT_UNROLL for (int i = 0; i < lanes_; ++i) a.lane[i] = row(a.lane[i]); \
    return a;                                                                 \
  }
#define INGOT_BINARY(row)                                                                \
  template <typename T, int lanes_>                                                      \
  INGOT_ROW vec<T, lanes_> row(vec<T, lanes_> a, vec<T, lanes_> b) {                     \
    INGOT_UNROLL for (int i = 0; i < lanes_; ++i) a.lane[i] = row(a.lane[i], b.lane[i]); \
    return a;                                                                            \
  }
#define INGOT_COMPARE(row)                                                                        \
  template <typename T, int lanes_>                                                               \
  INGOT_ROW vec<pred, lanes_> row(vec<T, lanes_> a, vec<T, lanes_> b) {                           \
    vec<pred, lanes_> result;                                                                     \
    INGOT_UNROLL for (int i = 0; i < lanes_; ++i) { result.lane[i] = row(a.lane[i], b.lane[i]); } \
    return result;                                                                                \
  }
#define INGOT_TERNARY(row)                                                             \
  template <typename T, int lanes_>                                                    \
  INGOT_ROW vec<T, lanes_> row(vec<T, lanes_> a, vec<T, lanes_> b, vec<T, lanes_> c) { \
    INGOT_UNROLL for (int i = 0; i < lanes_; ++i) {                                    \
      a.lane[i] = row(a.lane[i], b.lane[i], c.lane[i]);                                \
    }                                                                                  \
    return a;                                                                          \
  }
// The fixed tree: lane i with lane i + half, half the greatest power of two below the count, until
// one is left.
#define INGOT_HORIZONTAL(row, step)                                                       \
  template <typename T>                                                                   \
  INGOT_ROW T row(T a) {                                                                  \
    return a;                                                                             \
  }                                                                                       \
  template <typename T, int lanes_>                                                       \
  INGOT_ROW T row(vec<T, lanes_> a) {                                                     \
    constexpr int kHalf = half_of(lanes_);                                                \
    Vector<T, kHalf> rest;                                                                \
    INGOT_UNROLL for (int i = 0; i < kHalf; ++i) {                                        \
      lane_of(rest, i) =                                                                  \
          i + kHalf < lanes_ ? step(a.lane[i], a.lane[(i + kHalf) % lanes_]) : a.lane[i]; \
    }                                                                                     \
    return row(rest);                                                                     \
  }

static __device__ constexpr int half_of(int count) {
  int half = 1;
  while (2 * half < count) half *= 2;
  return half;
}

// ----- Floats of up to 16 bits: f32 holds each of their values.

static __device__ constexpr u32 ones(int count) { return (u32(1) << count) - 1; }
enum : u32 { kSingleInfinity = 0x7f800000, kSingleNan = 0x7fc00000 };
// The pattern of 2^exponent in f32.
static __device__ constexpr u32 power_of_two(int exponent) {
  return exponent >= -126 ? u32(exponent + 127) << 23 : u32(1) << (exponent + 149);
}
// The greatest finite magnitude's pattern.
template <typename T>
INGOT_ROW constexpr u32 largest_finite() {
  constexpr u32 kAll = ones(T::kBits - 1);
  if (T::kSpecials == kIeee) return kAll - ones(T::kMantissaBits) - 1;
  return T::kSpecials == kFn ? kAll - 1 : kAll;
}

#ifdef INGOT_CUDA_HOST
template <typename T>
constexpr bool kHasInstructions = false;
#else
// f16 and bf16.
template <typename T>
constexpr bool kHasInstructions = T::kSpecials == kIeee &&
                                  (T::kMantissaBits == 10 || T::kMantissaBits == 7);
#endif

template <typename T>
INGOT_ROW f32 to_single(T value) {
  const u32 bits = value.bits;
  if constexpr (T::kBias == 127 && T::kBits == 16) {
    return from_bits<f32>(u64(bits) << 16);
  } else if constexpr (kHasInstructions<T>) {
    f32 single;
    asm("cvt.f32.f16 %0, %1;" : "=f"(single) : "h"(value.bits));
    return single;
  } else if constexpr (T::kSpecials == kExponent) {
    if (bits == ones(T::kBits)) return from_bits<f32>(kSingleNan);
    return from_bits<f32>(bits == 0 ? power_of_two(-T::kBias) : bits << 23);
  } else {
    // The digits where f32 has them, then the bias by a product, which is exact and makes denormals
    // normal.
    const u32 magnitude = bits & ones(T::kBits - 1);
    const u32 sign = bits >> (T::kBits - 1) << 31;
    u32 result = bits_of(from_bits<f32>(magnitude << (23 - T::kMantissaBits)) *
                         from_bits<f32>(power_of_two(127 - T::kBias)));
    if (T::kSpecials == kIeee && magnitude > largest_finite<T>()) {
      result = magnitude == largest_finite<T>() + 1 ? kSingleInfinity : kSingleNan;
    }
    if (T::kSpecials == kFn && magnitude > largest_finite<T>()) result = kSingleNan;
    if (T::kSpecials == kFnuz && bits == u32(1) << (T::kBits - 1)) result = kSingleNan;
    return from_bits<f32>(result | sign);
  }
}

// Powers of two: the nearest, ties to the greater.  What is zero, negative or too large is NaN.
INGOT_ROW u32 encode_power(u32 bits) {
  if (bits - 1 >= kSingleInfinity - 1) return 0xff;
  // Field 0 holds f32's denormals, of which those from 2^-127 on are normal here.
  if (bits < power_of_two(-126)) return bits >= 0x600000;
  return (bits + 0x400000) >> 23;
}

// Half to even at the last place; a carry moves on to the exponent.
INGOT_ROW u32 round_off(u32 bits, int places) {
  return (bits + ones(places - 1) + ((bits >> places) & 1)) >> places;
}

template <typename T>
INGOT_ROW u32 encode(f32 value) {
  const u32 bits = bits_of(value);
  const u32 magnitude = bits & 0x7fffffff;
  const u32 sign = (bits >> 31) << (T::kBits - 1);
  constexpr int kPlaces = 23 - T::kMantissaBits;
  constexpr u32 kLargest = largest_finite<T>();
  constexpr u32 kSign = u32(1) << (T::kBits - 1);
  u32 result = round_off(magnitude, kPlaces) - (u32(127 - T::kBias) << T::kMantissaBits);
  if (T::kBias != 127 && magnitude < power_of_two(1 - T::kBias)) {
    // Denormal: added to a power of two whose last place is ours, f32 itself rounds.
    constexpr u32 kMagic = power_of_two(1 - T::kBias - T::kMantissaBits + 23);
    result = bits_of(from_bits<f32>(magnitude) + from_bits<f32>(kMagic)) - kMagic;
  }
  const bool is_nan = magnitude > kSingleInfinity;
  const bool overflows = result > kLargest;
  if constexpr (T::kSpecials == kIeee) {
    if (is_nan) return ((kLargest + 1) | (u32(1) << (T::kMantissaBits - 1))) | sign;
    return (overflows ? kLargest + 1 : result) | sign;
  } else if constexpr (T::kSpecials == kFn) {
    return (overflows ? kLargest + 1 : result) | sign;
  } else if constexpr (T::kSpecials == kFnuz) {
    if (overflows) return kSign;
    return result == 0 ? 0 : result | sign;
  } else {
    if (is_nan) return kSign;
    return (overflows ? kLargest : result) | sign;
  }
}

template <typename T>
INGOT_ROW T from_single(f32 value) {
  if constexpr (kHasInstructions<T>) {
    T result;
    if constexpr (T::kMantissaBits == 10) {
      asm("cvt.rn.f16.f32 %0, %1;" : "=h"(result.bits) : "f"(value));
    } else {
      asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(result.bits) : "f"(value));
    }
    return result;
  } else if constexpr (T::kSpecials == kExponent) {
    return from_bits<T>(encode_power(bits_of(value)));
  } else {
    return from_bits<T>(encode<T>(value));
  }
}

// f64 → f32, to odd where it is not exact: to round the result again, to 22 bits or fewer, is
// right.
INGOT_ROW f32 round_to_odd(f64 value) {
  const f32 nearest = f32(value);
  const f64 back = nearest;
  if (!(back < value || back > value)) return nearest;
  // Toward zero, then odd.  Patterns of magnitudes are ordered as their values.
  const bool away = ::fabs(back) > ::fabs(value);
  return from_bits<f32>((bits_of(nearest) - (away ? 1 : 0)) | 1);
}

// ----- Conversions.

// Toward zero, saturating; NaN is 0.
template <typename To, typename From>
INGOT_ROW To to_integer(From value) {
  constexpr bool kIsSigned = Of<To>::kKind == kSigned;
  // 2^(bits - 1) or 2^bits.
  constexpr From kLimit =
      From(u64(1) << (Of<To>::kBits - (kIsSigned ? 1 : 2))) * (kIsSigned ? 1 : 4);
  constexpr To kMost = kIsSigned ? To((u64(1) << (Of<To>::kBits - 1)) - 1) : To(~u64(0));
  if (!(value == value)) return 0;
  if (value >= kLimit) return kMost;
  if (kIsSigned) return value < -kLimit ? To(u64(1) << (Of<To>::kBits - 1)) : To(value);
  return value <= 0 ? To(0) : To(value);
}

// An integer to f64, the last bit odd where bits are lost: then later roundings are right.
template <typename From>
INGOT_ROW f64 to_double_odd(From value) {
  const s64 high = sizeof(From) == 8 ? s64(value >> (sizeof(From) == 8 ? 53 : 0)) : 0;
  if (high == 0 || high == s64(From(-1))) return f64(value);
  return f64(From((u64(value) & ~u64(0x7ff)) | ((u64(value) & 0x7ff) != 0 ? 0x800 : 0)));
}

// s2, …, u4 as s32.
template <typename T>
INGOT_ROW s32 widen(T value) {
  if (!T::kIsSigned) return value.bits;
  return s32(u32(value.bits) << (32 - T::kBits)) >> (32 - T::kBits);
}

template <typename To, typename From>
struct Convert {
  static __device__ __forceinline__ To Run(From value) {
    constexpr int kFrom = Of<From>::kKind;
    constexpr int kTo = Of<To>::kKind;
    constexpr bool kFromInteger = kFrom == kSigned || kFrom == kUnsigned;
    if constexpr (kFrom == kNarrowInteger) {
      return Convert<To, s32>::Run(widen(value));
    } else if constexpr (kFrom == kPred) {
      return Convert<To, s32>::Run(value ? 1 : 0);
    } else if constexpr (kFrom == kNarrowFloat) {
      return Convert<To, f32>::Run(to_single(value));
    } else if constexpr (kTo == kPred) {
      return value != 0;
    } else if constexpr (kTo == kFloat) {
      return To(value);
    } else if constexpr (kTo == kNarrowInteger) {
      // Of floats: saturating, as integers of these few bits.
      if constexpr (kFromInteger) {
        return from_bits<To>(u64(value));
      } else {
        constexpr s32 kLeast = To::kIsSigned ? -(1 << (To::kBits - 1)) : 0;
        constexpr s32 kMost = kLeast + (1 << To::kBits) - 1;
        const s32 wide = to_integer<s32>(value);
        return from_bits<To>(u64(wide < kLeast ? kLeast : wide > kMost ? kMost : wide));
      }
    } else if constexpr (kTo == kNarrowFloat) {
      if constexpr (kFromInteger && sizeof(From) <= 2) {
        return from_single<To>(f32(value));  // exact
      } else if constexpr (kFromInteger) {
        return from_single<To>(round_to_odd(to_double_odd(value)));
      } else if constexpr (sizeof(From) == 8) {
        return from_single<To>(round_to_odd(value));
      } else {
        return from_single<To>(value);
      }
    } else if constexpr (kFromInteger) {
      return To(value);  // the low bits
    } else {
      return to_integer<To>(value);
    }
  }
};
template <typename T>
struct Convert<T, T> {
  static __device__ __forceinline__ T Run(T value) { return value; }
};
// The card rounds pairs of f32 in one instruction.
template <typename To, int lanes_>
INGOT_ROW vec<To, lanes_> from_pairs(vec<f32, lanes_> value) {
  vec<To, lanes_> result;
#ifndef INGOT_CUDA_HOST
  INGOT_UNROLL for (int i = 0; i < lanes_; i += 2) {
    u32 pair;
    if constexpr (To::kMantissaBits == 10) {
      asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(value.lane[i + 1]), "f"(value.lane[i]));
    } else {
      asm("cvt.rn.bf16x2.f32 %0, %1, %2;"
          : "=r"(pair)
          : "f"(value.lane[i + 1]), "f"(value.lane[i]));
    }
    result.lane[i] = from_bits<To>(pair);
    result.lane[i + 1] = from_bits<To>(pair >> 16);
  }
#endif
  return result;
}

// Whether elements are converted two by two.
template <typename To, typename V>
INGOT_ROW constexpr bool converts_pairs() {
  if constexpr (Of<To>::kKind == kNarrowFloat && Of<Element<V>>::kKind == kFloat) {
    return kHasInstructions<To> && sizeof(Element<V>) == 4 && Lanes<V>::kCount % 2 == 0;
  } else {
    return false;
  }
}

// By the element type.
template <typename To, typename V>
INGOT_ROW Vector<To, Lanes<V>::kCount> convert(V value) {
  if constexpr (converts_pairs<To, V>()) {
    return from_pairs<To>(value);
  } else {
    Vector<To, Lanes<V>::kCount> result;
    INGOT_UNROLL for (int i = 0; i < Lanes<V>::kCount; ++i) {
      lane_of(result, i) = Convert<To, Element<V>>::Run(lane_of(value, i));
    }
    return result;
  }
}

}  // namespace kernel_ir

#endif  // INGOT_COMPILER_CODEGEN_CUDA_ELEMENTS_H_
