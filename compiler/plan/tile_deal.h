// How the iteration space of a tile plan is dealt out to blocks, warps, lanes and registers.
#ifndef INGOT_COMPILER_PLAN_TILE_DEAL_H_
#define INGOT_COMPILER_PLAN_TILE_DEAL_H_

#include <cstdint>
#include <vector>

#include "compiler/plan/pass_levels.h"
#include "compiler/plan/plan.h"
#include "compiler/plan/tile_vectors.h"
#include "ir/analysis/fusion_info.h"
#include "ir/base/integers.h"

namespace ingot::plan {

// Threads of a warp, and of a block where nothing asks for more.
inline constexpr int kWarp = 32;
inline constexpr int kBlockThreads = 256;

// The most threads of a block, and bytes of a register.
inline constexpr int kMostBlockThreads = 1024;
inline constexpr int64_t kRegisterBytes = 4;
// Bytes of memory that are fetched together.
inline constexpr int64_t kSectorBytes = 32;
// Registers of a thread besides those of the elements that it holds.
inline constexpr int64_t kOtherRegisters = 32;
// The same at the least, while it computes one element after the other.
inline constexpr int64_t kLeastOtherRegisters = 24;
// Elements of a row of which each of the most threads would hold more have fewer threads, with
// more registers.
inline constexpr int64_t kHeldOfMostThreads = 32;
// Long code does not make vectors shorter than this.
inline constexpr int kLeastVector = 2;
// Vectors of a row from which on it may be walked from an aligned element on.
inline constexpr int64_t kVectorsOfAlignedRow = 64;
// Rows that each resident block should have, at least, to take them by turns.
inline constexpr int64_t kRowsOfLoop = 4;

// The largest power of two of at most `n`, and the smallest of at least `n`.
int64_t PowerOfTwoFloor(int64_t n);
int64_t PowerOfTwoCeil(int64_t n);

// What registers, blocks and trips share of a class: vectors of all lanes and warps.
int64_t UnitsLeft(const TileClass& tile);

// Operations for an element of the class along memory; and elements that a thread computes in a
// trip whose code is not long: assemblers take time over it, and what computes much needs fewer
// loads at once.
int64_t CodeOfElement(const FusionInfo& info, int inner);
int64_t ElementsOfTrip(const FusionInfo& info, int inner);

// A root that depends on the last reductions of the walk has classes that they end.
bool HasWideRoot(const FusionInfo& info, const PassLevels& levels);

// What a deal may be varied in.  The defaults are the guess; tile_candidates.h tries others.
struct TileKnobs {
  int most_vector = 8;  // a power of two
  // Registers of a thread for the elements of a reduced row.  On an H200 softmax and norms are
  // faster with fewer threads that do more between barriers.
  int64_t held_registers = 64;
  // Loads of a thread before the first is used: of several rows, and of one trip of a loop.
  int64_t loads = 4;
  int64_t loads_of_trip = 8;
  // Threads of a block where nothing asks for more; where nothing is reduced; of rows of which even
  // the most threads would hold too much each (fewer have the registers).  Powers of two.
  int block_threads = kBlockThreads;
  int element_threads = 128;
  int long_row_threads = 512;
  // Blocks that keep a multiprocessor busy where a reduction is split; 0: none is.
  int64_t split_blocks = 4;
  // Whether inputs that rows share are kept in shared memory: fewer sectors are asked for, but on
  // an H200 the fewer threads take longer.
  bool stages = false;
  // The same of long rows that begin anywhere, whose threads would read them one by one.
  bool stages_aligned = true;
  // Whether rows of which a multiprocessor holds one block are copied a trip ahead.
  bool copies_ahead = true;
  // Whether several rows share the loads of what is the same for all, where it is much.
  bool shares_rows = true;
  // Whether a block has rows for a sector of each result that has no element of a row.
  bool gathers = true;
  // Whether short rows that begin anywhere are copied to shared memory as ranges.
  bool packs = true;
};

struct TileDeal {
  std::vector<TileClass> classes;  // of the space
  bool aligned = false;            // TilePlan's
  int spread = -1;
  bool shifted = false;
  int gathered = -1;
  int packed = -1;
  int box_threads = 0;
  std::vector<int> staged, turned, kept, ahead, held, buffered;
  int trips_ahead = 1;
  bool rests = false;
  int64_t splits = 1;       // blocks that share what is reduced
  int resident_blocks = 0;  // KernelPlan's of a walk with reductions across; 0: as it comes
};

// `order` as TilePlan's: its first class is innermost in every large array.  Rows along memory are
// held by the threads of a block where they fit; columns across memory are taken by lanes; too few
// blocks share out what is reduced.
TileDeal DealTile(const FusionInfo& info, const PassLevels& levels, const Target& target,
                  const std::vector<int>& order, const TileKnobs& knobs);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_TILE_DEAL_H_
