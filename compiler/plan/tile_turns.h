// Rows that a block of a tile plan takes several of, at once or by turns, and what they share.
#ifndef INGOT_COMPILER_PLAN_TILE_TURNS_H_
#define INGOT_COMPILER_PLAN_TILE_TURNS_H_

#include <cstdint>
#include <vector>

#include "compiler/plan/plan.h"
#include "compiler/plan/tile_deal.h"
#include "ir/analysis/fusion_info.h"

namespace ingot::plan {

// Shared memory of a block besides staged inputs and rows.
inline constexpr int64_t kOtherSharedBytes = 2048;

// Changes a deal of rows that lie along memory (`order` as TilePlan's): what all rows read is
// loaded once for several of them, and rows of which a multiprocessor holds one block are copied
// ahead, if a block holds its rows; and results of few elements a block are gathered.
void TakeRowsByTurns(const FusionInfo& info, const PassLevels& levels, const Target& target,
                     const std::vector<int>& order, const TileKnobs& knobs, TileDeal& deal);

// Whether a root, by its value number, can be stored by TilePlan::gathered along that class.
bool CanBeGathered(const FusionInfo& info, const PassLevels& levels, int gathered, int value);

// As many blocks as are resident take rows by turns: the class of `kept` loops that has the most
// blocks.  False, and nothing is changed, where each would have few of them.
bool LoopOverRows(absl::Span<const int> kept, int64_t resident, std::vector<TileClass>& classes);

// Blocks that a multiprocessor can hold whose threads hold so many elements, with so many bytes of
// shared memory for inputs.
int64_t MostResident(const Target& target, int64_t shared_bytes, int64_t held, int block_threads);

// KernelPlan::resident_blocks of a kernel of so many blocks and threads a block: so many that
// enough loads are under way and arithmetic finds enough warps, as far as registers and shared
// memory go.
int ResidentBlocks(const FusionInfo& info, const PassLevels& levels, const Target& target,
                   const TilePlan& tile, int64_t blocks, int block_threads);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_TILE_TURNS_H_
