#include "compiler/layout/fragments.h"

#include <bit>

#include "ir/base/check.h"

namespace ingot::layout {
namespace {

Layout Parsed(absl::string_view text) {
  absl::StatusOr<Layout> layout = ParseLayout(text);
  INGOT_CHECK(layout.ok()) << std::string(layout.status().message());
  return *std::move(layout);
}

int Log2(int number) {
  INGOT_CHECK(number > 0 && std::has_single_bit(static_cast<unsigned>(number))) << number;
  return std::countr_zero(static_cast<unsigned>(number));
}

}  // namespace

Layout MmaA() {
  return Parsed(
      "register: (0,1) (8,0) (0,8); lane: (0,2) (0,4) (1,0) (2,0) (4,0) -> row: 16, k: 16");
}

Layout MmaB() {
  return Parsed("register: (1,0) (8,0); lane: (2,0) (4,0) (0,1) (0,2) (0,4) -> k: 16, column: 8");
}

Layout MmaAccumulator() {
  return Parsed("register: (0,1) (8,0); lane: (0,2) (0,4) (1,0) (2,0) (4,0) -> row: 16, column: 8");
}

Layout LdMatrix(bool transposed) {
  return transposed
             ? Parsed("register: (1,0); lane: (2,0) (4,0) (0,1) (0,2) (0,4) -> row: 8, column: 8")
             : Parsed("register: (0,1); lane: (0,2) (0,4) (1,0) (2,0) (4,0) -> row: 8, column: 8");
}

// A warp has 16 rows; the columns are pieces of eight.
Layout WgmmaAccumulator(int columns) {
  INGOT_CHECK(columns >= 8 && columns <= 256) << columns;
  const Layout pieces = Layout::Identity(kRegister, "column", Log2(columns) - 3);
  const Layout warps = Layout::Identity(kWarp, "row", 2);
  return Product(Product(MmaAccumulator(), pieces), warps);
}

Layout CopySwizzle(int row_bytes, int element_bytes, int row_bits) {
  INGOT_CHECK(row_bytes == 32 || row_bytes == 64 || row_bytes == 128) << row_bytes;
  const int element = Log2(element_bytes);
  const int column_bits = Log2(row_bytes) - element;
  const int pieces = Log2(row_bytes) - 4;
  INGOT_CHECK(element <= 4) << element_bytes;
  std::vector<uint64_t> images;
  for (int bit = 0; bit < row_bits; ++bit) {
    const int place = Log2(row_bytes) + bit;  // in the address
    const bool swizzles = place >= 7 && place < 7 + pieces;
    const uint64_t address = (uint64_t{1} << place) | (swizzles ? uint64_t{1} << (place - 3) : 0);
    images.push_back(address >> element);
  }
  for (int bit = 0; bit < column_bits; ++bit) images.push_back(uint64_t{1} << bit);
  return Layout({{"row", row_bits}, {"column", column_bits}}, {{"offset", row_bits + column_bits}},
                std::move(images));
}

}  // namespace ingot::layout
