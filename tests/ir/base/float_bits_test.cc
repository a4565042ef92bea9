#include "ir/base/float_bits.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "ir/base/element_type.h"

namespace ingot {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
const double kNan = std::numeric_limits<double>::quiet_NaN();

// Float types whose every bit pattern can be tried.
std::vector<ElementType> NarrowFloats() {
  std::vector<ElementType> types;
  for (int i = 0; i < kElementTypeCount; ++i) {
    const ElementType type = static_cast<ElementType>(i);
    if (IsFloat(type) && BitWidth(type) <= 16) types.push_back(type);
  }
  return types;
}

class NarrowFloatTest : public testing::TestWithParam<ElementType> {
 protected:
  double Decode(uint64_t bits) const { return DecodeFloat(format_, bits); }
  uint64_t Encode(double value) const { return EncodeFloat(format_, value); }
  uint64_t patterns() const { return uint64_t{1} << format_.bits; }
  bool is_signed() const { return format_.specials != FloatSpecials::kExponent; }
  // Patterns of the numbers from zero (or the least power) upwards, in order of size.
  uint64_t positive_patterns() const { return is_signed() ? patterns() / 2 : patterns(); }
  uint64_t LargestFinite() const {
    uint64_t bits = positive_patterns() - 1;
    while (!std::isfinite(Decode(bits))) --bits;
    return bits;
  }

  const FloatFormat& format_ = FormatOf(GetParam());
};

TEST_P(NarrowFloatTest, EveryNumberIsEncodedAsItself) {
  for (uint64_t bits = 0; bits < patterns(); ++bits) {
    const double value = Decode(bits);
    if (std::isnan(value)) continue;
    ASSERT_EQ(Encode(value), bits) << value;
  }
}

TEST_P(NarrowFloatTest, EveryNanIsEncodedAsANanOfItsSign) {
  for (uint64_t bits = 0; bits < patterns(); ++bits) {
    const double value = Decode(bits);
    if (!std::isnan(value)) continue;
    const double again = Decode(Encode(value));
    ASSERT_TRUE(std::isnan(again)) << bits;
    ASSERT_EQ(std::signbit(again), std::signbit(value)) << bits;
  }
}

TEST_P(NarrowFloatTest, PatternsGrowWithTheirValues) {
  for (uint64_t bits = 1; bits <= LargestFinite(); ++bits) {
    ASSERT_LT(Decode(bits - 1), Decode(bits)) << bits;
  }
}

TEST_P(NarrowFloatTest, RoundsToTheNearestAndTiesToEven) {  // powers of two: ties to the greater
  for (uint64_t low = 0; low < LargestFinite(); ++low) {
    const uint64_t high = low + 1;
    const double tie = (Decode(low) + Decode(high)) / 2;  // exact: one more digit than the format
    const bool down = is_signed() && low % 2 == 0;
    ASSERT_EQ(Encode(tie), down ? low : high) << tie;
    ASSERT_EQ(Encode(std::nextafter(tie, 0)), low) << tie;
    ASSERT_EQ(Encode(std::nextafter(tie, kInfinity)), high) << tie;
    if (!is_signed()) continue;
    const uint64_t sign = patterns() / 2;
    ASSERT_EQ(Encode(std::nextafter(-tie, -kInfinity)), sign | high) << tie;
  }
}

TEST_P(NarrowFloatTest, OverflowsHalfAUnitPastTheLargest) {
  const uint64_t largest = LargestFinite();
  const double unit = Decode(largest) - Decode(largest - 1);
  // The exponent-only type's next power would be twice as far away as the last one.
  const double edge = Decode(largest) + (is_signed() ? unit / 2 : unit);
  EXPECT_EQ(Encode(std::nextafter(edge, 0)), largest);
  for (const double value : {std::nextafter(edge, kInfinity), 1e300, kInfinity}) {
    switch (format_.specials) {
      case FloatSpecials::kIeee:
        EXPECT_EQ(Decode(Encode(value)), kInfinity) << value;
        EXPECT_EQ(Decode(Encode(-value)), -kInfinity) << value;
        break;
      case FloatSpecials::kFn:
      case FloatSpecials::kFnuz:
      case FloatSpecials::kExponent:
        EXPECT_TRUE(std::isnan(Decode(Encode(value)))) << value;
        EXPECT_TRUE(std::isnan(Decode(Encode(-value)))) << value;
        break;
      case FloatSpecials::kFinite:
        EXPECT_EQ(Encode(value), largest) << value;
        EXPECT_EQ(Decode(Encode(-value)), -Decode(largest)) << value;
        break;
    }
  }
}

TEST_P(NarrowFloatTest, WhatIsFarTooSmallBecomesZero) {
  for (const double value : {1e-300, std::numeric_limits<double>::denorm_min()}) {
    EXPECT_EQ(Encode(value), 0u);
    if (!is_signed()) continue;
    EXPECT_EQ(Decode(Encode(-value)), 0.0);
  }
}

INSTANTIATE_TEST_SUITE_P(AllTypes, NarrowFloatTest, testing::ValuesIn(NarrowFloats()),
                         [](const testing::TestParamInfo<ElementType>& info) {
                           return std::string(ElementTypeName(info.param));
                         });

struct KnownValue {
  ElementType type;
  uint64_t bits;
  double value;
};

// From the formats' definitions: the OCP 8-bit and MX specifications, IEEE 754, and ml_dtypes.
const KnownValue kKnownValues[] = {
    {ElementType::kF4E2M1FN, 0x1, 0.5},
    {ElementType::kF4E2M1FN, 0x7, 6},
    {ElementType::kF4E2M1FN, 0xF, -6},
    {ElementType::kF6E2M3FN, 0x01, 0.125},
    {ElementType::kF6E2M3FN, 0x1F, 7.5},
    {ElementType::kF6E3M2FN, 0x01, 0.0625},
    {ElementType::kF6E3M2FN, 0x1F, 28},
    {ElementType::kF8E3M4, 0x6F, 15.5},
    {ElementType::kF8E3M4, 0x70, kInfinity},
    {ElementType::kF8E3M4, 0x01, std::ldexp(1, -6)},
    {ElementType::kF8E4M3, 0x77, 240},
    {ElementType::kF8E4M3, 0x78, kInfinity},
    {ElementType::kF8E4M3FN, 0x7E, 448},
    {ElementType::kF8E4M3FN, 0x01, std::ldexp(1, -9)},
    {ElementType::kF8E4M3FN, 0x7F, kNan},
    {ElementType::kF8E4M3FN, 0xFF, kNan},
    {ElementType::kF8E4M3FNUZ, 0x7F, 240},
    {ElementType::kF8E4M3FNUZ, 0x80, kNan},
    {ElementType::kF8E4M3B11FNUZ, 0x7F, 30},
    {ElementType::kF8E5M2, 0x7B, 57344},
    {ElementType::kF8E5M2, 0xFC, -kInfinity},
    {ElementType::kF8E5M2, 0x01, std::ldexp(1, -16)},
    {ElementType::kF8E5M2FNUZ, 0x7F, 57344},
    {ElementType::kF8E5M2FNUZ, 0x80, kNan},
    {ElementType::kF8E8M0FNU, 0x00, std::ldexp(1, -127)},
    {ElementType::kF8E8M0FNU, 0x7F, 1},
    {ElementType::kF8E8M0FNU, 0xFE, std::ldexp(1, 127)},
    {ElementType::kF8E8M0FNU, 0xFF, kNan},
    {ElementType::kF16, 0x3C00, 1},
    {ElementType::kF16, 0x7BFF, 65504},
    {ElementType::kF16, 0x0001, std::ldexp(1, -24)},
    {ElementType::kF16, 0xFC00, -kInfinity},
    {ElementType::kBF16, 0x3F80, 1},
    {ElementType::kBF16, 0x7F7F, std::ldexp(255, 120)},
    {ElementType::kBF16, 0x0001, std::ldexp(1, -133)},
    {ElementType::kF32, 0x00000001, std::ldexp(1, -149)},
    {ElementType::kF32, 0x7F800000, kInfinity},
    {ElementType::kF64, 0x3FF0000000000000, 1},
};

TEST(FloatBitsTest, KnownValues) {
  for (const KnownValue& known : kKnownValues) {
    const double value = DecodeFloat(FormatOf(known.type), known.bits);
    EXPECT_TRUE(value == known.value || (std::isnan(value) && std::isnan(known.value)))
        << ElementTypeName(known.type) << " " << known.bits << ": " << value << ", not "
        << known.value;
  }
}

TEST(FloatBitsTest, ZeroKeepsItsSignWhereThereIsANegativeZero) {
  for (const ElementType type : NarrowFloats()) {
    const FloatFormat& format = FormatOf(type);
    const uint64_t bits = EncodeFloat(format, -0.0);
    switch (format.specials) {
      case FloatSpecials::kIeee:
      case FloatSpecials::kFn:
      case FloatSpecials::kFinite:
        EXPECT_EQ(bits, uint64_t{1} << (format.bits - 1)) << ElementTypeName(type);
        break;
      case FloatSpecials::kFnuz:
        EXPECT_EQ(bits, 0u) << ElementTypeName(type);
        break;
      case FloatSpecials::kExponent:
        EXPECT_TRUE(std::isnan(DecodeFloat(format, bits))) << ElementTypeName(type);
        break;
    }
  }
}

TEST(FloatBitsTest, NanWhereThereIsNoneIsNegativeZero) {
  EXPECT_EQ(EncodeFloat(FormatOf(ElementType::kF4E2M1FN), kNan), 0x8u);
  EXPECT_EQ(EncodeFloat(FormatOf(ElementType::kF6E2M3FN), kNan), 0x20u);
}

TEST(FloatBitsTest, WideFormatsAreTheMachines) {
  const FloatFormat& f32 = FormatOf(ElementType::kF32);
  for (const float value : {1.5f, -0.0f, 3.4e38f, 1e-45f}) {
    EXPECT_EQ(EncodeFloat(f32, value), std::bit_cast<uint32_t>(value));
    EXPECT_EQ(DecodeFloat(f32, std::bit_cast<uint32_t>(value)), value);
  }
  EXPECT_EQ(EncodeFloat(f32, 1 + std::ldexp(1, -24)), 0x3F800000u);  // a tie, to even
  EXPECT_EQ(EncodeFloat(f32, 1e39), 0x7F800000u);
  EXPECT_EQ(EncodeFloat(FormatOf(ElementType::kF64), -1.0), 0xBFF0000000000000u);
}

}  // namespace
}  // namespace ingot
