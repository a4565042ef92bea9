// wgmma: every type, form and swizzle against plain loops; and what is left out is found.
#include <bit>

#include "absl/strings/str_cat.h"
#include "compiler/kernel/matrix_descriptor.h"
#include "tests/compiler/kernel/asynchronous_kernels.h"
#include "tests/compiler/kernel/simulator/harness.h"

namespace ingot::kernel::simulator {
namespace {

using E = ElementType;
using test::Product;
using test::ProductCase;

// ----- Descriptors

TEST(MatrixDescriptor, Encodes) {
  const MatrixDescriptor along_k{0x400, 16, 1024, 0, 128};
  EXPECT_EQ(along_k.Encode(), 0x4000004000010040u);
  EXPECT_EQ(MatrixDescriptor::Decode(along_k.Encode()), along_k);
  const MatrixDescriptor along_rows{0x8400, 8192, 1024, 0, 128};
  EXPECT_EQ(along_rows.Encode(), 0x4000004002000840u);
  for (int width : {0, 32, 64, 128}) {
    const MatrixDescriptor one{0x3fff0, 0x3fff0, 0x3fff0, 5, width};
    EXPECT_EQ(MatrixDescriptor::Decode(one.Encode()), one);
  }
}

TEST(MatrixDescriptor, Addresses) {
  const MatrixDescriptor along_k{0x400, 16, 1024, 0, 128};
  EXPECT_EQ(along_k.AddressAlongK(5, 2 * 19), 0x400 + 758);
  EXPECT_EQ(along_k.AddressAlongK(13, 2 * 40), 0x400 + 1664);
  const MatrixDescriptor along_rows{0x8400, 8192, 1024, 0, 128};
  EXPECT_EQ(along_rows.AddressAlongRows(70, 11), 0x8400 + 9660);
}

// Elements of a tile have different places, and all places of the tile.
TEST(MatrixDescriptor, TilesAreDense) {
  for (int width : {32, 64, 128}) {
    std::vector<bool> seen(64 * width, false);
    const MatrixDescriptor tile{0, 16, 8 * width, 0, width};
    for (int row = 0; row < 64; ++row) {
      for (int k = 0; k < width; ++k) {
        const int64_t at = tile.AddressAlongK(row, k);
        ASSERT_TRUE(at >= 0 && at < 64 * width && !seen[at]) << width;
        seen[at] = true;
      }
    }
    EXPECT_EQ(SwizzledAddress(SwizzledAddress(12345 * 16, width), width), 12345 * 16);
  }
}

// ----- Products

void Check(const ProductCase& c, uint64_t seed) {
  const Product product(c, seed);
  Launched launched(product.Text());
  launched.Set("x", product.SharedWords()).Set("r", product.Registers());
  Options options;
  options.seed = seed % 7;
  launched.RunWell(options);
  const std::vector<int32_t> bits = launched.Get<int32_t>("y");
  for (int row = 0; row < 64; ++row) {
    for (int column = 0; column < c.n; ++column) {
      const int32_t have = bits[row * c.n + column];
      const double value = IsFloat(c.a) ? std::bit_cast<float>(have) : have;
      ASSERT_EQ(value, product.Expected(row, column))
          << c.Name() << " at " << row << ", " << column;
    }
  }
}

TEST(Wgmma, EveryTypeAndWidth) {
  uint64_t seed = 0;
  for (int n : {8, 24, 64, 72, 256}) {
    for (int swizzle : {0, 32, 64, 128}) {
      for (bool in_registers : {false, true}) {
        for (const ProductCase& c : test::ProductsOf(n, swizzle, in_registers)) {
          if (n == 256 && swizzle != 128) continue;
          Check(c, seed);
          ++seed;
        }
      }
    }
  }
}

TEST(Wgmma, OperandsAlongTheirRows) {
  uint64_t seed = 0;
  for (E type : {E::kBF16, E::kF16}) {
    for (int swizzle : {0, 32, 64, 128}) {
      for (int form = 0; form < 4; ++form) {
        ProductCase c{
            type == E::kBF16 ? "wgmma_bf16" : "wgmma_f16", type, type, 128, swizzle, swizzle};
        c.a_along_rows = form % 2 == 1;
        c.b_along_rows = form / 2 == 1;
        Check(c, seed);
        ++seed;
        if (c.a_along_rows) continue;
        c.a_in_registers = true;
        Check(c, seed);
      }
    }
  }
}

TEST(Wgmma, WhatAProductLacks) {
  const ProductCase c{"wgmma_bf16", E::kBF16, E::kBF16, 16, 128, 128};
  const Product product(c, 1);
  struct Plant {
    const char* from;
    const char* to;
    FaultKind kind;
    std::vector<std::string> words;
  };
  const Plant kPlants[] = {
      {"  fence_proxy_async_shared\n",
       "",
       FaultKind::kRace,
       {"%s", "the async proxy does not see it"}},
      {"  barrier\n", "", FaultKind::kRace, {"%s"}},
      {"  wgmma_fence\n", "", FaultKind::kCopyInFlight, {"wgmma_fence", "%d"}},
      {"  wgmma_wait(0)\n", "", FaultKind::kCopyInFlight, {"%d", "wgmma_wait has to come first"}},
      {"  wgmma_wait(0)\n", "  wgmma_wait(1)\n", FaultKind::kCopyInFlight, {"%d"}},
      {"  wgmma_commit\n", "", FaultKind::kCopyInFlight, {"%d"}},
      {"  wgmma_commit\n", "  wgmma_commit\n  %d[0] = 1\n", FaultKind::kCopyInFlight, {"%d"}},
      // What the product reads is written while it is under way.
      {"  wgmma_commit\n",
       "  wgmma_commit\n  store %s[thread] = 0\n",
       FaultKind::kRace,
       {"%s", "wgmma_bf16", "until it has been waited for"}},
  };
  for (const Plant& plant : kPlants) {
    SCOPED_TRACE(plant.to);
    std::string text = product.Text();
    const size_t at = text.find(plant.from);
    ASSERT_NE(at, std::string::npos);
    text.replace(at, std::string(plant.from).size(), plant.to);
    for (uint64_t seed : {uint64_t{0}, uint64_t{4}}) {
      Launched launched(text);
      launched.Set("x", product.SharedWords()).Set("r", product.Registers());
      launched.RunToFault(plant.kind, plant.words, seed);
    }
  }
}

TEST(Wgmma, DescriptorsThatPointNowhere) {
  for (const auto& [descriptor, kind] :
       {std::pair{MatrixDescriptor{0x3f000, 16, 1024, 0, 128}, FaultKind::kOutOfBounds},
        {MatrixDescriptor{0, 16, 1024, 3, 128}, FaultKind::kMisaligned}}) {
    Launched launched(absl::StrCat(
        "kernel @k() grid 1 block 128 shared %s: u32[1024] align 1024 {\n"
        "  for %i = 0 to 8 { store %s[%i * 128 + thread] = 0 }\n  fence_proxy_async_shared\n"
        "  barrier\n  var %d: f32[4] = 0\n  wgmma_fence\n  wgmma_bf16(8, %d, ",
        descriptor.Encode(), ", ", MatrixDescriptor{0, 16, 1024, 0, 128}.Encode(),
        ", false, 0, 0)\n  wgmma_commit\n  wgmma_wait(0)\n}\n"));
    launched.RunToFault(kind, {"wgmma_bf16"});
  }
}

// ----- stmatrix

TEST(StMatrix, IsTheInverseOfLdMatrix) {
  for (const char* trans : {"", "_trans"}) {
    Launched launched(absl::StrCat(
        "kernel @k(%x: buffer<u32, 128, readonly>, %y: buffer<u32, 128>) grid 1 block 32\n"
        "    shared %s: u16[256] align 16 {\n  stmatrix_x4",
        trans, "(%s[lane * 8], load %x[lane * 4] : u32x4)\n  warp_sync\n  %v = ldmatrix_x4", trans,
        "(%s[lane * 8])\n  store %y[lane * 4] = %v\n}\n"));
    std::vector<uint32_t> x(128);
    for (int i = 0; i < 128; ++i) x[i] = 0x10001u * i + 0x8000;
    launched.Set("x", x).RunWell();
    EXPECT_EQ(launched.Get<uint32_t>("y"), x);
  }
}

// Only the lanes that name a row touch memory.
TEST(StMatrix, OneAndTwoMatrices) {
  for (int count : {1, 2}) {
    Launched launched(absl::StrCat(
        "kernel @k(%y: buffer<u16, 128>) grid 1 block 32 shared %s: u16[128] align 16 {\n"
        "  %r = u32(thread)\n  stmatrix_x",
        count, "(%s[rem(lane, 16) * 8], ", count == 1 ? "%r" : "build(%r, add(%r, 100))",
        ")\n  warp_sync\n  for %i = 0 to 4 {\n"
        "    %at = %i * 32 + thread\n    if %at < ",
        64 * count, " { store %y[%at] = load %s[%at] : u16 }\n  }\n}\n"));
    launched.RunWell();
    const std::vector<uint16_t> y = launched.Get<uint16_t>("y");
    for (int i = 0; i < 64 * count; ++i) {
      const int lane = i % 64 / 2;
      ASSERT_EQ(y[i], i % 2 == 0 ? lane + 100 * (i / 64) : 0) << i;
    }
  }
}

}  // namespace
}  // namespace ingot::kernel::simulator
