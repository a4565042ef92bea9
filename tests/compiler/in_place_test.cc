// Results in the memory of operands: what is proved is right, and what is not is found.
#include "compiler/plan/in_place.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "compiler/compile.h"
#include "compiler/kernel/simulator/simulator.h"
#include "compiler/lower/lower.h"
#include "compiler/plan/fits.h"
#include "compiler/plan/plan_table.h"
#include "compiler/plan/plan_text.h"
#include "compiler/program/fusion_table.h"
#include "tests/compiler/plans.h"

namespace ingot {
namespace {

using plan::FusionPlan;
using test::ExpectRight;
using test::Fused;
using test::kReducers;
using test::PlanDrawer;
using test::Read;
using test::TargetOf;

std::string ModuleText(absl::string_view entry) {
  return absl::StrCat(kReducers, "ENTRY e {", entry, "\n}\n");
}

// The fusion of `fusions` that does what the case is about: not the sort that makes its operand.
const program::FusionEntry& Main(const program::FusionTable& fusions) {
  return *std::find_if(fusions.entries().begin(), fusions.entries().end(), [](const auto& entry) {
    return entry.fusion->root()->opcode() != Opcode::kSort;
  });
}

// ----- What is proved

struct Case {
  const char* name;
  const char* entry;
};

// A sort is not fused, so that x is an array that dies.
constexpr Case kCases[] = {
    {"elements", R"(
  p = f32[16,64] parameter(0)  y = f32[64] parameter(1)
  x = f32[16,64] sort(p), dimensions={1}, to_apply=less
  b = f32[16,64] broadcast(y), dimensions={1}
  ROOT r = f32[16,64] multiply(x, b))"},
    {"reshaped", R"(
  p = f32[32,64] parameter(0)
  x = f32[32,64] sort(p), dimensions={1}, to_apply=less
  n = f32[32,64] negate(x)
  ROOT r = f32[4,8,64] reshape(n))"},
    {"results", R"(
  p = f32[8,128] parameter(0)
  x = f32[8,128] sort(p), dimensions={1}, to_apply=less
  n = f32[8,128] negate(x)
  d = f32[8,128] add(x, x)
  ROOT r = (f32[8,128], f32[8,128]) tuple(n, d))"},
    {"rows", R"(
  p = f32[16,256] parameter(0)
  x = f32[16,256] sort(p), dimensions={1}, to_apply=less
  m = f32[] constant(-inf)  z = f32[] constant(0)
  a = f32[16] reduce(x, m), dimensions={1}, to_apply=max
  b = f32[16,256] broadcast(a), dimensions={0}
  d = f32[16,256] subtract(x, b)
  s = f32[16] reduce(d, z), dimensions={1}, to_apply=add
  t = f32[16,256] broadcast(s), dimensions={0}
  w = f32[16,256] add(d, t)
  ROOT r = (f32[16,256], f32[16]) tuple(w, s))"},
    {"step", R"(
  p = f32[32,64] parameter(0)  q = f32[32,64] parameter(1)  g = f32[32,64] parameter(2)
  x = f32[32,64] sort(p), dimensions={1}, to_apply=less
  m = f32[32,64] sort(q), dimensions={1}, to_apply=less
  n = f32[32,64] add(m, g)
  d = f32[32,64] multiply(n, m)
  y = f32[32,64] subtract(x, d)
  ROOT r = (f32[32,64], f32[32,64]) tuple(n, y))"},
    {"step_of_sums", R"(
  p = f32[64] parameter(0)  q = f32[64] parameter(1)  g = f32[256,64] parameter(2)
  x = f32[64] sort(p), dimensions={0}, to_apply=less
  m = f32[64] sort(q), dimensions={0}, to_apply=less
  z = f32[] constant(0)
  s = f32[64] reduce(g, z), dimensions={0}, to_apply=add
  n = f32[64] add(m, s)
  d = f32[64] multiply(n, m)
  y = f32[64] subtract(x, d)
  ROOT r = (f32[64], f32[64]) tuple(n, y))"},
    {"scale_and_its_gradient", R"(
  p = f32[64] parameter(0)  q = f32[256,64] parameter(1)
  g = f32[64] sort(p), dimensions={0}, to_apply=less
  z = f32[] constant(0)
  b = f32[256,64] broadcast(g), dimensions={1}
  m = f32[256,64] multiply(q, b)
  a = f32[256] reduce(m, z), dimensions={1}, to_apply=add
  t = f32[256,64] broadcast(a), dimensions={0}
  d = f32[256,64] subtract(m, t)
  w = f32[256,64] multiply(q, d)
  s = f32[64] reduce(w, z), dimensions={0}, to_apply=add
  y = f32[64] subtract(g, s)
  ROOT r = (f32[256,64], f32[64]) tuple(d, y))"},
    {"columns", R"(
  p = f32[256,32] parameter(0)
  x = f32[256,32] sort(p), dimensions={1}, to_apply=less
  z = f32[] constant(0)
  n = f32[256,32] negate(x)
  s = f32[32] reduce(n, z), dimensions={0}, to_apply=add
  t = f32[256,32] broadcast(s), dimensions={1}
  ROOT r = f32[256,32] add(n, t))"},
};

class InPlaceTest : public testing::TestWithParam<Case> {};

INSTANTIATE_TEST_SUITE_P(Cases, InPlaceTest, testing::ValuesIn(kCases),
                         [](const auto& info) { return info.param.name; });

TEST_P(InPlaceTest, DrawnTilesAreRight) {
  constexpr int kPlans = 20, kDraws = 4000;
  const std::unique_ptr<Module> module = Read(ModuleText(GetParam().entry));
  ASSERT_NE(module, nullptr);
  const Target& target = TargetOf("sim:sm_90a-tiny");
  const std::unique_ptr<Module> fused = Fused(*module, target);
  const program::FusionTable fusions(*fused);
  ASSERT_EQ(fusions.entries().size(), 2u);
  const program::FusionEntry& entry = Main(fusions);
  ASSERT_FALSE(entry.last_reads.empty());
  const FusionInfo info(ViewOf(*entry.fusion));
  PlanDrawer drawer(*entry.fusion, target, 11);
  int proved = 0, left = 0;
  for (int n = 0; n < kDraws && proved < kPlans && !HasFailure(); ++n) {
    FusionPlan drawn = drawer.Draw();
    if (!plan::Fits(drawn, *entry.fusion, target).ok()) continue;
    drawn.in_place = plan::FindInPlace(drawn, info, entry.last_reads);
    ++(drawn.in_place.empty() ? left : proved);
    if (drawn.in_place.empty()) continue;
    EXPECT_TRUE(plan::Fits(drawn, *entry.fusion, target).ok());
    ExpectRight(*module, target, plan::EntryText(drawn, *entry.fusion, target, "drawn"));
  }
  EXPECT_EQ(proved, kPlans);
  EXPECT_GT(left, 0);
}

TEST_P(InPlaceTest, LoopsAreRight) {
  const std::unique_ptr<Module> module = Read(ModuleText(GetParam().entry));
  ASSERT_NE(module, nullptr);
  for (const char* name : {"host", "sim:sm_90a-tiny"}) {
    CompileOptions options;
    options.fusion = FusionMode::kLoop;
    options.stages = {Stage::kPlan};
    std::string table;
    options.observer = [&](Stage, absl::string_view, const std::string& text) {
      absl::StrAppend(&table, text);
    };
    ASSERT_TRUE(Compile(*module, TargetOf(name), options).ok());
    EXPECT_TRUE(absl::StrContains(table, "in_place={r")) << table;
    ExpectRight(*module, TargetOf(name), table, {}, FusionMode::kLoop);
  }
}

TEST(InPlace, ResultAndOperandHaveOneMemory) {
  const std::unique_ptr<Module> module = Read(ModuleText(kCases[0].entry));
  ASSERT_NE(module, nullptr);
  for (const char* name : {"host", "sim:sm_90a"}) {
    const auto with = Compile(*module, TargetOf(name));
    ASSERT_TRUE(with.ok()) << with.status();
    // The sort's result lies where the program's does: all that is left is the sort's scratch,
    // which a GPU's has not.
    const bool has_scratch = TargetOf(name).platform == Platform::kHost;
    EXPECT_EQ(with->program->arena_size, has_scratch ? 16 * 64 * 4 : 0) << name;
  }
}

// The PTX of the kernel that the module's root is.
std::string RootPtx(absl::string_view entry) {
  const std::unique_ptr<Module> module = Read(ModuleText(entry));
  std::string text;
  CompileOptions options;
  options.stages = {Stage::kAssembly};
  options.observer = [&](Stage, absl::string_view, const std::string& ptx) {
    absl::StrAppend(&text, ptx);
  };
  EXPECT_TRUE(Compile(*module, TargetOf("sm_90a"), options).ok());
  const size_t begin = text.find(".entry r");
  EXPECT_NE(begin, std::string::npos) << text;
  return text.substr(begin, text.find("\n}\n", begin) - begin);
}

// Loads that the kernel's stores change are none of memory that nobody writes.
TEST(InPlace, PtxHasNoReadOnlyLoads) {
  const std::string apart =
      RootPtx("\n  p = f32[4096] parameter(0)\n  ROOT r = f32[4096] negate(p)");
  EXPECT_TRUE(absl::StrContains(apart, "ld.global.nc")) << apart;
  const std::string together = RootPtx(R"(
  p = f32[4096] parameter(0)
  x = f32[4096] sort(p), dimensions={0}, to_apply=less
  ROOT r = f32[4096] negate(x))");
  EXPECT_FALSE(absl::StrContains(together, "ld.global.nc")) << together;
  EXPECT_TRUE(absl::StrContains(together, "ld.global.")) << together;
}

// ----- What is not

struct Unproved {
  const char* name;
  const char* entry;
  bool tiles;
  const char* message;
  bool race;  // or the memory is too small, or the order is what makes it right
};

constexpr Unproved kUnproved[] = {
    {"reversed", "  x = f32[1024] parameter(0)  ROOT r = f32[1024] reverse(x), dimensions={0}",
     false, "in_place r0=p0: operand and result lie along the space differently", true},
    {"here and elsewhere", R"(
  x = f32[1024] parameter(0)
  n = f32[1024] reverse(x), dimensions={0}
  ROOT r = f32[1024] add(x, n))",
     false, "in_place r0=p0: n asks for x elsewhere", true},
    {"transposed",
     "  x = f32[32,32] parameter(0)  ROOT r = f32[32,32] transpose(x), dimensions={1,0}", false,
     "in_place r0=p0: operand and result lie along the space differently", true},
    {"reduced in a step", R"(
  x = f32[64,16] parameter(0)  m = f32[] constant(-inf)
  a = f32[64] reduce(x, m), dimensions={1}, to_apply=max
  b = f32[64,16] broadcast(a), dimensions={0}
  ROOT r = f32[64,16] subtract(x, b))",
     false, "in_place r0=p0: a reads the operand at many places in one step", true},
    {"beyond the space", "  x = f32[1000] parameter(0)  ROOT r = f32[1000] negate(x)", true,
     "in_place r0=p0: threads have 1024 places, and the operand has 1000 elements", true},
    {"read behind the store", R"(
  x = f32[4,256] parameter(0)  m = f32[] constant(-inf)
  n = f32[4,256] negate(x)
  a = f32[4] reduce(x, m), dimensions={1}, to_apply=max
  b = f32[4,256] broadcast(a), dimensions={0}
  d = f32[4,256] subtract(x, b)
  ROOT r = (f32[4,256], f32[4,256]) tuple(n, d))",
     true, "in_place r0=p0: d reads the operand later", false},
    {"narrower", "  x = f32[1024] parameter(0)  ROOT r = bf16[1024] convert(x)", true,
     "in_place r0=p0: f32[1024] is not as large as bf16[1024], element by element", false},
};

FusionPlan PlanOf(const Unproved& c, const Computation& fusion) {
  plan::PlanOptions options;
  options.tiles = c.tiles;
  return plan::MakePlan(fusion, TargetOf("sim:sm_90a"), options);
}

// Runs a kernel of one operand and results, the first of which has memory of its own or the
// operand's.
kernel::simulator::Report Simulate(const Computation& fusion, const FusionPlan& plan,
                                   bool in_place) {
  const auto kernels = lower::Lower(fusion, plan, TargetOf("sim:sm_90a"), {"k"});
  EXPECT_TRUE(kernels.ok()) << kernels.status();
  struct alignas(256) Array {
    float values[1024] = {};
  };
  std::vector<Array> arrays(3);
  std::vector<kernel::simulator::Argument> arguments;
  for (size_t i = 0; i < plan.kernels[0].buffers.size(); ++i) {
    Array& array = arrays[in_place && i == 1 ? 0 : i];
    arguments.push_back(kernel::simulator::Argument::Initialised(array.values));
  }
  const auto report = kernel::simulator::Simulate(*(*kernels)[0], arguments, {});
  EXPECT_TRUE(report.ok()) << report.status();
  return *report;
}

TEST(InPlace, TheSimulatorFindsWhatIsNotProved) {
  for (const Unproved& c : kUnproved) {
    const std::unique_ptr<Module> module = Read(ModuleText(c.entry));
    ASSERT_NE(module, nullptr) << c.name;
    const Computation& fusion = *module->entry();
    FusionPlan plan = PlanOf(c, fusion);
    ASSERT_EQ(plan.kernels[0].skeleton == plan::Skeleton::kTile, c.tiles) << c.name;
    EXPECT_TRUE(plan::FindInPlace(plan, FusionInfo(ViewOf(fusion)), {{0}}).empty() || !c.race);
    plan.in_place = {{0, 0}};
    const absl::Status fits = plan::Fits(plan, fusion, TargetOf("sim:sm_90a"));
    EXPECT_EQ(std::string(fits.message()), c.message);
    if (!c.race) continue;
    const auto report = Simulate(fusion, plan, /*in_place=*/true);
    ASSERT_FALSE(report.faults.empty()) << c.name;
    EXPECT_EQ(report.faults[0].kind, kernel::simulator::FaultKind::kRace)
        << report.faults[0].message;
    EXPECT_TRUE(Simulate(fusion, plan, /*in_place=*/false).faults.empty()) << c.name;
  }
}

// A kernel that was not written for it says that nobody else writes its operand.
TEST(InPlace, TheSimulatorFindsAKernelThatDoesNotKnow) {
  const std::unique_ptr<Module> module =
      Read(ModuleText("  x = f32[1024] parameter(0)  ROOT r = f32[1024] negate(x)"));
  ASSERT_NE(module, nullptr);
  const Computation& fusion = *module->entry();
  plan::PlanOptions options;
  const FusionPlan apart = plan::MakePlan(fusion, TargetOf("sim:sm_90a"), options);
  const auto report = Simulate(fusion, apart, /*in_place=*/true);
  ASSERT_FALSE(report.faults.empty());
  EXPECT_EQ(report.faults[0].kind, kernel::simulator::FaultKind::kReadonly);
  options.last_reads = {0};
  const FusionPlan together = plan::MakePlan(fusion, TargetOf("sim:sm_90a"), options);
  EXPECT_EQ(together.in_place, (std::vector<plan::InPlacePair>{{0, 0}}));
  EXPECT_TRUE(Simulate(fusion, together, /*in_place=*/true).faults.empty());
}

TEST(InPlace, APairFitsOnce) {
  const std::unique_ptr<Module> module = Read(ModuleText(
      "  x = f32[1024] parameter(0)  y = f32[1024] parameter(1)  ROOT r = f32[1024] add(x, y)"));
  ASSERT_NE(module, nullptr);
  const Computation& fusion = *module->entry();
  const Target& target = TargetOf("sm_90a");
  FusionPlan plan = plan::MakePlan(fusion, target);
  const auto fits = [&](std::vector<plan::InPlacePair> pairs) {
    plan.in_place = std::move(pairs);
    return std::string(plan::Fits(plan, fusion, target).message());
  };
  EXPECT_EQ(fits({{0, 1}}), "");
  EXPECT_EQ(fits({{0, 1}, {0, 0}}),
            "in_place r0=p0 and r0=p1: one memory has one operand and one result");
  EXPECT_EQ(fits({{0, 2}}), "in_place r0=p2: there are 2 operands");
  EXPECT_EQ(fits({{1, 0}}), "in_place r1=p0: there are 1 results");
  EXPECT_EQ(fits({{-1, 0}}), "in_place r-1=p0: there are 1 results");
}

}  // namespace
}  // namespace ingot
