// Plans as text: what is printed reads back as the same plan, and faults say where they are.
#include "compiler/plan/plan_text.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "compiler/plan/fits.h"
#include "compiler/plan/plan_table.h"
#include "ir/base/target.h"
#include "ir/text/parser.h"
#include "tests/paths/paths.h"

namespace ingot::plan {
namespace {

const Target& TargetOf(absl::string_view name) { return **FindTarget(name); }

std::string GoldenFolder() { return test::RepositoryRoot() + "/tests/compiler/lower/golden"; }

std::unique_ptr<Module> Read(const std::string& text) {
  auto module = ParseModule(text, "m.hlo");
  EXPECT_TRUE(module.ok()) << module.status();
  return module.ok() ? *std::move(module) : nullptr;
}

// As much of the message as `expected` has.
std::string Beginning(const absl::Status& status, absl::string_view expected) {
  return std::string(status.message().substr(0, expected.size()));
}

// Each golden of compiler/lower begins with a fusion.
TEST(PlanText, PlansOfGoldensReadBackAndFit) {
  int plans = 0;
  for (const std::string& name : test::FileStems(GoldenFolder(), ".hlo")) {
    const std::string file = test::ReadFile(absl::StrCat(GoldenFolder(), "/", name, ".hlo"));
    const std::vector<std::string> parts = absl::StrSplit(file, "// ==> ");
    const std::unique_ptr<Module> module = Read(parts[0]);
    ASSERT_NE(module, nullptr) << name;
    const Computation& fusion = *module->entry();
    for (const char* target_name : {"x86_64-v3", "sm_90a", "sim:sm_90a-tiny"}) {
      const Target& target = TargetOf(target_name);
      PlanOptions options;
      options.numerics = Numerics::kStrict;
      options.unrounded = {0, 1};
      for (size_t i = 0; i < fusion.parameters().size(); ++i) {
        options.last_reads.push_back(static_cast<int>(i));
      }
      std::vector<FusionPlan> all = MakeCandidates(fusion, target, options);
      ASSERT_FALSE(all.empty()) << name;
      EXPECT_TRUE(all[0] == MakePlan(fusion, target, options)) << name << " " << target_name;
      all[0].reason = "a \"reason\"\nof two lines";
      for (const FusionPlan& plan : all) {
        const std::string text = ToString(plan, fusion);
        const auto read = ParsePlan(text, "plan.txt");
        ASSERT_TRUE(read.ok()) << read.status() << "\n" << text;
        EXPECT_TRUE(*read == plan) << text;
        EXPECT_EQ(ToString(*read, fusion), text);
        EXPECT_TRUE(Fits(plan, fusion, target).ok()) << Fits(plan, fusion, target) << "\n" << text;
        ++plans;
      }
    }
  }
  EXPECT_GT(plans, 80);
}

constexpr absl::string_view kRows = R"(HloModule m
add { x = f32[] parameter(0)  y = f32[] parameter(1)  ROOT r = f32[] add(x, y) }
ENTRY e {
  x = f32[64,4096] parameter(0)
  z = f32[] constant(0)
  ROOT s = f32[64] reduce(x, z), dimensions={1}, to_apply=add
}
)";

TEST(PlanText, ReadsWhatAPersonWrites) {
  const auto plan = ParsePlan(R"(// a comment
      plan in_place={r0=p1,r1=p0} { tile buffers={p0,r0} order={1,0} /* and
        another */ { class size=64 blocks=64 class size=8 lanes=8 } })",
                              "plan.txt");
  ASSERT_TRUE(plan.ok()) << plan.status();
  ASSERT_EQ(plan->kernels.size(), 1u);
  EXPECT_EQ(plan->in_place, (std::vector<InPlacePair>{{0, 1}, {1, 0}}));
  const TilePlan& tile = plan->kernels[0].tile();
  EXPECT_EQ(tile.order, (std::vector<int>{1, 0}));
  ASSERT_EQ(tile.classes.size(), 2u);
  EXPECT_EQ(tile.classes[1].lanes, 8);
  EXPECT_EQ(plan->kernels[0].block_threads, 1);  // the default
}

TEST(PlanText, FaultsSayWhereAndWhatThereIs) {
  struct Case {
    const char* text;
    const char* error;
  };
  const Case cases[] = {
      {"", "f:1:1: expected 'plan' before a plan"},
      {"plan {", "f:1:7: expected a part of plan, or '}'"},
      {"plan costs=1 {}",
       "f:1:6: plan has no value 'costs', did you mean 'cost'?; there is reason, "
       "cost, numerics, unrounded, loose, narrow"},
      {"plan {\n  tiles {} }",
       "f:2:3: plan has no part 'tiles', did you mean 'tile'?; there is "
       "joined, scratch, library, concatenate, tile, window, window_sums, contraction, radix_sort, "
       "merge_sort, loop"},
      {"plan cost=1 cost=2 {}", "f:1:13: plan says cost twice; leave one out"},
      {"plan cost=nan {}", "f:1:11: expected a finite number"},
      {"plan numerics=fast {}",
       "f:1:15: expected numerics, found 'fast'; there is default, strict"},
      {"plan { tile { class lanes=3000000000 } }",
       "f:1:27: 3000000000 is out of range; at most 2147483647 can stand here"},
      {"plan { tile { class lanes=x } }", "f:1:27: expected a value, an integer"},
      {"plan { tile { class 5 } }", "f:1:21: expected a part of tile, or '}'"},
      {"plan { tile order={1 0} }", "f:1:22: expected ',' or '}' behind an item"},
      {"plan { tile buffers={q0} }", "f:1:22: 'q0' is no buffer; there are operands p0, p1"},
      {"plan in_place={p1=r0} {}", "f:1:16: p1=r0 is no result and operand, as r0=p1"},
      {"plan in_place={r0} {}", "f:1:18: expected '=' behind the result of a pair"},
      {"plan { tile index=f33 }", "f:1:19: 'f33' is no element type, did you mean 'f32'?"},
      {"plan { scratch tuple() }", "f:1:16: expected a shape, as f32[8,64]"},
      {"plan { scratch (f32[2]) }", "f:1:16: (f32[2]) is no array of a fixed size"},
      {"plan { loop { op nowhere } }",
       "f:1:18: expected a placement, found 'nowhere'; there is "
       "unused, operand, inlined, registers, result, in_result"},
      {"plan { library dot lhs_strides={1} }", "f:1:32: 1 items; there must be 3"},
      {"plan {} plan {}", "f:1:9: expected nothing behind the plan"},
      {"plan reason=\"open", "f:1:13: the string does not end"},
  };
  for (const Case& c : cases) {
    const auto plan = ParsePlan(c.text, "f");
    ASSERT_FALSE(plan.ok()) << c.text;
    EXPECT_EQ(Beginning(plan.status(), c.error), c.error) << c.text;
  }
}

TEST(PlanTable, FaultsSayWhere) {
  struct Case {
    const char* text;
    const char* error;
  };
  const Case cases[] = {
      {"plan {}", "f:1:1: expected 'fusion KEY TARGET' and a plan, as `ingot emit --stage=plan`"},
      {"fusion 12 sm_90a plan {}", "f:1:8: '12' is no key of a fusion: 16 digits of 0-9a-f"},
      {"fusion 0123456789abcdef sm_9 plan {}",
       "f:1:25: no target is called 'sm_9' in a table; "
       "there is x86_64-v2, x86_64-v3"},
      {"fusion 0123456789abcdef sm_90a\nfusion", "f:2:1: expected 'plan' before a plan"},
  };
  for (const Case& c : cases) {
    const auto table = PlanTable::Parse(c.text, "f");
    ASSERT_FALSE(table.ok()) << c.text;
    EXPECT_EQ(Beginning(table.status(), c.error), c.error) << c.text;
  }
  EXPECT_EQ(PlanTable::Parse("// nothing\n", "f")->size(), 0);
}

TEST(PlanTable, KeysAreOfWhatIsComputedNotOfNames) {
  const auto key = [](const std::string& text) { return FusionKey(*Read(text)->entry()); };
  const std::string text(kRows);
  const std::string own = key(text);
  // The same in every run and on every machine: tables are kept.
  EXPECT_EQ(own, "d6bfdf14e561bc5f");
  EXPECT_EQ(own,
            key(absl::StrReplaceAll(
                text, {{"x", "input"}, {"add {", "plus {"}, {"to_apply=add", "to_apply=plus"}})));
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{{"4096", "4098"},
                                                        {"constant(0)", "constant(1)"},
                                                        {"] add(", "] maximum("},
                                                        {"add(x, y)", "add(y, x)"},
                                                        {"f32[64,4096]", "f32[64,4096]"}}) {
    const std::string other = absl::StrReplaceAll(text, {{from, to}});
    EXPECT_EQ(key(other) == own, other == text) << from << " to " << to;
  }
}

TEST(Fits, SaysWhichNumberIsWrong) {
  const std::unique_ptr<Module> module = Read(std::string(kRows));
  ASSERT_NE(module, nullptr);
  const Computation& fusion = *module->entry();
  const Target& target = TargetOf("sm_90a");
  const std::string good = ToString(MakePlan(fusion, target), fusion);
  ASSERT_TRUE(Fits(*ParsePlan(good, "f"), fusion, target).ok()) << good;
  struct Case {
    const char* from;
    const char* to;
    const char* error;
  };
  const Case cases[] = {
      {"size=64", "size=65", "kernel 0: class d0: size=65; the fusion's is 64"},
      {"vector=4", "vector=8", "kernel 0: class d1: vector=8; it must divide 4"},
      {"vector=4", "vector=4 blocks=0", "kernel 0: class d1: no number of it may be less than 1"},
      {"lanes=32", "lanes=31",
       "kernel 0: class d1: lanes=31; it must be a power of two, at most 32"},
      {"lanes=32", "lanes=16",
       "kernel 0: class d1: its numbers multiply to 2048, which does not "
       "cover its size 4096"},
      {"lanes=32", "lanes=16 loop=2",
       "kernel 0: the lanes of the classes multiply to 16; a warp "
       "has 32"},
      {"vector=4", "vector=2 blocks=2",
       "kernel 0: class d1: blocks=2; the blocks of one kernel "
       "cannot share what is reduced"},
      {"vector=4", "vector=4 loop=2",
       "kernel 0: class d1: loop=2; the last would have nothing to "
       "do, for 1 cover it"},
      {"block_threads=", "block_threads=1",
       "kernel 0: block_threads=1128; the lanes and warps of "
       "the classes make 128"},
      {"order={1, 0}", "order={0, 1}", "kernel 0: order begins with d0, but d1 lies along memory"},
      {"order={1, 0}", "order={1, 1}",
       "kernel 0: order={1, 1} must name each of the 2 classes once"},
      {"order={1, 0}", "order={1, 0} staged={7}", "kernel 0: staged: there is no input 7"},
      {"order={1, 0}", "order={1, 0} staged={0}",
       "kernel 0: 1048592 bytes of shared memory; a block"},
      {"order={1, 0}", "order={1, 0} kept={0}",
       "kernel 0: kept: input 0 is not the same in all trips"},
      {"order={1, 0}", "order={1, 0} kept={7}", "kernel 0: kept: there is no input 7"},
      {"order={1, 0}", "order={1, 0} partial_level=1", "kernel 0: known_level=0 partial_level=1"},
      {"buffers={p0, r0}", "buffers={p0}", "kernel 0: buffers={p0}, not buffers={p0, r0}"},
      {"bytes=", "bytes=9", "kernel 0: bytes=9"},
      {"tile ", "tile resident_blocks=17 ", "kernel 0: resident_blocks=17; a multiprocessor holds"},
      {"tile ", "tile index=u8 ", "kernel 0: index=u8; it must be s32"},
      {"  tile", "  scratch f32[1]  tile", "kernel 0: buffers={p0, r0}, not buffers={p0, r0, s0}"},
      {"  tile", "  loop {} tile", "kernel 1: a tile beside a loop"},
  };
  for (const Case& c : cases) {
    std::string text = good;
    const size_t at = text.find(c.from);
    ASSERT_NE(at, std::string::npos) << c.from << "\n" << good;
    text.replace(at, std::string(c.from).size(), c.to);
    const auto plan = ParsePlan(text, "f");
    ASSERT_TRUE(plan.ok()) << plan.status() << "\n" << text;
    const absl::Status fits = Fits(*plan, fusion, target);
    EXPECT_EQ(Beginning(fits, c.error), c.error) << text;
  }
  EXPECT_EQ(Fits(*ParsePlan(good, "f"), fusion, TargetOf("x86_64-v3")).message(),
            "kernel 0: tasks=1, not tasks=64");
  EXPECT_EQ(Fits(FusionPlan(), fusion, target).message(), "the plan has no kernel");
}

TEST(Fits, StepsDifferInTheirDivisionOnly) {
  const std::unique_ptr<Module> module = Read(std::string(kRows));
  ASSERT_NE(module, nullptr);
  const Computation& fusion = *module->entry();
  const auto check = [&](const Target& target, const auto& change) {
    PlanOptions options;
    options.tiles = false;
    FusionPlan plan = MakePlan(fusion, target, options);
    change(plan.kernels[0], std::get<StepPlan>(plan.kernels[0].work));
    return std::string(Fits(plan, fusion, target).message());
  };
  const Target& gpu = TargetOf("sm_90a");
  const Target& host = TargetOf("x86_64-v3");
  EXPECT_EQ(check(gpu, [](KernelPlan& k, StepPlan&) { k.block_threads = 64, k.blocks = 32; }), "");
  EXPECT_EQ(check(gpu, [](KernelPlan& k, StepPlan&) { k.block_threads = 48; }),
            "kernel 0: block_threads=48; it must be a multiple of 32, at most 1024");
  EXPECT_EQ(check(gpu, [](KernelPlan& k, StepPlan&) { k.blocks = 1; }),
            "kernel 0: blocks=1; 2048 threads in blocks of 32 are 64");
  EXPECT_EQ(check(gpu, [](KernelPlan&, StepPlan& s) { s.lanes = 4; }),
            "kernel 0: lanes=4, not lanes=1");
  EXPECT_EQ(check(gpu, [](KernelPlan&, StepPlan& s) { s.instructions.pop_back(); }),
            "kernel 0: the parts in braces differ");
  EXPECT_EQ(check(host, [](KernelPlan& k, StepPlan& s) { k.tasks = 4, s.task_columns = 16; }), "");
  EXPECT_EQ(check(host, [](KernelPlan& k, StepPlan& s) { k.tasks = 5, s.task_columns = 16; }),
            "kernel 0: tasks=5; the division gives 4");
  EXPECT_EQ(check(host, [](KernelPlan&, StepPlan& s) { s.task_columns = 0; }),
            "kernel 0: task_columns=0; there are 64 columns");
}

}  // namespace
}  // namespace ingot::plan
