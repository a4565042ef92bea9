// Plans that no planner makes, and whether they compute what the evaluator does.
#ifndef INGOT_TESTS_COMPILER_PLANS_H_
#define INGOT_TESTS_COMPILER_PLANS_H_

#include <memory>
#include <random>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "compiler/options.h"
#include "compiler/plan/pass_levels.h"
#include "compiler/plan/plan.h"
#include "ir/analysis/fusion_info.h"
#include "ir/base/target.h"
#include "ir/module.h"
#include "runtime/device.h"
#include "tests/compiler/tile_cases.h"

namespace ingot::test {

// The module that `text` says, verified; null after a test failure otherwise.
std::unique_ptr<Module> Read(const std::string& text);

const Target& TargetOf(absl::string_view name);

// What runs programs for the target.  GPUs are simulated, under two schedules.
absl::StatusOr<std::unique_ptr<runtime::Device>> DeviceOf(const Target& target);

// The module as Compile makes fusions of it.
std::unique_ptr<Module> Fused(const Module& module, const Target& target);

// Compiles with the table, which has to be taken, runs on small whole numbers and the special
// values of the case, and compares within its tolerance.  GPUs are simulated.
void ExpectRight(const Module& module, const Target& target, const std::string& table_text,
                 const Case& c = {}, FusionMode fusion = FusionMode::kCost);

// What the simulator says of the module, compiled with the table, where `from` in the text of its
// kernels is replaced: the first place only.  Inputs are zeros.  Empty: nothing.
std::string FaultOf(const Module& module, const Target& target, const std::string& table_text,
                    const std::string& from, const std::string& to);

// Plans of tiles without the planner's care: any numbers, most of which fit.
class PlanDrawer {
 public:
  PlanDrawer(const Computation& fusion, const Target& target, uint64_t seed)
      : fusion_(fusion),
        target_(target),
        info_(ViewOf(fusion)),
        levels_(info_, {}),
        random_(seed) {}

  plan::FusionPlan Draw();

 private:
  int Below(int n) { return static_cast<int>(random_() % n); }
  int Classes() const { return static_cast<int>(info_.space().classes().size()); }

  // Another plan with the boxes of inputs that lie across the results.
  plan::FusionPlan DrawTurned(plan::FusionPlan drawn);
  // Has the blocks of the first kernel leave so many parts, and the second put them together.
  void SetParts(int64_t parts, plan::FusionPlan& drawn);
  // Rows as ranges.
  plan::FusionPlan DrawPacked(plan::FusionPlan drawn, int rows_class, int inner_class);
  // Another walk with reductions across it.
  plan::FusionPlan DrawAcross(plan::FusionPlan drawn);
  // Inputs that are staged, kept, or ahead.
  void PlaceInputs(plan::TilePlan& tile);
  // Whether every row reads all of an input.
  bool IsShared(int input) const;
  // `partial`: the first reduced class is shared by `parts` blocks.  `last`: what is reduced is
  // walked again, if at all, by blocks that need not have all of it.
  void Deal(plan::TilePlan& tile, int inner, int64_t parts, bool partial, bool last);

  const Computation& fusion_;
  const Target& target_;
  const FusionInfo info_;
  const plan::PassLevels levels_;
  std::mt19937_64 random_;
};

}  // namespace ingot::test

#endif  // INGOT_TESTS_COMPILER_PLANS_H_
