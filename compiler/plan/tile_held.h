// What the passes over a row hand on to one another.
#ifndef INGOT_COMPILER_PLAN_TILE_HELD_H_
#define INGOT_COMPILER_PLAN_TILE_HELD_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "compiler/plan/plan.h"
#include "compiler/plan/tile_deal.h"
#include "ir/analysis/fusion_info.h"

namespace ingot::plan {

// The values that a value of the fusion reads at the same place.
std::vector<int> OperandsAtPlace(const FusionInfo& info, int value);

// For each pass over a row the values that it computes or reads along class `inner`.  Pass n
// computes the reductions of level n + 1 and stores what depends on those of level n and no later
// one.  A value of `handed_on` is computed in the first pass that needs it, and read in the others.
std::vector<std::vector<bool>> NeededInPass(const FusionInfo& info, int inner,
                                            const std::vector<int>& handed_on);

// Whether what rests lies along the rows, and what is held is computed in one trip.
absl::Status RestsFit(const FusionInfo& info, const TilePlan& tile);

// The last pass that walks what is reduced: it computes the reductions of this level, and what
// depends on those below.
int LastWalk(const FusionInfo& info, const PassLevels& levels, const TilePlan& tile);

// Values that passes over a row had better hand on than compute again, ascending: those of several
// operations that more than one pass needs, what is computed last first; so many that `elements` of
// each have at most `bytes`.
std::vector<int> ValuesToHandOn(const FusionInfo& info, int inner, int64_t elements, int64_t bytes);

// Bytes of registers for each element along class `inner` that is held between two passes, the most
// of any two, where no pass computes again what one before has: an input in its own type, what is
// computed in the type in which that is done.  What is made of no input's elements along the class
// (constants, an iota, a row's value) takes none.
int64_t BytesHeldBetweenPasses(const FusionInfo& info, int inner);

// Rows that registers do not hold, but shared memory does (TilePlan::rests): `deal` has the vector
// of the class along memory, which is all that is reduced, and nothing dealt out.  Where several
// passes walk such rows, and there is one for each multiprocessor, gives the class its lanes,
// warps, registers and trips; deal.ahead, deal.rests and deal.held.  Otherwise returns false.
//
// The most threads have a row in one trip where registers then hold values that it would take
// several operations to compute again.  Else fewer threads walk it in trips and hold nothing.
bool RestRows(const FusionInfo& info, const PassLevels& levels, const Target& target,
              const std::vector<int>& order, const TileKnobs& knobs, TileDeal& deal);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_TILE_HELD_H_
