#include "compiler/plan/plan.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "compiler/plan/analysis.h"
#include "compiler/plan/steps.h"
#include "compiler/plan/tile.h"

namespace ingot::plan {
namespace {

struct SkeletonRow {
  Skeleton skeleton;
  absl::string_view name;
  void (*propose)(Skeleton, const Computation&, const FusionInfo&, const Target&,
                  std::vector<FusionPlan>&);
};

constexpr SkeletonRow kSkeletons[] = {
#define INGOT_PLAN_SKELETON(Name, text, Family) {Skeleton::k##Name, text, Propose##Family},
#include "compiler/plan/skeletons.def"
};

// Values that kernels compute: arrays of known sizes.  Lower refuses others.
bool HasArraysOnly(const Computation& fusion) {
  for (const Instruction* instruction : fusion.instructions()) {
    for (const Shape& leaf : Leaves(instruction->shape())) {
      if (!leaf.IsArray() || leaf.HasDynamicDimension()) return false;
    }
  }
  return true;
}

// "r0: 65536 = 4 warps x 16384 blocks", as TileClass says, innermost digit first.
std::string ClassText(const TileClass& c) {
  std::string text = absl::StrCat(c.size, " =");
  const auto digit = [&](int64_t size, absl::string_view name) {
    if (size > 1) absl::StrAppend(&text, text.back() == '=' ? " " : " x ", size, " ", name);
  };
  digit(c.vector, "elements");
  digit(c.lanes, "lanes");
  digit(c.warps, "warps");
  digit(c.registers, "registers");
  digit(c.blocks, "blocks");
  digit(c.loop, "trips");
  if (text.back() == '=') absl::StrAppend(&text, " 1");
  return text;
}

std::string TileText(const KernelPlan& kernel, const TilePlan& plan) {
  std::string text =
      absl::StrCat(NameOf(kernel.skeleton), " index ", ElementTypeName(kernel.index_type),
                   ", blocks ", kernel.blocks, " of ", kernel.block_threads);
  if (kernel.resident_blocks > 0) absl::StrAppend(&text, ", ", kernel.resident_blocks, " resident");
  if (plan.known_level > 0) absl::StrAppend(&text, ", parts up to level ", plan.known_level);
  if (plan.partial_level > 0) {
    absl::StrAppend(&text, ", to parts of level ", plan.partial_level);
  }
  absl::StrAppend(&text, "\nbytes ", kernel.bytes, " flops ", kernel.flops, "\n");
  for (int c : plan.order) absl::StrAppend(&text, "  d", c, ": ", ClassText(plan.classes[c]), "\n");
  if (!plan.staged.empty()) {
    absl::StrAppend(&text, "  staged: inputs ", absl::StrJoin(plan.staged, " "), "\n");
  }
  return text;
}

std::string StepsText(const KernelPlan& kernel, const StepPlan& plan, const Computation& fusion) {
  std::string text = absl::StrCat(NameOf(kernel.skeleton), " ", plan.rows, " x ", plan.columns,
                                  " lanes ", plan.lanes, plan.flat ? " flat" : "", " index ",
                                  ElementTypeName(kernel.index_type));
  if (plan.owners > 1) absl::StrAppend(&text, " owners ", plan.owners);
  absl::StrAppend(&text, "\ntasks ", kernel.tasks, " of ", plan.task_rows, " x ", plan.task_columns,
                  ", blocks ", kernel.blocks, " of ", kernel.block_threads,
                  plan.step_threads > 1 ? absl::StrCat(", steps of ", plan.step_threads) : "",
                  "\nbytes ", kernel.bytes, " flops ", kernel.flops, "\n");
  for (size_t i = 0; i < plan.instructions.size(); ++i) {
    const Instruction& instruction = *fusion.instructions()[i];
    const InstructionPlan& placed = plan.instructions[i];
    absl::StrAppend(&text, "  ", instruction.name(), ": ", NameOf(placed.placement));
    if (placed.width > 1) absl::StrAppend(&text, " width ", placed.width);
    if (placed.threads > 1) absl::StrAppend(&text, " threads ", placed.threads);
    absl::StrAppend(&text, "\n");
  }
  return text;
}

}  // namespace

absl::string_view NameOf(Skeleton skeleton) { return kSkeletons[static_cast<int>(skeleton)].name; }

absl::string_view NameOf(Placement placement) {
  switch (placement) {
#define INGOT_CASE(enumerator, name) \
  case Placement::enumerator:        \
    return name;
    INGOT_PLAN_PLACEMENTS(INGOT_CASE)
#undef INGOT_CASE
  }
  return "";
}

FusionPlan MakePlan(const Computation& fusion, const Target& target, const PlanOptions& options) {
  // Lower says what is wrong with it.
  if (!HasArraysOnly(fusion)) {
    FusionPlan plan;
    plan.kernels.emplace_back();
    return plan;
  }
  std::vector<FusionPlan> candidates;
  const FusionInfo info(ViewOf(fusion));
  for (const SkeletonRow& row : kSkeletons) {
    if (row.skeleton == Skeleton::kTile && !options.tiles) continue;
    row.propose(row.skeleton, fusion, info, target, candidates);
  }
  FusionPlan plan = std::move(candidates[0]);
  plan.numerics = options.numerics;
  plan.unrounded = options.unrounded;
  if (target.platform == Platform::kHost) plan.library = MatchLibraryCall(fusion);
  return plan;
}

FusionCostEstimate EstimateFusion(const FusionView& view, const Target& target) {
  const FusionInfo info(view);
  const absl::StatusOr<FusionPlan> plan = MakeTilePlan(info, target);
  if (plan.ok()) return {plan->cost, true, ""};
  // The loop reads a row a thread, or a warp.
  constexpr double kReductionFactor = 4;
  const double bytes = static_cast<double>(info.cost().bytes_read()) +
                       static_cast<double>(info.cost().bytes_written());
  return {kLaunchMicroseconds +
              bytes / kBytesPerMicrosecond * (info.reductions().empty() ? 1 : kReductionFactor),
          false, std::string(plan.status().message())};
}

std::string ToString(const FusionPlan& plan, const Computation& fusion) {
  std::string text;
  if (!plan.reason.empty()) absl::StrAppend(&text, plan.reason, "\n");
  for (const KernelPlan& kernel : plan.kernels) {
    if (const auto* tile = std::get_if<TilePlan>(&kernel.work)) {
      absl::StrAppend(&text, TileText(kernel, *tile));
    } else {
      absl::StrAppend(&text, StepsText(kernel, kernel.steps(), fusion));
    }
  }
  for (const Instruction* instruction : fusion.instructions()) {
    if (std::binary_search(plan.unrounded.begin(), plan.unrounded.end(), instruction->id())) {
      absl::StrAppend(&text, "  in f32: ", instruction->name(), "\n");
    }
  }
  for (const Scratch& scratch : plan.scratch) {
    absl::StrAppend(&text, "  scratch ", scratch.shape.ToString(/*with_layout=*/false), "\n");
  }
  return text;
}

}  // namespace ingot::plan
