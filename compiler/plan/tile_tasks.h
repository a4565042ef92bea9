// Tile plans of hosts: a block is a task, which one thread runs, and the lanes of a warp are the
// elements of vector registers.
#ifndef INGOT_COMPILER_PLAN_TILE_TASKS_H_
#define INGOT_COMPILER_PLAN_TILE_TASKS_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "compiler/plan/plan.h"
#include "compiler/plan/tile_deal.h"
#include "ir/analysis/fusion_info.h"

namespace ingot::plan {

// Of a host's kernel, on a few threads; and what they move.
inline constexpr double kHostLaunchMicroseconds = 2;
inline constexpr double kHostBytesPerMicrosecond = 2e4;

// A deal for a host, `order` and `turned` as TilePlan's.  A task has one place of each class that
// no reduction ends, but for vectors along memory and boxes of what is turned; it walks all that is
// reduced, or a part where there would be few tasks.  FailedPrecondition where rows are too short
// for vectors.
absl::StatusOr<TileDeal> DealTasks(const FusionInfo& info, const Target& target,
                                   const std::vector<int>& order, const std::vector<int>& turned);

// For each pass over a row the values that it computes or reads along class `inner`.  Pass n
// computes the reductions of level n + 1 and stores what depends on those of level n and no later
// one.  A buffered value is read in all passes but the first that needs it.
std::vector<std::vector<bool>> NeededInPass(const FusionInfo& info, int inner,
                                            const std::vector<int>& buffered);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_TILE_TASKS_H_
