#include "tests/compiler/kernel/asynchronous_kernels.h"

#include <cmath>
#include <cstring>
#include <random>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "compiler/kernel/arithmetic.h"
#include "compiler/kernel/matrix_descriptor.h"

namespace ingot::test {

using kernel::MatrixDescriptor;
using E = ElementType;

const char* const kBulkLoad =
    R"(kernel @k(%x: buffer<f32, 256, readonly>, %y: buffer<f32, 256>) grid 4 block 64
    shared %s: f32[64] align 128 shared %bar: u64[1] {
  if thread == 0 {
    mbarrier_init(%bar[0], 1)
    fence_mbarrier_init
  }
  barrier
  if thread == 0 {
    mbarrier_arrive_expect(%bar[0], 256)
    bulk_load(%s[0], %x[block * 64], 256, %bar[0])
  }
  while { yield not(mbarrier_try_wait(%bar[0], 0)) } do {}
  store %y[block * 64 + thread] = load %s[63 - thread] : f32
}
)";

const char* const kRing =
    R"(kernel @k(%x: buffer<f32, 224, readonly>, %y: buffer<f32, 224>) grid 1 block 64
    shared %s: f32[2x32] align 128 shared %full: u64[2] shared %empty: u64[2] {
  if thread < 2 {
    mbarrier_init(%full[thread], 1)
    mbarrier_init(%empty[thread], 32)
    fence_mbarrier_init
  }
  barrier
  roles {
    warps 0..0: {
      if thread == 0 {
        for %i = 0 to 7 {
          %stage = rem(%i, 2)
          %parity = u32(rem(div(%i, 2), 2))
          while { yield not(mbarrier_try_wait(%empty[%stage], xor(%parity, 1))) } do {}
          mbarrier_arrive_expect(%full[%stage], 128)
          bulk_load(%s[%stage * 32], %x[%i * 32], 128, %full[%stage])
        }
      }
    }
    warps 1..1: {
      for %j = 0 to 7 {
        %slot = rem(%j, 2)
        %turn = u32(rem(div(%j, 2), 2))
        while { yield not(mbarrier_try_wait(%full[%slot], %turn)) } do {}
        store %y[%j * 32 + lane] = add(load %s[%slot * 32 + lane] : f32, 1)
        mbarrier_arrive(%empty[%slot])
      }
    }
  }
}
)";

const char* const kBulkStore =
    R"(kernel @k(%y: buffer<f32, 128>) grid 2 block 64 shared %s: f32[64] align 128 {
  for %i = 0 to 2 {
    store %s[thread] = f32(block * 64 + thread + %i)
    fence_proxy_async_shared
    barrier
    if thread == 0 {
      bulk_store(%y[block * 64], %s[0], 256)
      bulk_commit
      bulk_wait(0)
    }
    barrier
  }
}
)";

// Rows of 36 elements are whole pieces of 16 bytes: of a row of 37 an H200 stores the rest of the
// last piece too, which is outside.
const char* const kTensorStore =
    R"(kernel @k(%y: buffer<f32, 40x24>, %m: tensormap<%y, f32, 36x24, strides 160, box 8x8>)
    grid 5x3 block 64 shared %s: f32[64] align 128 {
  store %s[thread] = f32((block.y * 8 + div(thread, 8)) * 100 + block * 8 + rem(thread, 8))
  fence_proxy_async_shared
  barrier
  if thread == 0 {
    tensor_store(%m, %s[0], block * 8, block.y * 8)
    bulk_commit
    bulk_wait_read(0)
  }
}
)";

const char* const kCluster =
    R"(kernel @k(%x: buffer<f32, 256, readonly>, %y: buffer<f32, 512>, %m: tensormap<%x, f32, 256, box 32>)
    grid 8 block 32 cluster 2 shared %s: f32[64] align 128 shared %bar: u64[1] {
  if thread == 0 {
    mbarrier_init(%bar[0], 1)
    fence_mbarrier_init
    mbarrier_arrive_expect(%bar[0], 256)
  }
  cluster_arrive
  cluster_wait
  if thread == 0 {
    %first = block * 32
    tensor_load_multicast(%s[cluster_block * 32], %m, %bar[0], 3, %first)
  }
  while { yield not(mbarrier_try_wait_cluster(%bar[0], 0)) } do {}
  store %y[block * 64 + thread] = load %s[thread] : f32
  store %y[block * 64 + 32 + thread] = load %s[thread + 32] : f32
  cluster_arrive_relaxed
  cluster_wait
}
)";

// A block's addresses are within its own memory, whichever its rank in the cluster is.
const char* const kSharedAddresses =
    R"(kernel @k(%y: buffer<u32, 128>) grid 4 block 32 cluster 2 shared %s: f32[64] align 128 {
  store %s[thread] = 1
  store %y[block * 32 + thread] = lshr(shared_address(%s[thread]), 18)
}
)";

// Loads the box at (x, y, …) of an array, and stores its bytes in their order in shared memory.
std::string BoxKernel(const std::string& map, int words, const std::string& at,
                      const std::string& row) {
  return absl::StrCat(
      "kernel @k(%x: buffer<f32, 4096, readonly>, %y: buffer<f32, ", words, ">, %m: tensormap<%x, ",
      map, ">) grid 1 block 32 shared %s: f32[", words,
      "] align 1024 shared %bar: u64[1] {\n  if thread == 0 {\n    mbarrier_init(%bar[0], 1)\n"
      "    fence_mbarrier_init\n    mbarrier_arrive_expect(%bar[0], ",
      4 * words, ")\n    ", row, "(%s[0], %m, %bar[0], ", at,
      ")\n  }\n  warp_sync\n  while { yield not(mbarrier_try_wait(%bar[0], 0)) } do {}\n"
      "  for %i = 0 to ",
      words / 32, " { store %y[%i * 32 + thread] = load %s[%i * 32 + thread] : f32 }\n}\n");
}

// ----- Products

namespace {

constexpr int kOperandBytes = 32768;

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

double ValueOf(E type, uint64_t bits) {
  if (IsFloat(type)) return kernel::FloatValue(type, bits);
  return static_cast<double>(kernel::IntegerValue(type, bits));
}

// From -8 to 8; from 0 to 16 where there is no sign.
std::vector<uint64_t> SmallIntegers(E type, int count, std::mt19937_64& random) {
  std::vector<uint64_t> values;
  for (int i = 0; i < count; ++i) {
    const int value = static_cast<int>(random() % 17) - (type == E::kU8 ? 0 : 8);
    values.push_back(IsFloat(type) ? kernel::FloatBits(type, value)
                                   : kernel::IntegerBits(type, value));
  }
  return values;
}

void Put(std::vector<uint8_t>& bytes, const std::vector<uint64_t>& values, E type,
         const MatrixDescriptor& place, bool along_rows) {
  const int width = ByteWidth(type), depth = 32 / width;
  for (size_t i = 0; i < values.size(); ++i) {
    const int64_t at = AddressOf(place, along_rows, static_cast<int>(i) / depth,
                                 static_cast<int>(i) % depth, width);
    std::memcpy(&bytes[at], &values[i], width);
  }
}

}  // namespace

std::string ProductCase::Name() const {
  return absl::StrCat(row, a_in_registers ? "_a" : "", "_n", n, "_swizzle", a_swizzle, "_",
                      b_swizzle, a_along_rows ? "_ta" : "", b_along_rows ? "_tb" : "");
}

std::vector<ProductCase> ProductsOf(int n, int swizzle, bool in_registers) {
  std::vector<ProductCase> cases;
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

Product::Product(const ProductCase& c, uint64_t seed) : c_(c) {
  std::mt19937_64 random(seed);
  const int depth = 32 / ByteWidth(c.a);
  a_ = SmallIntegers(c.a, 64 * depth, random);
  b_ = SmallIntegers(c.b, c.n * depth, random);
}

std::string Product::Text() const {
  const bool integer = !IsFloat(c_.a);
  const std::string type = integer ? "s32" : "f32";
  const std::string name = absl::StrCat(c_.row, c_.a_in_registers ? "_a" : "");
  std::string a = "%da";
  // Descriptors count lines from where the card has put shared memory.
  const std::string descriptors =
      absl::StrCat("  %base = u64(lshr(shared_address(%s[0]), 4))\n  %da = add(%base, ",
                   Place(0, c_.a_swizzle, c_.a_along_rows, 64).Encode(), ")\n  %db = add(%base, ",
                   Place(kOperandBytes, c_.b_swizzle, c_.b_along_rows, c_.n).Encode(), ")\n");
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
    return absl::StrCat("  ", name, "(", c_.n, ", %d, ", a, ", %db, ", accumulates, trans, ")\n");
  };
  return absl::StrCat(
      "kernel @k(%x: buffer<u32, 16384, readonly>, %r: buffer<u32, 512, readonly>, %y: buffer<",
      type, ", ", 64 * c_.n,
      ">) grid 1 block 128 shared %s: u32[16384] align 1024 {\n"
      "  for %i = 0 to 128 { store %s[%i * 128 + thread] = load %x[%i * 128 + thread] : u32 }\n"
      "  fence_proxy_async_shared\n  barrier\n",
      registers, descriptors, "  var %d: ", type, "[", c_.n / 2, "] = 7\n  wgmma_fence\n",
      call("false"), call("true"), "  wgmma_commit\n  wgmma_wait(0)\n  for %e = 0 to ", c_.n / 2,
      " unroll ", c_.n / 2,
      " {\n    %row = warp * 16 + div(lane, 4) + rem(div(%e, 2), 2) * 8\n"
      "    %column = div(%e, 4) * 8 + rem(lane, 4) * 2 + rem(%e, 2)\n    store %y[%row * ",
      c_.n, " + %column] = %d[%e]\n  }\n}\n");
}

std::vector<uint32_t> Product::SharedWords() const {
  std::vector<uint8_t> bytes(2 * kOperandBytes, 0);
  Put(bytes, a_, c_.a, Place(0, c_.a_swizzle, c_.a_along_rows, 64), c_.a_along_rows);
  Put(bytes, b_, c_.b, Place(kOperandBytes, c_.b_swizzle, c_.b_along_rows, c_.n), c_.b_along_rows);
  std::vector<uint32_t> words(bytes.size() / 4);
  std::memcpy(words.data(), bytes.data(), bytes.size());
  return words;
}

// Four words a thread, as mma has its first operand.
std::vector<uint32_t> Product::Registers() const {
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

double Product::Expected(int row, int column) const {
  const int depth = 32 / ByteWidth(c_.a);
  double sum = 0;
  for (int k = 0; k < depth; ++k) {
    sum += 2 * ValueOf(c_.a, a_[row * depth + k]) * ValueOf(c_.b, b_[column * depth + k]);
  }
  return sum;
}

// ----- All

namespace {

template <typename T>
std::vector<uint8_t> BytesOf(const std::vector<T>& values) {
  std::vector<uint8_t> bytes(values.size() * sizeof(T));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

// Their low bits are not all zeros, so that a rounding is seen.
std::vector<uint8_t> Floats(int count) {
  std::vector<float> values;
  for (int i = 0; i < count; ++i) values.push_back(1.0f + static_cast<float>(i) * 0.37f);
  return BytesOf(values);
}

void AddBoxes(std::vector<InstructionCase>& cases) {
  const std::tuple<const char*, const char*, int, const char*> kBoxes[] = {
      {"rank1", "f32, 100, box 32", 32, "80"},
      {"inside", "f32, 40x24, strides 192, box 8x4", 32, "4, 3"},
      {"above", "f32, 40x24, strides 192, box 8x4", 32, "-4, -2"},
      {"below", "f32, 40x24, strides 192, box 8x4", 32, "36, 22"},
      {"far", "f32, 40x24, strides 192, box 8x4", 32, "-100, 5"},
      {"rank3", "f32, 9x5x7, strides 48x240, box 4x4x4", 64, "8, 2, 5"},
      {"rank4", "f32, 9x5x3x4, strides 48x240x720, box 4x2x2x2", 32, "4, 4, -1, 3"},
      {"rank5", "f32, 7x3x3x3x3, strides 32x96x288x864, box 4x2x2x2x2", 64, "4, 2, 1, 0, 2"},
      {"nan", "f32, 40x24, strides 192, box 8x4, nan", 32, "36, 0"},
      {"tf32", "f32, 40x24, strides 192, box 8x4, tf32", 32, "0, 0"},
      {"steps", "f32, 40x24, strides 192, box 8x8, element_strides 1x2", 32, "4, 3"},
      {"promoted", "f32, 40x24, strides 192, box 8x4, promotion 256", 32, "4, 3"},
      {"swizzle32", "f32, 8x40, strides 32, box 8x16, swizzle 32", 128, "0, 3"},
      {"swizzle64", "f32, 16x40, strides 64, box 16x16, swizzle 64", 256, "0, 3"},
      {"swizzle128", "f32, 32x40, strides 128, box 32x16, swizzle 128", 512, "0, 3"}};
  for (const auto& [name, map, words, at] : kBoxes) {
    cases.push_back({absl::StrCat("box_", name), BoxKernel(map, words, at), {{"x", Floats(4096)}}});
  }
}

// Images of 8 channels, 7 × 5 × 3 pixels at the most: forward, with padding, strides, dilation and
// swizzle; loads that go over rows, images and the end.
void AddImages(std::vector<InstructionCase>& cases) {
  const std::tuple<const char*, const char*, int, int, const char*> kImages[] = {
      {"line", "f32, 8x7x9, strides 32x224, box 8x16, im2col 0:0", 128, 3, "0, 0, 2, 1"},
      {"padded_line", "f32, 8x7x9, strides 32x224, box 4x24, im2col -1:-1", 96, 3, "2, 4, -1, 0"},
      {"plane", "f32, 8x7x5x4, strides 32x224x1120, box 8x32, im2col -1:-1 -1:-1", 256, 4,
       "2, 1, 0, -1, -1, 0"},
      {"plane_middle", "f32, 8x7x5x4, strides 32x224x1120, box 8x64, im2col -1:-1 -1:-1", 512, 4,
       "0, 2, 0, 3, 2, 1"},
      {"plane_end", "f32, 8x7x5x4, strides 32x224x1120, box 8x64, im2col -1:-1 -1:-1", 512, 4,
       "1, 1, 0, 3, 2, 3"},
      {"plane_strided",
       "f32, 8x7x5x4, strides 32x224x1120, box 8x32, element_strides 1x2x2x1, im2col -1:-1 -1:-1",
       256, 4, "1, 2, 0, 1, -1, 0"},
      {"plane_dilated",
       "f32, 8x7x5x4, strides 32x224x1120, box 4x32, element_strides 1x3x1x1, im2col -2:-2 -2:-2",
       128, 4, "4, 2, 4, -2, 0, 1"},
      {"plane_swizzled",
       "bf16, 16x7x5x4, strides 32x224x1120, box 16x64, swizzle 32, im2col -1:-1 -1:-1", 512, 4,
       "2, 2, 0, 0, 0, 0"},
      {"solid", "f32, 8x4x3x3x2, strides 32x128x384x1152, box 8x32, im2col -1:-1 -1:-1 -1:-1", 256,
       5, "1, 2, 0, 0, 1, -1, 1, 0"},
  };
  for (const auto& [name, map, words, rank, at] : kImages) {
    cases.push_back({absl::StrCat("im2col_", name),
                     BoxKernel(map, words, at, absl::StrCat("tensor_load_im2col_", rank, "d")),
                     {{"x", Floats(4096)}}});
  }
}

// Products of doubles with digits to the end, which show the order of the sums.
void AddDoubles(std::vector<InstructionCase>& cases) {
  std::vector<double> values;
  for (int i = 0; i < 512; ++i) values.push_back(std::sin(i + 1.0) * (i % 7 == 0 ? 1e6 : 1.0));
  cases.push_back({"mma_f64",
                   "kernel @k(%x: buffer<f64, 512, readonly>, %y: buffer<f64, 64>) grid 1 block 32 "
                   "{\n  store %y[lane*2] = mma_f64(load %x[lane] : f64, load %x[lane + 64] : f64, "
                   "load %x[lane*2 + 128] : f64x2)\n}\n",
                   {{"x", BytesOf(values)}}});
  cases.push_back({"mma_f64_k16",
                   "kernel @k(%x: buffer<f64, 512, readonly>, %y: buffer<f64, 128>) grid 1 block "
                   "32 {\n  store %y[lane*4] = mma_f64_k16(load %x[lane*8] : f64x8, load %x[lane*4 "
                   "+ 256] : f64x4, load %x[lane*4 + 384] : f64x4)\n}\n",
                   {{"x", BytesOf(values)}}});
}

void AddProduct(const ProductCase& c, std::vector<InstructionCase>& cases) {
  const Product product(c, cases.size());
  cases.push_back({c.Name(),
                   product.Text(),
                   {{"x", BytesOf(product.SharedWords())}, {"r", BytesOf(product.Registers())}}});
}

}  // namespace

std::vector<InstructionCase> InstructionCases() {
  std::vector<InstructionCase> cases = {{"bulk_load", kBulkLoad, {{"x", Floats(256)}}},
                                        {"ring", kRing, {{"x", Floats(224)}}},
                                        {"bulk_store", kBulkStore, {}},
                                        {"tensor_store", kTensorStore, {}}};
  AddBoxes(cases);
  AddImages(cases);
  AddDoubles(cases);
  for (int n : {8, 24, 64, 256}) {
    for (int swizzle : {0, 32, 64, 128}) {
      for (bool in_registers : {false, true}) {
        if (n != 64 && swizzle != 128) continue;
        for (const ProductCase& c : ProductsOf(n, swizzle, in_registers)) AddProduct(c, cases);
      }
    }
  }
  for (int swizzle : {0, 32, 64, 128}) {
    for (int form = 1; form < 4; ++form) {
      ProductCase c{"wgmma_bf16", E::kBF16, E::kBF16, 128, swizzle, swizzle};
      c.a_along_rows = form % 2 == 1;
      c.b_along_rows = form / 2 == 1;
      AddProduct(c, cases);
    }
  }
  // Last: where a card refuses it, its context is lost.
  cases.push_back({"cluster", kCluster, {{"x", Floats(256)}}});
  cases.push_back({"shared_addresses", kSharedAddresses, {}});
  return cases;
}

}  // namespace ingot::test
