// Plans of the tile skeleton: who computes which coordinates of a fusion's iteration space.
#ifndef INGOT_COMPILER_PLAN_TILE_H_
#define INGOT_COMPILER_PLAN_TILE_H_

#include <vector>

#include "absl/status/statusor.h"
#include "compiler/plan/plan.h"
#include "compiler/plan/tile_deal.h"
#include "ir/analysis/fusion_info.h"

namespace ingot::plan {

// Of a kernel in a CUDA graph.
inline constexpr double kLaunchMicroseconds = 1.5;
inline constexpr double kBytesPerMicrosecond = 4.24e6;

// Adds the plan that MakeTilePlan makes, if it makes one.
void ProposeTile(Skeleton skeleton, const Computation& fusion, const FusionInfo& info,
                 const Target& target, Numerics numerics, std::vector<FusionPlan>& candidates);

// The plan of one or several tile kernels that compute what is, or is to become, a fusion.
// FailedPrecondition where there is none: where the fusion accumulates in another way
// than by reduce, where reductions end classes that no walk with others across it
// has, where a value that depends on a reduction
// is asked for elsewhere than at a point of the space, where a large array does not lie along
// the space, where a thread would have too much code, or on a host where nothing is reduced and
// nothing lies across.  The message is a kind of reason, the same
// for all fusions, then ": " and what it is in this one.
absl::StatusOr<FusionPlan> MakeTilePlan(const FusionInfo& info, const Target& target,
                                        Numerics numerics, const TileKnobs& knobs = {});

// Makes `tile` the kernel's work, with the threads and blocks that its classes make.
void SetTile(KernelPlan& kernel, TilePlan tile);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_TILE_H_
