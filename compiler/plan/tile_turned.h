// Tile plans of fusions in which some inputs lie across the results, or across what is reduced:
// transposes of any permutation.  A block copies a box of such an input to shared memory along the
// input's own memory, and its threads read the box along that of the others.
#ifndef INGOT_COMPILER_PLAN_TILE_TURNED_H_
#define INGOT_COMPILER_PLAN_TILE_TURNED_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "compiler/plan/pass_levels.h"
#include "compiler/plan/plan.h"
#include "compiler/plan/tile_deal.h"
#include "ir/analysis/fusion_info.h"
#include "ir/base/tensor_map.h"

namespace ingot::plan {

// Bytes of an access, and accesses of a row of a box, where boxes are copied in vectors.
inline constexpr int64_t kChunkBytes = 16;
inline constexpr int64_t kChunks = 8;
// Of what bulk copies count their bytes on.
inline constexpr int64_t kMbarrierBytes = 8;

// What shared memory has of a turned input: element (row, column) of the box at row * pitch +
// column, in elements, or in vectors (chunk > 1) with the chunks of a row in another order: chunk
// number k of row r at k ^ (r / vector of the rows' class) % kChunks, so that neither side of the
// box meets itself in a bank.
struct TurnedBox {
  int row_class = 0;           // along memory in the results
  int column_class = 0;        // along memory in the input
  int64_t rows = 1;            // with those before the first of the block
  int64_t columns = 1;         // that a block needs
  int64_t rows_before = 0;     // TilePlan::shifted: a row of results may begin so much earlier
  int64_t columns_before = 0;  // copies of a row begin at a sector, at most so much earlier
  int chunk = 1;               // elements of an access
  int64_t pitch = 1;
  int64_t bytes = 0;
};
TurnedBox BoxOf(const FusionInfo& info, const TilePlan& tile, int input);

// With TilePlan::bulk, shared memory has of the box what one copy of a tensor map leaves there: the
// array is seen as columns × (rows / vector) × vector × the other classes, so that rows whose
// vectors lie side by side are, and the engine's swizzle of 128 bytes is the order of chunks above.
// The places of the array's other classes follow, minor to major.
TensorMap BulkMapOf(const FusionInfo& info, const TilePlan& tile, int input);

// Whether the box of an input can be copied so: InvalidArgument says what it lacks.
absl::Status BulkFits(const FusionInfo& info, const TilePlan& tile, int input,
                      const Target& target);

// The elements that the first place of a row is moved back by, at the most and one more: those of a
// sector of the narrowest array that lies along class `inner`.
int64_t ShiftOf(const FusionInfo& info, int inner);

// The classes of the result that TilePlan::shifted rows are those of, major to minor.
absl::Span<const int> ShiftedRows(const FusionInfo& info, int inner);

// Whether a block may copy its part of the input to shared memory: who reads it does so at places
// of the space, not at indices.
bool CanBeCopied(const FusionInfo& info, int input);

// Whether the input may be one of TilePlan::turned where results lie along class `inner`.
bool CanBeTurned(const FusionInfo& info, int inner, int input);

// A deal for a fusion in which no reduction lies across the walk; `turned` are its inputs that lie
// across class order[0], all CanBeTurned.  A box has the whole of what is reduced, where results
// need it and shared memory has it; else its blocks share that.  None where no box fits shared
// memory, its sides would be too short, or the parts of reductions would be many.
std::optional<TileDeal> DealTurned(const FusionInfo& info, const PassLevels& levels,
                                   const Target& target, const std::vector<int>& order,
                                   const std::vector<int>& turned);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_TILE_TURNED_H_
