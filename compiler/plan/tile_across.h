// How a walk along rows is dealt out that also accumulates over rows (PassLevels::across).
#ifndef INGOT_COMPILER_PLAN_TILE_ACROSS_H_
#define INGOT_COMPILER_PLAN_TILE_ACROSS_H_

#include <optional>
#include <vector>

#include "compiler/plan/tile_deal.h"

namespace ingot::plan {

// `order` as TilePlan's.  Few blocks take all rows by turns and copy rows ahead: each thread has
// the same columns of all its rows, and registers for what it accumulates of them. TileDeal::splits
// is the count of blocks that leave parts.  None where memory does not lie along rows, where no
// reduction across the walk has values along them, or where the registers of a block do not hold a
// row and the accumulators.
std::optional<TileDeal> DealAcross(const FusionInfo& info, const PassLevels& levels,
                                   const Target& target, const std::vector<int>& order,
                                   const TileKnobs& knobs);

// Whether a kernel's spread rows (TilePlan::spread) are such that lowering can rely on them.
absl::Status SpreadFits(const FusionInfo& info, const PassLevels& levels, const TilePlan& tile);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_TILE_ACROSS_H_
