#include "compiler/plan/fits.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "compiler/plan/analysis.h"
#include "compiler/plan/concatenate.h"
#include "compiler/plan/contraction.h"
#include "compiler/plan/in_place.h"
#include "compiler/plan/kernels.h"
#include "compiler/plan/merge_sort.h"
#include "compiler/plan/plan_text.h"
#include "compiler/plan/radix_sort.h"
#include "compiler/plan/scan_tiles.h"
#include "compiler/plan/scatter_rows.h"
#include "compiler/plan/scatter_updates.h"
#include "compiler/plan/steps.h"
#include "compiler/plan/tile_deal.h"
#include "compiler/plan/window.h"
#include "compiler/plan/window_sums.h"
#include "ir/base/status.h"

namespace ingot::plan {
namespace {

// Every operand, result and scratch buffer once, in order.
absl::Status BuffersFit(const KernelPlan& kernel, const Computation& fusion, size_t scratch) {
  const std::vector<BufferRole> all = AllBuffers(fusion, scratch);
  if (kernel.buffers == all) return absl::OkStatus();
  KernelPlan wanted = kernel;
  wanted.buffers = all;
  return InvalidArgument(FirstDifference(kernel, wanted));
}

// How a GPU's kernel of steps is divided into blocks.
absl::Status BlocksFit(const KernelPlan& kernel) {
  const StepPlan& steps = kernel.steps();
  const int threads = kernel.block_threads;
  INGOT_REQUIRE(threads >= kWarp && threads <= kMostBlockThreads && threads % kWarp == 0,
                "block_threads=", threads, "; it must be a multiple of ", kWarp, ", at most ",
                kMostBlockThreads);
  const int64_t all =
      steps.step_threads * steps.owners * steps.rows * CeilDiv(steps.columns, steps.lanes);
  const int64_t blocks = std::max<int64_t>(1, CeilDiv(all, threads));
  // Threads of fewer blocks take several steps, of vectors that all are whole.
  const bool fewer = kernel.skeleton == Skeleton::kLoop && steps.step_threads == 1 &&
                     steps.columns % steps.lanes == 0 && kernel.blocks >= 1 &&
                     kernel.blocks < blocks;
  INGOT_REQUIRE(fewer || kernel.blocks == blocks, "blocks=", kernel.blocks, "; ", all,
                " threads in blocks of ", threads, " are ", blocks);
  return absl::OkStatus();
}

// How a host's kernel of steps is divided into tasks.
absl::Status TasksFit(const KernelPlan& kernel) {
  const StepPlan& steps = kernel.steps();
  const int64_t rows = std::max<int64_t>(1, steps.rows);
  const int64_t columns = std::max<int64_t>(1, steps.columns);
  INGOT_REQUIRE(steps.task_rows >= 1 && steps.task_rows <= rows, "task_rows=", steps.task_rows,
                "; there are ", rows, " rows");
  INGOT_REQUIRE(steps.task_columns >= 1 && steps.task_columns <= columns,
                "task_columns=", steps.task_columns, "; there are ", columns, " columns");
  INGOT_REQUIRE(steps.task_columns == columns || steps.task_columns % steps.lanes == 0,
                "task_columns=", steps.task_columns, "; it must be a multiple of the ", steps.lanes,
                " lanes, or all ", columns);
  const int64_t tasks = std::max<int64_t>(1, steps.owners * CeilDiv(steps.rows, steps.task_rows) *
                                                 CeilDiv(steps.columns, steps.task_columns));
  INGOT_REQUIRE(kernel.tasks == tasks, "tasks=", kernel.tasks, "; the division gives ", tasks);
  return absl::OkStatus();
}

absl::Status StepsFit(const KernelPlan& kernel, const KernelPlan& proposed, const Target& target) {
  // What may differ is looked at behind the comparison.
  KernelPlan same = proposed;
  if (target.platform == Platform::kCuda) {
    same.blocks = kernel.blocks;
    same.block_threads = kernel.block_threads;
  } else if (kernel.skeleton != Skeleton::kScatter) {
    same.tasks = kernel.tasks;
    std::get<StepPlan>(same.work).task_rows = kernel.steps().task_rows;
    std::get<StepPlan>(same.work).task_columns = kernel.steps().task_columns;
  }
  INGOT_REQUIRE(kernel == same, FirstDifference(kernel, same));
  return target.platform == Platform::kCuda ? BlocksFit(kernel) : TasksFit(kernel);
}

absl::Status AllStepsFit(const FusionPlan& plan, const Computation& fusion, const FusionInfo& info,
                         const Target& target) {
  std::vector<FusionPlan> proposed;
  const Skeleton skeleton = plan.kernels[0].skeleton;
  ProposeSteps(skeleton, fusion, info, target, plan.numerics, proposed);
  INGOT_REQUIRE(!proposed.empty(), "the ", NameOf(skeleton),
                " skeleton cannot compute this fusion");
  const FusionPlan& own = proposed[0];
  INGOT_REQUIRE(plan.kernels.size() == own.kernels.size(), plan.kernels.size(),
                " kernels; there must be ", own.kernels.size());
  INGOT_REQUIRE(plan.updates == own.updates, "its updates are not those of this fusion");
  INGOT_REQUIRE(plan.scratch == own.scratch, "its ", plan.scratch.size(),
                " scratch buffers are not the ", own.scratch.size(), " that this fusion needs");
  for (size_t i = 0; i < plan.kernels.size(); ++i) {
    INGOT_RETURN_IF_ERROR(
        Annotate(StepsFit(plan.kernels[i], own.kernels[i], target), "kernel ", i));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Fits(const FusionPlan& plan, const Computation& fusion, const Target& target) {
  INGOT_REQUIRE(HasArraysOnly(fusion), "the fusion has values that are no arrays of a fixed size");
  INGOT_REQUIRE(!plan.kernels.empty(), "the plan has no kernel");
  for (size_t i = 0; i < plan.kernels.size(); ++i) {
    const KernelPlan& kernel = plan.kernels[i];
    INGOT_REQUIRE(kernel.work.index() == WorkOf(kernel.skeleton).index(), "kernel ", i,
                  ": its parts are another skeleton's");
    INGOT_REQUIRE(kernel.work.index() == plan.kernels[0].work.index(), "kernel ", i, ": a ",
                  NameOf(kernel.skeleton), " beside a ", NameOf(plan.kernels[0].skeleton));
  }
  if (plan.kernels[0].skeleton == Skeleton::kConcatenate) {
    return ConcatenateFits(plan, fusion, target);
  }
  if (plan.kernels[0].skeleton == Skeleton::kScatterRows) {
    INGOT_RETURN_IF_ERROR(ScatterRowsFit(plan, fusion, target));
    const bool all = plan.updates == plan.in_place &&
                     plan.updates.size() == Leaves(fusion.root()->shape()).size();
    INGOT_REQUIRE(plan.updates.empty() || all,
                  "updates; rows are left alone where all results may be in place, or none");
    return InPlaceFits(plan, FusionInfo(ViewOf(fusion)));
  }
  if (plan.kernels[0].skeleton == Skeleton::kScatterUpdates) {
    INGOT_RETURN_IF_ERROR(ScatterUpdatesFit(plan, fusion, target));
    return InPlaceFits(plan, FusionInfo(ViewOf(fusion)));
  }
  const Skeleton skeleton = plan.kernels[0].skeleton;
  if (skeleton == Skeleton::kRadixSort || skeleton == Skeleton::kScanTiles ||
      skeleton == Skeleton::kWindow || skeleton == Skeleton::kWindowSums) {
    INGOT_REQUIRE(plan.updates.empty(), NameOf(skeleton), "s compute whole results");
    INGOT_RETURN_IF_ERROR(skeleton == Skeleton::kRadixSort   ? RadixSortFits(plan, fusion, target)
                          : skeleton == Skeleton::kScanTiles ? ScanTilesFit(plan, fusion, target)
                          : skeleton == Skeleton::kWindow    ? WindowFits(plan, fusion, target)
                                                             : WindowSumsFit(plan, fusion, target));
    return InPlaceFits(plan, FusionInfo(ViewOf(fusion)));
  }
  const bool tiles = std::holds_alternative<TilePlan>(plan.kernels[0].work);
  const bool steps = std::holds_alternative<StepPlan>(plan.kernels[0].work);
  INGOT_REQUIRE(steps || plan.updates.empty(), NameOf(plan.kernels[0].skeleton),
                "s compute whole results");
  for (size_t i = 0; i < plan.kernels.size(); ++i) {
    INGOT_RETURN_IF_ERROR(
        Annotate(BuffersFit(plan.kernels[i], fusion, plan.scratch.size()), "kernel ", i));
  }
  const FusionInfo info(ViewOf(fusion));
  const bool sorts = std::holds_alternative<MergeSortPlan>(plan.kernels[0].work);
  INGOT_RETURN_IF_ERROR(tiles   ? TileFits(plan, info, target)
                        : steps ? AllStepsFit(plan, fusion, info, target)
                        : sorts ? MergeSortFits(plan, fusion, target)
                                : ContractionFits(plan, fusion, target));
  return InPlaceFits(plan, info);
}

}  // namespace ingot::plan
