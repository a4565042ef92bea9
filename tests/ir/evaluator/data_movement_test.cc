#include <gtest/gtest.h>

#include "tests/ir/evaluator/testing.h"

namespace ingot {
namespace {

using test::Array;
using test::Evaluated;
using test::Integers;
using test::Numbers;
using test::ToDoubles;

constexpr ElementType kTypes[] = {ElementType::kPred, ElementType::kS4,  ElementType::kU8,
                                  ElementType::kBF16, ElementType::kF32, ElementType::kS64,
                                  ElementType::kC128};

// result[i] is what number `source(i)` of the operand was, of [2,3,4] elements, in every width.
void Check(const test::Body& body, const std::vector<int64_t>& source) {
  for (ElementType type : kTypes) {
    const Literal x = Numbers(type, {2, 3, 4});
    const Literal result = Evaluated(body, {x});
    ASSERT_EQ(result.size(), static_cast<int64_t>(source.size())) << ElementTypeName(type);
    for (size_t i = 0; i < source.size(); ++i) {
      EXPECT_EQ(result.AsComplex(i), x.AsComplex(source[i])) << ElementTypeName(type) << " " << i;
    }
  }
}

TEST(DataMovementTest, ReverseTransposeSliceReshape) {
  std::vector<int64_t> source;
  for (int i = 1; i >= 0; --i)
    for (int j = 0; j < 3; ++j)
      for (int k = 3; k >= 0; --k) source.push_back(i * 12 + j * 4 + k);
  Check([](GraphBuilder&, Values v) { return Reverse(v[0], {0, 2}); }, source);

  source.clear();
  for (int k = 0; k < 4; ++k)
    for (int i = 0; i < 2; ++i)
      for (int j = 0; j < 3; ++j) source.push_back(i * 12 + j * 4 + k);
  Check([](GraphBuilder&, Values v) { return Transpose(v[0], {2, 0, 1}); }, source);

  source.clear();
  for (int j = 1; j < 3; ++j)
    for (int k = 0; k < 4; k += 3) source.push_back(12 + j * 4 + k);
  Check(
      [](GraphBuilder&, Values v) {
        return Slice(v[0], {{1, 2, 1}, {1, 3, 1}, {0, 4, 3}});
      },
      source);

  source.clear();
  for (int i = 0; i < 24; ++i) source.push_back(i);
  Check([](GraphBuilder&, Values v) { return Reshape(v[0], {6, 4}); }, source);
}

TEST(DataMovementTest, BroadcastAndConcatenate) {
  std::vector<int64_t> source;
  for (int i = 0; i < 2; ++i)
    for (int n = 0; n < 5; ++n)
      for (int jk = 0; jk < 12; ++jk) source.push_back(i * 12 + jk);
  Check([](GraphBuilder&, Values v) { return Broadcast(v[0], {2, 5, 3, 4}, {0, 2, 3}); }, source);

  source.clear();
  for (int i = 0; i < 2; ++i) {
    for (int jk = 0; jk < 12; ++jk) source.push_back(i * 12 + jk);
    for (int k = 0; k < 4; ++k) source.push_back(i * 12 + 8 + k);
  }
  Check(
      [](GraphBuilder&, Values v) {
        const Value part = Slice(v[0], {{0, 2, 1}, {2, 3, 1}, {0, 4, 1}});
        return Concatenate({v[0], part}, 1);
      },
      source);
}

TEST(DataMovementTest, PadHasEdgesHolesAndCuts) {
  const Literal x = Array(ElementType::kF32, {2, 3}, {1, 2, 3, 4, 5, 6});
  const auto pad = [&](Padding padding) {
    return ToDoubles(Evaluated([&](GraphBuilder&, Values v) { return Pad(v[0], v[1], padding); },
                               {x, Literal::Scalar(ElementType::kF32, 9)}));
  };
  EXPECT_EQ(pad({{1, 0, 0}, {0, 2, 1}}),
            (std::vector<double>{9, 9, 9, 9, 9, 9, 9, 1, 9, 2, 9, 3, 9, 9, 4, 9, 5, 9, 6, 9, 9}));
  EXPECT_EQ(pad({{-1, 0, 0}, {-1, 1, 0}}), (std::vector<double>{5, 6, 9}));
  EXPECT_EQ(pad({{0, -1, 0}, {-2, 0, 2}}), (std::vector<double>{9, 2, 9, 9, 3}));
}

TEST(DataMovementTest, IotaInEveryDimension) {
  const auto iota = [](ElementType type, int64_t d) {
    return ToDoubles(Evaluated(
        [&](GraphBuilder& b, Values) {
          return b.Iota(type, {2, 3}, d);
        },
        {}));
  };
  for (ElementType type : {ElementType::kS4, ElementType::kBF16, ElementType::kF64}) {
    EXPECT_EQ(iota(type, 0), (std::vector<double>{0, 0, 0, 1, 1, 1}));
    EXPECT_EQ(iota(type, 1), (std::vector<double>{0, 1, 2, 0, 1, 2}));
  }
}

TEST(DataMovementTest, BitcastConvertSplitsAndJoins) {
  const Literal words = Integers(ElementType::kU32, {0x04030201, 0x3f800000});
  const auto convert = [](const Literal& x, ElementType type) {
    return Evaluated([&](GraphBuilder&, Values v) { return BitcastConvert(v[0], type); }, {x});
  };
  EXPECT_EQ(convert(words, ElementType::kF32).AsDouble(1), 1);
  const Literal bytes = convert(words, ElementType::kU8);
  EXPECT_EQ(bytes.shape().dimensions(), (std::vector<int64_t>{2, 4}));
  EXPECT_EQ(ToDoubles(bytes), (std::vector<double>{1, 2, 3, 4, 0, 0, 0x80, 0x3f}));
  EXPECT_EQ(convert(bytes, ElementType::kU32), words);
  const Literal nibbles = convert(Integers(ElementType::kU8, {0xa5}), ElementType::kS4);
  EXPECT_EQ(ToDoubles(nibbles), (std::vector<double>{5, -6}));
  EXPECT_EQ(convert(nibbles, ElementType::kU8).AsInteger(0), 0xa5);
}

}  // namespace
}  // namespace ingot
