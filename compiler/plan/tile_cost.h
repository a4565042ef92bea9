// What a plan of tile kernels costs.
#ifndef INGOT_COMPILER_PLAN_TILE_COST_H_
#define INGOT_COMPILER_PLAN_TILE_COST_H_

#include "compiler/plan/pass_levels.h"
#include "compiler/plan/plan.h"
#include "ir/analysis/fusion_info.h"

namespace ingot::plan {

// Microseconds: what is read and written, at the rate of copies, a part of the multiprocessors
// standing idle where there are few blocks; partial results; and the launches.
double CostOfTiles(const FusionPlan& plan, const FusionInfo& info, const PassLevels& levels,
                   const Target& target);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_TILE_COST_H_
