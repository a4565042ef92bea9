#include "compiler/fusion_planner.h"

#include "compiler/plan/contractions.h"
#include "compiler/plan/excess_precision.h"
#include "compiler/plan/seen_digits.h"

namespace ingot {

FusionPlanner::FusionPlanner(const Module& module, const program::Signature& signature,
                             const Target& target, FusionMode fusion, Numerics numerics)
    : fusion_(fusion),
      numerics_(numerics),
      fusions_(module, program::MemoriesOfResults(signature)),
      unrounded_(fusions_.entries().size()),
      seen_(fusions_.entries().size()),
      contracted_(fusions_.entries().size()) {
  if (target.platform == Platform::kHost || numerics == Numerics::kStrict) return;
  const plan::FusionMembers members(module, fusions_.equal_fusions());
  unrounded_ = plan::FindUnrounded(members, plan::LeastRoundings(target));
  seen_ = plan::FindSeenDigits(members);
  contracted_ = plan::FindContractions(members);
}

plan::PlanOptions FusionPlanner::OptionsFor(int64_t entry) const {
  return {.tiles = fusion_ == FusionMode::kCost,
          .numerics = numerics_,
          .unrounded = unrounded_[entry],
          .seen = seen_[entry],
          .contracted = contracted_[entry],
          .last_reads = fusions_.entries()[entry].last_reads,
          .wanted_pairs = fusions_.entries()[entry].wanted_pairs};
}

}  // namespace ingot
