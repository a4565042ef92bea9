// The fragments against the formulas of the instructions' documentation.
#include "compiler/layout/fragments.h"

#include <gtest/gtest.h>

#include "compiler/layout/shared.h"

namespace ingot::layout {
namespace {

using At = std::vector<int64_t>;

TEST(Fragments, Mma) {
  for (int64_t lane = 0; lane < 32; ++lane) {
    const int64_t group = lane / 4, place = lane % 4;
    for (int64_t i = 0; i < 8; ++i) {
      const int64_t row = group + (i % 4 >= 2 ? 8 : 0);
      const int64_t k = place * 2 + i % 2 + (i >= 4 ? 8 : 0);
      EXPECT_EQ(MmaA().At({i, lane}), (At{row, k}));
    }
    for (int64_t i = 0; i < 4; ++i) {
      EXPECT_EQ(MmaB().At({i, lane}), (At{place * 2 + i % 2 + (i >= 2 ? 8 : 0), group}));
      EXPECT_EQ(MmaAccumulator().At({i, lane}), (At{group + (i >= 2 ? 8 : 0), place * 2 + i % 2}));
    }
    for (int64_t i = 0; i < 2; ++i) {
      EXPECT_EQ(LdMatrix(false).At({i, lane}), (At{group, place * 2 + i}));
      EXPECT_EQ(LdMatrix(true).At({i, lane}), (At{place * 2 + i, group}));
    }
  }
}

TEST(Fragments, MmaIsMadeOfLdMatrix) {
  EXPECT_TRUE(Divide(MmaAccumulator(), LdMatrix(false)).has_value());
}

TEST(Fragments, Wgmma) {
  for (int columns : {8, 64, 256}) {
    const Layout layout = WgmmaAccumulator(columns);
    EXPECT_TRUE(layout.IsInjective());
    EXPECT_TRUE(layout.IsSurjective());
    for (int64_t i = 0; i < columns / 2; ++i) {
      for (int64_t lane = 0; lane < 32; ++lane) {
        for (int64_t warp = 0; warp < 4; ++warp) {
          const int64_t row = 16 * warp + lane / 4 + (i % 4 >= 2 ? 8 : 0);
          const int64_t column = 8 * (i / 4) + lane % 4 * 2 + i % 2;
          ASSERT_EQ(layout.At({i, lane, warp}), (At{row, column}));
        }
      }
    }
  }
}

TEST(Fragments, CopySwizzle) {
  for (int row_bytes : {32, 64, 128}) {
    const int64_t pieces = row_bytes / 16;
    for (int64_t element : {1, 2, 4}) {
      const Layout layout = CopySwizzle(row_bytes, static_cast<int>(element), 5);
      for (int64_t row = 0; row < 32; ++row) {
        for (int64_t column = 0; column < row_bytes / element; ++column) {
          int64_t address = row * row_bytes + column * element;
          address ^= ((address >> 7) & (pieces - 1)) << 4;
          ASSERT_EQ(layout.At({row, column}), At{address / element});
        }
      }
    }
  }
}

// Eight rows' pieces of 16 bytes, which ldmatrix reads at once, are in different banks.
TEST(Fragments, CopySwizzleHasNoConflictsForLdMatrix) {
  for (int row_bytes : {32, 64, 128}) {
    const Layout rows = Product(Layout::Identity(kLane, "row", 5),
                                Layout::Identity(kRegister, "column", row_bytes == 32 ? 4 : 5));
    const Layout padded =
        row_bytes == 128 ? Product(rows, Layout::Identity(kWarp, "column", 1)) : rows;
    const Layout access = Compose(CopySwizzle(row_bytes, 2, 5), padded);
    EXPECT_EQ(VectorBytes(access, 2), 16);
    EXPECT_EQ(BankConflicts(access, 2, 16), 1) << row_bytes;
  }
}

}  // namespace
}  // namespace ingot::layout
