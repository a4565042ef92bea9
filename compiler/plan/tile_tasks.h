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

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_TILE_TASKS_H_
