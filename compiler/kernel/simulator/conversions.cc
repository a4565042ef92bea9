// Conversions over many lanes.
#include <cmath>
#include <limits>
#include <type_traits>

#include "compiler/kernel/simulator/row_operations.h"
#include "compiler/kernel/simulator/rows.h"

namespace ingot::kernel::simulator {
namespace {

// Toward zero, saturating; NaN is 0.
template <typename To, typename From>
To Saturate(From value) {
  const double x = value;
  if (x != x) return 0;
  constexpr double kLimit = 2.0 * (uint64_t{1} << (kWidth<To> - 1 - std::is_signed_v<To>));
  if (x >= kLimit) return std::numeric_limits<To>::max();
  if (x <= static_cast<double>(std::numeric_limits<To>::min())) {
    return std::numeric_limits<To>::min();
  }
  return static_cast<To>(x);
}

template <typename From, typename To>
void Convert(int count, void* out, const void* a, const void*, const void*) {
  auto* to = static_cast<To*>(out);
  const auto* x = static_cast<const From*>(a);
  for (int i = 0; i < count; ++i) {
    const auto value = Get(x[i]);
    using Value = decltype(Get(x[i]));
    if constexpr (std::is_same_v<To, Pred>) {
      to[i] = Pred{static_cast<uint8_t>(value != 0)};
    } else if constexpr (std::is_integral_v<To> && std::is_floating_point_v<Value>) {
      to[i] = Saturate<To>(value);
    } else if constexpr (kIsHalf<To>) {
      to[i] = Put<To>(static_cast<float>(value));
    } else {
      to[i] = static_cast<To>(value);
    }
  }
}

// Whether f32 is a step on the way that rounds nothing, or what is rounded again anyway: wide
// integers have bits that bf16's range keeps and f32 rounds off, and so has f64.
template <typename From, typename To>
constexpr bool kIsQuick =
    !kIsHalf<To> || !(std::is_same_v<From, double> ||
                      (std::is_same_v<To, BF16> && std::is_integral_v<From> && sizeof(From) > 2));

}  // namespace

Row FindConversion(ElementType from, ElementType to) {
  constexpr int kSets = kSetNumber | kSetPred;
  return ForType<kSets>(from, [&]<typename From>(From) -> Row {
    return ForType<kSets>(to, []<typename To>(To) -> Row {
      if constexpr (kIsQuick<From, To>) return &Convert<From, To>;
      return nullptr;
    });
  });
}

}  // namespace ingot::kernel::simulator
