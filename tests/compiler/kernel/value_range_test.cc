// Between which numbers values lie.
#include "compiler/kernel/value_range.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "compiler/kernel/arithmetic.h"
#include "compiler/kernel/expr.h"

namespace ingot::kernel {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

class Ranges : public testing::Test {
 protected:
  Expr Loaded(ElementType element) {
    return {b_, b_.Load(k_.AddBuffer("x", element, {1}), b_.Index(0))};
  }
  ValueRange Of(Expr x) { return b_.RangeOf(x.value()); }

  Kernel k_{"ranges"};
  Builder b_{&k_};
};

TEST_F(Ranges, OfTypes) {
  EXPECT_EQ(Of(Loaded(ElementType::kF32)), ValueRange());
  EXPECT_EQ(Of(Loaded(ElementType::kU8)), (ValueRange{0, 255, false}));
  EXPECT_EQ(Of(Loaded(ElementType::kS32)), (ValueRange{-0x1p31, 0x1p31 - 1, false}));
  EXPECT_EQ(Of(Loaded(ElementType::kU64)), (ValueRange{-kInfinity, kInfinity, false}));
}

TEST_F(Ranges, OfIndices) {
  constexpr double kMost = 0x1p31 - 1;
  const Expr block(b_, b_.BlockId()), four(b_, b_.Index(4));
  EXPECT_EQ(Of(block), (ValueRange{0, kMost, false}));
  EXPECT_EQ(Of(block / four), (ValueRange{0, 0x1p29 - 1, false}));
  EXPECT_EQ(Of(block % four), (ValueRange{0, 3, false}));
  EXPECT_EQ(Of(block % four * 10 + 5), (ValueRange{5, 35, false}));
  EXPECT_EQ(Of(block * 2), (ValueRange{-0x1p31, kMost, false})) << "it may wrap";
  const Expr loaded = Loaded(ElementType::kS32);
  EXPECT_LT(Of(Expr(b_, b_.Rem(loaded.value(), b_.Index(4)))).low, 0);
  b_.For(b_.Index(3), b_.Index(12), b_.Index(2), [&](Value i) {
    EXPECT_EQ(Of({b_, i}), (ValueRange{3, 11, false}));
  });
  b_.For(b_.Index(3), b_.Index(-12), b_.Index(-2), [&](Value i) {
    EXPECT_EQ(Of({b_, i}), (ValueRange{-0x1p31, kMost, false}));
  });
}

// What JAX makes of 32 random bits.
TEST_F(Ranges, RandomBitsBetweenZeroAndOne) {
  const Expr bits = Loaded(ElementType::kU32);
  const Expr number = ((bits >> 9) | 0x3f800000).AsFloat();
  EXPECT_EQ(Of(number), (ValueRange{1, 2 - 0x1p-23, false}));
  const Expr uniform = number - 1;
  EXPECT_EQ(Of(uniform), (ValueRange{0, 1 - 0x1p-23, false}));
  const Expr positive = Max(uniform + uniform.Number(0x1p-126), uniform.Number(0x1p-126));
  EXPECT_TRUE(Of(positive).IsFiniteFrom(0x1p-126));
  EXPECT_EQ(Of(-(uniform * uniform)).low, -std::pow(1 - 0x1p-23, 2) + 0x1p-46);
  EXPECT_TRUE(Of(-(uniform * uniform) + 1).IsFiniteFrom(0x1p-126));
}

// A multiply-add is rounded once: its range is no wider than it must be.
TEST_F(Ranges, OfMultiplyAdds) {
  const Expr number = ((Loaded(ElementType::kU32) >> 9) | 0x3f800000).AsFloat() - 1;
  const ValueRange range = Of(Fma(number, number.Number(2), number.Number(-0.99999994)));
  EXPECT_EQ(range.low, -static_cast<double>(0.99999994f));
  EXPECT_LT(range.high, 1);
}

TEST_F(Ranges, OfWhatMayBeNoNumber) {
  const Expr x = Loaded(ElementType::kF32);
  EXPECT_TRUE(Of(Max(x, x.Number(0))).nan);
  EXPECT_TRUE(Of(Abs(x)).nan);
  const Expr infinity = x.Infinity();
  EXPECT_TRUE(Of(infinity - infinity).nan);
  EXPECT_TRUE(Of(Loaded(ElementType::kU32).AsFloat()).nan);
  EXPECT_FALSE(Of(infinity).IsFiniteFrom(0));
}

TEST_F(Ranges, WhatIsSaid) {
  const Expr x = Loaded(ElementType::kF32);
  b_.SetRange(x.value(), {1, 2, false});
  EXPECT_EQ(Of(-x), (ValueRange{-2, -1, false}));
}

// One lane of `op`, whose loads are all of `x`.
uint64_t Evaluate(const Operation& op, uint64_t x) {
  std::vector<uint64_t> operands;
  for (const Operation* operand : op.operands) {
    if (op.opcode != Opcode::kLoad) operands.push_back(Evaluate(*operand, x));
  }
  switch (op.opcode) {
    case Opcode::kConstant:
      return op.Get<ConstantAttributes>().bits;
    case Opcode::kLoad:
      return x;
    case Opcode::kBitcast:
      return operands[0];
    case Opcode::kConvert:
      return ConvertLane(op.operands[0]->type.element, op.type.element, operands[0]);
    case Opcode::kSelect:
      return EvaluateLane(op.opcode, op.type.element, operands);
    default:
      return EvaluateLane(op.opcode, op.operands[0]->type.element, operands);
  }
}

// Values that are made at random lie in their ranges, whatever is loaded.
TEST(RandomRanges, HoldTheirValues) {
  std::mt19937 random(20261129);
  for (int round = 0; round < 400; ++round) {
    Kernel kernel("random");
    Builder b(&kernel);
    const Expr x(b, b.Load(kernel.AddBuffer("x", ElementType::kU32, {1}), b.Index(0)));
    const auto any = [&](int n) { return static_cast<int>(random() % n); };
    const auto number = [&] { return x.Pattern(random() >> any(32)); };
    std::vector<Expr> integers = {x};
    for (int i = 0; i < 4; ++i) {
      const Expr a = integers[any(static_cast<int>(integers.size()))];
      integers.push_back(any(3) == 0 ? a >> any(32) : any(2) == 0 ? a & number() : a | number());
    }
    std::vector<Expr> floats;
    for (const Expr& a : integers) floats.push_back(any(2) == 0 ? a.AsFloat() : a.ToFloat());
    const auto one = [&] { return floats[any(static_cast<int>(floats.size()))]; };
    for (int i = 0; i < 8; ++i) {
      const Expr a = one(), c = one();
      const Expr made[] = {-a,
                           Abs(a),
                           Sqrt(a),
                           a + c,
                           a - c,
                           a * c,
                           Min(a, c),
                           Max(a, c),
                           Fma(a, c, one()),
                           Select(a < c, a, c),
                           a * a,
                           a - 1,
                           a * 0.25};
      floats.push_back(made[any(13)]);
    }
    for (const Expr& a : floats) integers.push_back(a);
    for (int i = 0; i < 64; ++i) {
      const uint64_t bits = random() >> any(32);
      for (const Expr& a : integers) {
        const ValueRange range = b.RangeOf(a.value());
        const uint64_t result = Evaluate(*a.value(), bits);
        const double value = IsFloat(a.element())
                                 ? FloatValue(a.element(), result)
                                 : static_cast<double>(IntegerValue(a.element(), result));
        const bool inside =
            std::isnan(value) ? range.nan : range.low <= value && value <= range.high;
        ASSERT_TRUE(inside) << round << ": " << value << " of " << bits << ", not from "
                            << range.low << " to " << range.high << "\n"
                            << kernel.ToString();
      }
    }
  }
}

}  // namespace
}  // namespace ingot::kernel
