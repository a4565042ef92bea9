// Where buffers lie in the arena.
#include "compiler/buffers/buffers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

namespace ingot::buffers {
namespace {

constexpr int64_t kAlignment = 256;

int64_t Rounded(int64_t size) {
  return (std::max<int64_t>(size, 1) + kAlignment - 1) / kAlignment * kAlignment;
}

// No two buffers that are alive together share a byte, and the arena holds them all.
void ExpectApart(const std::vector<Lifetime>& lifetimes, const ArenaPlan& plan) {
  ASSERT_EQ(plan.offsets.size(), lifetimes.size());
  for (size_t i = 0; i < lifetimes.size(); ++i) {
    const int64_t begin = plan.offsets[i], end = begin + Rounded(lifetimes[i].size);
    EXPECT_EQ(begin % kAlignment, 0);
    EXPECT_LE(end, plan.size);
    for (size_t k = 0; k < i; ++k) {
      if (lifetimes[k].last < lifetimes[i].first || lifetimes[i].last < lifetimes[k].first)
        continue;
      const int64_t other = plan.offsets[k];
      EXPECT_TRUE(other + Rounded(lifetimes[k].size) <= begin || end <= other)
          << "buffers " << k << " and " << i << " overlap";
    }
  }
}

std::vector<Lifetime> Draw(int count, int64_t commands, int64_t largest, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Lifetime> lifetimes(count);
  for (Lifetime& lifetime : lifetimes) {
    lifetime.first = static_cast<int64_t>(random() % commands);
    lifetime.last = std::min<int64_t>(commands - 1, lifetime.first + random() % 20);
    lifetime.size = static_cast<int64_t>(random() % (largest + 1));
  }
  return lifetimes;
}

TEST(PlanArena, NoBuffers) {
  const ArenaPlan plan = PlanArena({}, kAlignment);
  EXPECT_EQ(plan.size, 0);
  EXPECT_EQ(plan.peak, 0);
  EXPECT_TRUE(plan.at_peak.empty());
}

TEST(PlanArena, BuffersAliveTogetherAreApart) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const std::vector<Lifetime> lifetimes = Draw(200, 100, 5000, seed);
    const ArenaPlan plan = PlanArena(lifetimes, kAlignment);
    ExpectApart(lifetimes, plan);
    EXPECT_GE(plan.size, plan.peak);
    EXPECT_LE(plan.size, plan.peak * 6 / 5) << "seed " << seed;
  }
}

TEST(PlanArena, ThePeakIsWhatLivesAtOneCommand) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const std::vector<Lifetime> lifetimes = Draw(60, 40, 5000, seed);
    const ArenaPlan plan = PlanArena(lifetimes, kAlignment);
    int64_t most = 0;
    for (int64_t command = 0; command < 40; ++command) {
      int64_t alive = 0;
      for (const Lifetime& lifetime : lifetimes) {
        if (lifetime.first <= command && command <= lifetime.last) alive += Rounded(lifetime.size);
      }
      most = std::max(most, alive);
    }
    EXPECT_EQ(plan.peak, most);
    int64_t at_peak = 0;
    for (size_t i = 0; i < plan.at_peak.size(); ++i) {
      const Lifetime& lifetime = lifetimes[plan.at_peak[i]];
      at_peak += Rounded(lifetime.size);
      EXPECT_LE(lifetime.size, lifetimes[plan.at_peak[i == 0 ? 0 : i - 1]].size);
    }
    EXPECT_EQ(at_peak, most);
  }
}

// In order of birth the third buffer takes the hole of the first, and the fourth, as large as the
// hole, needs new memory.
TEST(PlanArena, BySizeWhereBirthLeavesHoles) {
  const std::vector<Lifetime> lifetimes = {
      {1024, 0, 0}, {256, 0, 3}, {512, 1, 3}, {1024, 2, 2}, {256, 1, 1}};
  const ArenaPlan plan = PlanArena(lifetimes, kAlignment);
  ExpectApart(lifetimes, plan);
  EXPECT_EQ(plan.size, plan.peak);
}

TEST(PlanArena, MoreBuffersThanArePlacedBySize) {
  const std::vector<Lifetime> lifetimes = Draw(5000, 1000, 5000, 1);
  const ArenaPlan plan = PlanArena(lifetimes, kAlignment);
  ExpectApart(lifetimes, plan);
}

}  // namespace
}  // namespace ingot::buffers
