#include "compiler/plan/scatter_rows.h"

#include <algorithm>
#include <bit>

#include "compiler/plan/analysis.h"
#include "compiler/plan/cost.h"
#include "compiler/plan/kernels.h"
#include "compiler/plan/tile.h"
#include "compiler/plan/tile_deal.h"
#include "ir/base/integers.h"
#include "ir/base/status.h"

namespace ingot::plan {
namespace {

// Of the bytes of the fusion, those of indices that all blocks together may read.
constexpr double kMostIndexShare = 0.1;
constexpr int kAccessBytes = 16;
constexpr int kBlocksOfMultiprocessor = 2;
constexpr int kMostThreads = 512;
constexpr int kMostThreadsOfRow = 128;
constexpr int kMostIndicesOfThread = 16;
constexpr int64_t kMostListed = 8192;
constexpr int64_t kMostRowsOfBlock = 8192;
// What a block keeps in shared memory of an index that it lists: row, number, number in order.
constexpr int64_t kListedBytes = 12;
constexpr int64_t kRowBytes = 4;

bool CoversOwned(const Instruction& scatter) {
  const ScatterDimensions dims = ScatterDimensionsOf(scatter);
  const Shape& operand = scatter.operand(0)->shape();
  return scatter.attributes<ScatterAttributes>().input_batching_dims.empty() &&
         !dims.scattered.empty() && !dims.owned.empty() &&
         dims.owned.back() == operand.rank() - 1 &&
         std::all_of(dims.scattered.begin(), dims.scattered.end(),
                     [&](int64_t d) { return dims.window[d] == 1; }) &&
         std::all_of(dims.owned.begin(), dims.owned.end(),
                     [&](int64_t d) { return dims.window[d] == operand.dimension(d); });
}

int64_t SharedBytesOf(const ScatterRowsPlan& plan, int block_threads) {
  const int64_t long_rows = plan.list / kUpdatesOfThread + 1;
  return plan.list * kListedBytes + block_threads * kAccessBytes +
         (plan.rows + 1 + block_threads / kWarp + long_rows) * kRowBytes;
}

class Planner {
 public:
  Planner(const Computation& fusion, const Target& target)
      : fusion_(fusion),
        scatter_(*fusion.root()),
        target_(target),
        size_(RowsOf(scatter_)),
        bytes_(BytesOf(fusion)) {}

  absl::Status Can() const {
    INGOT_REQUIRE(target_.platform == Platform::kCuda, "it is a GPU's");
    INGOT_REQUIRE(scatter_.opcode() == Opcode::kScatter && CoversOwned(scatter_),
                  "its updates are no whole rows");
    INGOT_REQUIRE(size_.rows > 0 && size_.columns > 0 && size_.indices > 0, "it is empty");
    INGOT_REQUIRE(size_.columns >= kWarp / 4, "its rows are short");
    return absl::OkStatus();
  }

  // The blocks that may read all indices.
  int64_t MostBlocks() const {
    const double each = static_cast<double>(IndexBytes());
    return static_cast<int64_t>(kMostIndexShare * static_cast<double>(bytes_) / each);
  }

  FusionPlan Make(const ScatterRowsPlan& rows, int block_threads) const {
    FusionPlan plan;
    KernelPlan& kernel = plan.kernels.emplace_back();
    kernel.skeleton = Skeleton::kScatterRows;
    kernel.work = rows;
    kernel.block_threads = block_threads;
    kernel.blocks = CeilDiv(size_.rows, rows.rows) * CeilDiv(size_.columns, rows.columns);
    kernel.bytes = bytes_;
    kernel.flops = FlopsOf(fusion_);
    kernel.index_type = IndexTypeOf(fusion_);
    kernel.buffers = AllBuffers(fusion_, 0);
    plan.cost = kLaunchMicroseconds + static_cast<double>(bytes_) / kBytesPerMicrosecond;
    return plan;
  }

  // Rows whole, or in parts of 2 KB at least: shorter pieces are far apart in memory.
  std::optional<FusionPlan> Best() const {
    const int64_t wanted =
        std::min<int64_t>(MostBlocks(), int64_t{target_.multiprocessors} * kBlocksOfMultiprocessor);
    if (wanted < target_.multiprocessors) return std::nullopt;
    ScatterRowsPlan plan;
    plan.lanes = Lanes();
    int threads_of_row = kMostThreadsOfRow;
    while (threads_of_row / 2 * plan.lanes >= size_.columns) threads_of_row /= 2;
    plan.columns = threads_of_row * plan.lanes;
    int64_t tiles = CeilDiv(size_.columns, plan.columns);
    while (tiles > wanted && threads_of_row < kMostThreads) {
      threads_of_row *= 2;
      plan.columns = threads_of_row * plan.lanes;
      tiles = CeilDiv(size_.columns, plan.columns);
    }
    if (tiles > wanted) return std::nullopt;
    const auto row_blocks = static_cast<int64_t>(std::bit_floor(uint64_t(wanted / tiles)));
    plan.rows = CeilDiv(size_.rows, row_blocks);
    if (plan.rows > kMostRowsOfBlock) return std::nullopt;
    for (int threads = kMostThreads; threads >= threads_of_row; threads /= 2) {
      for (plan.list = kMostListed; plan.list >= 2 * threads; plan.list /= 2) {
        const int64_t bytes = SharedBytesOf(plan, threads) + target_.card->reserved_shared_bytes;
        if (kBlocksOfMultiprocessor * bytes > target_.card->shared_bytes) continue;
        if (Fits(plan, threads).ok()) return Make(plan, threads);
      }
    }
    return std::nullopt;
  }

  absl::Status Fits(const ScatterRowsPlan& plan, int block_threads) const {
    INGOT_REQUIRE(plan.lanes >= 1 && Lanes() % plan.lanes == 0, "lanes=", plan.lanes,
                  "; they must divide ", Lanes());
    const int64_t threads_of_row = plan.columns / plan.lanes;
    INGOT_REQUIRE(block_threads >= kWarp && block_threads <= kMostBlockThreads &&
                      std::has_single_bit(unsigned(block_threads)),
                  "block_threads=", block_threads, "; it must be a power of two");
    INGOT_REQUIRE(plan.columns > 0 && plan.columns % plan.lanes == 0 &&
                      std::has_single_bit(uint64_t(threads_of_row)) &&
                      threads_of_row <= block_threads,
                  "columns=", plan.columns, "; they must be those of a power of two of threads");
    INGOT_REQUIRE(plan.rows >= 1 && plan.rows <= kMostRowsOfBlock, "rows=", plan.rows);
    INGOT_REQUIRE(plan.list >= block_threads && plan.list <= kMostListed, "list=", plan.list,
                  "; it must hold an index of each thread, and at most ", kMostListed);
    const int64_t bytes = SharedBytesOf(plan, block_threads);
    INGOT_REQUIRE(bytes <= target_.shared_bytes, "it needs ", bytes, " bytes of shared memory");
    return absl::OkStatus();
  }

 private:
  int64_t IndexBytes() const {
    return scatter_.operand(scatter_.operand_count() / 2)->shape().ByteSize();
  }
  // Elements of an access.
  int Lanes() const {
    int widest = 2;
    for (int64_t i = 0; i < scatter_.operand_count() / 2; ++i) {
      const ElementType type = scatter_.operand(i)->shape().element_type();
      if (IsComplex(type)) return 1;
      widest = std::max(widest, ByteWidth(type));
    }
    int lanes = kAccessBytes / widest;
    while (lanes > 1 && size_.last_columns % lanes != 0) lanes /= 2;
    return std::max(lanes, 1);
  }

  const Computation& fusion_;
  const Instruction& scatter_;
  const Target& target_;
  const ScatteredRows size_;
  const int64_t bytes_;
};

}  // namespace

int ThreadsOfRow(const ScatterRowsPlan& plan) { return plan.columns / plan.lanes; }

int64_t IndicesOfThread(const ScatterRowsPlan& plan, int block_threads) {
  return std::clamp<int64_t>(plan.list / block_threads / 2, 1, kMostIndicesOfThread);
}

ScatteredRows RowsOf(const Instruction& scatter) {
  ScatteredRows size;
  if (scatter.opcode() != Opcode::kScatter) return size;
  const ScatterDimensions dims = ScatterDimensionsOf(scatter);
  const Shape& operand = scatter.operand(0)->shape();
  for (int64_t d : dims.scattered) size.rows = SaturatingMultiply(size.rows, operand.dimension(d));
  for (int64_t d : dims.owned) {
    size.columns = SaturatingMultiply(size.columns, operand.dimension(d));
    size.last_columns = operand.dimension(d);
  }
  for (int64_t batch : dims.batch) size.indices = SaturatingMultiply(size.indices, batch);
  return size;
}

void ProposeScatterRows(Skeleton, const Computation& fusion, const FusionInfo&,
                        const Target& target, Numerics, std::vector<FusionPlan>& candidates) {
  const Planner planner(fusion, target);
  if (!planner.Can().ok()) return;
  std::optional<FusionPlan> plan = planner.Best();
  if (plan.has_value()) candidates.push_back(*std::move(plan));
}

absl::Status ScatterRowsFit(const FusionPlan& plan, const Computation& fusion,
                            const Target& target) {
  const Planner planner(fusion, target);
  INGOT_RETURN_IF_ERROR(planner.Can());
  const KernelPlan& kernel = plan.kernels[0];
  INGOT_RETURN_IF_ERROR(planner.Fits(kernel.scatter_rows(), kernel.block_threads));
  return KernelsAgree(plan, planner.Make(kernel.scatter_rows(), kernel.block_threads));
}

}  // namespace ingot::plan
