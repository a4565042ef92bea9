// Tile plans of rows that begin anywhere.  A block's rows are one range of memory: it copies
// the range of each array to shared memory, whole accesses side by side, and its threads take their
// elements from there.
#ifndef INGOT_COMPILER_PLAN_TILE_PACKED_H_
#define INGOT_COMPILER_PLAN_TILE_PACKED_H_

#include <cstdint>
#include <vector>

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

// Bytes of an element of a range in shared memory.  What is narrower than a bank fills one, so that
// all arrays lie in the banks alike.
int64_t PackedWordBytes(ElementType type);
// Elements of an access: 16 bytes of shared memory.
int64_t PackedChunk(ElementType type);

// Rows that lie between those of two neighbouring lanes, and one more: so many that the rows of a
// warp do not meet in a bank.
int64_t PackedStride(const TilePlan& tile);

// The ranges of a block, and which of the block's memories each has.  Results have the memories of
// inputs, as far as there are some of as many bytes.
struct PackedRange {
  int value;
  int memory;
};
struct PackedRanges {
  std::vector<PackedRange> inputs, results;
  std::vector<int64_t> word_bytes;  // of each memory
};
PackedRanges PackedRangesOf(const FusionInfo& info, const TilePlan& tile);
// Shared memory that all of them take.
int64_t PackedBytes(const FusionInfo& info, const TilePlan& tile);

// Whether a kernel's ranges are such that lowering can rely on them; its other numbers fit.
absl::Status PackedFits(const FusionInfo& info, const PassLevels& levels, const TilePlan& tile);

// Deals short ones of such rows, of which the elements are a vector of `deal` each, to few lanes
// with many elements each.  False where sectors of rows are whole, where a row or the array is no
// such size, or where shared memory does not hold the ranges of two blocks.
bool DealPacked(const FusionInfo& info, const PassLevels& levels, const Target& target,
                const std::vector<int>& order, const TileKnobs& knobs, TileDeal& deal);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_TILE_PACKED_H_
