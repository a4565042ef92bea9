// Plans of associative scans by blocks that have a tile of a row, or of rows beside each other, in
// registers, and look back for what stands before it.
//
// A row is what is scanned.  Where it lies along memory, a tile is elements of one row, which warps
// take one behind the other; else a tile has columns, and each thread walks some of the row of its
// own.  Threads scan what they have, then what they come to is put together over the block, and the
// block publishes what its tile comes to.  What is before a tile is put together from groups of 32
// tiles (Merrill and Garland, Single-pass Parallel Prefix Scan with Decoupled Look-back, 2016,
// looks back tile by tile, and the order of its sums depends on who comes first): the tiles before
// it in its group, the groups before it in the group's own group, and one value for what is before
// that. So results depend on lengths alone, and are the same from run to run.
//
// Along memory a published value is words of 64 bits, which say in their upper half that they are
// there and have up to 32 bits of it in the lower one: who reads all of them has the value, and no
// write waits for another.  Of columns, which have many values a tile, a mark says that all are
// there.
//
// Blocks take the numbers of tiles from a counter, so that those that a block waits for have begun.
// A kernel before clears the counter and the words, or marks, behind it in the first scratch.
#ifndef INGOT_COMPILER_PLAN_SCAN_TILES_H_
#define INGOT_COMPILER_PLAN_SCAN_TILES_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "compiler/plan/plan.h"
#include "ir/analysis/fusion_info.h"

namespace ingot::plan {

// Of a scan's operands: `outer` rows one behind the other, elements of a row `inner` apart.
struct ScannedRows {
  int64_t outer = 1;
  int64_t size = 1;
  int64_t inner = 1;
  bool along_memory = true;  // the last dimension is scanned
};
// Of any other instruction: one row of one element.
ScannedRows ScannedRowsOf(const Instruction& scan);

inline constexpr int64_t kTilesOfGroup = 32;

// How a scan is divided.
struct ScanDivision {
  int64_t length = 1;   // elements of a row that a tile has
  int64_t columns = 1;  // rows beside each other that a tile has
  int64_t tiles = 1;    // of a row
  int64_t chains = 1;   // tiles beside each other
  int64_t groups = 0;   // of tiles of a row; 0: one is enough
  int64_t supers = 0;   // of groups; 0: one is enough
  // Values that are published for a chain: those of tiles, of groups, of what is before a super.
  int64_t published() const { return tiles + groups + supers; }
};
ScanDivision DivisionOf(const ScanTilesPlan& plan, const ScannedRows& rows);

// Adds a plan for an associative scan on a GPU, where rows walked alone would leave it idle.
void ProposeScanTiles(Skeleton skeleton, const Computation& fusion, const FusionInfo& info,
                      const Target& target, Numerics numerics, std::vector<FusionPlan>& candidates);

// The plan of these tiles, if they fit.
absl::StatusOr<FusionPlan> MakeScanTiles(const ScanTilesPlan& tiles, const Computation& fusion,
                                         const Target& target);

// Whether a plan from outside is one of this fusion: any tile that registers hold will do.
absl::Status ScanTilesFit(const FusionPlan& plan, const Computation& fusion, const Target& target);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_SCAN_TILES_H_
