// Plans from tables: what fits computes what the evaluator does, whoever made it.
#include "compiler/plan/plan_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "compiler/compile.h"
#include "compiler/kernel/verifier.h"
#include "compiler/lower/lower.h"
#include "compiler/options.h"
#include "compiler/plan/fits.h"
#include "compiler/plan/plan_text.h"
#include "compiler/plan/tile.h"
#include "compiler/program/fusion_table.h"
#include "ir/base/integers.h"
#include "passes/pass_manager.h"
#include "tests/compiler/plans.h"
#include "tests/compiler/tile_cases.h"
#include "tests/paths/paths.h"

namespace ingot {
namespace {

using plan::FusionPlan;
using plan::KernelPlan;
using test::Case;
using test::ExpectRight;
using test::Fused;
using test::kCases;
using test::kReducers;
using test::PlanDrawer;
using test::Read;
using test::TargetOf;

FusionPlan LoopPlanOf(const Computation& fusion, const Target& target) {
  plan::PlanOptions options;
  options.tiles = false;
  return plan::MakePlan(fusion, target, options);
}

std::string TextOf(const Case& c) { return absl::StrCat(kReducers, "ENTRY e {", c.entry, "\n}\n"); }

// Kernels of steps, divided otherwise than the planner does.
TEST(PlanTable, AnyDivisionOfStepsIsRight) {
  constexpr Case kSteps[] = {
      {"loop", "\n  x = f32[37,48] parameter(0)\n  ROOT r = f32[37,48] add(x, x)"},
      {"rest", "\n  x = f32[5,7] parameter(0)\n  ROOT r = f32[7,5] transpose(x), dimensions={1,0}"},
      {"sort",
       "\n  x = f32[9,30] parameter(0)\n  ROOT r = f32[9,30] sort(x), dimensions={1}, "
       "to_apply=less"},
      {"dot",
       "\n  x = f32[12,20] parameter(0)\n  y = f32[20,40] parameter(1)\n"
       "  ROOT r = f32[12,40] dot(x, y), lhs_contracting_dims={1}, "
       "rhs_contracting_dims={0}"},
  };
  std::mt19937_64 random(3);
  for (const Case& c : kSteps) {
    const std::unique_ptr<Module> module = Read(TextOf(c));
    ASSERT_NE(module, nullptr);
    for (const char* name : {"sim:sm_90a-tiny", "host"}) {
      const Target& target = TargetOf(name);
      const std::unique_ptr<Module> fused = module->Clone();
      ASSERT_TRUE(RunPipeline(*fused, MakePassContext(target, FusionMode::kLoop)).ok());
      const program::FusionTable fusions(*fused);
      ASSERT_EQ(fusions.entries().size(), 1u);
      const Computation& fusion = *fusions.entries()[0].fusion;
      int fitting = 0;
      for (int n = 0; n < 200; ++n) {
        FusionPlan drawn = LoopPlanOf(fusion, target);
        KernelPlan& kernel = drawn.kernels[0];
        auto& steps = std::get<plan::StepPlan>(kernel.work);
        if (target.platform == Platform::kHost) {
          const int64_t columns = CeilDiv(steps.columns, steps.lanes);
          steps.task_rows = 1 + static_cast<int64_t>(random() % steps.rows);
          steps.task_columns = std::min<int64_t>(
              steps.columns, steps.lanes * (1 + static_cast<int64_t>(random() % columns)));
          kernel.tasks =
              CeilDiv(steps.rows, steps.task_rows) * CeilDiv(steps.columns, steps.task_columns);
        } else {
          kernel.block_threads = 32 * (1 + static_cast<int>(random() % 32));
          kernel.blocks =
              CeilDiv(steps.step_threads * steps.rows * CeilDiv(steps.columns, steps.lanes),
                      kernel.block_threads);
          // Threads of fewer blocks take several steps.
          if (random() % 2 == 0) {
            kernel.blocks = CeilDiv(kernel.blocks, 1 + static_cast<int64_t>(random() % 5));
          }
        }
        if (!plan::Fits(drawn, fusion, target).ok()) continue;
        ++fitting;
        ExpectRight(*module, target, plan::EntryText(drawn, fusion, target, c.name), c,
                    FusionMode::kLoop);
        if (fitting == 8 || HasFailure()) break;
      }
      EXPECT_GE(fitting, 3) << c.name << " on " << name;
    }
  }
}

// Products by all tiles that there are, with any stages and order of blocks.
TEST(PlanTable, AnyTileOfProductsIsRight) {
  constexpr Case kProducts[] = {
      {"dot",
       "\n  x = bf16[150,200] parameter(0)\n  y = bf16[200,140] parameter(1)\n"
       "  ROOT r = bf16[150,140] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0}"},
      {"odd",
       "\n  x = f16[2,67,41] parameter(0)\n  y = f16[2,67,37] parameter(1)\n"
       "  ROOT r = f32[2,41,37] dot(x, y), lhs_batch_dims={0}, rhs_batch_dims={0}, "
       "lhs_contracting_dims={1}, rhs_contracting_dims={1}"},
      {"convolution",
       "\n  x = bf16[2,9,9,16] parameter(0)\n  y = bf16[3,3,16,24] parameter(1)\n"
       "  ROOT r = bf16[2,9,9,24] convolution(x, y), window={size=3x3 pad=1_1x1_1}, "
       "dim_labels=b01f_01io->b01f"},
      {"doubles",
       "\n  x = f64[70,33] parameter(0)\n  y = f64[33,44] parameter(1)\n"
       "  ROOT r = f64[70,44] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0}"},
      {"exact",
       "\n  x = f32[52,60] parameter(0)\n  y = f32[60,36] parameter(1)\n"
       "  ROOT r = f32[52,36] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0}, "
       "operand_precision={highest,highest}"},
      {"bytes",
       "\n  x = s8[67,41] parameter(0)\n  y = s8[67,80] parameter(1)\n"
       "  ROOT r = s32[41,80] dot(x, y), lhs_contracting_dims={0}, rhs_contracting_dims={0}"},
  };
  std::mt19937_64 random(11);
  for (const Case& c : kProducts) {
    const std::unique_ptr<Module> module = Read(TextOf(c));
    ASSERT_NE(module, nullptr);
    int fitting = 0;
    for (const char* name : {"sim:sm_90a-tiny", "sim:sm_90a"}) {
      const Target& target = TargetOf(name);
      const std::unique_ptr<Module> fused = Fused(*module, target);
      const program::FusionTable fusions(*fused);
      ASSERT_EQ(fusions.entries().size(), 1u);
      const Computation& fusion = *fusions.entries()[0].fusion;
      for (FusionPlan& drawn : plan::MakeCandidates(fusion, target)) {
        if (drawn.kernels[0].skeleton != plan::Skeleton::kContraction) continue;
        const int stages = 2 + static_cast<int>(random() % 3);
        const int group = 1 + static_cast<int>(random() % 3);
        for (KernelPlan& kernel : drawn.kernels) {
          auto& tile = std::get<plan::ContractionPlan>(kernel.work);
          tile.stages = std::min(tile.stages, stages);
          tile.group = group;
        }
        const absl::Status fits = plan::Fits(drawn, fusion, target);
        ASSERT_TRUE(fits.ok()) << fits;
        ++fitting;
        ExpectRight(*module, target, plan::EntryText(drawn, fusion, target, c.name), c);
        if (HasFailure()) return;
      }
    }
    EXPECT_GE(fitting, 6) << c.name;
  }
}

class TileTest : public testing::TestWithParam<Case> {};

INSTANTIATE_TEST_SUITE_P(Cases, TileTest, testing::ValuesIn(kCases),
                         [](const auto& info) { return info.param.name; });

TEST_P(TileTest, WhateverFitsIsRight) {
  constexpr int kPlans = 60;
  const std::unique_ptr<Module> module = Read(TextOf(GetParam()));
  ASSERT_NE(module, nullptr);
  const Target& target = TargetOf(GetParam().target);
  const std::unique_ptr<Module> fused = Fused(*module, target);
  const program::FusionTable fusions(*fused);
  ASSERT_EQ(fusions.entries().size(), 1u);
  const Computation& fusion = *fusions.entries()[0].fusion;
  ASSERT_EQ(plan::MakePlan(fusion, target).kernels[0].skeleton, plan::Skeleton::kTile);
  EXPECT_EQ(plan::FindJoins(FusionInfo(ViewOf(fusion))).size(), GetParam().joins);
  PlanDrawer drawer(fusion, target, 7);
  int fitting = 0, refused = 0;
  while (fitting < kPlans && refused < 100 * kPlans && !HasFailure()) {
    const FusionPlan drawn = drawer.Draw();
    if (!plan::Fits(drawn, fusion, target).ok()) {
      ++refused;
      continue;
    }
    ++fitting;
    ExpectRight(*module, target, plan::EntryText(drawn, fusion, target, "drawn"), GetParam());
  }
  EXPECT_EQ(fitting, kPlans) << refused << " refused";
}

TEST_P(TileTest, CandidatesAreRight) {
  const std::unique_ptr<Module> module = Read(TextOf(GetParam()));
  ASSERT_NE(module, nullptr);
  for (const char* name : {"sim:sm_90a", GetParam().target}) {
    const Target& target = TargetOf(name);
    const std::unique_ptr<Module> fused = Fused(*module, target);
    const program::FusionTable fusions(*fused);
    ASSERT_EQ(fusions.entries().size(), 1u);
    const Computation& fusion = *fusions.entries()[0].fusion;
    const std::vector<FusionPlan> candidates = plan::MakeCandidates(fusion, target);
    ASSERT_GT(candidates.size(), 1u);
    EXPECT_TRUE(candidates[0] == plan::MakePlan(fusion, target));
    for (const FusionPlan& candidate : candidates) {
      EXPECT_GT(candidate.cost, 0);
      ExpectRight(*module, target, plan::EntryText(candidate, fusion, target, "candidate"),
                  GetParam());
    }
  }
}

// Rows that no block holds: one pass for what can be joined, unless numerics are strict.
TEST(Joins, OnlyOfRowsInTripsAndNotWhenStrict) {
  const Target& target = TargetOf("sm_90a");
  const auto softmax = std::find_if(std::begin(kCases), std::end(kCases), [](const Case& c) {
    return absl::string_view(c.name) == "softmax";
  });
  ASSERT_NE(softmax, std::end(kCases));
  for (const bool fits : {true, false}) {
    const std::string columns = fits ? "4000" : "1000003";
    const std::unique_ptr<Module> module =
        Read(absl::StrReplaceAll(TextOf(*softmax), {{"203", columns}}));
    ASSERT_NE(module, nullptr);
    const std::unique_ptr<Module> fused = Fused(*module, target);
    const program::FusionTable fusions(*fused);
    ASSERT_EQ(fusions.entries().size(), 1u);
    const Computation& fusion = *fusions.entries()[0].fusion;
    plan::PlanOptions options;
    FusionPlan made = plan::MakePlan(fusion, target, options);
    EXPECT_EQ(made.joined.size(), fits ? 0 : 1);
    EXPECT_EQ(made.kernels.size(), fits ? 1 : 2);
    options.numerics = Numerics::kStrict;
    const FusionPlan strict = plan::MakePlan(fusion, target, options);
    EXPECT_TRUE(strict.joined.empty());
    EXPECT_EQ(strict.kernels.size(), fits ? 1 : 3);
    if (fits) continue;
    EXPECT_TRUE(plan::Fits(made, fusion, target).ok());
    made.numerics = Numerics::kStrict;
    EXPECT_FALSE(plan::Fits(made, fusion, target).ok());
    made.numerics = Numerics::kDefault;
    made.joined[0].rule = plan::JoinRule::kSquares;
    EXPECT_FALSE(plan::Fits(made, fusion, target).ok());
  }
}

// Whether the plan's kernels can be written for the target.
bool IsWritten(const FusionPlan& plan, const Computation& fusion, const Target& target) {
  std::vector<std::string> names;
  for (size_t i = 0; i < plan.kernels.size(); ++i) names.push_back(absl::StrCat("k", i));
  const auto kernels = lower::Lower(fusion, plan, target, names);
  if (!kernels.ok()) return false;
  return std::all_of(kernels->begin(), kernels->end(), [&](const auto& kernel) {
    return kernel::VerifyKernel(*kernel, &target).ok();
  });
}

// Every fusion of the small workloads, as each target has it.
TEST(PlanText, PlansOfSmallWorkloadsFitAndReadBack) {
  INGOT_SHARED_OR_SKIP(folder, "workloads_small");
  int plans = 0;
  for (const std::string& name : test::FileStems(folder, ".hlo")) {
    const std::unique_ptr<Module> module =
        Read(test::ReadFile(absl::StrCat(folder, "/", name, ".hlo")));
    ASSERT_NE(module, nullptr);
    for (const char* target_name : {"sm_90a", "sim:sm_90a-tiny", "x86_64-v3"}) {
      const Target& target = TargetOf(target_name);
      const std::unique_ptr<Module> fused = Fused(*module, target);
      const program::FusionTable fusions(*fused);
      for (const program::FusionEntry& entry : fusions.entries()) {
        const FusionPlan made = plan::MakePlan(*entry.fusion, target);
        const std::string text = plan::ToString(made, *entry.fusion);
        const auto read = plan::ParsePlan(text, "plan.txt");
        ASSERT_TRUE(read.ok()) << read.status() << "\n" << text;
        EXPECT_TRUE(*read == made) << text;
        EXPECT_EQ(plan::ToString(*read, *entry.fusion), text);
        const absl::Status fits = plan::Fits(made, *entry.fusion, target);
        // What does not fit cannot be written either; Compile falls back to the loop.
        if (!fits.ok()) {
          EXPECT_FALSE(IsWritten(made, *entry.fusion, target))
              << name << " " << target_name << " " << entry.name << ": " << fits << "\n"
              << text;
        }
        ++plans;
      }
    }
  }
  EXPECT_GT(plans, 1000);
}

constexpr absl::string_view kNegate =
    "HloModule m\n\nENTRY e {\n  x = f32[4096] parameter(0)\n  ROOT n = f32[4096] negate(x)\n}\n";

// Lowering relies on what Fits asks for, and nobody asks it of the planner's own plans.
TEST(PlanTable, PlansOfRowsOfAnyLengthFit) {
  constexpr absl::string_view kEntry = R"(
ENTRY e {
  x = $T[$R,$C] parameter(0)
  w = f32[$R,$C] convert(x)
  z = f32[] constant(0)
  s = f32[$R] reduce(w, z), dimensions={1}, to_apply=add
  b = f32[$R,$C] broadcast(s), dimensions={0}
  d = f32[$R,$C] subtract(w, b)
  v = $T[$R,$C] convert(d)
  $H
  y = $T[$R,$C] add(v, h)
  ROOT r = ($T[$R,$C], f32[$R]) tuple(y, s)
})";
  constexpr absl::string_view kOther = "h = $T[$R,$C] negate(v)";
  constexpr absl::string_view kScale =
      "g = $T[$C] parameter(1)  h = $T[$R,$C] broadcast(g), dimensions={1}";
  const Target& target = TargetOf("sm_90a");
  for (const char* type : {"f32", "bf16", "f16", "u8", "s8", "f64"}) {
    for (const int64_t rows : {1, 128, 4096, 65536}) {
      for (int64_t length = 2; length < 1200; length += length < 600 ? 1 : 37) {
        for (const absl::string_view last : {kOther, kScale}) {
          const std::string entry = absl::StrReplaceAll(
              absl::StrReplaceAll(kEntry, {{"$H", last}}),
              {{"$T", type}, {"$R", absl::StrCat(rows)}, {"$C", absl::StrCat(length)}});
          const std::unique_ptr<Module> module = Read(absl::StrCat(kReducers, entry));
          ASSERT_NE(module, nullptr);
          const Computation& fusion = *module->entry();
          const absl::Status fits = plan::Fits(plan::MakePlan(fusion, target), fusion, target);
          EXPECT_TRUE(fits.ok()) << entry << fits;
        }
      }
    }
  }
}

TEST(PlanTable, AnEntryThatDoesNotFitIsRefusedByName) {
  const std::unique_ptr<Module> module = Read(std::string(kNegate));
  ASSERT_NE(module, nullptr);
  const Target& target = TargetOf("sm_90a");
  CompileOptions options;
  options.stages = {Stage::kPlan};
  std::string good;
  options.observer = [&](Stage, absl::string_view, const std::string& text) { good = text; };
  ASSERT_TRUE(Compile(*module, target, options).ok());
  // A second entry for the fusion, which fits, is taken.
  const std::string bad = absl::StrReplaceAll(good, {{"size=4096", "size=4095"}});
  ASSERT_NE(bad, good);
  auto table = plan::PlanTable::Parse(absl::StrCat("// a comment\n", bad, good), "plans.txt");
  ASSERT_TRUE(table.ok()) << table.status();
  options.plans = std::make_shared<const plan::PlanTable>(*std::move(table));
  std::vector<std::string> warnings;
  options.warning = [&](const std::string& warning) { warnings.push_back(warning); };
  std::string taken;
  options.observer = [&](Stage, absl::string_view, const std::string& text) { taken = text; };
  const auto compilation = Compile(*module, target, options);
  ASSERT_TRUE(compilation.ok()) << compilation.status();
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(
      warnings[0],
      "the plan from plans.txt:2:1: kernel 0: class d0: size=4095; the fusion's is 4096; n_2 is "
      "planned without this entry");
  EXPECT_NE(taken.find("reason=\"from plans.txt:8:1\""), std::string::npos) << taken;
  EXPECT_EQ(compilation->program->options,
            absl::StrCat("fusion=cost numerics=default plans=", options.plans->digest()));
}

}  // namespace
}  // namespace ingot
