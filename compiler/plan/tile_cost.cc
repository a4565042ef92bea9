#include "compiler/plan/tile_cost.h"

#include <algorithm>
#include <vector>

#include "compiler/plan/analysis.h"
#include "compiler/plan/tile.h"
#include "compiler/plan/tile_deal.h"
#include "compiler/plan/tile_tasks.h"
#include "compiler/plan/tile_turned.h"

namespace ingot::plan {
namespace {

// Bytes in a microsecond at 1 GB/s.
constexpr double kBytesOfGigabyteRate = 1e3;

class TileCost {
 public:
  TileCost(const FusionInfo& info, const PassLevels& levels, const Target& target)
      : info_(info), levels_(levels), target_(target) {}

  double Run(const FusionPlan& plan) const {
    if (target_.platform == Platform::kHost) return HostCost(plan);
    if (levels_.across > 0) return CostAcross(plan);
    double time = 0;
    double written = static_cast<double>(info_.cost().bytes_written());
    for (const KernelPlan& kernel : plan.kernels) {
      const TilePlan& tile = kernel.tile();
      const bool narrow =
          tile.known_level > 0 && tile.partial_level == 0 && !HasWideRoot(info_, levels_);
      double read = 0;
      if (plan.kernels.size() > 1) {
        if (!narrow && !tile.combines()) read = BytesOfPass(tile.known_level);
      } else if (IsWalkedInTrips(plan.kernels[0].tile())) {
        for (int level = 0; level <= levels_.last; ++level) read += BytesOfPass(level);
      } else {
        read = static_cast<double>(info_.cost().bytes_read());
      }
      const double busy = BusyShare(kernel);
      time += kLaunchMicroseconds + read / (kBytesPerMicrosecond * busy);
      if (tile.combines()) continue;
      if (!narrow) time += PartsMicroseconds(kernel);
      time += written / (kBytesPerMicrosecond * busy);
      written = 0;
    }
    return time;
  }

 private:
  const FusionGraph& graph() const { return info_.graph(); }

  // What is read and written by each kernel, rows once, and the launches.
  double HostCost(const FusionPlan& plan) const {
    double bytes = static_cast<double>(info_.cost().bytes_written());
    if (plan.kernels.size() == 1) bytes += static_cast<double>(info_.cost().bytes_read());
    for (const KernelPlan& kernel : plan.kernels) {
      if (kernel.tile().partial_level > 0) bytes += BytesOfPass(kernel.tile().known_level);
    }
    if (plan.kernels.size() > 1 && HasWideRoot(info_, levels_)) bytes += BytesOfPass(levels_.last);
    return kHostLaunchMicroseconds * static_cast<double>(plan.kernels.size()) +
           bytes / kHostBytesPerMicrosecond;
  }

  // The same of a walk, which writes parts, and of the kernel behind it, which reads them.
  double CostAcross(const FusionPlan& plan) const {
    double bytes = static_cast<double>(info_.cost().bytes_read()) + info_.cost().bytes_written();
    for (const Scratch& parts : plan.scratch)
      bytes += 2 * static_cast<double>(parts.shape.ByteSize());
    return 2 * kLaunchMicroseconds + bytes / (kBytesPerMicrosecond * BusyShare(plan.kernels[0]));
  }

  // Of the multiprocessors that a kernel keeps busy.
  double BusyShare(const KernelPlan& kernel) const {
    return std::min<double>(1, static_cast<double>(kernel.blocks) *
                                   std::min(kernel.block_threads, kBlockThreads) /
                                   (kBlockThreads * static_cast<double>(target_.multiprocessors)));
  }

  // Whether a block does not hold what is reduced.
  bool IsWalkedInTrips(const TilePlan& tile) const {
    if (tile.packed >= 0 || tile.rests) return false;
    for (size_t c = 0; c < levels_.ended.size(); ++c) {
      if (levels_.ended[c] && tile.classes[c].loop * tile.classes[c].blocks > 1) return true;
    }
    return false;
  }

  // What the pass for the reductions above a level, and for the roots of the level, reads.
  double BytesOfPass(int level) const {
    std::vector<int> values;
    for (const Reduction& reduction : info_.reductions()) {
      if (levels_.of[reduction.value] == level + 1) values.push_back(reduction.value);
    }
    for (const Instruction* root : graph().view().roots) {
      const int value = graph().NumberOf(*root);
      if (levels_.of[value] == level) values.push_back(value);
    }
    std::vector<bool> seen(graph().value_count(), false);
    for (int value : values) seen[value] = true;
    double bytes = 0;
    while (!values.empty()) {
      const int value = values.back();
      values.pop_back();
      if (graph().IsInput(value)) bytes += static_cast<double>(info_.cost().input_bytes[value]);
      for (const FusionEdge& edge : graph().EdgesOf(value)) {
        if (seen[edge.operand] || IsReduction(info_, edge.operand)) continue;
        seen[edge.operand] = true;
        values.push_back(edge.operand);
      }
    }
    return bytes;
  }

  // For the partial results that each warp of each block reads, which come from L2.
  double PartsMicroseconds(const KernelPlan& kernel) const {
    const TilePlan& tile = kernel.tile();
    const double warps = static_cast<double>(kernel.blocks * kernel.block_threads / kWarp);
    double bytes = 0;
    for (const Reduction& reduction : info_.reductions()) {
      const int level = levels_.of[reduction.value];
      if (level <= tile.combined_level || level > tile.known_level) continue;
      int64_t access = 1, accesses = tile.classes.back().size;
      for (int c : info_.space().ClassesOf(reduction.value)) {
        access *= int64_t{1} * tile.classes[c].vector * tile.classes[c].lanes;
        accesses *= tile.classes[c].registers * tile.classes[c].loop;
      }
      for (const Shape& leaf : Leaves(graph().value(reduction.value).shape())) {
        const int64_t width = ByteWidth(leaf.element_type());
        bytes += warps * static_cast<double>(accesses * std::max(access * width, kSectorBytes));
      }
    }
    return bytes / (kBytesOfGigabyteRate * target_.card->l2_gbps);
  }

  const FusionInfo& info_;
  const PassLevels& levels_;
  const Target& target_;
};

}  // namespace

double CostOfTiles(const FusionPlan& plan, const FusionInfo& info, const PassLevels& levels,
                   const Target& target) {
  return TileCost(info, levels, target).Run(plan);
}

}  // namespace ingot::plan
