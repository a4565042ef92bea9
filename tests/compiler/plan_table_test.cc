// Plans from tables: what fits computes what the evaluator does, whoever made it.
#include "compiler/plan/plan_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "compiler/compile.h"
#include "compiler/executable.h"
#include "compiler/kernel/simulator/device/device.h"
#include "compiler/kernel/verifier.h"
#include "compiler/lower/lower.h"
#include "compiler/options.h"
#include "compiler/plan/fits.h"
#include "compiler/plan/plan_text.h"
#include "compiler/plan/tile.h"
#include "compiler/program/fusion_table.h"
#include "ir/evaluator/evaluator.h"
#include "ir/text/parser.h"
#include "ir/verifier/verifier.h"
#include "passes/pass_manager.h"
#include "runtime/host/host_device.h"
#include "tests/compiler/tile_cases.h"
#include "tests/paths/paths.h"

namespace ingot {
namespace {

using plan::FusionPlan;
using plan::KernelPlan;
using plan::TileClass;
using plan::TilePlan;
using test::Case;
using test::kCases;
using test::kReducers;

std::unique_ptr<Module> Read(const std::string& text) {
  auto module = ParseModule(text, "m.hlo");
  EXPECT_TRUE(module.ok()) << module.status();
  if (!module.ok()) return nullptr;
  EXPECT_TRUE(Verify(**module).ok()) << Verify(**module);
  return *std::move(module);
}

const Target& TargetOf(absl::string_view name) { return **FindTarget(name); }

// The module as Compile makes fusions of it.
std::unique_ptr<Module> Fused(const Module& module, const Target& target) {
  std::unique_ptr<Module> fused = module.Clone();
  EXPECT_TRUE(RunPipeline(*fused, MakePassContext(target, FusionMode::kCost)).ok());
  return fused;
}

FusionPlan LoopPlanOf(const Computation& fusion, const Target& target) {
  plan::PlanOptions options;
  options.tiles = false;
  return plan::MakePlan(fusion, target, options);
}

std::string TextOf(const Case& c) { return absl::StrCat(kReducers, "ENTRY e {", c.entry, "\n}\n"); }

// Small whole numbers, so that every order of additions gives the same bits.
Literal ValueOf(const Shape& shape, uint64_t seed) {
  std::mt19937_64 random(seed);
  Literal literal = Literal::Zeros(shape).value();
  for (int64_t i = 0; i < literal.size(); ++i) {
    literal.SetInteger(i, static_cast<int64_t>(random() % 11) - 4);
  }
  return literal;
}

// Of every eighth element along the first and the last dimension a kind: plain numbers, all or some
// of -inf or inf, a NaN, numbers beyond whose sum or difference is infinity.
void AddSpecials(Literal& literal) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const Shape& shape = literal.shape();
  if (shape.rank() < 2 || !IsFloat(shape.element_type())) return;
  const int64_t columns = shape.dimensions().back();
  const int64_t rows = literal.size() / columns;
  for (int64_t i = 0; i < literal.size(); ++i) {
    // The longer dimension is the one that is reduced.
    const int64_t row = columns > rows ? i / columns : i % columns;
    const int64_t place = columns > rows ? i % columns : i / columns;
    if (row % 8 == 1) literal.SetDouble(i, -kInfinity);
    if (row % 8 == 2 && place % 3 != 1) literal.SetDouble(i, -kInfinity);
    if (row % 8 == 3 && place == 77) literal.SetDouble(i, kInfinity);
    if (row % 8 == 4 && place == 100) literal.SetDouble(i, std::nan(""));
    if (row % 8 == 5) literal.SetDouble(i, kInfinity);
    if (row % 8 == 6 && place % 2 == 0) literal.SetDouble(i, place % 4 == 0 ? 3e38 : -3e38);
    if (row % 8 == 7 && place > 20) literal.SetDouble(i, -kInfinity);
  }
}

// Whether two arrays are the same, floats within the tolerance.
bool AreNear(const Literal& actual, const Literal& expected, double tolerance) {
  if (tolerance == 0 || !IsFloat(expected.shape().element_type())) return actual == expected;
  for (int64_t i = 0; i < expected.size(); ++i) {
    const double a = actual.AsDouble(i), b = expected.AsDouble(i);
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    if (!(std::abs(a - b) <= tolerance * std::max(1.0, std::abs(b)))) return false;
  }
  return true;
}

// Compiles with the table, which has to be taken, runs, and compares.  GPUs are simulated.
void ExpectRight(const Module& module, const Target& target, const std::string& table_text,
                 const Case& c, FusionMode fusion = FusionMode::kCost) {
  CompileOptions options;
  options.threads = 1;
  options.fusion = fusion;
  auto table = plan::PlanTable::Parse(table_text, "plans.txt");
  ASSERT_TRUE(table.ok()) << table.status() << "\n" << table_text;
  options.plans = std::make_shared<const plan::PlanTable>(*std::move(table));
  options.warning = [&](const std::string& warning) {
    ADD_FAILURE() << warning << "\n" << table_text;
  };
  const auto compilation = Compile(module, target, options);
  ASSERT_TRUE(compilation.ok()) << compilation.status() << "\n" << table_text;
  const auto device = target.platform == Platform::kHost
                          ? runtime::CreateHostDevice()
                          : kernel::simulator::CreateSimulatedDevice({.schedules = 2});
  ASSERT_TRUE(device.ok()) << device.status();
  const auto executable = Executable::Load(compilation->program, device->get());
  ASSERT_TRUE(executable.ok()) << executable.status();
  std::vector<Literal> inputs;
  for (const Instruction* parameter : module.entry()->parameters()) {
    inputs.push_back(ValueOf(parameter->shape(), inputs.size() + 1));
    if (c.specials && inputs.size() == 1) AddSpecials(inputs[0]);
  }
  const auto expected = Evaluate(module, inputs);
  ASSERT_TRUE(expected.ok()) << expected.status();
  const auto results = (*executable)->Run(inputs);
  ASSERT_TRUE(results.ok()) << results.status() << "\n" << table_text;
  const std::vector<Literal> leaves = Leaves(*expected);
  ASSERT_EQ(results->size(), leaves.size());
  for (size_t i = 0; i < leaves.size(); ++i) {
    EXPECT_TRUE(AreNear((*results)[i], leaves[i], c.tolerance)) << "result " << i << "\n"
                                                                << table_text;
  }
}

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
          const int64_t columns = plan::CeilDiv(steps.columns, steps.lanes);
          steps.task_rows = 1 + static_cast<int64_t>(random() % steps.rows);
          steps.task_columns = std::min<int64_t>(
              steps.columns, steps.lanes * (1 + static_cast<int64_t>(random() % columns)));
          kernel.tasks = plan::CeilDiv(steps.rows, steps.task_rows) *
                         plan::CeilDiv(steps.columns, steps.task_columns);
        } else {
          kernel.block_threads = 32 * (1 + static_cast<int>(random() % 32));
          kernel.blocks = plan::CeilDiv(
              steps.step_threads * steps.rows * plan::CeilDiv(steps.columns, steps.lanes),
              kernel.block_threads);
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

// Plans of tiles without the planner's care: any numbers, most of which fit.
class PlanDrawer {
 public:
  PlanDrawer(const Computation& fusion, const Target& target, uint64_t seed)
      : fusion_(fusion), target_(target), info_(ViewOf(fusion)), random_(seed) {}

  FusionPlan Draw() {
    FusionPlan drawn = plan::MakePlan(fusion_, target_);
    std::vector<plan::Join> joins;
    if (Below(2) == 0) joins = plan::FindJoins(info_);
    drawn.joined.clear();
    for (const plan::Join& join : joins) drawn.joined.push_back({join.rule, join.reduction});
    const int levels = plan::PassLevels(info_, joins).last;
    const bool splits = levels > 0 && Below(2) == 0;
    const KernelPlan last = drawn.kernels.back();
    const std::vector<int> order(drawn.kernels[0].tile().order.begin(),
                                 drawn.kernels[0].tile().order.begin() + Classes());
    const int64_t parts = splits ? 1 + Below(6) : 1;
    // Levels whose parts a kernel of its own puts together.
    const int combined = splits ? Below(levels + 1) : 0;
    drawn.kernels.clear();
    drawn.scratch.clear();
    if (splits) drawn.scratch = plan::PartsScratch(info_, joins, parts + (combined > 0 ? 1 : 0));
    std::vector<TilePlan> tiles;
    for (int level = 1; splits && level <= levels; ++level) {
      TilePlan& tile = tiles.emplace_back();
      tile.known_level = level - 1;
      tile.combined_level = std::min(combined, level - 1);
      tile.partial_level = level;
      if (level > combined) continue;
      TilePlan& together = tiles.emplace_back();
      together.known_level = together.partial_level = level;
      together.combined_level = level - 1;
    }
    TilePlan& all = tiles.emplace_back();
    all.known_level = splits ? levels : 0;
    all.combined_level = combined;
    for (TilePlan& tile : tiles) {
      KernelPlan kernel = last;
      kernel.buffers.erase(std::remove_if(kernel.buffers.begin(), kernel.buffers.end(),
                                          [](const plan::BufferRole& role) {
                                            return role.kind == plan::BufferRole::Kind::kScratch;
                                          }),
                           kernel.buffers.end());
      for (size_t i = 0; i < drawn.scratch.size(); ++i) {
        kernel.buffers.push_back({plan::BufferRole::Kind::kScratch, static_cast<int>(i)});
      }
      const bool is_last = &tile == &tiles.back();
      tile.order = order;
      tile.classes.resize(Classes() + (splits ? 1 : 0));
      if (splits) tile.order.push_back(Classes());
      if (!is_last) kernel.bytes = kernel.flops = 0;
      std::shuffle(tile.order.begin() + 1, tile.order.end(), random_);
      const bool partial = !is_last && !tile.combines();
      Deal(tile, order[0], parts, partial, splits && !partial);
      for (int v = 0; v < info_.graph().input_count(); ++v) {
        if (Below(4) == 0) tile.staged.push_back(v);
      }
      if (Below(4) == 0) kernel.index_type = ElementType::kS64;
      kernel.resident_blocks = Below(3);
      kernel.block_threads = 1;
      kernel.blocks = 1;
      for (const TileClass& c : tile.classes) {
        kernel.block_threads *= c.lanes * c.warps;
        kernel.blocks *= c.blocks;
      }
      kernel.work = tile;
      drawn.kernels.push_back(std::move(kernel));
    }
    return drawn;
  }

 private:
  int Below(int n) { return static_cast<int>(random_() % n); }
  int Classes() const { return static_cast<int>(info_.space().classes().size()); }

  // `partial`: the first reduced class is shared by `parts` blocks.  `last`: what is reduced is
  // walked again, if at all, by blocks that need not have all of it.
  void Deal(TilePlan& tile, int inner, int64_t parts, bool partial, bool last) {
    const int count = static_cast<int>(tile.classes.size());
    for (int c = 0; c < Classes(); ++c) tile.classes[c].size = info_.space().classes()[c].size;
    if (count > Classes()) tile.classes.back().size = parts;
    for (int bit = 0; bit < 5; ++bit) tile.classes[Below(count)].lanes *= 2;
    for (int bit = Below(4); bit > 0; --bit) tile.classes[Below(count)].warps *= 2;
    tile.aligned = !tile.combines() && plan::AlignedVector(info_, inner) > 1 && Below(2) == 0;
    const int most =
        tile.aligned ? plan::AlignedVector(info_, inner) : plan::MostVector(info_, inner);
    tile.classes[inner].vector = std::max(1, most >> Below(4));
    bool shared = false;
    for (int c = 0; c < count; ++c) {
      TileClass& own = tile.classes[c];
      own.registers = 1 + (Below(2) == 0 ? Below(4) : 0);
      const auto left = [&] { return plan::CeilDiv(own.size, own.block_extent() * own.blocks); };
      const bool reduced = c >= Classes() || info_.space().classes()[c].reduced;
      if (!reduced || (last && c < Classes())) {
        own.loop = std::min<int64_t>(left(), 1 + Below(2));
        own.blocks = left();
      } else if (partial && c < Classes() && !shared) {
        shared = true;
        own.blocks = parts;
        own.loop = left();
      } else {
        own.loop = left();
      }
    }
    if (Below(4) != 0) return;
    // Any number at all; the product's consequences are drawn right, its faults stay.
    TileClass& spoilt = tile.classes[Below(count)];
    constexpr int kNumbers[] = {1, 2, 3, 4, 5, 8, 16, 32, 64, 100, 0, -1};
    const int number = kNumbers[Below(12)];
    switch (Below(6)) {
      case 0:
        spoilt.vector = number;
        break;
      case 1:
        spoilt.lanes = number;
        break;
      case 2:
        spoilt.warps = number;
        break;
      case 3:
        spoilt.registers = number;
        break;
      case 4:
        spoilt.blocks = number;
        break;
      default:
        spoilt.loop = number;
    }
  }

  const Computation& fusion_;
  const Target& target_;
  const FusionInfo info_;
  std::mt19937_64 random_;
};

class TileTest : public testing::TestWithParam<Case> {};

INSTANTIATE_TEST_SUITE_P(Cases, TileTest, testing::ValuesIn(kCases),
                         [](const auto& info) { return info.param.name; });

TEST_P(TileTest, WhateverFitsIsRight) {
  constexpr int kPlans = 60;
  const std::unique_ptr<Module> module = Read(TextOf(GetParam()));
  ASSERT_NE(module, nullptr);
  const Target& target = TargetOf("sim:sm_90a-tiny");
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
  for (const char* name : {"sim:sm_90a", "sim:sm_90a-tiny"}) {
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
