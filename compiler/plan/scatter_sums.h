// scatter_updates: single elements that blocks sum by rows before they are sorted
// (scatter_updates.h: tile_bits).
#ifndef INGOT_COMPILER_PLAN_SCATTER_SUMS_H_
#define INGOT_COMPILER_PLAN_SCATTER_SUMS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "compiler/plan/plan.h"
#include "ir/base/target.h"

namespace ingot::plan {

inline constexpr int kLeastTileBits = 5, kMostTileBits = 10;
// Of a block that puts the sums of rows together; each has some of the tiles.
inline constexpr int kMostScatterWarps = 32;

// Where tiles are summed: updates of a tile; tiles, of which some may have none.
int64_t ScatterSumTile(const ScatterUpdatesPlan& plan);
int64_t ScatterSumTiles(const ScatterUpdatesPlan& plan, int64_t updates);

// Bytes of shared memory in which a block walks a tile of keys and single elements.
int64_t ScatterStagedBytes(const ScatterUpdatesPlan& plan, int element_bytes);

// Of a scatter of single elements.
struct ScatterSums {
  int64_t updates = 1;
  int64_t rows = 1;
  int key_bits = 1;  // of a row's number
  int element_bytes = 4;
  double index_bytes = 4;  // that a tile's block reads of an update, beside its element
};
// All but whether the pass fits.
absl::Status ScatterSumsFit(const ScatterUpdatesPlan& plan, const ScatterSums& sums,
                            const Target& target);
// What sums and rows take; the pass besides.
double ScatterSumsMicroseconds(const ScatterUpdatesPlan& plan, const ScatterSums& sums,
                               const Target& target);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_SCATTER_SUMS_H_
