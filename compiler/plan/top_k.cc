#include "compiler/plan/top_k.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_join.h"
#include "compiler/plan/analysis.h"
#include "compiler/plan/cost.h"
#include "compiler/plan/kernels.h"
#include "compiler/plan/merge_sort.h"
#include "compiler/plan/tile.h"
#include "compiler/plan/tile_deal.h"
#include "ir/analysis/op_facts.h"
#include "ir/analysis/sort_order.h"
#include "ir/base/integers.h"
#include "ir/base/status.h"

namespace ingot::plan {
namespace {

constexpr int kItems[] = {5, 7, 9, 13, 17};
constexpr int kThreads[] = {32, 64, 128, 256, 512};
constexpr size_t kMostCandidates = 8;

class Planner {
 public:
  Planner(const Computation& fusion, const Target& target)
      : fusion_(fusion),
        target_(target),
        top_(*fusion.root()),
        k_(top_.attributes<TopKAttributes>().k),
        size_(top_.operand(0)->shape().dimensions().back()),
        rows_(ElementsOf(top_.operand(0)->shape()) / std::max<int64_t>(1, size_)),
        key_bytes_(ByteWidth(KeyTypeOf(top_.operand(0)->shape().element_type()))) {}

  void Propose(std::vector<FusionPlan>& plans) const {
    std::vector<std::pair<double, MergeSortPlan>> found;
    for (int items : kItems) {
      for (int threads : kThreads) {
        MergeSortPlan plan;
        plan.items = items;
        plan.row_threads = threads;
        if (PlanFits(plan).ok()) found.emplace_back(Microseconds(plan), plan);
      }
    }
    KeepCheapest(kMostCandidates, found);
    for (const auto& [cost, plan] : found) plans.push_back(Make(plan));
  }

  FusionPlan Make(const MergeSortPlan& plan) const {
    FusionPlan made;
    KernelPlan kernel;
    kernel.skeleton = Skeleton::kMergeSort;
    kernel.work = plan;
    kernel.block_threads = plan.threads();
    kernel.blocks = rows_;
    kernel.bytes = BytesOf(fusion_);
    kernel.flops = FlopsOf(fusion_);
    kernel.index_type = IndexTypeOf(fusion_);
    kernel.buffers = AllBuffers(fusion_, 0);
    made.kernels.push_back(std::move(kernel));
    made.cost = Microseconds(plan);
    return made;
  }

  absl::Status PlanFits(const MergeSortPlan& plan) const {
    INGOT_REQUIRE(std::find(std::begin(kItems), std::end(kItems), plan.items) != std::end(kItems),
                  "items=", plan.items, "; one of ", absl::StrJoin(kItems, ", "));
    INGOT_REQUIRE(
        std::find(std::begin(kThreads), std::end(kThreads), plan.row_threads) != std::end(kThreads),
        "row_threads=", plan.row_threads, "; one of ", absl::StrJoin(kThreads, ", "));
    INGOT_REQUIRE(k_ + ElementsAtOnce(plan) <= plan.tile(), "a tile of ", plan.tile(),
                  " elements; there must be room for ", k_, " and ", ElementsAtOnce(plan));
    INGOT_REQUIRE(SharedBytes(plan) <= target_.shared_bytes, "a block would have ",
                  SharedBytes(plan), " bytes of shared memory");
    return absl::OkStatus();
  }

 private:
  int64_t SharedBytes(const MergeSortPlan& plan) const {
    constexpr int64_t kPlaceBytes = 4, kCountBytes = 4;
    const int64_t pitch = PitchOf(plan.tile(), false);
    return RoundUp(pitch * key_bytes_, 8) + RoundUp(pitch * kPlaceBytes, 8) + kCountBytes;
  }

  double Microseconds(const MergeSortPlan& plan) const {
    // Instructions: of an element that is looked at, of one that is sorted, of one level of merges;
    // cycles of the barriers of a chunk.
    constexpr double kLook = 16, kSort = 40, kLevel = 30, kBarriers = 100;
    constexpr double kOfChunk = 150;  // nanoseconds of a chunk beside its loads' latency
    constexpr double kIssued = 2, kWarpsThatHide = 8;
    const Card& card = *target_.card;
    const auto size = static_cast<double>(size_), k = static_cast<double>(k_);
    const auto tile = static_cast<double>(plan.tile());
    const auto at_once = static_cast<double>(ElementsAtOnce(plan));
    // Of a row in no order k ln(n / k) elements get to the tile behind the first k.
    const double room = std::max(1.0, tile - k - at_once);
    const double taken = std::min(size, at_once + k * std::log(std::max(1.0, size / k)));
    const double sorts = 1 + taken / room;
    const double levels = std::log2(static_cast<double>(plan.row_threads));
    const double warps = static_cast<double>(plan.threads()) / kWarp;
    const int64_t registers = 32 + 4 * plan.items;
    const int64_t resident = std::max<int64_t>(
        1, std::min({card.shared_bytes / (SharedBytes(plan) + card.reserved_shared_bytes),
                     card.registers / (registers * plan.threads()),
                     int64_t{target_.threads / plan.threads()}, int64_t{card.blocks}}));
    const double blocks = std::ceil(static_cast<double>(rows_) / target_.multiprocessors);
    const double together = std::min(blocks, static_cast<double>(resident));
    const double issue =
        (size * kLook + sorts * tile * (kSort + kLevel * levels)) / kWarp / kIssued;
    const double cycles = blocks * (issue * (1 + kWarpsThatHide / (together * warps)) +
                                    size / at_once * kBarriers / together);
    // Each element that is under way takes its time.
    const double under_way = together * at_once;
    const double wait = blocks * size / under_way * (card.latency_ns + kOfChunk) / 1e3;
    return std::max({static_cast<double>(BytesOf(fusion_)) / kBytesPerMicrosecond,
                     cycles / (card.clock_ghz * 1e3), wait}) +
           kLaunchMicroseconds;
  }

  const Computation& fusion_;
  const Target& target_;
  const Instruction& top_;
  const int64_t k_;
  const int64_t size_;  // of a row
  const int64_t rows_;
  const int64_t key_bytes_;
};

}  // namespace

ElementType KeyTypeOf(ElementType type) {
  return BitWidth(type) > 32 ? ElementType::kU64 : ElementType::kU32;
}

int64_t ElementsAtOnce(const MergeSortPlan& plan) {
  return int64_t{plan.items / 2} * plan.threads();
}

void ProposeTopK(const Computation& fusion, const Target& target,
                 std::vector<FusionPlan>& candidates) {
  if (SelectsInBlocks(*fusion.root(), target)) Planner(fusion, target).Propose(candidates);
}

absl::Status TopKFits(const FusionPlan& plan, const Computation& fusion, const Target& target) {
  INGOT_REQUIRE(SelectsInBlocks(*fusion.root(), target), "blocks do not select this topk");
  const Planner planner(fusion, target);
  MergeSortPlan wanted;
  wanted.items = plan.kernels[0].merge_sort().items;
  wanted.row_threads = plan.kernels[0].merge_sort().row_threads;
  INGOT_RETURN_IF_ERROR(planner.PlanFits(wanted));
  return KernelsAgree(plan, planner.Make(wanted));
}

}  // namespace ingot::plan
