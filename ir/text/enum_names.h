// The names of the enumerators of ir/attributes.h in HLO text: one table for parser and printer.
#ifndef INGOT_IR_TEXT_ENUM_NAMES_H_
#define INGOT_IR_TEXT_ENUM_NAMES_H_

#include <array>
#include <optional>

#include "absl/strings/string_view.h"
#include "ir/attributes.h"

namespace ingot::text {

// kEnumNames<E>[i] is the name of the enumerator with the value i; empty for one that text cannot
// say.
template <typename E>
inline constexpr auto kEnumNames = nullptr;

using Name = absl::string_view;
template <>
inline constexpr auto kEnumNames<ComparisonDirection> =
    std::array<Name, 6>{"EQ", "NE", "GE", "GT", "LE", "LT"};
template <>
inline constexpr auto kEnumNames<ComparisonType> =
    std::array<Name, 5>{"", "FLOAT", "TOTALORDER", "SIGNED", "UNSIGNED"};
template <>
inline constexpr auto kEnumNames<ComparisonOrder> = std::array<Name, 2>{"PARTIAL", "TOTAL"};
template <>
inline constexpr auto kEnumNames<RngDistribution> =
    std::array<Name, 2>{"rng_uniform", "rng_normal"};
template <>
inline constexpr auto kEnumNames<RngAlgorithm> =
    std::array<Name, 3>{"rng_default", "rng_three_fry", "rng_philox"};
template <>
inline constexpr auto kEnumNames<FftType> = std::array<Name, 4>{"FFT", "IFFT", "RFFT", "IRFFT"};
template <>
inline constexpr auto kEnumNames<TransposeA> =
    std::array<Name, 3>{"NO_TRANSPOSE", "TRANSPOSE", "ADJOINT"};
template <>
inline constexpr auto kEnumNames<FusionKind> =
    std::array<Name, 4>{"kLoop", "kInput", "kOutput", "kCustom"};
template <>
inline constexpr auto kEnumNames<Precision> =
    std::array<Name, 4>{"default", "high", "highest", "packed_nibble"};

template <typename E>
absl::string_view EnumName(E value) {
  return kEnumNames<E>[static_cast<size_t>(value)];
}

template <typename E>
std::optional<E> EnumFromName(absl::string_view name) {
  for (size_t i = 0; i < kEnumNames<E>.size(); ++i) {
    if (!name.empty() && kEnumNames<E>[i] == name) return static_cast<E>(i);
  }
  return std::nullopt;
}

}  // namespace ingot::text

#endif  // INGOT_IR_TEXT_ENUM_NAMES_H_
