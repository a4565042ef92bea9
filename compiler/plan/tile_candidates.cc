#include "compiler/plan/tile_candidates.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "compiler/plan/tile.h"

namespace ingot::plan {
namespace {

// What is varied, one row each, the likeliest to win first.
constexpr TileKnobs kVariations[] = {
    // What a thread holds of a row, and with it the threads of a row.
    {.held_registers = 32},
    {.held_registers = 128},
    {.held_registers = 16},
    // Inputs that rows share, in shared memory.
    {.stages = true},
    {.stages_aligned = false},
    // Each row loads what it shares with others.
    {.shares_rows = false},
    // Short rows are loaded one by one.
    {.packs = false},
    // Results of few elements are stored one by one.
    {.gathers = false},
    // Long rows: wait for the loads of each.
    {.copies_ahead = false},
    // Loads under way.
    {.loads = 8, .loads_of_trip = 16},
    {.loads = 2, .loads_of_trip = 4},
    // Threads of a block: rows, or steps along what is reduced.
    {.block_threads = 128, .element_threads = 256},
    {.block_threads = 512, .element_threads = 512},
    {.long_row_threads = 1024},
    {.long_row_threads = 256},
    // Blocks that share what is reduced.
    {.split_blocks = 8},
    {.split_blocks = 2},
    {.split_blocks = 0},
    // Half the access.
    {.most_vector = 4},
};

// Resident blocks other than the guess's: as they come, half, twice.
std::vector<FusionPlan> ResidentVariations(const FusionPlan& guess) {
  std::vector<FusionPlan> plans;
  for (const double factor : {0.0, 0.5, 2.0}) {
    FusionPlan plan = guess;
    for (KernelPlan& kernel : plan.kernels) {
      kernel.resident_blocks = static_cast<int>(kernel.resident_blocks * factor);
    }
    plans.push_back(std::move(plan));
  }
  return plans;
}

}  // namespace

std::vector<FusionPlan> TileCandidates(const FusionInfo& info, const Target& target,
                                       Numerics numerics) {
  std::vector<FusionPlan> candidates;
  const auto add = [&](FusionPlan plan) {
    const auto same = [&](const FusionPlan& other) { return other.kernels == plan.kernels; };
    if (candidates.size() == kMostTileCandidates) return;
    if (std::none_of(candidates.begin(), candidates.end(), same)) {
      candidates.push_back(std::move(plan));
    }
  };
  absl::StatusOr<FusionPlan> guess = MakeTilePlan(info, target, numerics);
  if (!guess.ok()) return candidates;
  add(*guess);
  for (FusionPlan& plan : ResidentVariations(*guess)) add(std::move(plan));
  for (const TileKnobs& knobs : kVariations) {
    // A thread may have too much code with these.
    if (absl::StatusOr<FusionPlan> plan = MakeTilePlan(info, target, numerics, knobs); plan.ok()) {
      add(*std::move(plan));
    }
  }
  return candidates;
}

}  // namespace ingot::plan
