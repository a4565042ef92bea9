// Folding against the machine's own arithmetic and against what README.md's table says.
#include "compiler/kernel/arithmetic.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "compiler/kernel/approximations.h"
#include "compiler/kernel/ops.h"
#include "tests/paths/paths.h"

namespace ingot::kernel {
namespace {

using E = ElementType;

uint64_t Lane(Opcode opcode, E element, std::vector<uint64_t> bits) {
  return EvaluateLane(opcode, element, bits);
}

// Every pair of 8-bit integers, against int arithmetic.
TEST(Fold, Integers) {
  for (int signed_type = 0; signed_type < 2; ++signed_type) {
    const E element = signed_type ? E::kS8 : E::kU8;
    for (int i = 0; i < 256; ++i) {
      for (int j = 0; j < 256; ++j) {
        const int a = signed_type ? static_cast<int8_t>(i) : i;
        const int b = signed_type ? static_cast<int8_t>(j) : j;
        const uint64_t x = i, y = j;
        const auto expect = [&](Opcode opcode, int value) {
          EXPECT_EQ(Lane(opcode, element, {x, y}), static_cast<uint8_t>(value))
              << NameOf(opcode) << " " << a << " " << b;
        };
        expect(Opcode::kAdd, a + b);
        expect(Opcode::kSub, a - b);
        expect(Opcode::kMul, a * b);
        expect(Opcode::kDiv, b == 0 ? -1 : a / b);
        expect(Opcode::kRem, b == 0 ? a : a % b);
        expect(Opcode::kMin, std::min(a, b));
        expect(Opcode::kMax, std::max(a, b));
        expect(Opcode::kMulhi, (a * b) >> 8);
        expect(Opcode::kShl, j >= 8 ? 0 : i << j);
        expect(Opcode::kLshr, j >= 8 ? 0 : i >> j);
        expect(Opcode::kAshr, static_cast<int8_t>(i) >> std::min(j, 7));
        EXPECT_EQ(Lane(Opcode::kLt, element, {x, y}), a < b);
        EXPECT_EQ(Lane(Opcode::kLe, element, {x, y}), a <= b);
        EXPECT_EQ(Lane(Opcode::kGt, element, {x, y}), a > b);
        EXPECT_EQ(Lane(Opcode::kGe, element, {x, y}), a >= b);
        EXPECT_EQ(Lane(Opcode::kEq, element, {x, y}), a == b);
      }
    }
  }
}

TEST(Fold, WideIntegers) {
  const uint64_t least = uint64_t{1} << 63;
  EXPECT_EQ(Lane(Opcode::kDiv, E::kS64, {least, ~uint64_t{0}}), least);
  EXPECT_EQ(Lane(Opcode::kRem, E::kS64, {least, ~uint64_t{0}}), 0u);
  EXPECT_EQ(Lane(Opcode::kDiv, E::kU64, {least, 0}), ~uint64_t{0});
  EXPECT_EQ(Lane(Opcode::kNeg, E::kS64, {least}), least);
  EXPECT_EQ(Lane(Opcode::kAbs, E::kS32, {0x80000000}), 0x80000000u);
  EXPECT_EQ(Lane(Opcode::kMulhi, E::kU64, {~uint64_t{0}, ~uint64_t{0}}), ~uint64_t{0} - 1);
  EXPECT_EQ(Lane(Opcode::kMulhi, E::kS64, {~uint64_t{0}, ~uint64_t{0}}), 0u);
  EXPECT_EQ(Lane(Opcode::kMulhi, E::kS32, {0x80000000, 2}), 0xffffffffu);
  EXPECT_EQ(Lane(Opcode::kClz, E::kS16, {0}), 16u);
  EXPECT_EQ(Lane(Opcode::kClz, E::kU64, {1}), 63u);
  EXPECT_EQ(Lane(Opcode::kPopcnt, E::kS32, {0xffffffff}), 32u);
  EXPECT_EQ(Lane(Opcode::kNot, E::kPred, {0}), 1u);
  EXPECT_EQ(Lane(Opcode::kLt, E::kPred, {0, 1}), 1u);
  EXPECT_EQ(Lane(Opcode::kPermute, E::kU32, {0x33221100, 0x77665584, 0xC470}), 0xff847700u);
}

float FloatOf(uint64_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits)); }

// Against the processor's f32, on values at every edge and a spread of others.
TEST(Fold, SingleFloats) {
  std::vector<uint32_t> values = {0,          0x80000000, 1,          0x80000001, 0x007fffff,
                                  0x00800000, 0x7f7fffff, 0x7f800000, 0xff800000, 0x7fc00000,
                                  0x3f800000, 0xbf800000, 0x3f000000, 0x4b000001, 0x3fc00000};
  for (uint64_t i = 12345; values.size() < 200; i = (i * 1664525 + 1013904223) % 0x100000000) {
    values.push_back(static_cast<uint32_t>(i));
  }
  const auto expect = [](uint64_t bits, float value, const char* what) {
    if (std::isnan(value)) {
      EXPECT_EQ(bits, 0x7fc00000u) << what;
    } else {
      EXPECT_EQ(bits, std::bit_cast<uint32_t>(value)) << what;
    }
  };
  for (uint32_t x : values) {
    const float a = FloatOf(x);
    expect(Lane(Opcode::kSqrt, E::kF32, {x}), std::sqrt(a), "sqrt");
    expect(Lane(Opcode::kFloor, E::kF32, {x}), std::floor(a), "floor");
    expect(Lane(Opcode::kCeil, E::kF32, {x}), std::ceil(a), "ceil");
    expect(Lane(Opcode::kTrunc, E::kF32, {x}), std::trunc(a), "trunc");
    expect(Lane(Opcode::kRoundEven, E::kF32, {x}), std::nearbyint(a), "round_even");
    for (uint32_t y : values) {
      const float b = FloatOf(y);
      expect(Lane(Opcode::kAdd, E::kF32, {x, y}), a + b, "add");
      expect(Lane(Opcode::kSub, E::kF32, {x, y}), a - b, "sub");
      expect(Lane(Opcode::kMul, E::kF32, {x, y}), a * b, "mul");
      expect(Lane(Opcode::kDiv, E::kF32, {x, y}), a / b, "div");
      expect(Lane(Opcode::kFma, E::kF32, {x, y, x}), std::fma(a, b, a), "fma");
      EXPECT_EQ(Lane(Opcode::kLt, E::kF32, {x, y}), a < b);
      EXPECT_EQ(Lane(Opcode::kNe, E::kF32, {x, y}), a != b);
    }
  }
}

TEST(Fold, MinimumAndMaximum) {
  const uint64_t nan = 0x7fc00000, one = 0x3f800000, zero = 0, minus_zero = 0x80000000;
  for (Opcode opcode : {Opcode::kMin, Opcode::kMax}) {
    EXPECT_EQ(Lane(opcode, E::kF32, {nan, one}), nan);
    EXPECT_EQ(Lane(opcode, E::kF32, {one, nan}), nan);
    EXPECT_EQ(Lane(opcode, E::kF32, {zero, minus_zero}),
              opcode == Opcode::kMin ? minus_zero : zero);
    EXPECT_EQ(Lane(opcode, E::kF32, {minus_zero, zero}),
              opcode == Opcode::kMin ? minus_zero : zero);
  }
}

TEST(Fold, HalvesRoundOnce) {
  // 1 + 2^-11 is half way between two f16: to even.  With a little more: up.
  EXPECT_EQ(Lane(Opcode::kAdd, E::kF16, {0x3c00, 0x1000}), 0x3c00u);
  EXPECT_EQ(Lane(Opcode::kAdd, E::kF16, {0x3c00, 0x1001}), 0x3c01u);
  EXPECT_EQ(Lane(Opcode::kMul, E::kF16, {0x7bff, 0x4000}), 0x7c00u);   // 65504 * 2 = inf
  EXPECT_EQ(Lane(Opcode::kAdd, E::kBF16, {0x3f80, 0x3b80}), 0x3f80u);  // 1 + 2^-8
}

TEST(Fold, Conversions) {
  const auto f32 = [](float value) { return uint64_t{std::bit_cast<uint32_t>(value)}; };
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(ConvertLane(E::kF32, E::kS32, f32(NAN)), 0u);
  EXPECT_EQ(ConvertLane(E::kF32, E::kS32, f32(infinity)), 0x7fffffffu);
  EXPECT_EQ(ConvertLane(E::kF32, E::kS32, f32(-infinity)), 0x80000000u);
  EXPECT_EQ(ConvertLane(E::kF32, E::kS32, f32(-2.75f)), 0xfffffffeu);
  EXPECT_EQ(ConvertLane(E::kF32, E::kU8, f32(255.9f)), 255u);
  EXPECT_EQ(ConvertLane(E::kF32, E::kU8, f32(256)), 255u);
  EXPECT_EQ(ConvertLane(E::kF32, E::kU8, f32(-1)), 0u);
  EXPECT_EQ(ConvertLane(E::kF32, E::kS4, f32(9)), 7u);
  EXPECT_EQ(ConvertLane(E::kF32, E::kS4, f32(-9)), 8u);
  EXPECT_EQ(ConvertLane(E::kF32, E::kU64, f32(18446744073709551615.f)), ~uint64_t{0});
  EXPECT_EQ(ConvertLane(E::kF32, E::kS64, f32(-9223372036854775808.f)), uint64_t{1} << 63);
  EXPECT_EQ(ConvertLane(E::kF32, E::kPred, f32(NAN)), 1u);
  EXPECT_EQ(ConvertLane(E::kF32, E::kPred, f32(-0.f)), 0u);
  EXPECT_EQ(ConvertLane(E::kS8, E::kS32, 0xff), 0xffffffffu);
  EXPECT_EQ(ConvertLane(E::kU8, E::kS32, 0xff), 0xffu);
  EXPECT_EQ(ConvertLane(E::kS32, E::kU8, 0x1234), 0x34u);
  EXPECT_EQ(ConvertLane(E::kS32, E::kPred, 0x100), 1u);
  EXPECT_EQ(ConvertLane(E::kS32, E::kF16, 65520), 0x7c00u);
  EXPECT_EQ(ConvertLane(E::kPred, E::kF32, 1), f32(1));
  // Rounded once: through f64 first it would go down to the even neighbour, 2^62.
  const int64_t above_half = (int64_t{1} << 62) + (int64_t{1} << 38) + 1;
  EXPECT_EQ(ConvertLane(E::kS64, E::kF32, above_half), f32(static_cast<float>(above_half)));
  EXPECT_EQ(ConvertLane(E::kS64, E::kF32, -above_half), f32(static_cast<float>(-above_half)));
  for (uint64_t i = 1; i < uint64_t{1} << 62; i = i * 5 + 3) {
    EXPECT_EQ(ConvertLane(E::kU64, E::kF32, ~i), f32(static_cast<float>(~i)));
    EXPECT_EQ(ConvertLane(E::kU64, E::kF64, ~i), std::bit_cast<uint64_t>(static_cast<double>(~i)));
  }
}

// The association is fixed: a sum of 6 lanes is ((0 + 4) + 2) + ((1 + 5) + 3).
TEST(Fold, Trees) {
  const auto f32 = [](float value) { return uint64_t{std::bit_cast<uint32_t>(value)}; };
  const float v[] = {1e8f, 3.f, -1e8f, 1e-3f, 7.25f, -2.5f};
  std::vector<uint64_t> lanes;
  for (float value : v) lanes.push_back(f32(value));
  EXPECT_EQ(EvaluateHorizontal(Opcode::kSumTree, E::kF32, lanes),
            f32(((v[0] + v[4]) + v[2]) + ((v[1] + v[5]) + v[3])));
  EXPECT_EQ(EvaluateHorizontal(Opcode::kMaxTree, E::kS32, {1, 0xffffffff, 3}), 3u);
  EXPECT_EQ(EvaluateHorizontal(Opcode::kAndTree, E::kPred, {1, 1, 0}), 0u);
}

// The table of semantics has a line for every arithmetic row.
TEST(Fold, ReadmeNamesEveryRow) {
  std::ifstream file(test::RepositoryRoot() + "/compiler/kernel/README.md");
  std::stringstream text;
  text << file.rdbuf();
  ASSERT_FALSE(text.str().empty());
#define EXPECT_ROW(Name, text_name, ...)                                        \
  EXPECT_TRUE(absl::StrContains(text.str(), absl::StrCat("`", text_name, "`"))) \
      << text_name << " is not in README.md";
#define INGOT_KERNEL_UNARY EXPECT_ROW
#define INGOT_KERNEL_BINARY EXPECT_ROW
#define INGOT_KERNEL_COMPARE EXPECT_ROW
#define INGOT_KERNEL_HORIZONTAL EXPECT_ROW
#include "compiler/kernel/ops.def"
#undef EXPECT_ROW
}

constexpr Intrinsic kAllIntrinsics[] = {
#define INGOT_KERNEL_INTRINSIC(Name, ...) Intrinsic::k##Name,
#include "compiler/kernel/intrinsics.def"
};

float Approximate(Intrinsic intrinsic, float x) {
  const uint64_t bits = FloatBits(E::kF32, x);
  return static_cast<float>(
      FloatValue(E::kF32, EvaluateApproximateRow(*FindApproximateRow(intrinsic), bits)));
}

TEST(Approximations, ArePureRowsOfOneF32) {
  for (Intrinsic intrinsic : kAllIntrinsics) {
    const IntrinsicInfo& info = InfoOf(intrinsic);
    const ApproximateRow* row = FindApproximateRow(intrinsic);
    ASSERT_EQ(info.effects == kPure, row != nullptr) << info.name;
    if (row == nullptr) continue;
    EXPECT_GT(row->ulps + row->relative, 0) << info.name;
    ASSERT_EQ(info.arguments.size(), 1u) << info.name;
    EXPECT_EQ(info.arguments[0].type, kF32) << info.name;
    EXPECT_EQ(info.result->type, kF32) << info.name;
  }
}

TEST(Approximations, Values) {
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(Approximate(Intrinsic::kExp2ApproxFtz, 3), 8);
  EXPECT_EQ(Approximate(Intrinsic::kExp2ApproxFtz, 0.5f), 0x1.6a09e6p+0f);
  EXPECT_EQ(Approximate(Intrinsic::kExp2ApproxFtz, -infinity), 0);
  EXPECT_EQ(Approximate(Intrinsic::kExp2ApproxFtz, 128), infinity);
  EXPECT_EQ(Approximate(Intrinsic::kExp2ApproxFtz, -126), 0x1p-126f);
  EXPECT_EQ(Approximate(Intrinsic::kExp2ApproxFtz, -126.5f), 0);  // denormal
  EXPECT_EQ(Approximate(Intrinsic::kRcpApproxFtz, 3), 1.0f / 3);
  EXPECT_EQ(Approximate(Intrinsic::kRcpApproxFtz, 0x1p-127f), infinity);
  EXPECT_EQ(Approximate(Intrinsic::kRcpApproxFtz, -0x1p-149f), -infinity);
  const float zero = Approximate(Intrinsic::kRcpApproxFtz, -0x1p127f);
  EXPECT_EQ(zero, 0);
  EXPECT_TRUE(std::signbit(zero));
  EXPECT_EQ(Approximate(Intrinsic::kRsqrtApprox, 0x1p-148f), 0x1p74f);
  EXPECT_EQ(Approximate(Intrinsic::kRsqrtApprox, -0.0f), -infinity);
  EXPECT_TRUE(std::isnan(Approximate(Intrinsic::kRsqrtApprox, -1)));
}

}  // namespace
}  // namespace ingot::kernel
