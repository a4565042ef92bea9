// Random inputs: the same bits however they are made, and spread as the header says.
#include "compiler/tools/random_inputs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace ingot::tools {
namespace {

Literal Make(ElementType type, int64_t count, int64_t limit = 0, uint64_t seed = 1,
             size_t number = 0) {
  std::vector<runtime::Input> inputs(number + 1, {"x", Shape::Array(type, {count}), limit});
  return RandomInputs(seed, inputs).value()[number];
}

TEST(RandomInputsTest, ElementsDependOnTheirNumberAlone) {
  for (ElementType type : {ElementType::kF32, ElementType::kBF16, ElementType::kF64,
                           ElementType::kS32, ElementType::kS64, ElementType::kU8,
                           ElementType::kPred, ElementType::kC64, ElementType::kF16}) {
    // Many pieces, for threads, that the last one does not fill.
    const Literal many = Make(type, 1000003);
    for (int64_t count : {0, 1, 2, 3, 7, 64, 131071, 131073, 999999}) {
      const Literal few = Make(type, count);
      ASSERT_EQ(static_cast<int64_t>(few.bytes().size()), count * ByteWidth(type));
      EXPECT_EQ(std::memcmp(few.bytes().data(), many.bytes().data(), few.bytes().size()), 0)
          << ElementTypeName(type) << " " << count;
    }
  }
  EXPECT_FALSE(Make(ElementType::kF32, 100) == Make(ElementType::kF32, 100, 0, 2));
  EXPECT_FALSE(Make(ElementType::kF32, 100) == Make(ElementType::kF32, 100, 0, 1, 1));
}

TEST(RandomInputsTest, FloatsAreUniformAndNotZero) {
  constexpr int64_t kCount = 200000;
  for (ElementType type : {ElementType::kF32, ElementType::kBF16, ElementType::kF64,
                           ElementType::kF16, ElementType::kF8E4M3FN}) {
    const Literal values = Make(type, kCount);
    double sum = 0, squares = 0, products = 0;
    for (int64_t i = 0; i < kCount; ++i) {
      const double value = values.AsDouble(i);
      ASSERT_LE(std::abs(value), 1) << ElementTypeName(type);
      if (type != ElementType::kF8E4M3FN) {
        ASSERT_NE(value, 0) << ElementTypeName(type);
      }
      sum += value;
      squares += value * value;
      if (i > 0) products += value * values.AsDouble(i - 1);
    }
    // Four standard deviations; the variance is 1/3.
    EXPECT_NEAR(sum / kCount, 0, 4 * std::sqrt(1.0 / 3 / kCount)) << ElementTypeName(type);
    EXPECT_NEAR(squares / kCount, 1.0 / 3, 0.004) << ElementTypeName(type);
    EXPECT_NEAR(products / kCount, 0, 4 / 3.0 / std::sqrt(kCount)) << ElementTypeName(type);
  }
}

TEST(RandomInputsTest, IntegersAreBelowTheirLimit) {
  const auto most = [](ElementType type, int64_t limit) {
    const Literal values = Make(type, 100000, limit);
    int64_t largest = 0;
    std::vector<int64_t> counts(8);
    for (int64_t i = 0; i < values.size(); ++i) {
      const int64_t value = values.AsInteger(i);
      EXPECT_GE(value, 0);
      largest = std::max(largest, value);
      ++counts[std::min<int64_t>(7, value)];
    }
    if (limit == 0 && largest == 7) {
      for (int64_t count : counts) EXPECT_NEAR(count, 12500, 500) << ElementTypeName(type);
    }
    return largest;
  };
  EXPECT_EQ(most(ElementType::kS32, 0), 7);
  EXPECT_EQ(most(ElementType::kU64, 0), 7);
  EXPECT_EQ(most(ElementType::kS8, 0), 7);
  EXPECT_EQ(most(ElementType::kU16, 0), 7);
  EXPECT_EQ(most(ElementType::kS4, 0), 7);
  EXPECT_EQ(most(ElementType::kU2, 0), 3);
  EXPECT_EQ(most(ElementType::kPred, 0), 1);
  EXPECT_EQ(most(ElementType::kS32, 1), 0);
  EXPECT_EQ(most(ElementType::kS32, 1000), 999);
  EXPECT_EQ(most(ElementType::kS64, 1000), 999);
  EXPECT_EQ(most(ElementType::kU16, 1000), 999);
  EXPECT_EQ(most(ElementType::kS8, 1000), 127);
  EXPECT_EQ(most(ElementType::kS32, -5), 7);
  EXPECT_GT(most(ElementType::kS32, int64_t{1} << 40), 2147000000);
  EXPECT_GT(most(ElementType::kS64, int64_t{1} << 40), (int64_t{1} << 40) / 1000 * 999);
}

}  // namespace
}  // namespace ingot::tools
