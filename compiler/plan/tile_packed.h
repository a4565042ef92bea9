// Tile plans of short rows that begin anywhere.  A block's rows are one range of memory: it copies
// the range of each array to shared memory, whole accesses side by side, and its threads take their
// elements from there.
#ifndef INGOT_COMPILER_PLAN_TILE_PACKED_H_
#define INGOT_COMPILER_PLAN_TILE_PACKED_H_

#include <cstdint>

#include "absl/status/status.h"
#include "compiler/plan/pass_levels.h"
#include "compiler/plan/plan.h"
#include "compiler/plan/tile_deal.h"
#include "ir/analysis/fusion_info.h"
#include "ir/base/element_type.h"

namespace ingot::plan {

// The class of the rows, where those along class `inner` can be packed (TilePlan::packed): all
// arrays of the space are made of such rows, or have one of the two classes at the most; else -1.
int PackedRows(const FusionInfo& info, const PassLevels& levels, int inner);

// Whether a value has the rows and their elements: an array of it is a range a block.
bool IsPacked(const FusionInfo& info, const TilePlan& tile, int value);

// Elements of ranges are words of shared memory: of 4 bytes, or of 8.  What is narrower fills one
// as well, so that all arrays lie in the banks alike.
int64_t PackedWordBytes(ElementType type);
// Elements of an access: 16 bytes of words.
int64_t PackedChunk(ElementType type);

// Rows that lie between those of two neighbouring lanes, and one more: so many that the rows of a
// warp do not meet in a bank.
int64_t PackedStride(const TilePlan& tile);

// Shared memory that all ranges of a block take.  Results have the memory of inputs, as far as
// there are inputs of as many bytes.
int64_t PackedBytes(const FusionInfo& info, const TilePlan& tile);

// Whether a kernel's ranges are such that lowering can rely on them; its other numbers fit.
absl::Status PackedFits(const FusionInfo& info, const PassLevels& levels, const TilePlan& tile);

// Deals such rows, of which the elements are a vector of `deal` each: to few lanes, with many
// elements each.  False where sectors of rows are whole, where a row or the array is no such size,
// or where shared memory does not hold a block's ranges.
bool DealPacked(const FusionInfo& info, const PassLevels& levels, const Target& target,
                const std::vector<int>& order, const TileKnobs& knobs, TileDeal& deal);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_TILE_PACKED_H_
