// Plans from tables: what fits computes what the evaluator does, whoever made it.
#include "compiler/plan/plan_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
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
#include "tests/paths/paths.h"

namespace ingot {
namespace {

using plan::FusionPlan;
using plan::KernelPlan;
using plan::TileClass;
using plan::TilePlan;

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

constexpr absl::string_view kReducers = R"(HloModule m
add { x = f32[] parameter(0)  y = f32[] parameter(1)  ROOT r = f32[] add(x, y) }
less { x = f32[] parameter(0)  y = f32[] parameter(1)  ROOT r = pred[] compare(x, y), direction=LT }
max { x = f32[] parameter(0)  y = f32[] parameter(1)  ROOT r = f32[] maximum(x, y) }
first {
  x = f32[] parameter(0)  i = s32[] parameter(1)  y = f32[] parameter(2)  j = s32[] parameter(3)
  after = pred[] compare(y, x), direction=GT
  equal = pred[] compare(y, x), direction=EQ
  less = pred[] compare(j, i), direction=LT
  tie = pred[] and(equal, less)
  take = pred[] or(after, tie)
  v = f32[] select(take, y, x)
  n = s32[] select(take, j, i)
  ROOT r = (f32[], s32[]) tuple(v, n)
}
)";

FusionPlan LoopPlanOf(const Computation& fusion, const Target& target) {
  plan::PlanOptions options;
  options.tiles = false;
  return plan::MakePlan(fusion, target, options);
}

struct Case {
  const char* name;
  const char* entry;
};

// Rows, columns, both, transposes, several results, a combiner without identity, vectors that do
// not divide, two levels of reductions, values that rows share.
constexpr Case kCases[] = {
    {"elements", R"(
  x = f32[36,7,50] parameter(0)  y = f32[7,36,50] parameter(1)
  t = f32[36,7,50] transpose(y), dimensions={1,0,2}
  ROOT r = f32[36,7,50] add(x, t))"},
    {"bias", R"(
  x = f32[6,7,40] parameter(0)  y = f32[40] parameter(1)
  b = f32[6,7,40] broadcast(y), dimensions={2}
  ROOT r = f32[6,7,40] multiply(x, b))"},
    {"rows", R"(
  x = f32[37,200] parameter(0)  z = f32[] constant(3)
  ROOT r = f32[37] reduce(x, z), dimensions={1}, to_apply=add)"},
    {"columns", R"(
  x = bf16[300,24] parameter(0)  c = f32[300,24] convert(x)  z = f32[] constant(0)
  ROOT r = f32[24] reduce(c, z), dimensions={0}, to_apply=add)"},
    {"middle", R"(
  x = f32[5,60,12] parameter(0)  z = f32[] constant(0)
  ROOT r = f32[5,12] reduce(x, z), dimensions={1}, to_apply=add)"},
    {"all", R"(
  x = f32[30,1000] parameter(0)  z = f32[] constant(0)
  ROOT r = f32[] reduce(x, z), dimensions={0,1}, to_apply=add)"},
    {"argmax", R"(
  x = f32[9,333] parameter(0)  i = s32[9,333] iota(), iota_dimension=1
  m = f32[] constant(-inf)  n = s32[] constant(0)
  ROOT r = (f32[9], s32[9]) reduce(x, i, m, n), dimensions={1}, to_apply=first)"},
    {"centred", R"(
  x = f32[17,256] parameter(0)  y = f32[256] parameter(1)
  z = f32[] constant(0)  m = f32[] constant(-inf)
  a = f32[17] reduce(x, m), dimensions={1}, to_apply=max
  b = f32[17,256] broadcast(a), dimensions={0}
  d = f32[17,256] subtract(x, b)
  s = f32[17] reduce(d, z), dimensions={1}, to_apply=add
  t = f32[17,256] broadcast(s), dimensions={0}
  u = f32[17,256] add(d, t)
  v = f32[17,256] broadcast(y), dimensions={1}
  w = f32[17,256] add(u, v)
  ROOT r = (f32[17,256], f32[17]) tuple(w, s))"},
};

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

// Compiles with the table, which has to be taken, runs, and compares.  GPUs are simulated.
void ExpectRight(const Module& module, const Target& target, const std::string& table_text,
                 FusionMode fusion = FusionMode::kCost) {
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
  }
  const auto expected = Evaluate(module, inputs);
  ASSERT_TRUE(expected.ok()) << expected.status();
  const auto results = (*executable)->Run(inputs);
  ASSERT_TRUE(results.ok()) << results.status() << "\n" << table_text;
  const std::vector<Literal> leaves = Leaves(*expected);
  ASSERT_EQ(results->size(), leaves.size());
  for (size_t i = 0; i < leaves.size(); ++i) {
    EXPECT_TRUE((*results)[i] == leaves[i]) << "result " << i << "\n" << table_text;
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
        ExpectRight(*module, target, plan::EntryText(drawn, fusion, target, c.name),
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
      : fusion_(fusion), target_(target), info_(ViewOf(fusion)), random_(seed) {
    for (const Reduction& reduction : info_.reductions()) {
      levels_ = std::max(levels_, reduction.level);
    }
  }

  FusionPlan Draw() {
    FusionPlan drawn = plan::MakePlan(fusion_, target_);
    const bool splits = levels_ > 0 && Below(2) == 0;
    const KernelPlan last = drawn.kernels.back();
    const std::vector<int> order(drawn.kernels[0].tile().order.begin(),
                                 drawn.kernels[0].tile().order.begin() + Classes());
    const int64_t parts = splits ? 1 + Below(6) : 1;
    drawn.kernels.clear();
    drawn.scratch.clear();
    if (splits) drawn.scratch = plan::PartsScratch(info_, parts);
    for (int k = 0; k <= (splits ? levels_ : 0); ++k) {
      KernelPlan kernel = last;
      kernel.buffers.erase(std::remove_if(kernel.buffers.begin(), kernel.buffers.end(),
                                          [](const plan::BufferRole& role) {
                                            return role.kind == plan::BufferRole::Kind::kScratch;
                                          }),
                           kernel.buffers.end());
      for (size_t i = 0; i < drawn.scratch.size(); ++i) {
        kernel.buffers.push_back({plan::BufferRole::Kind::kScratch, static_cast<int>(i)});
      }
      TilePlan tile;
      tile.order = order;
      tile.classes.resize(Classes() + (splits ? 1 : 0));
      if (splits) {
        tile.order.push_back(Classes());
        tile.known_level = k;
        tile.partial_level = k < levels_ ? k + 1 : 0;
        if (k < levels_) kernel.bytes = kernel.flops = 0;
      }
      std::shuffle(tile.order.begin() + 1, tile.order.end(), random_);
      Deal(tile, order[0], parts, splits && k < levels_, splits && k == levels_);
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
    const int most = plan::MostVector(info_, inner);
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
  int levels_ = 0;
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
  PlanDrawer drawer(fusion, target, 7);
  int fitting = 0, refused = 0;
  while (fitting < kPlans && refused < 100 * kPlans && !HasFailure()) {
    const FusionPlan drawn = drawer.Draw();
    if (!plan::Fits(drawn, fusion, target).ok()) {
      ++refused;
      continue;
    }
    ++fitting;
    ExpectRight(*module, target, plan::EntryText(drawn, fusion, target, "drawn"));
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
      ExpectRight(*module, target, plan::EntryText(candidate, fusion, target, "candidate"));
    }
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
