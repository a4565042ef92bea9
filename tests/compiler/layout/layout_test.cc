// The laws of layouts, at every index.
#include "compiler/layout/layout.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "compiler/layout/subspace.h"
#include "tests/compiler/layout/layouts.h"

namespace ingot::layout {
namespace {

constexpr int kRounds = 200;

uint64_t Inputs(const Layout& layout) { return uint64_t{1} << layout.input_bits(); }
uint64_t Outputs(const Layout& layout) { return uint64_t{1} << layout.output_bits(); }

int Random(std::mt19937& random, int low, int high) {
  return low + static_cast<int>(random() % (high - low + 1));
}

Layout SomeLayout(std::mt19937& random) {
  return RandomLayout(random,
                      {{"register", Random(random, 0, 3)},
                       {"lane", Random(random, 0, 4)},
                       {"warp", Random(random, 0, 2)}},
                      {{"row", Random(random, 0, 4)}, {"column", Random(random, 0, 4)}});
}

TEST(Layout, TheExampleOfTheHeader) {
  const Layout layout = Parse(
      "register: (0,1); lane: (0,2) (0,4) (1,0) (2,0) (4,0) -> "
      "row: 8, column: 8");
  EXPECT_EQ(layout.At({1, 9}), (std::vector<int64_t>{2, 3}));
  EXPECT_TRUE(layout.IsInjective());
  EXPECT_TRUE(layout.IsSurjective());
}

TEST(Layout, IsLinear) {
  std::mt19937 random(1);
  for (int round = 0; round < 20; ++round) {
    const Layout layout = SomeLayout(random);
    for (uint64_t x = 0; x < Inputs(layout); ++x) {
      for (uint64_t y = 0; y < Inputs(layout); ++y) {
        ASSERT_EQ(layout.Map(x ^ y), layout.Map(x) ^ layout.Map(y));
      }
    }
  }
}

TEST(Layout, AtIsMapByDimensions) {
  std::mt19937 random(2);
  for (int round = 0; round < kRounds; ++round) {
    const Layout layout = SomeLayout(random);
    const int rows = layout.outputs()[0].bits;
    for (int64_t r = 0; r < 1 << layout.inputs()[0].bits; ++r) {
      for (int64_t l = 0; l < 1 << layout.inputs()[1].bits; ++l) {
        for (int64_t w = 0; w < 1 << layout.inputs()[2].bits; ++w) {
          const uint64_t input = r | (l << layout.inputs()[0].bits) |
                                 (w << (layout.inputs()[0].bits + layout.inputs()[1].bits));
          const std::vector<int64_t> at = layout.At({r, l, w});
          ASSERT_EQ(layout.Map(input), static_cast<uint64_t>(at[0] | (at[1] << rows)));
        }
      }
    }
  }
}

TEST(Layout, InjectiveAndSurjective) {
  std::mt19937 random(3);
  int injective = 0, surjective = 0;
  for (int round = 0; round < kRounds; ++round) {
    const Layout layout = SomeLayout(random);
    std::set<uint64_t> images;
    for (uint64_t x = 0; x < Inputs(layout); ++x) images.insert(layout.Map(x));
    EXPECT_EQ(layout.IsInjective(), images.size() == Inputs(layout)) << ToString(layout);
    EXPECT_EQ(layout.IsSurjective(), images.size() == Outputs(layout)) << ToString(layout);
    injective += layout.IsInjective();
    surjective += layout.IsSurjective();
  }
  EXPECT_GT(injective, 10);
  EXPECT_GT(surjective, 10);
}

TEST(Layout, Compose) {
  std::mt19937 random(4);
  for (int round = 0; round < kRounds; ++round) {
    const Layout inner = SomeLayout(random);
    const Layout outer = RandomLayout(random, inner.outputs(), {{"offset", Random(random, 0, 8)}});
    const Layout composed = Compose(outer, inner);
    EXPECT_EQ(composed.inputs(), inner.inputs());
    EXPECT_EQ(composed.outputs(), outer.outputs());
    for (uint64_t x = 0; x < Inputs(inner); ++x) {
      ASSERT_EQ(composed.Map(x), outer.Map(inner.Map(x)));
    }
  }
}

TEST(Layout, Invert) {
  std::mt19937 random(5);
  int inverses = 0;
  for (int round = 0; round < kRounds; ++round) {
    const Layout layout = SomeLayout(random);
    const std::optional<Layout> inverse = Invert(layout);
    ASSERT_EQ(inverse.has_value(), layout.IsSurjective()) << ToString(layout);
    if (!inverse.has_value()) continue;
    EXPECT_EQ(inverse->inputs(), layout.outputs());
    EXPECT_EQ(inverse->outputs(), layout.inputs());
    for (uint64_t y = 0; y < Outputs(layout); ++y) ASSERT_EQ(layout.Map(inverse->Map(y)), y);
    if (!layout.IsInjective()) continue;
    ++inverses;
    for (uint64_t x = 0; x < Inputs(layout); ++x) ASSERT_EQ(inverse->Map(layout.Map(x)), x);
  }
  EXPECT_GT(inverses, 3);
}

// An element that several lanes have is the first lane's.
TEST(Layout, InverseOfABroadcastTakesTheFirst) {
  const Layout layout = Parse("register: (1); lane: (0) (2) (2) -> row: 4");
  EXPECT_EQ(ToString(*Invert(layout)), "row: (1,0) (0,2) -> register: 2, lane: 8");
}

TEST(Layout, Product) {
  std::mt19937 random(6);
  for (int round = 0; round < kRounds; ++round) {
    const int lanes = Random(random, 0, 3), more_lanes = Random(random, 0, 2);
    const int columns = Random(random, 0, 2), more_columns = Random(random, 0, 3);
    const Layout low =
        RandomLayout(random, {{"register", 2}, {"lane", lanes}}, {{"row", 2}, {"column", columns}});
    const Layout high = RandomLayout(random, {{"lane", more_lanes}, {"warp", 2}},
                                     {{"column", more_columns}, {"depth", 1}});
    const Layout product = Product(low, high);
    EXPECT_EQ(product.inputs(),
              (std::vector<Dimension>{{"register", 2}, {"lane", lanes + more_lanes}, {"warp", 2}}));
    for (int64_t r = 0; r < 4; ++r) {
      for (int64_t l = 0; l < 1 << (lanes + more_lanes); ++l) {
        for (int64_t w = 0; w < 4; ++w) {
          const std::vector<int64_t> a = low.At({r, l & ((1 << lanes) - 1)});
          const std::vector<int64_t> b = high.At({l >> lanes, w});
          ASSERT_EQ(product.At({r, l, w}),
                    (std::vector<int64_t>{a[0], a[1] | (b[0] << columns), b[1]}));
        }
      }
    }
    const std::optional<Layout> quotient = Divide(product, low);
    ASSERT_TRUE(quotient.has_value());
    EXPECT_EQ(Product(low, *quotient), product);
    for (int64_t l = 0; l < 1 << more_lanes; ++l) {
      for (int64_t w = 0; w < 4; ++w) {
        const std::vector<int64_t> b = high.At({l, w});
        ASSERT_EQ(quotient->At({0, l, w}), (std::vector<int64_t>{0, b[0], b[1]}));
      }
    }
  }
}

// Whatever divides is a factor, and whatever is no factor does not divide.
TEST(Layout, Divide) {
  std::mt19937 random(7);
  int quotients = 0;
  for (int round = 0; round < 2000; ++round) {
    const Layout layout = RandomLayout(random, {{"lane", 3}}, {{"row", 1}, {"column", 2}});
    const int bits = Random(random, 0, 2);
    const Layout low = RandomLayout(random, {{"lane", bits}}, {{"column", bits}, {"row", 0}});
    const std::optional<Layout> quotient = Divide(layout, low);
    // By the definition: low lanes give low columns, the others none of these.
    bool divides = true;
    for (int64_t l = 0; l < 8; ++l) {
      const int64_t below = l & ((1 << bits) - 1);
      const std::vector<int64_t> whole = layout.At({l}), of_low = low.At({below});
      const std::vector<int64_t> rest = layout.At({l - below});
      divides = divides && (rest[1] & ((1 << bits) - 1)) == 0 &&
                (whole[1] ^ rest[1]) == of_low[0] && whole[0] == rest[0];
    }
    EXPECT_EQ(quotient.has_value(), divides) << ToString(layout) << " by " << ToString(low);
    quotients += quotient.has_value();
  }
  EXPECT_GT(quotients, 100);
  const Layout lanes = Layout::Identity("lane", "row", 2);
  EXPECT_FALSE(Divide(lanes, Layout::Identity("lane", "row", 3)).has_value());
  EXPECT_FALSE(Divide(lanes, Layout::Zero("warp", "row", 1)).has_value());
}

TEST(Layout, DimensionsRegroup) {
  const Layout layout = Parse("lane: (1,0) (0,1) -> row: 2, column: 2");
  EXPECT_EQ(ToString(layout.WithOutputs({{"offset", 2}})), "lane: (1) (2) -> offset: 4");
  EXPECT_EQ(ToString(layout.WithInputs({{"register", 1}, {"lane", 1}})),
            "register: (1,0); lane: (0,1) -> row: 2, column: 2");
  EXPECT_EQ(Layout::Zero("lane", "row", 2), Parse("lane: (0) (0) -> row: 1"));
  EXPECT_EQ(Layout::Identity("lane", "row", 2), Parse("lane: (1) (2) -> row: 4"));
  EXPECT_NE(Layout::Identity("lane", "row", 2), Layout::Identity("lane", "column", 2));
}

// ----- Text

TEST(LayoutText, PrintsAndParses) {
  std::mt19937 random(8);
  for (int round = 0; round < kRounds; ++round) {
    const Layout layout = SomeLayout(random);
    EXPECT_EQ(Parse(ToString(layout)), layout) << ToString(layout);
  }
  for (const char* text : {"-> ", "-> row: 1", "lane: -> row: 4", "lane: () () -> ",
                           "a_1: (1) (0); B: (3) -> offset: 4"}) {
    EXPECT_EQ(ToString(Parse(text)), text);
  }
  EXPECT_EQ(Parse(" lane:(1)( 2 )->row:4 "), Layout::Identity("lane", "row", 2));
}

TEST(LayoutText, RefusesWhatIsNone) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "layout: character 1: expected a name"},
      {"lane", "layout: character 5: expected :"},
      {"lane: (1", "layout: character 9: expected )"},
      {"lane: (1) row: 2", "layout: character 11: expected ->"},
      {"lane: (1) -> row: 3", "layout: character 20: the size is not a power of two"},
      {"lane: (1) -> row: 0", "layout: character 20: the size is not a power of two"},
      {"lane: (1) -> row: 2 x", "layout: character 21: expected the end"},
      {"lane: (2) -> row: 2", "layout: lane: 2 is outside row"},
      {"lane: (1,1) -> row: 2", "layout: lane: an image of 2 indices, expected 1"},
      {"lane: (1); lane: (1) -> row: 2", "layout: lane is there twice"},
      {"-> row: 4611686018427387904, column: 2", "layout: 63 bits, at most 62"},
      {"-> row: 99999999999999999999999", "layout: character 27: the number is too large"},
  };
  for (const auto& [text, message] : cases) {
    const absl::StatusOr<Layout> layout = ParseLayout(text);
    EXPECT_EQ(layout.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_EQ(layout.status().message(), message) << text;
  }
}

// Broken text is refused or is another layout.
TEST(LayoutText, SurvivesChanges) {
  const std::string text = "register: (0,1); lane: (0,2) (4,0) -> row: 8, column: 4";
  constexpr absl::string_view kCharacters = "0189(),:;-> r";
  std::mt19937 random(11);
  int parsed = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string changed = text;
    for (int i = Random(random, 1, 3); i > 0; --i) {
      const char with = kCharacters[random() % kCharacters.size()];
      changed[random() % changed.size()] = with;
      if (random() % 3 == 0) changed.insert(random() % changed.size(), 1, with);
    }
    const absl::StatusOr<Layout> layout = ParseLayout(changed);
    if (!layout.ok()) continue;
    ++parsed;
    ASSERT_EQ(Parse(ToString(*layout)), *layout) << changed;
  }
  EXPECT_GT(parsed, 100);
}

// ----- Subspaces

std::set<uint64_t> Elements(const Subspace& space) {
  std::set<uint64_t> elements;
  for (uint64_t chosen = 0; chosen < uint64_t{1} << space.dimension(); ++chosen) {
    uint64_t sum = 0;
    for (int i = 0; i < space.dimension(); ++i) {
      if ((chosen >> i) & 1) sum ^= space.basis()[i];
    }
    elements.insert(sum);
  }
  return elements;
}

Subspace RandomSubspace(std::mt19937& random, int bits, int vectors) {
  Subspace space;
  for (int i = 0; i < vectors; ++i) space.Add(random() & ((uint64_t{1} << bits) - 1));
  return space;
}

TEST(Subspace, ContainsSolvesAndIntersects) {
  std::mt19937 random(9);
  for (int round = 0; round < kRounds; ++round) {
    const int bits = Random(random, 1, 7);
    const Subspace a = RandomSubspace(random, bits, Random(random, 0, 6));
    const Subspace b = RandomSubspace(random, bits, Random(random, 0, 6));
    const std::set<uint64_t> in_a = Elements(a), in_b = Elements(b);
    EXPECT_EQ(in_a.size(), size_t{1} << a.dimension());
    const std::set<uint64_t> in_both = Elements(Intersection(a, b));
    for (uint64_t vector = 0; vector < uint64_t{1} << bits; ++vector) {
      ASSERT_EQ(a.Contains(vector), in_a.contains(vector));
      ASSERT_EQ(in_both.contains(vector), in_a.contains(vector) && in_b.contains(vector));
      const std::optional<uint64_t> sum = a.Solve(vector);
      ASSERT_EQ(sum.has_value(), in_a.contains(vector));
      if (!sum.has_value()) continue;
      uint64_t value = 0;
      for (int i = 0; i < a.dimension(); ++i) {
        if ((*sum >> i) & 1) value ^= a.basis()[i];
      }
      ASSERT_EQ(value, vector);
    }
  }
}

TEST(Subspace, CommonComplement) {
  std::mt19937 random(10);
  for (int round = 0; round < kRounds; ++round) {
    const int bits = Random(random, 1, 8);
    Subspace a = RandomSubspace(random, bits, Random(random, 0, bits));
    Subspace b = RandomSubspace(random, bits, Random(random, 0, bits));
    while (a.dimension() < b.dimension()) a.Add(random() % (1 << bits));
    while (b.dimension() < a.dimension()) b.Add(random() % (1 << bits));
    const Subspace complement = CommonComplement(a, b, bits);
    EXPECT_EQ(complement.dimension(), bits - a.dimension());
    EXPECT_EQ(Intersection(a, complement).dimension(), 0);
    EXPECT_EQ(Intersection(b, complement).dimension(), 0);
  }
}

}  // namespace
}  // namespace ingot::layout
