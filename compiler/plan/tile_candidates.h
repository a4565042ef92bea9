// What a tile skeleton has to choose from: the guess, and what is near it.
#ifndef INGOT_COMPILER_PLAN_TILE_CANDIDATES_H_
#define INGOT_COMPILER_PLAN_TILE_CANDIDATES_H_

#include <vector>

#include "compiler/plan/plan.h"
#include "ir/analysis/fusion_info.h"

namespace ingot::plan {

inline constexpr size_t kMostTileCandidates = 16;

// At most kMostTileCandidates different plans, each with its cost: the first is MakeTilePlan's, the
// others vary one thing of it (tile_candidates.cc has the list).  None where there is no tile plan.
// What a block may have of threads, registers and shared memory is for Fits to say.
std::vector<FusionPlan> TileCandidates(const FusionInfo& info, const Target& target,
                                       Numerics numerics);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_TILE_CANDIDATES_H_
