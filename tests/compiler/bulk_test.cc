// Transposes whose boxes the copy engine brings: the same values as the evaluator's, in the
// simulator with all checks; and launches that hand over tensor maps.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "compiler/compile.h"
#include "compiler/executable.h"
#include "compiler/plan/fits.h"
#include "compiler/plan/plan_table.h"
#include "compiler/plan/tile_turned.h"
#include "compiler/program/fusion_table.h"
#include "ir/base/integers.h"
#include "tests/compiler/plans.h"

namespace ingot::test {
namespace {

using plan::FusionPlan;
using plan::TileClass;
using plan::TilePlan;

// Sides of whole vectors that boxes do and do not divide; elements of each width; other classes;
// two arrays that are turned; what is read along the results besides; reductions of what is turned.
constexpr Case kCases[] = {
    {"f32", R"(
  x = f32[64,96] parameter(0)
  ROOT r = f32[96,64] transpose(x), dimensions={1,0})"},
    {"f32_ragged", R"(
  x = f32[200,264] parameter(0)
  ROOT r = f32[264,200] transpose(x), dimensions={1,0})"},
    {"bf16", R"(
  x = bf16[208,272] parameter(0)
  ROOT r = bf16[272,208] transpose(x), dimensions={1,0})"},
    {"f64", R"(
  x = f64[72,40] parameter(0)
  ROOT r = f64[40,72] transpose(x), dimensions={1,0})"},
    {"u8", R"(
  x = u8[160,288] parameter(0)
  ROOT r = u8[288,160] transpose(x), dimensions={1,0})"},
    {"pred", R"(
  x = pred[160,288] parameter(0)
  ROOT r = pred[288,160] transpose(x), dimensions={1,0})"},
    {"batches", R"(
  x = bf16[3,5,128,72] parameter(0)
  t = bf16[5,3,72,128] transpose(x), dimensions={1,0,3,2}
  ROOT r = bf16[5,3,72,128] negate(t))"},
    {"two_and_one_along", R"(
  x = f32[72,136] parameter(0)
  y = f32[72,136] parameter(1)
  z = f32[136,72] parameter(2)
  s = f32[136,72] transpose(x), dimensions={1,0}
  t = f32[136,72] transpose(y), dimensions={1,0}
  a = f32[136,72] add(s, z)
  ROOT r = f32[136,72] multiply(a, t))"},
};

// The plan of the first fusion with turned inputs, with boxes of one swizzle's width that the copy
// engine takes.
FusionPlan BulkPlan(FusionPlan plan, const Computation& fusion) {
  auto& tile = std::get<TilePlan>(plan.kernels[0].work);
  const FusionInfo info(ViewOf(fusion));
  int64_t threads = 1;
  int64_t blocks = 1;
  const plan::TurnedBox before = plan::BoxOf(info, tile, tile.turned[0]);
  const int width = static_cast<int>(before.bytes / before.rows / before.pitch);
  TileClass& columns = tile.classes[before.column_class];
  TileClass& rows = tile.classes[before.row_class];
  const int vector = std::max(rows.vector, 2);
  // Of plans with other boxes too: a block has one place of each other class.
  tile.box_threads = 0;
  for (TileClass& c : tile.classes) {
    c = {};
    c.size = info.space().classes()[&c - tile.classes.data()].size;
    c.blocks = c.size;
  }
  // 128 bytes of columns, 8 lanes of vectors along rows.
  rows.vector = vector;
  rows.lanes = 8;
  columns.lanes = 4;
  columns.warps = 2;
  columns.registers = 128 / width / 8;
  for (TileClass* side : {&rows, &columns}) {
    side->blocks = CeilDiv(side->size, side->block_extent());
  }
  for (const TileClass& c : tile.classes) {
    threads *= c.lanes * c.warps;
    blocks *= c.blocks;
  }
  tile.bulk = true;
  plan.kernels[0].block_threads = static_cast<int>(threads);
  plan.kernels[0].blocks = blocks;
  return plan;
}

// Calls `use` with each fusion of `module` that turns inputs, its plan with bulk copies, and that
// as a table.
template <typename Use>
void ForEachTurned(const Module& module, const Target& target, const Use& use) {
  const std::unique_ptr<Module> fused = Fused(module, target);
  const program::FusionTable fusions(*fused);
  int found = 0;
  for (const auto& entry : fusions.entries()) {
    const FusionPlan plan = plan::MakePlan(*entry.fusion, target);
    const auto* tile = std::get_if<TilePlan>(&plan.kernels[0].work);
    if (tile == nullptr || tile->turned.empty() || tile->shifted) continue;
    const FusionPlan bulk = BulkPlan(plan, *entry.fusion);
    const absl::Status fits = plan::Fits(bulk, *entry.fusion, target);
    ASSERT_TRUE(fits.ok()) << fits;
    ++found;
    use(*entry.fusion, bulk, plan::EntryText(bulk, *entry.fusion, target, "m"));
  }
  EXPECT_EQ(found, 1);
}

std::unique_ptr<Module> ModuleOf(const Case& c) {
  return Read(absl::StrCat("HloModule m\nENTRY e {", c.entry, "\n}\n"));
}

TEST(BulkTranspose, IsRight) {
  const Target& target = TargetOf("sim:sm_90a");
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    const std::unique_ptr<Module> module = ModuleOf(c);
    ASSERT_NE(module, nullptr);
    ForEachTurned(*module, target,
                  [&](const Computation&, const FusionPlan&, const std::string& table) {
                    EXPECT_TRUE(absl::StrContains(table, "bulk=true")) << table;
                    ExpectRight(*module, target, table, c);
                  });
  }
}

TEST(BulkTranspose, RefusesWhatTheEngineCannotCopy) {
  const Target& target = TargetOf("sim:sm_90a");
  const std::unique_ptr<Module> module = ModuleOf(kCases[0]);
  ForEachTurned(
      *module, target, [&](const Computation& fusion, const FusionPlan& plan, const std::string&) {
        const FusionInfo info(ViewOf(fusion));
        const auto& tile = std::get<TilePlan>(plan.kernels[0].work);
        const int input = tile.turned[0];
        const plan::TurnedBox box = plan::BoxOf(info, tile, input);
        const auto says = [](const absl::Status& status, const char* words) {
          EXPECT_TRUE(absl::StrContains(status.message(), words)) << status;
        };
        says(plan::BulkFits(info, tile, input, TargetOf("sm_80")), "sm_80 has no copies of boxes");
        TilePlan few_rows = tile;
        few_rows.classes[box.row_class].lanes /= 2;
        says(plan::BulkFits(info, few_rows, input, target),
             "the box has 16 rows, expected a multiple");
        TilePlan many_rows = tile;
        many_rows.classes[box.row_class].registers *= 512;
        says(plan::BulkFits(info, many_rows, input, target), "tensor map dimension 1");
        // The same by way of a table's plan.
        FusionPlan long_rows = plan;
        auto& changed = std::get<TilePlan>(long_rows.kernels[0].work);
        TileClass& columns = changed.classes[box.column_class];
        columns.registers *= 2;
        columns.blocks = CeilDiv(columns.size, columns.block_extent());
        long_rows.kernels[0].blocks = changed.classes[box.row_class].blocks * columns.blocks;
        says(plan::Fits(long_rows, fusion, target), "a row of the box is 256 bytes, expected 128");
      });
}

TEST(BulkTranspose, PlantedFaultsAreFound) {
  const struct {
    const char* from;
    const char* to;
    const char* words;
  } kPlants[] = {
      {"%landed[0], 4096)", "%landed[0], 4096)", ""},
      {"%landed[0], 4096)", "%landed[0], 4080)", "-16 bytes are missing"},
      {"%landed[0], 4096)", "%landed[0], 4112)", "16 bytes are missing"},
      {"    fence_mbarrier_init\n", "", "fence_mbarrier_init and a barrier would"},
      {"  while { yield not(mbarrier_try_wait(%landed[0], 0)) } do {}\n", "",
       "until it has been waited for"},
      {"mbarrier_try_wait(%landed[0], 0)", "mbarrier_try_wait(%landed[0], 1)",
       "until it has been waited for"},
      {"  barrier\n", "", "%landed"},
  };
  const Target& target = TargetOf("sim:sm_90a");
  const std::unique_ptr<Module> module = ModuleOf(kCases[0]);
  ForEachTurned(
      *module, target, [&](const Computation&, const FusionPlan&, const std::string& table) {
        for (const auto& plant : kPlants) {
          const std::string fault = FaultOf(*module, target, table, plant.from, plant.to);
          EXPECT_TRUE(*plant.words == 0 ? fault.empty() : absl::StrContains(fault, plant.words))
              << plant.to << ": " << fault;
        }
      });
}

// Compiled for a card: the launch hands over the map behind the buffers, and the PTX asks for it.
TEST(BulkTranspose, LaunchesWithATensorMap) {
  const Target& target = TargetOf("sm_90a");
  const std::unique_ptr<Module> module = ModuleOf(kCases[1]);
  ForEachTurned(
      *module, target, [&](const Computation&, const FusionPlan&, const std::string& table) {
        auto plans = plan::PlanTable::Parse(table, "table");
        ASSERT_TRUE(plans.ok()) << plans.status();
        CompileOptions options;
        options.plans = std::make_shared<const plan::PlanTable>(*std::move(plans));
        const auto compiled = Compile(*module, target, options);
        ASSERT_TRUE(compiled.ok()) << compiled.status();
        const std::string text = runtime::ToString(*compiled->program);
        EXPECT_TRUE(absl::StrContains(
            text, "tensormap<input 0, f32, 264x50x4, strides 4224x1056, box 32x8x4, swizzle 128>"))
            << text;
        EXPECT_TRUE(runtime::Validate(*compiled->program).ok());
      });
}

}  // namespace
}  // namespace ingot::test
