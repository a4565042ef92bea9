// The law of MapLanes: what it says of lanes holds at every index.
#include "compiler/plan/lanes.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "ir/base/shape.h"
#include "ir/index_map/index_map.h"

namespace ingot::plan {
namespace {

// Calls `visit` with every index of `sizes`.
template <typename Visit>
void ForEachIndex(const std::vector<int64_t>& sizes, const Visit& visit) {
  std::vector<int64_t> index(sizes.size(), 0);
  for (int64_t left = Product(sizes); left > 0; --left) {
    visit(index);
    for (size_t d = sizes.size(); d-- > 0;) {
      if (++index[d] < sizes[d]) break;
      index[d] = 0;
    }
  }
}

// Returns how many vectors it looked at.
int CheckLaw(const IndexMap& map, const Lanes& lanes) {
  const std::optional<Lanes> mapped = MapLanes(map, lanes);
  if (!mapped.has_value()) return 0;
  int vectors = 0;
  ForEachIndex(map.sizes, [&](const std::vector<int64_t>& first) {
    const int64_t last = first[lanes.dim] + (lanes.count - 1) * lanes.stride;
    if (first[lanes.dim] % lanes.align != 0 || last >= map.sizes[lanes.dim] || last < 0) return;
    ++vectors;
    const auto base = map.Evaluate(first);
    for (int lane = 0; lane < lanes.count; ++lane) {
      std::vector<int64_t> index = first;
      index[lanes.dim] += lane * lanes.stride;
      const auto read = map.Evaluate(index);
      ASSERT_EQ(read.has_value(), base.has_value()) << map.ToString() << " lane " << lane;
      if (!base.has_value()) continue;
      std::vector<int64_t> expected = *base;
      if (mapped->count > 1) expected[mapped->dim] += lane * mapped->stride;
      ASSERT_EQ(*read, expected) << map.ToString() << " lane " << lane;
    }
    if (base.has_value() && mapped->count > 1) {
      ASSERT_EQ((*base)[mapped->dim] % mapped->align, 0) << map.ToString();
    }
  });
  return vectors;
}

IndexExpr D(int64_t i) { return IndexExpr::Dimension(i); }

std::vector<IndexMap> Maps() {
  IndexMap strided = IndexMap::Identity({12, 16});
  strided.results = {IndexExpr::Add(IndexExpr::Multiply(D(1), 2), IndexExpr::Constant(8)), D(0)};
  IndexMap reversed = IndexMap::Identity({12, 16});
  reversed.results[1] = IndexExpr::Add(IndexExpr::Multiply(D(1), -1), IndexExpr::Constant(15));
  IndexMap padded = IndexMap::Identity({12, 16});
  padded.results[1] = IndexExpr::Add(D(1), IndexExpr::Constant(-4));
  padded.conditions = {{padded.results[1], 0, 8}};
  IndexMap uneven = padded;
  uneven.conditions = {{padded.results[1], 0, 7}};
  IndexMap broadcast = IndexMap::Identity({12, 16});
  broadcast.results = {D(0)};
  return {IndexMap::Identity({12, 16}),
          ReshapeMap({12, 16}, {192}),
          ReshapeMap({12, 16}, {24, 8}),
          ReshapeMap({12, 16}, {4, 3, 2, 8}),
          ReshapeMap({12, 16}, {6, 32}),
          ReshapeMap({192}, {12, 16}),
          ReshapeMap({192}, {64, 3}),
          strided,
          reversed,
          padded,
          uneven,
          broadcast};
}

TEST(MapLanes, HoldsAtEveryIndex) {
  int vectors = 0;
  for (const IndexMap& map : Maps()) {
    for (int dim = 0; dim < map.rank(); ++dim) {
      for (int count : {2, 4, 8}) {
        for (int64_t align : {1, 2, 4, 8}) {
          vectors += CheckLaw(map, Lanes{count, dim, 1, align});
          vectors += CheckLaw(map, Lanes{count, dim, 2, align});
        }
      }
    }
  }
  EXPECT_GT(vectors, 10000);
}

TEST(MapLanes, AlignedLanesCrossNoRow) {
  const Lanes aligned{8, 0, 1, 8};
  EXPECT_EQ(MapLanes(ReshapeMap({192}, {12, 16}), aligned), (Lanes{8, 1, 1, 8}));
  const Lanes unaligned{8, 0, 1, 1};
  EXPECT_EQ(MapLanes(ReshapeMap({192}, {12, 16}), unaligned), std::nullopt);
}

TEST(MapLanes, BroadcastReadsOneElement) {
  IndexMap map = IndexMap::Identity({12, 16});
  map.results = {D(0)};
  EXPECT_EQ(MapLanes(map, Lanes{4, 1, 1, 4}), Lanes{});
}

TEST(LanesAlongDimension, FlatNeedsOneWideDimension) {
  const Lanes flat{4, -1, 1, 4};
  EXPECT_EQ(LanesAlongDimension(flat, {1, 16, 1}), (Lanes{4, 1, 1, 4}));
  EXPECT_EQ(LanesAlongDimension(flat, {2, 16}), std::nullopt);
}

}  // namespace
}  // namespace ingot::plan
