// Bank conflicts counted lane by lane, and swizzles that have none.
#include "compiler/layout/shared.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "compiler/layout/fragments.h"
#include "tests/compiler/layout/layouts.h"

namespace ingot::layout {
namespace {

int BitsOf(const Layout& layout, absl::string_view input) {
  return static_cast<int>(layout.ImagesOf(input).size());
}

// Of (register, lane, warp) → offset: every access of every warp, word by word.
int CountConflicts(const Layout& access, int element_bytes, int vector_bytes) {
  const int registers = 1 << BitsOf(access, "register"), lanes = 1 << BitsOf(access, "lane");
  const int at_once = std::min(lanes, vector_bytes <= 4 ? 32 : 128 / vector_bytes);
  size_t most = 0;
  for (int64_t warp = 0; warp < 1 << BitsOf(access, "warp"); ++warp) {
    for (int64_t r = 0; r < registers; ++r) {
      for (int64_t first = 0; first < lanes; first += at_once) {
        std::map<int64_t, std::set<int64_t>> banks;  // bank → words
        for (int64_t lane = first; lane < first + at_once; ++lane) {
          const int64_t address = access.At({r, lane, warp})[0] * element_bytes;
          const int64_t begin = address / vector_bytes * vector_bytes;
          for (int64_t word = begin / 4; word <= (begin + vector_bytes - 1) / 4; ++word) {
            banks[word % 32].insert(word);
          }
        }
        for (const auto& [bank, words] : banks) most = std::max(most, words.size());
      }
    }
  }
  return static_cast<int>(most);
}

// The elements of a vector are in registers of the lane.
bool HasVectors(const Layout& access, int element_bytes, int vector_bytes) {
  for (int64_t lane = 0; lane < 1 << BitsOf(access, "lane"); ++lane) {
    for (int64_t warp = 0; warp < 1 << BitsOf(access, "warp"); ++warp) {
      std::set<int64_t> offsets;
      for (int64_t r = 0; r < 1 << BitsOf(access, "register"); ++r) {
        offsets.insert(access.At({r, lane, warp})[0]);
      }
      const int64_t elements = vector_bytes / element_bytes;
      for (int64_t offset : offsets) {
        const int64_t begin = offset / elements * elements;
        for (int64_t i = 0; i < elements; ++i) {
          if (!offsets.contains(begin + i)) return false;
        }
      }
    }
  }
  return true;
}

TEST(BankConflicts, AreWhatCountingGives) {
  std::mt19937 random(1);
  std::map<int, int> seen;
  for (int round = 0; round < 400; ++round) {
    const int registers = random() % 4, lanes = round % 3 == 0 ? random() % 5 : 5;
    std::vector<Dimension> inputs = {{"register", registers}, {"lane", lanes}, {"warp", 1}};
    const int bits = registers + lanes + 1;
    const int more = random() % 4;
    const Layout access = round % 2 == 0 ? RandomLayout(random, inputs, {{"offset", bits + more}})
                                         : RandomSurjection(random, inputs, {{"offset", bits}}, 0);
    for (int element : {1, 2, 4, 8, 16}) {
      const int widest = VectorBytes(access, element);
      EXPECT_TRUE(HasVectors(access, element, widest));
      EXPECT_TRUE(widest == 16 || !HasVectors(access, element, 2 * widest)) << ToString(access);
      for (int vector = element; vector <= widest; vector *= 2) {
        const int conflicts = BankConflicts(access, element, vector);
        ASSERT_EQ(conflicts, CountConflicts(access, element, vector))
            << ToString(access) << " of " << element << " bytes by " << vector;
        ++seen[conflicts];
      }
    }
  }
  EXPECT_GE(seen.size(), 4u);  // 1, 2, 4, 8 ways
}

TEST(BankConflicts, KnownAccesses) {
  const auto conflicts = [](absl::string_view text, int element, int vector) {
    return BankConflicts(Parse(text), element, vector);
  };
  EXPECT_EQ(conflicts("lane: (1) (2) (4) (8) (16) -> offset: 32", 4, 4), 1);
  EXPECT_EQ(conflicts("lane: (32) (64) (128) (256) (512) -> offset: 1024", 4, 4), 32);
  EXPECT_EQ(conflicts("lane: (0) (0) (0) (0) (0) -> offset: 1", 4, 4), 1);
  // Rows of 128 bytes, 16 bytes a lane: one row a lane.
  EXPECT_EQ(conflicts("register: (1) (2) (4); lane: (64) (128) (256) (512) (1024) -> offset: 2048",
                      2, 16),
            8);
}

// ----- Swizzles

void CheckSwizzle(const Layout& write, const Layout& read, int element_bytes) {
  const SharedLayout shared = ChooseSwizzle(write, read, element_bytes);
  const std::string what = ToString(write) + " to " + ToString(read) + " of " +
                           std::to_string(element_bytes) + ": " + ToString(shared.layout);
  EXPECT_TRUE(shared.layout.IsInjective()) << what;
  EXPECT_TRUE(shared.layout.IsSurjective()) << what;
  const std::pair<const Layout*, int> sides[] = {{&write, shared.write_bytes},
                                                 {&read, shared.read_bytes}};
  for (const auto& [side, bytes] : sides) {
    const Layout access = Compose(shared.layout, *side);
    EXPECT_GE(VectorBytes(access, element_bytes), bytes) << what;
    EXPECT_TRUE(HasVectors(access, element_bytes, bytes)) << what;
    EXPECT_EQ(BankConflicts(access, element_bytes, bytes), 1) << what;
    EXPECT_EQ(CountConflicts(access, element_bytes, bytes), 1) << what;
  }
}

// A warp's lanes along columns, registers and warps along rows; and the other way round.
Layout Along(absl::string_view fast, absl::string_view slow, int vector, int registers, int warps) {
  const Layout lanes =
      Product(Layout::Identity("register", fast, vector), Layout::Identity("lane", fast, 5));
  return Product(Product(lanes, Layout::Identity("register", slow, registers)),
                 Layout::Identity("warp", slow, warps));
}

Layout Ordered(const Layout& layout) {
  std::vector<uint64_t> images;
  std::vector<Dimension> outputs = {{"row", 0}, {"column", 0}};
  for (const Dimension& output : layout.outputs()) {
    outputs[output.name == "column"].bits = output.bits;
  }
  const bool swapped = layout.outputs()[0].name == "column";
  for (uint64_t image : layout.images()) {
    const int low = layout.outputs()[0].bits;
    const uint64_t first = image & ((uint64_t{1} << low) - 1), second = image >> low;
    images.push_back(swapped ? second | (first << outputs[0].bits) : image);
  }
  return Layout(layout.inputs(), outputs, images);
}

TEST(ChooseSwizzle, Transposes) {
  for (int element : {1, 2, 4, 8, 16}) {
    for (int vector = 0; element << vector <= 16; ++vector) {
      for (int warps = 0; warps <= 2; ++warps) {
        // 32 × 2^vector on both sides.
        const int registers = 5 + vector - warps;
        const Layout write = Ordered(Along("column", "row", vector, registers, warps));
        const Layout read = Ordered(Along("row", "column", vector, registers, warps));
        ASSERT_EQ(write.outputs(), read.outputs());
        CheckSwizzle(write, read, element);
        const SharedLayout shared = ChooseSwizzle(write, read, element);
        // One side is as wide as a lane's registers allow.
        EXPECT_EQ(std::max(shared.write_bytes, shared.read_bytes),
                  std::min(16, element << (vector + registers)));
      }
    }
  }
}

TEST(ChooseSwizzle, SameLayoutOnBothSidesIsWideOnBoth) {
  const Layout layout = Parse(
      "register: (0,1) (0,2) (0,4) (8,0); lane: (0,8) (0,16) (1,0) (2,0) "
      "(4,0); warp: (16,0) -> row: 32, column: 32");
  const SharedLayout shared = ChooseSwizzle(layout, layout, 2);
  EXPECT_EQ(shared.write_bytes, 16);
  EXPECT_EQ(shared.read_bytes, 16);
  CheckSwizzle(layout, layout, 2);
}

TEST(ChooseSwizzle, RandomDistributions) {
  std::mt19937 random(2);
  for (int round = 0; round < 300; ++round) {
    const int registers = random() % 5, warps = random() % 2;
    const int rows = random() % (registers + warps + 6);
    const std::vector<Dimension> outputs = {{"row", rows},
                                            {"column", registers + warps + 5 - rows}};
    const auto side = [&] {
      // Some elements are in several lanes, registers or warps.
      const int extra = random() % 3;
      return RandomSurjection(
          random, {{"register", registers + extra}, {"lane", 5}, {"warp", warps}}, outputs, extra);
    };
    const Layout write = side(), read = side();
    for (int element : {1, 2, 4, 8, 16}) CheckSwizzle(write, read, element);
  }
}

TEST(ChooseSwizzle, FewElements) {
  const Layout one = Parse("register: ; lane: (0) (0) (0) (0) (0); warp: -> row: 1");
  CheckSwizzle(one, one, 4);
  const Layout few = Parse("register: (1) (2); lane: (0) (0) (0) (0) (4); warp: -> row: 8");
  const Layout other = Parse("register: (4); lane: (1) (2) (0) (0) (0); warp: -> row: 8");
  for (int element : {1, 2, 4, 8, 16}) CheckSwizzle(few, other, element);
}

// The accumulator of a matrix product to rows of 16-byte stores.
TEST(ChooseSwizzle, Epilogue) {
  const Layout fragment = WgmmaAccumulator(64);
  const Layout rows = Parse(
      "register: (0,1) (0,2) (0,4) (16,0) (32,0); lane: (0,8) (0,16) (0,32) "
      "(1,0) (2,0); warp: (4,0) (8,0) -> row: 64, column: 64");
  for (int element : {1, 2, 4}) CheckSwizzle(fragment, rows, element);
}

}  // namespace
}  // namespace ingot::layout
