// Tile plans of long rows that begin anywhere and share inputs, as the scale of a norm.
#ifndef INGOT_COMPILER_PLAN_TILE_SHARED_H_
#define INGOT_COMPILER_PLAN_TILE_SHARED_H_

#include <vector>

#include "compiler/plan/pass_levels.h"
#include "compiler/plan/plan.h"
#include "compiler/plan/tile_deal.h"
#include "ir/analysis/fusion_info.h"

namespace ingot::plan {

// Walks such rows from an aligned element on, and keeps what they share in shared memory of blocks
// that take rows by turns.  A row has as few warps as hold it, one if it can: warps that share
// nothing but the scale wait for nobody.  False, and `deal` is as before, where rows are short,
// few, or aligned anyway, or where shared memory does not hold what they share.
bool DealShared(const FusionInfo& info, const PassLevels& levels, const Target& target,
                const std::vector<int>& order, const TileKnobs& knobs, TileDeal& deal);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_TILE_SHARED_H_
