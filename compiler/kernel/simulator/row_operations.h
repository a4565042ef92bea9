// The rows on one element each, and the C++ types of elements; for rows.cc and conversions.cc.
#ifndef INGOT_COMPILER_KERNEL_SIMULATOR_ROW_OPERATIONS_H_
#define INGOT_COMPILER_KERNEL_SIMULATOR_ROW_OPERATIONS_H_

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "compiler/kernel/simulator/half.h"
#include "compiler/kernel/simulator/rows.h"
#include "compiler/kernel/types.h"

namespace ingot::kernel::simulator {

struct Pred {
  uint8_t value;
};

template <typename T>
constexpr bool kIsHalf = std::is_same_v<T, F16> || std::is_same_v<T, BF16>;
template <typename T>
constexpr bool kIsFloat = std::is_floating_point_v<T>;
template <typename T>
using BitsOf = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;

// What an element is computed as.
inline float Get(F16 x) { return ToFloat(x); }
inline float Get(BF16 x) { return ToFloat(x); }
inline bool Get(Pred x) { return x.value != 0; }
template <typename T>
inline T Get(T x) {
  return x;
}
template <typename T, typename Computed>
inline T Put(Computed x) {
  if constexpr (std::is_same_v<T, F16>) {
    return ToF16(x);
  } else if constexpr (std::is_same_v<T, BF16>) {
    return ToBF16(x);
  } else if constexpr (std::is_same_v<T, Pred>) {
    return Pred{static_cast<uint8_t>(x)};
  } else {
    return static_cast<T>(x);
  }
}

// A NaN is the positive quiet one without payload.
template <typename T>
inline T Canonical(T x) {
  if constexpr (kIsFloat<T>) return x == x ? x : std::numeric_limits<T>::quiet_NaN();
  return x;
}

// ----- The rows, on computed values.

template <typename T>
using Unsigned = std::make_unsigned_t<T>;
template <typename T>
constexpr int kWidth = 8 * sizeof(T);

struct Add {
  template <typename T>
  static T Do(T a, T b) {
    if constexpr (kIsFloat<T>) {
      return Canonical(a + b);
    } else {
      return static_cast<T>(static_cast<Unsigned<T>>(a) + static_cast<Unsigned<T>>(b));
    }
  }
};
struct Sub {
  template <typename T>
  static T Do(T a, T b) {
    if constexpr (kIsFloat<T>) {
      return Canonical(a - b);
    } else {
      return static_cast<T>(static_cast<Unsigned<T>>(a) - static_cast<Unsigned<T>>(b));
    }
  }
};
struct Mul {
  template <typename T>
  static T Do(T a, T b) {
    if constexpr (kIsFloat<T>) {
      return Canonical(a * b);
    } else {
      // Two of 16 bits would become a signed int, and overflow.
      return static_cast<T>(uint64_t{static_cast<Unsigned<T>>(a)} *
                            uint64_t{static_cast<Unsigned<T>>(b)});
    }
  }
};
struct Div {
  template <typename T>
  static T Do(T a, T b) {
    if constexpr (kIsFloat<T>) {
      return Canonical(a / b);
    } else {
      if (b == 0) return static_cast<T>(~T{0});
      if constexpr (std::is_signed_v<T>) {
        if (b == -1) return static_cast<T>(-static_cast<Unsigned<T>>(a));
      }
      return static_cast<T>(a / b);
    }
  }
};
struct Rem {
  template <typename T>
  static T Do(T a, T b) {
    if (b == 0) return a;
    if constexpr (std::is_signed_v<T>) {
      if (b == -1) return 0;
    }
    return static_cast<T>(a % b);
  }
};
struct Min {
  template <typename T>
  static T Do(T a, T b) {
    if constexpr (kIsFloat<T>) {
      using Bits = BitsOf<T>;
      // Equal: the same bits, or two zeros.
      const T equal = std::bit_cast<T>(Bits(std::bit_cast<Bits>(a) | std::bit_cast<Bits>(b)));
      const T ordered = a < b ? a : (b < a ? b : equal);
      return a == a && b == b ? ordered : std::numeric_limits<T>::quiet_NaN();
    } else {
      return b < a ? b : a;
    }
  }
};
struct Max {
  template <typename T>
  static T Do(T a, T b) {
    if constexpr (kIsFloat<T>) {
      using Bits = BitsOf<T>;
      const T equal = std::bit_cast<T>(Bits(std::bit_cast<Bits>(a) & std::bit_cast<Bits>(b)));
      const T ordered = a > b ? a : (b > a ? b : equal);
      return a == a && b == b ? ordered : std::numeric_limits<T>::quiet_NaN();
    } else {
      return a < b ? b : a;
    }
  }
};
struct And {
  template <typename T>
  static T Do(T a, T b) {
    return static_cast<T>(a & b);
  }
};
struct Or {
  template <typename T>
  static T Do(T a, T b) {
    return static_cast<T>(a | b);
  }
};
struct Xor {
  template <typename T>
  static T Do(T a, T b) {
    return static_cast<T>(a ^ b);
  }
};
struct Shl {
  template <typename T>
  static T Do(T a, T b) {
    const auto amount = static_cast<Unsigned<T>>(b);
    if (amount >= kWidth<T>) return 0;
    return static_cast<T>(static_cast<Unsigned<T>>(a) << amount);
  }
};
struct Lshr {
  template <typename T>
  static T Do(T a, T b) {
    const auto amount = static_cast<Unsigned<T>>(b);
    if (amount >= kWidth<T>) return 0;
    return static_cast<T>(static_cast<Unsigned<T>>(a) >> amount);
  }
};
struct Ashr {
  template <typename T>
  static T Do(T a, T b) {
    const auto amount = static_cast<Unsigned<T>>(b);
    const auto value = static_cast<std::make_signed_t<T>>(a);
    return static_cast<T>(value >> (amount >= kWidth<T> ? kWidth<T> - 1 : amount));
  }
};
struct Mulhi {
  template <typename T>
  static T Do(T a, T b) {
    using Wide =
        std::conditional_t<sizeof(T) == 8,
                           std::conditional_t<std::is_signed_v<T>, __int128, unsigned __int128>,
                           std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>>;
    return static_cast<T>((static_cast<Wide>(a) * static_cast<Wide>(b)) >> kWidth<T>);
  }
};

struct Eq {
  template <typename T>
  static bool Do(T a, T b) {
    return a == b;
  }
};
struct Ne {
  template <typename T>
  static bool Do(T a, T b) {
    return a != b;
  }
};
struct Lt {
  template <typename T>
  static bool Do(T a, T b) {
    return a < b;
  }
};
struct Le {
  template <typename T>
  static bool Do(T a, T b) {
    return a <= b;
  }
};
struct Gt {
  template <typename T>
  static bool Do(T a, T b) {
    return a > b;
  }
};
struct Ge {
  template <typename T>
  static bool Do(T a, T b) {
    return a >= b;
  }
};

// Neg and Abs of floats touch the sign alone, in NaNs too.
struct Neg {
  template <typename T>
  static T Do(T a) {
    if constexpr (kIsFloat<T>) {
      using Bits = BitsOf<T>;
      return std::bit_cast<T>(Bits(std::bit_cast<Bits>(a) ^ (Bits{1} << (kWidth<T> - 1))));
    } else {
      return static_cast<T>(-static_cast<Unsigned<T>>(a));
    }
  }
};
struct Abs {
  template <typename T>
  static T Do(T a) {
    if constexpr (kIsFloat<T>) {
      using Bits = BitsOf<T>;
      return std::bit_cast<T>(Bits(std::bit_cast<Bits>(a) & ~(Bits{1} << (kWidth<T> - 1))));
    } else {
      return a < 0 ? Neg::Do(a) : a;
    }
  }
};
struct Sqrt {
  template <typename T>
  static T Do(T a) {
    return Canonical(std::sqrt(a));
  }
};
struct Floor {
  template <typename T>
  static T Do(T a) {
    return Canonical(std::floor(a));
  }
};
struct Ceil {
  template <typename T>
  static T Do(T a) {
    return Canonical(std::ceil(a));
  }
};
struct Trunc {
  template <typename T>
  static T Do(T a) {
    return Canonical(std::trunc(a));
  }
};
struct RoundEven {
  template <typename T>
  static T Do(T a) {
    return Canonical(std::rint(a));
  }
};
struct Not {
  template <typename T>
  static T Do(T a) {
    if constexpr (std::is_same_v<T, bool>) {
      return !a;
    } else {
      return static_cast<T>(~a);
    }
  }
};
struct Popcnt {
  template <typename T>
  static T Do(T a) {
    return static_cast<T>(std::popcount(static_cast<Unsigned<T>>(a)));
  }
};
struct Clz {
  template <typename T>
  static T Do(T a) {
    return static_cast<T>(std::countl_zero(static_cast<Unsigned<T>>(a)));
  }
};

// ----- From element types to instances.

// Calls `use` with a value of the type of the elements; null for types without one in `Sets`.
template <int kSets, typename Use>
Row ForType(ElementType element, const Use& use) {
  switch (element) {
    case ElementType::kPred:
      if constexpr ((kSets & kSetPred) != 0) return use(Pred{});
      return nullptr;
    case ElementType::kS8:
      if constexpr ((kSets & kSetSigned) != 0) return use(int8_t{});
      return nullptr;
    case ElementType::kS16:
      if constexpr ((kSets & kSetSigned) != 0) return use(int16_t{});
      return nullptr;
    case ElementType::kS32:
      if constexpr ((kSets & kSetSigned) != 0) return use(int32_t{});
      return nullptr;
    case ElementType::kS64:
      if constexpr ((kSets & kSetSigned) != 0) return use(int64_t{});
      return nullptr;
    case ElementType::kU8:
      if constexpr ((kSets & kSetUnsigned) != 0) return use(uint8_t{});
      return nullptr;
    case ElementType::kU16:
      if constexpr ((kSets & kSetUnsigned) != 0) return use(uint16_t{});
      return nullptr;
    case ElementType::kU32:
      if constexpr ((kSets & kSetUnsigned) != 0) return use(uint32_t{});
      return nullptr;
    case ElementType::kU64:
      if constexpr ((kSets & kSetUnsigned) != 0) return use(uint64_t{});
      return nullptr;
    case ElementType::kF16:
      if constexpr ((kSets & kSetHalf) != 0) return use(F16{});
      return nullptr;
    case ElementType::kBF16:
      if constexpr ((kSets & kSetHalf) != 0) return use(BF16{});
      return nullptr;
    case ElementType::kF32:
      if constexpr ((kSets & kSetSingle) != 0) return use(float{});
      return nullptr;
    case ElementType::kF64:
      if constexpr ((kSets & kSetDouble) != 0) return use(double{});
      return nullptr;
    default:
      return nullptr;  // storage types are not computed with
  }
}

}  // namespace ingot::kernel::simulator

#endif  // INGOT_COMPILER_KERNEL_SIMULATOR_ROW_OPERATIONS_H_
