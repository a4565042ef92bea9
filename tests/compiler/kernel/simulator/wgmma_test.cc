// wgmma: every type, form and swizzle against plain loops; and what is left out is found.
#include <bit>
#include <random>

#include "absl/strings/str_cat.h"
#include "compiler/kernel/arithmetic.h"
#include "compiler/kernel/matrix_descriptor.h"
#include "tests/compiler/kernel/simulator/harness.h"

namespace ingot::kernel::simulator {
namespace {

using E = ElementType;

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

struct Case {
  const char* row;
  E a, b;
  int n;
  int a_swizzle = 0, b_swizzle = 0;
  bool a_along_rows = false, b_along_rows = false;
  bool a_in_registers = false;
};

// How an operand of so many rows lies: k, 32 bytes, along the swizzle's width; or rows along it.
MatrixDescriptor Place(int64_t address, int swizzle, bool along_rows, int rows) {
  MatrixDescriptor place{address, 16, 0, 0, swizzle};
  if (!along_rows) {
    place.stride = swizzle == 0 ? 256 : 8 * swizzle;
    place.leading = swizzle == 0 ? 128 : 16;
  } else if (swizzle == 0) {
    place.stride = 128;                  // 8 rows
    place.leading = 16L * 2 * rows / 2;  // 8 k, behind all rows
  } else {
    place.stride = 8 * swizzle;    // 8 k
    place.leading = 16 * swizzle;  // a width of rows, 16 k
  }
  return place;
}

int64_t AddressOf(const MatrixDescriptor& place, bool along_rows, int row, int k, int width) {
  return along_rows ? place.AddressAlongRows(row, k) : place.AddressAlongK(row, k * width);
}

constexpr int kOperandBytes = 32768;

class Product {
 public:
  explicit Product(const Case& c, uint64_t seed) : c_(c), random_(seed) {
    const int depth = 32 / ByteWidth(c.a);
    Fill(a_, c.a, 64 * depth);
    Fill(b_, c.b, c.n * depth);
  }

  std::string Text() const {
    const bool integer = !IsFloat(c_.a);
    const std::string type = integer ? "s32" : "f32";
    const std::string name = absl::StrCat(c_.row, c_.a_in_registers ? "_a" : "");
    std::string a = absl::StrCat(Place(0, c_.a_swizzle, c_.a_along_rows, 64).Encode());
    const std::string b =
        absl::StrCat(Place(kOperandBytes, c_.b_swizzle, c_.b_along_rows, c_.n).Encode());
    std::string trans;
    if (ByteWidth(c_.a) == 2) {
      if (!c_.a_in_registers) absl::StrAppend(&trans, ", ", c_.a_along_rows ? 1 : 0);
      absl::StrAppend(&trans, ", ", c_.b_along_rows ? 1 : 0);
    }
    std::string registers;
    if (c_.a_in_registers) {
      registers = "  %ra = load %r[thread * 4] : u32x4\n";
      a = "%ra";
    }
    const auto call = [&](const char* accumulates) {
      return absl::StrCat("  ", name, "(", c_.n, ", %d, ", a, ", ", b, ", ", accumulates, trans,
                          ")\n");
    };
    return absl::StrCat(
        "kernel @k(%x: buffer<u32, 16384, readonly>, %r: buffer<u32, 512, readonly>, %y: buffer<",
        type, ", ", 64 * c_.n,
        ">) grid 1 block 128 shared %s: u32[16384] align 1024 {\n"
        "  for %i = 0 to 128 { store %s[%i * 128 + thread] = load %x[%i * 128 + thread] : u32 }\n"
        "  fence_proxy_async_shared\n  barrier\n",
        registers, "  var %d: ", type, "[", c_.n / 2, "] = 7\n  wgmma_fence\n", call("false"),
        call("true"), "  wgmma_commit\n  wgmma_wait(0)\n  for %e = 0 to ", c_.n / 2, " unroll ",
        c_.n / 2,
        " {\n    %row = warp * 16 + div(lane, 4) + rem(div(%e, 2), 2) * 8\n"
        "    %column = div(%e, 4) * 8 + rem(lane, 4) * 2 + rem(%e, 2)\n    store %y[%row * ",
        c_.n, " + %column] = %d[%e]\n  }\n}\n");
  }

  // Twice the product: exact, for values are small integers or the like.
  void Check(uint64_t seed) {
    Launched launched(Text());
    launched.Set("x", SharedBytes()).Set("r", Registers());
    Options options;
    options.seed = seed;
    launched.RunWell(options);
    const int depth = 32 / ByteWidth(c_.a);
    const std::vector<int32_t> bits = launched.Get<int32_t>("y");
    for (int row = 0; row < 64; ++row) {
      for (int column = 0; column < c_.n; ++column) {
        double sum = 0;
        for (int k = 0; k < depth; ++k) {
          sum += 2 * Value(c_.a, a_[row * depth + k]) * Value(c_.b, b_[column * depth + k]);
        }
        const int32_t have = bits[row * c_.n + column];
        const double value = IsFloat(c_.a) ? std::bit_cast<float>(have) : have;
        ASSERT_EQ(value, sum) << c_.row << " n " << c_.n << " at " << row << ", " << column;
      }
    }
  }

  std::vector<uint32_t> SharedBytes() const {
    std::vector<uint8_t> bytes(2 * kOperandBytes, 0);
    Put(bytes, a_, c_.a, Place(0, c_.a_swizzle, c_.a_along_rows, 64), c_.a_along_rows);
    Put(bytes, b_, c_.b, Place(kOperandBytes, c_.b_swizzle, c_.b_along_rows, c_.n),
        c_.b_along_rows);
    std::vector<uint32_t> words(bytes.size() / 4);
    std::memcpy(words.data(), bytes.data(), bytes.size());
    return words;
  }

  // Four words a thread, as mma has its first operand.
  std::vector<uint32_t> Registers() const {
    const int width = ByteWidth(c_.a), depth = 32 / width, a_word = 4 / width;
    std::vector<uint32_t> words(512);
    for (int thread = 0; thread < 128; ++thread) {
      for (int r = 0; r < 4; ++r) {
        const int row = thread / 32 * 16 + thread % 32 / 4 + 8 * (r % 2);
        const int word = thread % 4 + 4 * (r / 2);
        for (int i = 0; i < a_word; ++i) {
          const uint64_t bits = a_[row * depth + word * a_word + i];
          words[thread * 4 + r] |= static_cast<uint32_t>(bits << (8 * width * i));
        }
      }
    }
    return words;
  }

 private:
  static double Value(E type, uint64_t bits) {
    if (IsFloat(type)) return FloatValue(type, bits);
    return static_cast<double>(IntegerValue(type, bits));
  }
  void Fill(std::vector<uint64_t>& values, E type, int count) {
    for (int i = 0; i < count; ++i) {
      const int value = static_cast<int>(random_() % 17) - (type == E::kU8 ? 0 : 8);
      values.push_back(IsFloat(type) ? FloatBits(type, value) : IntegerBits(type, value));
    }
  }
  static void Put(std::vector<uint8_t>& bytes, const std::vector<uint64_t>& values, E type,
                  const MatrixDescriptor& place, bool along_rows) {
    const int width = ByteWidth(type), depth = 32 / width;
    for (size_t i = 0; i < values.size(); ++i) {
      const int64_t at = AddressOf(place, along_rows, static_cast<int>(i) / depth,
                                   static_cast<int>(i) % depth, width);
      std::memcpy(&bytes[at], &values[i], width);
    }
  }

  const Case c_;
  std::mt19937_64 random_;
  std::vector<uint64_t> a_, b_;
};

std::vector<Case> AllTypes(int n, int swizzle, bool in_registers) {
  std::vector<Case> cases;
  const std::tuple<const char*, E, E> kRows[] = {{"wgmma_bf16", E::kBF16, E::kBF16},
                                                 {"wgmma_f16", E::kF16, E::kF16},
                                                 {"wgmma_tf32", E::kF32, E::kF32},
                                                 {"wgmma_e4m3", E::kF8E4M3FN, E::kF8E4M3FN},
                                                 {"wgmma_e5m2", E::kF8E5M2, E::kF8E5M2},
                                                 {"wgmma_e4m3_e5m2", E::kF8E4M3FN, E::kF8E5M2},
                                                 {"wgmma_e5m2_e4m3", E::kF8E5M2, E::kF8E4M3FN},
                                                 {"wgmma_s8", E::kS8, E::kS8},
                                                 {"wgmma_u8", E::kU8, E::kU8}};
  for (const auto& [row, a, b] : kRows) {
    const bool integer = !IsFloat(a);
    if (integer && n > 32 && n % 16 != 0) continue;
    cases.push_back({row, a, b, n, swizzle, swizzle, false, false, in_registers});
  }
  return cases;
}

TEST(Wgmma, EveryTypeAndWidth) {
  uint64_t seed = 0;
  for (int n : {8, 24, 64, 72, 256}) {
    for (int swizzle : {0, 32, 64, 128}) {
      for (bool in_registers : {false, true}) {
        for (const Case& c : AllTypes(n, swizzle, in_registers)) {
          if (n == 256 && swizzle != 128) continue;
          Product(c, seed).Check(seed % 7);
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
        Case c{type == E::kBF16 ? "wgmma_bf16" : "wgmma_f16", type, type, 128, swizzle, swizzle};
        c.a_along_rows = form % 2 == 1;
        c.b_along_rows = form / 2 == 1;
        Product(c, seed).Check(seed % 5);
        ++seed;
        if (c.a_along_rows) continue;
        c.a_in_registers = true;
        Product(c, seed).Check(seed % 5);
      }
    }
  }
}

TEST(Wgmma, WhatAProductLacks) {
  const Case c{"wgmma_bf16", E::kBF16, E::kBF16, 16, 128, 128};
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
      launched.Set("x", product.SharedBytes()).Set("r", product.Registers());
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
