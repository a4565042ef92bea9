#include "ir/base/element_type.h"

#include <gtest/gtest.h>

#include <string>

namespace ingot {
namespace {

TEST(ElementTypeTest, EveryNameIsReadBack) {
  for (int i = 0; i < kElementTypeCount; ++i) {
    const ElementType type = static_cast<ElementType>(i);
    EXPECT_EQ(ElementTypeFromName(ElementTypeName(type)), type) << ElementTypeName(type);
  }
  EXPECT_EQ(ElementTypeFromName("f33"), std::nullopt);
  EXPECT_EQ(ElementTypeFromName("F32"), std::nullopt);
  EXPECT_EQ(ElementTypeFromName(""), std::nullopt);
}

// The fields of a float fill its bits: nothing but the exponent-only type is unsigned.
TEST(ElementTypeTest, FloatFieldsAddUpToTheWidth) {
  for (int i = 0; i < kElementTypeCount; ++i) {
    const ElementType type = static_cast<ElementType>(i);
    if (!IsFloat(type)) continue;
    const FloatFormat& format = FormatOf(type);
    const int sign = format.specials == FloatSpecials::kExponent ? 0 : 1;
    EXPECT_EQ(format.bits, BitWidth(type)) << ElementTypeName(type);
    EXPECT_EQ(sign + format.exponent_bits + format.mantissa_bits, format.bits)
        << ElementTypeName(type);
  }
}

// The numbers in a name are the widths: s4 has 4 bits, f8e4m3 an exponent of 4 and a mantissa of 3.
TEST(ElementTypeTest, NamesTellTheWidths) {
  for (int i = 0; i < kElementTypeCount; ++i) {
    const ElementType type = static_cast<ElementType>(i);
    const std::string name(ElementTypeName(type));
    const size_t digits = name.find_first_of("0123456789");
    if (digits == std::string::npos) continue;  // pred
    EXPECT_EQ(std::atoi(name.c_str() + digits), BitWidth(type)) << name;
    const size_t exponent = name.find('e', digits);
    if (!IsFloat(type) || exponent == std::string::npos) continue;
    EXPECT_EQ(std::atoi(name.c_str() + exponent + 1), FormatOf(type).exponent_bits) << name;
    EXPECT_EQ(std::atoi(name.c_str() + name.find('m') + 1), FormatOf(type).mantissa_bits) << name;
  }
}

TEST(ElementTypeTest, Bytes) {
  EXPECT_EQ(ByteWidth(ElementType::kPred), 1);
  EXPECT_EQ(ByteWidth(ElementType::kS4), 1);
  EXPECT_EQ(ByteWidth(ElementType::kF6E3M2FN), 1);
  EXPECT_EQ(ByteWidth(ElementType::kBF16), 2);
  EXPECT_EQ(ByteWidth(ElementType::kC64), 8);
  EXPECT_EQ(ByteWidth(ElementType::kC128), 16);
}

TEST(ElementTypeTest, Categories) {
  EXPECT_FALSE(IsInteger(ElementType::kPred));
  EXPECT_TRUE(IsSigned(ElementType::kS2));
  EXPECT_TRUE(IsUnsigned(ElementType::kU64));
  EXPECT_TRUE(IsFloat(ElementType::kF8E8M0FNU));
  EXPECT_TRUE(IsComplex(ElementType::kC64));
  EXPECT_FALSE(IsFloat(ElementType::kC64));
}

TEST(ElementTypeTest, Components) {
  EXPECT_EQ(ComponentType(ElementType::kC64), ElementType::kF32);
  EXPECT_EQ(ComponentType(ElementType::kC128), ElementType::kF64);
  EXPECT_EQ(ComponentType(ElementType::kS8), ElementType::kS8);
  EXPECT_EQ(ComplexTypeOf(ElementType::kF32), ElementType::kC64);
  EXPECT_EQ(ComplexTypeOf(ElementType::kF64), ElementType::kC128);
  EXPECT_EQ(ComplexTypeOf(ElementType::kPred), std::nullopt);
}

TEST(ElementTypeTest, NarrowFloatsAccumulateInF32) {
  EXPECT_EQ(AccumulatorType(ElementType::kBF16), ElementType::kF32);
  EXPECT_EQ(AccumulatorType(ElementType::kF8E5M2), ElementType::kF32);
  EXPECT_EQ(AccumulatorType(ElementType::kF64), ElementType::kF64);
  EXPECT_EQ(AccumulatorType(ElementType::kS8), ElementType::kS8);
}

}  // namespace
}  // namespace ingot
