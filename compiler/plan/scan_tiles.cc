#include "compiler/plan/scan_tiles.h"

#include <algorithm>
#include <bit>

#include "compiler/plan/analysis.h"
#include "compiler/plan/cost.h"
#include "compiler/plan/kernels.h"
#include "compiler/plan/lane_walk.h"
#include "compiler/plan/tile.h"
#include "compiler/plan/tile_deal.h"
#include "ir/base/integers.h"
#include "ir/base/status.h"

namespace ingot::plan {
namespace {

constexpr int kAccessBytes = 16;
constexpr int kThreads = 256;
constexpr int kThreadsAlongMemory = 512;
constexpr int kMostGroups = 16;
// Words of 32 bits of a thread's elements.
constexpr int kWordsAlongMemory = 64;
constexpr int kWordsOfColumns = 32;
constexpr int kMostWords = 64;
// As many warps of a multiprocessor, each of which walks a row along memory, leave none idle.
constexpr int64_t kWarpsThatFill = 16;
// Rows shorter than this are walked.
constexpr int64_t kShortestRow = 32;

class Planner {
 public:
  Planner(const Computation& fusion, const Target& target)
      : fusion_(fusion),
        scan_(*fusion.root()),
        target_(target),
        rows_(ScannedRowsOf(scan_)),
        bytes_(BytesOf(fusion)) {}

  absl::Status Can() const {
    INGOT_REQUIRE(target_.platform == Platform::kCuda, "it is a GPU's");
    INGOT_REQUIRE(scan_.opcode() == Opcode::kScan && IsAssociative(scan_),
                  "its root is no associative scan of numbers");
    INGOT_REQUIRE(rows_.outer > 0 && rows_.size > 0 && rows_.inner > 0, "it is empty");
    return absl::OkStatus();
  }

  // Rows along memory that are many are walked by a warp each.
  bool IsWorth() const {
    if (rows_.size < kShortestRow) return false;
    return !rows_.along_memory || rows_.outer < target_.multiprocessors * kWarpsThatFill;
  }

  ScanTilesPlan Best() const {
    ScanTilesPlan plan;
    plan.lanes = Lanes();
    const int words = rows_.along_memory ? kWordsAlongMemory : kWordsOfColumns;
    plan.items = std::max(1, words / (WordsOfElement() * plan.lanes));
    if (!rows_.along_memory) {
      const auto vectors = static_cast<uint64_t>(CeilDiv(rows_.inner, int64_t{plan.lanes}));
      plan.across = static_cast<int>(std::min<uint64_t>(kWarp, std::bit_ceil(vectors)));
    }
    const int threads = rows_.along_memory ? kThreadsAlongMemory : kThreads;
    plan.groups = std::clamp(threads / plan.across, 1, kMostGroups);
    // A block has a warp at least.
    const auto may_halve = [&] {
      return plan.groups > 1 && plan.groups / 2 * plan.across >= kWarp &&
             DivisionOf(plan, rows_).length / 2 >= rows_.size;
    };
    while (may_halve()) plan.groups /= 2;
    while (plan.groups * plan.across < kWarp) plan.groups *= 2;
    return plan;
  }

  FusionPlan Make(const ScanTilesPlan& tiles) const {
    FusionPlan plan;
    const ScanDivision division = DivisionOf(tiles, rows_);
    if (division.tiles > 1) AddPublished(division, plan);
    KernelPlan& kernel = plan.kernels.emplace_back();
    kernel.skeleton = Skeleton::kScanTiles;
    kernel.work = tiles;
    kernel.block_threads = tiles.threads();
    kernel.blocks = division.chains * division.tiles;
    kernel.bytes = bytes_;
    kernel.flops = FlopsOf(fusion_);
    kernel.index_type = IndexTypeOf(fusion_);
    kernel.buffers = AllBuffers(fusion_, plan.scratch.size());
    plan.cost = kLaunchMicroseconds * static_cast<double>(plan.kernels.size()) +
                static_cast<double>(bytes_) / kBytesPerMicrosecond;
    return plan;
  }

  absl::Status Fits(const ScanTilesPlan& plan) const {
    INGOT_REQUIRE(plan.lanes >= 1 && Lanes() % plan.lanes == 0, "lanes=", plan.lanes,
                  "; they must divide ", Lanes());
    INGOT_REQUIRE(plan.across >= 1 && plan.across <= kWarp &&
                      std::has_single_bit(unsigned(plan.across)) &&
                      (plan.across == kWarp || !rows_.along_memory),
                  "across=", plan.across);
    INGOT_REQUIRE(plan.groups >= 1 && std::has_single_bit(unsigned(plan.groups)) &&
                      plan.groups <= kMostBlockThreads / plan.across && plan.threads() >= kWarp,
                  "groups=", plan.groups, "; they must make whole warps");
    INGOT_REQUIRE(plan.items >= 1 && plan.items <= kMostWords &&
                      plan.items * plan.lanes * WordsOfElement() <= kMostWords,
                  "items=", plan.items, "; a thread has at most ", kMostWords, " words");
    INGOT_REQUIRE(SharedBytes(plan) <= target_.shared_bytes, "it needs ", SharedBytes(plan),
                  " bytes of shared memory");
    return absl::OkStatus();
  }

 private:
  int64_t Inputs() const { return scan_.attributes<ScanAttributes>().num_carries; }

  // What blocks tell each other (scan_tiles.h), and the kernel that clears what they wait for.
  void AddPublished(const ScanDivision& division, FusionPlan& plan) const {
    const int64_t places = division.chains * division.published();
    const ElementType type = rows_.along_memory ? ElementType::kU64 : ElementType::kS32;
    const int64_t marks = 1 + places * (rows_.along_memory ? WordsOfElement() : 1);
    plan.scratch.push_back({Shape::ArrayWithDefaultLayout(type, {marks})});
    for (int64_t k = 0; k < Inputs() && !rows_.along_memory; ++k) {
      plan.scratch.push_back({Shape::ArrayWithDefaultLayout(
          scan_.operand(k)->shape().element_type(), {places, division.columns})});
    }
    KernelPlan& clear = plan.kernels.emplace_back();
    clear.skeleton = Skeleton::kScanTiles;
    clear.work = ScanTilesPlan{.clears = true};
    clear.block_threads = kThreads;
    clear.blocks = CeilDiv(marks, int64_t{kThreads});
    clear.bytes = marks * ByteWidth(type);
    clear.index_type = IndexTypeOf(fusion_);
    clear.buffers = {{BufferRole::Kind::kScratch, 0}};
  }

  int64_t SharedBytes(const ScanTilesPlan& plan) const {
    const int64_t columns = DivisionOf(plan, rows_).columns;
    int64_t bytes = kAccessBytes;
    for (int64_t k = 0; k < Inputs(); ++k) {
      const int64_t width = ByteWidth(scan_.operand(k)->shape().element_type());
      bytes += RoundUp((plan.groups + 2) * columns * width, kAccessBytes);
    }
    return bytes;
  }

  // Of one element of all inputs.
  int WordsOfElement() const {
    int words = 0;
    for (int64_t k = 0; k < Inputs(); ++k) {
      words += CeilDiv(ByteWidth(scan_.operand(k)->shape().element_type()), 4);
    }
    return words;
  }

  // Elements of an access: of the last dimension, in which rows have whole ones.
  int Lanes() const {
    int widest = 2;
    for (int64_t k = 0; k < Inputs(); ++k) {
      widest = std::max(widest, ByteWidth(scan_.operand(k)->shape().element_type()));
    }
    const Shape& shape = scan_.operand(0)->shape();
    const auto last = static_cast<int>(shape.rank() - 1);
    const auto vectorizes = [&](int lanes) {
      if (shape.dimension(last) % lanes != 0) return false;
      LaneWalk walk(fusion_);
      for (int64_t k = 0; k < Inputs(); ++k) {
        if (!walk.Vectorizes(*scan_.operand(k), {lanes, last, 1, lanes})) return false;
        const plan::Lanes carry = {lanes, last - 1, 1, lanes};
        if (!rows_.along_memory && !walk.Vectorizes(*scan_.operand(Inputs() + k), carry)) {
          return false;
        }
      }
      return true;
    };
    int lanes = kAccessBytes / widest;
    while (lanes > 1 && !vectorizes(lanes)) lanes /= 2;
    return std::max(lanes, 1);
  }

  const Computation& fusion_;
  const Instruction& scan_;
  const Target& target_;
  const ScannedRows rows_;
  const int64_t bytes_;
};

}  // namespace

ScannedRows ScannedRowsOf(const Instruction& scan) {
  ScannedRows rows;
  if (scan.opcode() != Opcode::kScan || scan.operand_count() == 0) return rows;
  const Shape& shape = scan.operand(0)->shape();
  const int64_t along = scan.attributes<ScanAttributes>().dimensions[0];
  if (along >= shape.rank()) return rows;
  for (int64_t d = 0; d < shape.rank(); ++d) {
    int64_t& of = d < along ? rows.outer : d == along ? rows.size : rows.inner;
    of = SaturatingMultiply(of, shape.dimension(d));
  }
  rows.along_memory = along + 1 == shape.rank();
  return rows;
}

ScanDivision DivisionOf(const ScanTilesPlan& plan, const ScannedRows& rows) {
  ScanDivision division;
  const int64_t of_threads = int64_t{plan.across} * plan.lanes;
  division.length = int64_t{plan.groups} * plan.items * (rows.along_memory ? of_threads : 1);
  division.columns = rows.along_memory ? 1 : of_threads;
  division.tiles = CeilDiv(rows.size, division.length);
  division.chains = SaturatingMultiply(rows.outer, CeilDiv(rows.inner, division.columns));
  if (division.tiles > kTilesOfGroup) division.groups = CeilDiv(division.tiles, kTilesOfGroup);
  if (division.groups > kTilesOfGroup) division.supers = CeilDiv(division.groups, kTilesOfGroup);
  return division;
}

void ProposeScanTiles(Skeleton, const Computation& fusion, const FusionInfo&, const Target& target,
                      Numerics, std::vector<FusionPlan>& candidates) {
  const Planner planner(fusion, target);
  if (!planner.Can().ok() || !planner.IsWorth()) return;
  const ScanTilesPlan plan = planner.Best();
  if (planner.Fits(plan).ok()) candidates.push_back(planner.Make(plan));
}

absl::StatusOr<FusionPlan> MakeScanTiles(const ScanTilesPlan& tiles, const Computation& fusion,
                                         const Target& target) {
  const Planner planner(fusion, target);
  INGOT_RETURN_IF_ERROR(planner.Can());
  INGOT_REQUIRE(!tiles.clears, "its last kernel scans nothing");
  INGOT_RETURN_IF_ERROR(planner.Fits(tiles));
  return planner.Make(tiles);
}

absl::Status ScanTilesFit(const FusionPlan& plan, const Computation& fusion, const Target& target) {
  INGOT_ASSIGN_OR_RETURN(const FusionPlan own,
                         MakeScanTiles(plan.kernels.back().scan_tiles(), fusion, target));
  return KernelsAgree(plan, own);
}

}  // namespace ingot::plan
