// ldmatrix and mma against the layouts of fragments.h and plain loops.
#include <limits>

#include "absl/strings/str_cat.h"
#include "compiler/kernel/arithmetic.h"
#include "compiler/layout/fragments.h"
#include "tests/compiler/kernel/simulator/harness.h"

namespace ingot::kernel::simulator {
namespace {

constexpr int kRows = 16, kColumns = 8, kDepth = 16;

// Element (lane, register) of a fragment is `matrix` at the layout's coordinates.
template <typename T>
std::vector<T> Fragment(const layout::Layout& layout, int registers, int second,
                        const std::vector<T>& matrix) {
  std::vector<T> fragment;
  for (int lane = 0; lane < kWarpSize; ++lane) {
    for (int i = 0; i < registers; ++i) {
      const std::vector<int64_t> at = layout.At({i, lane});
      fragment.push_back(matrix[at[0] * second + at[1]]);
    }
  }
  return fragment;
}

TEST(Matrix, ProductsOfHalves) {
  for (const ElementType type : {ElementType::kBF16, ElementType::kF16}) {
    const auto bits = [&](double value) { return static_cast<uint16_t>(FloatBits(type, value)); };
    std::vector<uint16_t> a(kRows * kDepth), b(kDepth * kColumns);
    std::vector<float> c(kRows * kColumns), expected;
    const auto lhs = [](int m, int k) { return (m * 7 + k * 3) % 23 - 11; };
    const auto rhs = [](int k, int n) { return 0.25 * ((k * 5 + n * 11) % 19 - 9); };
    for (int m = 0; m < kRows; ++m) {
      for (int k = 0; k < kDepth; ++k) a[m * kDepth + k] = bits(lhs(m, k));
      for (int n = 0; n < kColumns; ++n) {
        c[m * kColumns + n] = static_cast<float>(m - 3 * n);
        double sum = c[m * kColumns + n];
        for (int k = 0; k < kDepth; ++k) sum += lhs(m, k) * rhs(k, n);
        expected.push_back(static_cast<float>(sum));
      }
    }
    for (int k = 0; k < kDepth; ++k) {
      for (int n = 0; n < kColumns; ++n) b[k * kColumns + n] = bits(rhs(k, n));
    }
    Launched launched(absl::StrCat(
        "kernel @k(%a: buffer<u32, 128>, %b: buffer<u32, 64>, %c: buffer<f32, 128>, "
        "%d: buffer<f32, 128>) grid 1 block 32 {\n"
        "  store %d[lane*4] = mma_",
        ElementTypeName(type),
        "(load %a[lane*4] : u32x4, load %b[lane*2] : u32x2, load %c[lane*4] : f32x4)\n}"));
    launched.Set("a", Fragment(layout::MmaA(), 8, kDepth, a))
        .Set("b", Fragment(layout::MmaB(), 4, kColumns, b))
        .Set("c", Fragment(layout::MmaAccumulator(), 4, kColumns, c))
        .RunWell();
    EXPECT_EQ(launched.Get<float>("d"), Fragment(layout::MmaAccumulator(), 4, kColumns, expected));
  }
}

// tf32: registers of 4 bytes lie as the pairs of halves do.
TEST(Matrix, ProductsOfTf32) {
  constexpr int kWide = 8;
  std::vector<float> a, b, expected;
  const auto lhs = [](int m, int k) { return static_cast<float>(m - 2 * k) + 0.125f; };
  const auto rhs = [](int k, int n) { return static_cast<float>(3 * k - n); };
  for (int lane = 0; lane < kWarpSize; ++lane) {
    const int row = lane / 4, in_row = lane % 4;
    for (int i = 0; i < 4; ++i) a.push_back(lhs(row + 8 * (i % 2), in_row + 4 * (i / 2)));
    for (int i = 0; i < 2; ++i) b.push_back(rhs(in_row + 4 * i, row));
    for (int i = 0; i < 4; ++i) {
      float sum = 0;
      for (int k = 0; k < kWide; ++k) {
        sum += lhs(row + 8 * (i / 2), k) * rhs(k, 2 * in_row + i % 2);
      }
      expected.push_back(sum);
    }
  }
  Launched launched(
      "kernel @k(%a: buffer<u32, 128>, %b: buffer<u32, 64>, %d: buffer<f32, 128>)\n"
      "    grid 1 block 32 {\n"
      "  store %d[lane*4] = mma_tf32(load %a[lane*4] : u32x4, load %b[lane*2] : u32x2, "
      "broadcast(0.0) : f32x4)\n}");
  launched.Set("a", a).Set("b", b).RunWell();
  EXPECT_EQ(launched.Get<float>("d"), expected);
}

// f64: a register is an element.
void ExpectProductsOfDoubles(absl::string_view row, int rows, int deep) {
  std::vector<double> a, b, c, expected;
  const auto lhs = [](int m, int k) { return m - 2.0 * k + 0.125; };
  const auto rhs = [](int k, int n) { return 3.0 * k - n; };
  const int halves = rows / 8;
  for (int lane = 0; lane < kWarpSize; ++lane) {
    const int in_column = lane / 4, in_row = lane % 4;
    for (int i = 0; i < halves * deep / 4; ++i) {
      a.push_back(lhs(in_column + 8 * (i % halves), in_row + 4 * (i / halves)));
    }
    for (int i = 0; i < deep / 4; ++i) b.push_back(rhs(in_row + 4 * i, in_column));
    for (int i = 0; i < 2 * halves; ++i) {
      c.push_back(lane + i);
      double sum = c.back();
      for (int k = 0; k < deep; ++k) {
        sum += lhs(in_column + 8 * (i / 2), k) * rhs(k, 2 * in_row + i % 2);
      }
      expected.push_back(sum);
    }
  }
  const auto load = [](char buffer, int each) {
    return absl::StrCat("load %", std::string(1, buffer), "[lane*", each, "] : f64",
                        each == 1 ? "" : absl::StrCat("x", each));
  };
  Launched launched(
      absl::StrCat("kernel @k(%a: buffer<f64, 256>, %b: buffer<f64, 128>, %c: buffer<f64, 128>, "
                   "%d: buffer<f64, 128>) grid 1 block 32 {\n  store %d[lane*",
                   2 * halves, "] = ", row, "(", load('a', halves * deep / 4), ", ",
                   load('b', deep / 4), ", ", load('c', 2 * halves), ")\n}"));
  a.resize(256), b.resize(128), c.resize(128);
  launched.Set("a", a).Set("b", b).Set("c", c).RunWell();
  std::vector<double> d = launched.Get<double>("d");
  d.resize(expected.size());
  EXPECT_EQ(d, expected) << row;
}

TEST(Matrix, ProductsOfDoubles) {
  ExpectProductsOfDoubles("mma_f64", 8, 4);
  ExpectProductsOfDoubles("mma_f64_k16", 16, 16);
}

// Integers of 8 bits: registers of 4 bytes lie as the pairs of halves do; sums wrap.
template <typename Element>
void ExpectProductsOfBytes(absl::string_view row) {
  constexpr int kDeep = 32;
  std::vector<Element> a, b;
  std::vector<int32_t> c, expected;
  const auto lhs = [](int m, int k) { return static_cast<Element>(m * 37 + k * 91 + 5); };
  const auto rhs = [](int k, int n) { return static_cast<Element>(k * 53 - n * 29); };
  for (int lane = 0; lane < kWarpSize; ++lane) {
    const int row = lane / 4, in_row = lane % 4;
    for (int i = 0; i < 16; ++i) {
      a.push_back(lhs(row + 8 * (i / 4 % 2), in_row * 4 + i % 4 + 16 * (i / 8)));
    }
    for (int i = 0; i < 8; ++i) b.push_back(rhs(in_row * 4 + i % 4 + 16 * (i / 4), row));
    for (int i = 0; i < 4; ++i) {
      c.push_back(lane == 3 ? std::numeric_limits<int32_t>::max() : lane - i);
      int64_t sum = c.back();
      for (int k = 0; k < kDeep; ++k) {
        sum += int64_t{lhs(row + 8 * (i / 2), k)} * rhs(k, 2 * in_row + i % 2);
      }
      expected.push_back(static_cast<int32_t>(sum));
    }
  }
  Launched launched(absl::StrCat(
      "kernel @k(%a: buffer<u32, 128>, %b: buffer<u32, 64>, %c: buffer<s32, 128>, "
      "%d: buffer<s32, 128>) grid 1 block 32 {\n"
      "  store %d[lane*4] = ",
      row, "(load %a[lane*4] : u32x4, load %b[lane*2] : u32x2, load %c[lane*4] : s32x4)\n}"));
  launched.Set("a", a).Set("b", b).Set("c", c).RunWell();
  EXPECT_EQ(launched.Get<int32_t>("d"), expected) << row;
}

TEST(Matrix, ProductsOfBytes) {
  ExpectProductsOfBytes<int8_t>("mma_s8");
  ExpectProductsOfBytes<uint8_t>("mma_u8");
}

TEST(Matrix, RoundsToTf32) {
  Launched launched(
      "kernel @k(%x: buffer<f32, 32>, %y: buffer<u32, 32>) grid 1 block 32 {\n"
      "  store %y[thread] = round_tf32(load %x[thread] : f32)\n}");
  std::vector<uint32_t> x(32, 0x3f800000), y = x;
  const std::pair<uint32_t, uint32_t> cases[] = {
      {0x3f800fff, 0x3f800000}, {0x3f801000, 0x3f802000}, {0xbf801000, 0xbf802000},
      {0x3f802fff, 0x3f802000}, {0x7f800000, 0x7f800000}, {0x7f7fffff, 0x7f800000},
      {0x00000fff, 0x00000000}, {0x80001000, 0x80002000}};
  for (size_t i = 0; i < std::size(cases); ++i) std::tie(x[i], y[i]) = cases[i];
  launched.Set("x", x).RunWell();
  EXPECT_EQ(launched.Get<uint32_t>("y"), y);
}

TEST(Matrix, LoadsFromSharedMemory) {
  for (const bool transposed : {false, true}) {
    Launched launched(absl::StrCat(
        "kernel @k(%y: buffer<u32, 128>) grid 1 block 32 shared %s: u16[256] {\n"
        "  for %i = 0 to 8 { store %s[thread*8 + %i] = u16(thread*8 + %i) }\n  warp_sync\n"
        "  store %y[thread*4] = ldmatrix_x4",
        transposed ? "_trans" : "", "(%s[thread*8])\n}"));
    const Report report = launched.RunWell();
    EXPECT_EQ(report.counters.instructions[static_cast<int>(Unit::kShared)], 9);
    const std::vector<uint32_t> y = launched.Get<uint32_t>("y");
    const layout::Layout layout = layout::LdMatrix(transposed);
    for (int lane = 0; lane < kWarpSize; ++lane) {
      for (int matrix = 0; matrix < 4; ++matrix) {
        for (int i = 0; i < 2; ++i) {
          const std::vector<int64_t> at = layout.At({i, lane});
          EXPECT_EQ(y[lane * 4 + matrix] >> (16 * i) & 0xffff, 64 * matrix + 8 * at[0] + at[1]);
        }
      }
    }
  }
}

TEST(Matrix, RowsAreAlignedAndWritten) {
  Launched misaligned(
      "kernel @k(%y: buffer<u32, 128>) grid 1 block 32 shared %s: u16[512] {\n"
      "  for %i = 0 to 16 { store %s[thread*16 + %i] = 0 }\n  warp_sync\n"
      "  store %y[thread*4] = ldmatrix_x4(%s[thread*12])\n}");
  auto report = misaligned.Run();
  ASSERT_TRUE(report.ok());
  ASSERT_FALSE(report->faults.empty());
  EXPECT_EQ(report->faults[0].kind, FaultKind::kMisaligned);
  Launched unwritten(
      "kernel @k(%y: buffer<u32, 128>) grid 1 block 32 shared %s: u16[256] {\n"
      "  store %y[thread*4] = ldmatrix_x4(%s[thread*8])\n}");
  report = unwritten.Run();
  ASSERT_TRUE(report.ok());
  ASSERT_FALSE(report->faults.empty());
  EXPECT_EQ(report->faults[0].kind, FaultKind::kUnwritten);
}

}  // namespace
}  // namespace ingot::kernel::simulator
