// The distinct fusions of a module, and what is known of the module when plans of them are made.
#ifndef INGOT_COMPILER_FUSION_PLANNER_H_
#define INGOT_COMPILER_FUSION_PLANNER_H_

#include <cstdint>
#include <vector>

#include "compiler/options.h"
#include "compiler/plan/plan.h"
#include "compiler/program/fusion_table.h"
#include "compiler/program/signature.h"
#include "ir/base/numerics.h"
#include "ir/base/target.h"
#include "ir/module.h"

namespace ingot {

class FusionPlanner {
 public:
  // `module` is what the passes made, `signature` that of the module before them.  The module lives
  // longer.
  FusionPlanner(const Module& module, const program::Signature& signature, const Target& target,
                FusionMode fusion, Numerics numerics);

  program::FusionTable& fusions() { return fusions_; }
  const program::FusionTable& fusions() const { return fusions_; }

  // For plans of the entry of this number, without tables.
  plan::PlanOptions OptionsFor(int64_t entry) const;

 private:
  const FusionMode fusion_;
  const Numerics numerics_;
  program::FusionTable fusions_;
  // By entry: which values stay in f32, of which not all digits are seen, and which sums are
  // multiply-adds.
  std::vector<std::vector<int64_t>> unrounded_;
  std::vector<plan::SeenDigits> seen_;
  std::vector<std::vector<int64_t>> contracted_;
};

}  // namespace ingot

#endif  // INGOT_COMPILER_FUSION_PLANNER_H_
