#include "compiler/plan/scatter_sums.h"

#include <bit>

#include "compiler/plan/analysis.h"
#include "compiler/plan/scatter_updates.h"
#include "compiler/plan/tile.h"
#include "compiler/plan/tile_deal.h"
#include "ir/base/integers.h"
#include "ir/base/status.h"

namespace ingot::plan {
namespace {

constexpr int64_t kKeyBytes = 4;

int64_t SharedBytes(const ScatterUpdatesPlan& plan, int element_bytes) {
  const int64_t warps = plan.walk_threads / kWarp;
  constexpr int64_t kFound = 16;
  return ScatterStagedBytes(plan, element_bytes) +
         kKeyBytes * ((warps << plan.tile_bits) + 3 * warps) + kFound;
}

}  // namespace

int64_t ScatterSumTile(const ScatterUpdatesPlan& plan) { return plan.walk_threads * plan.span; }

int64_t ScatterSumTiles(const ScatterUpdatesPlan& plan, int64_t updates) {
  return CeilDiv(updates, ScatterSumTile(plan)) + (plan.radix.passes > 0 ? plan.radix.digits() : 0);
}

int64_t ScatterStagedBytes(const ScatterUpdatesPlan& plan, int element_bytes) {
  int64_t entries = ScatterSumTile(plan);
  for (int64_t n = 2 * plan.walk_threads; n > 2; n = 2 * CeilDiv(n, int64_t{kScatterFanIn})) {
    entries += n;
  }
  return (entries + 2) * (kKeyBytes + element_bytes);
}

absl::Status ScatterSumsFit(const ScatterUpdatesPlan& plan, const ScatterSums& sums,
                            const Target& target) {
  INGOT_REQUIRE(plan.tile_bits >= kLeastTileBits && plan.tile_bits <= kMostTileBits,
                "tile_bits=", plan.tile_bits, "; ", kLeastTileBits, " to ", kMostTileBits);
  INGOT_REQUIRE(plan.staged && plan.lanes == 1 && plan.shared_rows == 0 && plan.levels == 1,
                "tile_bits=", plan.tile_bits, "; single elements are summed");
  INGOT_REQUIRE(plan.walk_threads >= kWarp && plan.walk_threads <= kMostBlockThreads &&
                    std::has_single_bit(static_cast<unsigned>(plan.walk_threads)),
                "walk_threads=", plan.walk_threads, "; a power of two of whole warps");
  INGOT_REQUIRE(plan.span >= 1 && plan.span <= kMostRadixItems, "span=", plan.span);
  INGOT_REQUIRE(plan.row_threads >= 1 && plan.row_threads <= kMostScatterWarps,
                "row_threads=", plan.row_threads, "; warps that share rows, at most ",
                kMostScatterWarps);
  const int64_t bytes = SharedBytes(plan, sums.element_bytes);
  INGOT_REQUIRE(bytes <= target.shared_bytes, "summing needs ", bytes, " bytes of shared memory");
  const int bits = sums.key_bits - plan.tile_bits;
  if (plan.radix.passes == 0) {
    INGOT_REQUIRE(plan.radix == RadixPasses{} && bits <= 0, "passes=0 of ", bits, " bits");
  } else {
    INGOT_REQUIRE(plan.radix.passes == 1 && bits >= 1 && bits <= kMostDigitBits &&
                      plan.radix.digit_bits == bits,
                  "passes=", plan.radix.passes, " of ", plan.radix.digit_bits, " bits; there are ",
                  bits, ", of one pass");
  }
  INGOT_REQUIRE(ScatterSumTiles(plan, sums.updates) << plan.tile_bits < kMostNarrowOffset,
                "tile_bits=", plan.tile_bits, "; there are too many sums");
  return absl::OkStatus();
}

// A tile is ranked as in a pass, and walked.
double ScatterSumsMicroseconds(const ScatterUpdatesPlan& plan, const ScatterSums& sums,
                               const Target& target) {
  constexpr double kWalk = 25;  // instructions of a warp, an update of each lane
  const double updates = static_cast<double>(sums.updates);
  const double partial =
      static_cast<double>(ScatterSumTiles(plan, sums.updates) << plan.tile_bits) *
      sums.element_bytes;
  RadixPasses rank;
  rank.digit_bits = plan.tile_bits;
  rank.threads = plan.walk_threads;
  rank.items = static_cast<int>(plan.span);
  RadixEntry entry;
  entry.fields = 2;
  entry.read_bytes = sums.index_bytes + sums.element_bytes;
  entry.written_bytes = 0;
  entry.key_instructions = kWalk / 2;
  const double rows = 2.0 * sums.element_bytes * static_cast<double>(sums.rows);
  return RadixPassMicroseconds(rank, updates, entry, target) + kLaunchMicroseconds +
         (2 * partial + rows) / kBytesPerMicrosecond;
}

}  // namespace ingot::plan
