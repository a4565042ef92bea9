// The plans of kernels that take independent steps: loop, sort, scan, scatter, update.
#ifndef INGOT_COMPILER_PLAN_STEPS_H_
#define INGOT_COMPILER_PLAN_STEPS_H_

#include <cstdint>
#include <vector>

#include "compiler/plan/plan.h"
#include "ir/analysis/fusion_info.h"

namespace ingot::plan {

// Adds the plan of kernels of this skeleton, where the fusion's root is what it computes: every
// fusion has exactly one.  Results of different dimensions have a loop each.
void ProposeSteps(Skeleton skeleton, const Computation& fusion, const FusionInfo& info,
                  const Target& target, Numerics numerics, std::vector<FusionPlan>& candidates);

// The dimensions that the iteration space is made of, in order: of the result (kLoop), of the
// result but for the dimension worked on (kSort, kScan), of the operand's owned dimensions
// (kScatter), of the update (kUpdate).
std::vector<int64_t> PositionDimensions(const Computation& fusion, Skeleton skeleton, int result);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_STEPS_H_
