#include "compiler/plan/plan.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "compiler/plan/analysis.h"
#include "compiler/plan/concatenate.h"
#include "compiler/plan/contraction.h"
#include "compiler/plan/fits.h"
#include "compiler/plan/in_place.h"
#include "compiler/plan/merge_sort.h"
#include "compiler/plan/one_loop.h"
#include "compiler/plan/plan_table.h"
#include "compiler/plan/radix_sort.h"
#include "compiler/plan/scan_tiles.h"
#include "compiler/plan/scatter_rows.h"
#include "compiler/plan/scatter_updates.h"
#include "compiler/plan/steps.h"
#include "compiler/plan/tile.h"
#include "compiler/plan/tile_candidates.h"
#include "compiler/plan/tile_tasks.h"
#include "compiler/plan/tuned_plans.h"
#include "compiler/plan/window.h"
#include "compiler/plan/window_sums.h"
#include "ir/base/status.h"

namespace ingot::plan {
namespace {

struct SkeletonRow {
  Skeleton skeleton;
  void (*propose)(Skeleton, const Computation&, const FusionInfo&, const Target&, Numerics,
                  std::vector<FusionPlan>&);
};

constexpr SkeletonRow kSkeletons[] = {
#define INGOT_PLAN_SKELETON(Name, text, Family) {Skeleton::k##Name, Propose##Family},
#include "compiler/plan/skeletons.def"
};

// The universal loop or one of its relatives.
bool IsUniversal(Skeleton skeleton) { return std::holds_alternative<StepPlan>(WorkOf(skeleton)); }

// What a kernel of the loop costs.
double LoopMicroseconds(const FusionInfo& info, const Target& target) {
  // On a GPU it reads a row a thread, or a warp.
  constexpr double kReductionFactor = 4;
  const double bytes = static_cast<double>(info.cost().bytes_read()) +
                       static_cast<double>(info.cost().bytes_written());
  if (target.platform == Platform::kHost) {
    return kHostLaunchMicroseconds + bytes / kHostBytesPerMicrosecond;
  }
  return kLaunchMicroseconds +
         bytes / kBytesPerMicrosecond * (info.reductions().empty() ? 1 : kReductionFactor);
}

// What the program, not the skeleton, decides.
void Complete(const Computation& fusion, const FusionInfo& info, const Target& target,
              const PlanOptions& options, FusionPlan& plan) {
  plan.numerics = options.numerics;
  plan.unrounded = options.unrounded;
  plan.loose = options.seen.loose;
  plan.narrow = options.seen.narrow;
  plan.plus_one = options.seen.plus_one;
  plan.minus_one = options.seen.minus_one;
  plan.contracted = options.contracted;
  plan.library.reset();
  if (target.platform == Platform::kHost) {
    plan.library = MatchLibraryCall(fusion);
  } else if (plan.cost == 0) {
    plan.cost = kLaunchMicroseconds * static_cast<double>(plan.kernels.size() - 1) +
                LoopMicroseconds(info, target);
  }
}

// The first entry that fits.
std::optional<FusionPlan> FirstThatFits(absl::Span<const PlanEntry* const> entries,
                                        const Computation& fusion, const Target& target,
                                        const PlanOptions& options,
                                        std::vector<std::string>* refused) {
  for (const PlanEntry* entry : entries) {
    FusionPlan plan = entry->plan;
    plan.numerics = options.numerics;
    absl::Status fits = Fits(plan, fusion, target);
    if (fits.ok() && !options.tiles && !IsUniversal(plan.kernels[0].skeleton)) {
      fits = InvalidArgument("a ", NameOf(plan.kernels[0].skeleton),
                             " plan, which --fusion=loop has none of");
    }
    if (fits.ok()) {
      plan.reason = absl::StrCat("from ", entry->place);
      return plan;
    }
    if (refused != nullptr)
      refused->push_back(absl::StrCat("the plan from ", entry->place, ": ", fits.message()));
  }
  return std::nullopt;
}

std::optional<FusionPlan> PlanOfTable(const Computation& fusion, const Target& target,
                                      const PlanOptions& options,
                                      std::vector<std::string>* refused) {
  if (options.table == nullptr) return std::nullopt;
  return FirstThatFits(options.table->EntriesFor(fusion, target), fusion, target, options, refused);
}

std::optional<FusionPlan> TunedPlan(const Computation& fusion, const Target& target,
                                    const PlanOptions& options) {
  if (options.tuned == nullptr) return std::nullopt;
  const std::vector<PlanEntry> entries = options.tuned->EntriesFor(fusion, target);
  std::vector<const PlanEntry*> all;
  for (const PlanEntry& entry : entries) all.push_back(&entry);
  return FirstThatFits(all, fusion, target, options, /*refused=*/nullptr);
}

// What the copies cost of wanted results that the plan does not make in place.
double CopyMicroseconds(const FusionPlan& plan, const FusionInfo& info,
                        const PlanOptions& options) {
  double microseconds = 0;
  for (const InPlacePair& pair : options.wanted_pairs) {
    if (std::find(plan.in_place.begin(), plan.in_place.end(), pair) != plan.in_place.end())
      continue;
    const double bytes = static_cast<double>(info.graph().value(pair.operand).shape().ByteSize());
    microseconds += kLaunchMicroseconds + 2 * bytes / kBytesPerMicrosecond;
  }
  return microseconds;
}

// What a fusion's results may be stored to.  Rows that nobody updates are left alone where all
// results can be in their operands' memory: a launch that has another one copies the operand first.
void FindPairs(const FusionInfo& info, const PlanOptions& options, FusionPlan& plan) {
  plan.in_place = FindInPlace(plan, info, options.last_reads, options.wanted_pairs);
  if (plan.kernels[0].skeleton != Skeleton::kScatterRows) return;
  const bool all = static_cast<int>(plan.in_place.size()) == ResultCount(info.graph().view());
  plan.updates = all ? plan.in_place : std::vector<InPlacePair>{};
}

// A loop has more pairs than a tile with places beyond the space, and is nearly as fast where
// nothing is reduced.
void PreferLoopInPlace(const Computation& fusion, const FusionInfo& info, const Target& target,
                       const PlanOptions& options, FusionPlan& plan) {
  if (plan.kernels[0].skeleton != Skeleton::kTile || !info.reductions().empty()) return;
  const double copies = CopyMicroseconds(plan, info, options);
  if (copies == 0) return;
  std::vector<FusionPlan> loops;
  ProposeSteps(Skeleton::kLoop, fusion, info, target, options.numerics, loops);
  for (FusionPlan& loop : loops) {
    Complete(fusion, info, target, options, loop);
    loop.in_place = FindInPlace(loop, info, options.last_reads, options.wanted_pairs);
    if (loop.cost + CopyMicroseconds(loop, info, options) < plan.cost + copies) {
      plan = std::move(loop);
    }
  }
}

// A tile has no vectors of rows that begin anywhere; a loop that knows elements by their number
// alone has them of all rows together.
void PreferFlatLoop(const Computation& fusion, const FusionInfo& info, const Target& target,
                    Numerics numerics, FusionPlan& plan) {
  if (plan.kernels[0].skeleton != Skeleton::kTile || !info.reductions().empty()) return;
  const TilePlan& tile = plan.kernels[0].tile();
  if (!tile.turned.empty() || tile.classes[tile.order[0]].vector > 1) return;
  std::vector<FusionPlan> loops;
  ProposeSteps(Skeleton::kLoop, fusion, info, target, numerics, loops);
  for (FusionPlan& loop : loops) {
    const StepPlan& steps = loop.kernels[0].steps();
    if (loop.kernels.size() == 1 && steps.flat && steps.lanes > 1) plan = std::move(loop);
  }
}

}  // namespace

Work WorkOf(Skeleton skeleton) {
  using StepsPlan = StepPlan;
  switch (skeleton) {
#define INGOT_PLAN_SKELETON(Name, text, Family) \
  case Skeleton::k##Name:                       \
    return Family##Plan{};
#include "compiler/plan/skeletons.def"
  }
  return StepPlan{};
}

FusionPlan MakePlan(const Computation& fusion, const Target& target, const PlanOptions& options,
                    std::vector<std::string>* refused) {
  // Lower says what is wrong with it.
  if (!HasArraysOnly(fusion)) {
    FusionPlan plan;
    plan.kernels.emplace_back();
    return plan;
  }
  const FusionInfo info(ViewOf(fusion));
  std::vector<FusionPlan> candidates;
  if (std::optional<FusionPlan> plan = PlanOfTable(fusion, target, options, refused)) {
    candidates.push_back(*std::move(plan));
  }
  const bool is_given = !candidates.empty();
  if (!is_given) {
    if (std::optional<FusionPlan> plan = TunedPlan(fusion, target, options)) {
      candidates.push_back(*std::move(plan));
    }
  }
  const bool is_guess = candidates.empty();
  for (const SkeletonRow& row : kSkeletons) {
    if (!candidates.empty()) break;
    if (!options.tiles && !IsUniversal(row.skeleton)) continue;
    row.propose(row.skeleton, fusion, info, target, options.numerics, candidates);
  }
  FusionPlan plan = std::move(candidates[0]);
  if (is_guess) PreferFlatLoop(fusion, info, target, options.numerics, plan);
  Complete(fusion, info, target, options, plan);
  if (!is_given) {
    FindPairs(info, options, plan);
    PreferLoopInPlace(fusion, info, target, options, plan);
  }
  return plan;
}

std::vector<FusionPlan> MakeCandidates(const Computation& fusion, const Target& target,
                                       const PlanOptions& options) {
  std::vector<FusionPlan> candidates;
  if (!HasArraysOnly(fusion)) return candidates;
  const FusionInfo info(ViewOf(fusion));
  for (const SkeletonRow& row : kSkeletons) {
    if (!options.tiles && !IsUniversal(row.skeleton)) continue;
    if (row.skeleton != Skeleton::kTile) {
      row.propose(row.skeleton, fusion, info, target, options.numerics, candidates);
    } else {
      std::vector<FusionPlan> tiles = TileCandidates(info, target, options.numerics);
      std::move(tiles.begin(), tiles.end(), std::back_inserter(candidates));
    }
  }
  std::erase_if(candidates,
                [&](const FusionPlan& plan) { return !Fits(plan, fusion, target).ok(); });
  for (FusionPlan& plan : candidates) {
    Complete(fusion, info, target, options, plan);
    FindPairs(info, options, plan);
  }
  return candidates;
}

FusionCostEstimate EstimateFusion(const FusionView& view, const Target& target) {
  const FusionInfo info(view);
  const absl::StatusOr<FusionPlan> plan = MakeTilePlan(info, target, Numerics::kDefault);
  if (plan.ok()) return {plan->cost, true, ""};
  const double microseconds = LoopMicroseconds(info, target);
  if (IsOneLoop(info, target)) return {microseconds, true, ""};
  return {microseconds, false, std::string(plan.status().message())};
}

}  // namespace ingot::plan
