// Orders of commands against all orders of small graphs.
#include "passes/memory_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

namespace ingot {
namespace {

// Each command defines one array, which up to three later ones read.
MemoryGraph Draw(int commands, uint64_t seed) {
  std::mt19937_64 random(seed);
  MemoryGraph graph;
  for (int c = 0; c < commands; ++c) {
    MemoryGraph::Command command;
    command.defines = {c};
    command.bytes = static_cast<int64_t>(random() % 4);
    command.only_names = false;
    for (int k = 0; k < 3 && c > 0; ++k) command.reads.push_back(static_cast<int>(random() % c));
    std::sort(command.reads.begin(), command.reads.end());
    command.reads.erase(std::unique(command.reads.begin(), command.reads.end()),
                        command.reads.end());
    command.before = command.reads;  // array c is of command c
    graph.commands.push_back(command);
    graph.arrays.push_back({static_cast<int64_t>(random() % 20), random() % 8 == 0});
  }
  return graph;
}

bool IsTopological(const MemoryGraph& graph, const std::vector<int>& order) {
  std::vector<bool> done(graph.commands.size(), false);
  for (int c : order) {
    for (int before : graph.commands[c].before) {
      if (!done[before]) return false;
    }
    if (done[c]) return false;
    done[c] = true;
  }
  return order.size() == graph.commands.size();
}

// By definition, array by array.
int64_t SlowPeak(const MemoryGraph& graph, const std::vector<int>& order) {
  std::vector<int> position(order.size());
  for (size_t i = 0; i < order.size(); ++i) position[order[i]] = static_cast<int>(i);
  int64_t peak = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    int64_t alive = graph.commands[order[i]].bytes;
    for (int c = 0; c < static_cast<int>(order.size()); ++c) {
      int last = position[c];
      for (int reader = 0; reader < static_cast<int>(order.size()); ++reader) {
        const std::vector<int>& reads = graph.commands[reader].reads;
        if (std::find(reads.begin(), reads.end(), c) != reads.end()) {
          last = std::max(last, position[reader]);
        }
      }
      if (graph.arrays[c].kept) last = static_cast<int>(order.size());
      const int now = static_cast<int>(i);
      if (position[c] <= now && now <= last) alive += graph.arrays[c].bytes;
    }
    peak = std::max(peak, alive);
  }
  return peak;
}

TEST(MemoryOrder, IsAnOrderNoWorseThanTheGivenOne) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const MemoryGraph graph = Draw(40, seed);
    std::vector<int> given(40);
    std::iota(given.begin(), given.end(), 0);
    EXPECT_EQ(PeakOf(graph, given), SlowPeak(graph, given)) << "seed " << seed;
    const std::vector<int> order = OrderForMemory(graph);
    ASSERT_TRUE(IsTopological(graph, order)) << "seed " << seed;
    EXPECT_EQ(PeakOf(graph, order), SlowPeak(graph, order)) << "seed " << seed;
    EXPECT_LE(PeakOf(graph, order), PeakOf(graph, given)) << "seed " << seed;
  }
}

TEST(MemoryOrder, IsNearTheBestOfSmallGraphs) {
  int64_t sum = 0, best_sum = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const MemoryGraph graph = Draw(7, seed);
    std::vector<int> order(7);
    std::iota(order.begin(), order.end(), 0);
    int64_t best = std::numeric_limits<int64_t>::max();
    do {
      if (IsTopological(graph, order)) best = std::min(best, SlowPeak(graph, order));
    } while (std::next_permutation(order.begin(), order.end()));
    best_sum += best;
    sum += PeakOf(graph, OrderForMemory(graph));
  }
  EXPECT_GE(sum, best_sum);
  EXPECT_LE(sum, best_sum * 21 / 20);
}

// Values made long before they are read, as weights that are converted ahead, and values that stay
// long, as what a forward pass keeps: none of the orders is the best of both.
TEST(MemoryOrder, MakesValuesWhereTheyAreRead) {
  MemoryGraph graph;
  for (int c = 0; c < 10; ++c) graph.commands.push_back({{}, {c}, {}, 0, false});
  for (int c = 10; c < 20; ++c) {
    graph.commands.push_back({{c - 10}, {c}, {c - 10}, 0, false});
    if (c == 10) continue;
    graph.commands.back().before.push_back(c - 1);
    graph.commands.back().reads.push_back(c - 1);
  }
  graph.arrays.assign(10, {100, false});
  graph.arrays.resize(20, {10, false});
  EXPECT_EQ(PeakOf(graph, OrderForMemory(graph)), 120);
}

}  // namespace
}  // namespace ingot
