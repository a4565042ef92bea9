// Products by wgmma: the same values as the evaluator's in the simulator with all checks, for every
// shape of tile, however the matrices lie; what the copy engine cannot bring is refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "compiler/compile.h"
#include "compiler/executable.h"
#include "compiler/plan/contraction.h"
#include "compiler/plan/contraction_shapes.h"
#include "compiler/plan/plan_table.h"
#include "compiler/program/fusion_table.h"
#include "tests/compiler/pipeline_cases.h"
#include "tests/compiler/plans.h"

namespace ingot::test {
namespace {

using plan::ContractionPlan;
using plan::FusionPlan;

constexpr const char* kTarget = "sim:sm_90a";

const Case& CaseOf(absl::string_view name) {
  for (const Case& c : kPipelineCases) {
    if (name == c.name) return c;
  }
  return kPipelineCases[0];
}

struct Tile {
  int rows, columns, row_warps, stages, splits;
  int producer_registers, consumer_registers;
  int cluster = 1;
  int store_boxes = 0;
  int cluster_across = 1;
};
constexpr Tile kTiles[] = {{128, 64, 8, 3, 1, 40, 232},      {128, 256, 8, 4, 1, 40, 232},
                           {256, 128, 8, 2, 1, 40, 232},     {128, 64, 4, 3, 1, 0, 0},
                           {128, 128, 4, 3, 2, 40, 216},     {64, 192, 4, 2, 1, 0, 0},
                           {64, 64, 4, 4, 1, 40, 216},       {128, 128, 8, 3, 3, 40, 232},
                           {128, 64, 8, 3, 1, 40, 232, 2},   {128, 192, 8, 2, 2, 40, 232, 2},
                           {128, 128, 4, 3, 1, 40, 216, 2},  {128, 64, 8, 3, 1, 40, 232, 1, 0, 2},
                           {64, 64, 4, 4, 1, 0, 0, 2, 0, 2}, {64, 64, 4, 12, 2, 0, 0, 4},
                           {128, 64, 4, 3, 1, 0, 0, 1, 0, 4}};

// Threads that copy have more registers, and those that copy elements one by one still more.
Tile WithCopies(Tile tile, bool elements) {
  if (tile.producer_registers == 0) return tile;
  const bool two = tile.row_warps == 8;
  tile.producer_registers = !elements ? 104 : two ? 152 : 120;
  tile.consumer_registers =
      two ? (504 - tile.producer_registers) / 2 : 256 - tile.producer_registers;
  return tile;
}

std::unique_ptr<Module> ModuleOf(const Case& c) {
  // A tuple's operands come before it.
  std::string entry = c.entry;
  const size_t root = entry.find("  ROOT r = ("), last = entry.find("  v = ");
  if (root != std::string::npos && last > root) {
    const std::string line = entry.substr(root, last - root);
    entry = absl::StrCat(entry.substr(0, root), entry.substr(last), "\n", line);
  }
  return Read(absl::StrCat("HloModule m\nENTRY e {", entry, "\n}\n"));
}

ContractionPlan PlanOf(const Tile& tile, int depth) {
  ContractionPlan plan;
  plan.wgmma = true;
  plan.rows = tile.rows;
  plan.columns = tile.columns;
  plan.depth = depth;
  plan.row_warps = tile.row_warps;
  plan.column_warps = 1;
  plan.stages = tile.stages;
  plan.splits = tile.splits;
  plan.cluster = tile.cluster;
  plan.cluster_across = tile.cluster_across;
  plan.producer_registers = tile.producer_registers;
  plan.consumer_registers = tile.consumer_registers;
  plan.store_boxes = tile.store_boxes;
  return plan;
}

// The tile's plan, whoever brings the matrices.
absl::StatusOr<FusionPlan> PlanWith(const Tile& tile, const Computation& fusion,
                                    const Target& target, Numerics numerics) {
  const int depth = 128 / ByteWidth(fusion.parameters()[0]->shape().element_type());
  auto plan = plan::PlanOfTile(PlanOf(tile, depth), fusion, target, numerics);
  for (const bool elements : {false, true}) {
    if (!absl::StrContains(plan.status().message(), "no tile has")) break;
    plan = plan::PlanOfTile(PlanOf(WithCopies(tile, elements), depth), fusion, target, numerics);
  }
  return plan;
}

// Calls `use` with the module's fusion that has the product.
template <typename Use>
void ForProduct(const Module& module, const Target& target, const Use& use) {
  const std::unique_ptr<Module> fused = Fused(module, target);
  const program::FusionTable fusions(*fused);
  int found = 0;
  for (const auto& entry : fusions.entries()) {
    const FusionPlan plan = plan::MakePlan(*entry.fusion, target);
    if (!std::holds_alternative<ContractionPlan>(plan.kernels[0].work)) continue;
    ++found;
    use(*entry.fusion, plan);
  }
  EXPECT_EQ(found, 1);
}

class PipelineTest : public testing::TestWithParam<Case> {};

INSTANTIATE_TEST_SUITE_P(Products, PipelineTest, testing::ValuesIn(kPipelineCases),
                         [](const auto& info) { return info.param.name; });

TEST_P(PipelineTest, IsRight) {
  const Target& target = TargetOf(kTarget);
  const std::unique_ptr<Module> module = ModuleOf(GetParam());
  ASSERT_NE(module, nullptr);
  ForProduct(*module, target, [&](const Computation& fusion, const FusionPlan& made) {
    int fitting = 0, stored_by_engine = 0;
    const bool boxed = absl::StartsWith(GetParam().name, "boxed");
    const bool images = absl::StartsWith(GetParam().name, "images");
    const bool two_results = fusion.root()->opcode() == Opcode::kTuple;
    // What comes and goes by other maps is tried with every third tile.
    const size_t step = boxed || images ? 3 : 1;
    for (size_t t = 0; t < std::size(kTiles); t += step) {
      const Tile& tile = kTiles[t];
      const auto plan = PlanWith(tile, fusion, target, made.numerics);
      if (!plan.ok()) {
        const absl::string_view message = plan.status().message();
        const bool expected = absl::StrContains(message, "a part would be empty") ||
                              absl::StrContains(message, "does not come in parts") ||
                              absl::StrContains(message, "leave too few");
        EXPECT_TRUE(expected) << plan.status();
        continue;
      }
      ++fitting;
      if (images) {
        EXPECT_TRUE(plan->kernels[0].contraction().lhs.engine);
        EXPECT_TRUE(plan->kernels[0].contraction().rhs.engine);
      }
      SCOPED_TRACE(absl::StrCat(tile.rows, " x ", tile.columns, " x ", tile.splits));
      ExpectRight(*module, target, plan::EntryText(*plan, fusion, target, "m"), GetParam());
      // The same with results that the copy engine stores.
      for (int boxes : {2, 4}) {
        Tile stored = tile;
        stored.store_boxes = boxes;
        const auto by_engine = PlanWith(stored, fusion, target, made.numerics);
        if (!by_engine.ok()) continue;
        ++stored_by_engine;
        if (boxed) {
          const ContractionPlan& made = by_engine->kernels[0].contraction();
          EXPECT_EQ(made.load_boxes, made.splits == 1 && (boxes == 4 || !two_results));
        }
        SCOPED_TRACE(absl::StrCat(boxes, " boxes"));
        ExpectRight(*module, target, plan::EntryText(*by_engine, fusion, target, "m"), GetParam());
        if (!boxed) break;
      }
    }
    EXPECT_GE(fitting, step == 1 ? 6 : 2);
    constexpr const char* kByThreads[] = {"odd_columns", "odd_rows", "rows_of_4_bytes",
                                          "images_exchanged_forward"};
    const bool by_threads =
        std::any_of(std::begin(kByThreads), std::end(kByThreads),
                    [](const char* name) { return absl::string_view(name) == GetParam().name; });
    EXPECT_EQ(stored_by_engine == 0, by_threads);
  });
}

// A product of any dimension numbers, types and sizes, and maybe something behind it.
class ProductDrawer {
 public:
  explicit ProductDrawer(uint64_t seed) : random_(seed) {}

  std::string Draw() {
    constexpr const char* kTypes[][2] = {{"bf16", "f32"}, {"bf16", "bf16"}, {"f16", "f32"},
                                         {"f32", "f32"},  {"s8", "s32"},    {"u8", "u32"}};
    const auto& [type, result] = kTypes[Below(std::size(kTypes))];
    std::vector<int64_t> batch, depth = {Size()};
    for (int64_t i = Below(3); i > 0; --i) batch.push_back(1 + Below(3));
    if (Below(4) == 0) depth.push_back(1 + Below(3));
    const Side lhs = DrawSide(batch, depth), rhs = DrawSide(batch, depth);
    std::vector<int64_t> sizes = batch;
    sizes.insert(sizes.end(), lhs.free.begin(), lhs.free.end());
    sizes.insert(sizes.end(), rhs.free.begin(), rhs.free.end());
    const std::string shape = absl::StrCat(result, "[", absl::StrJoin(sizes, ","), "]");
    std::string text = absl::StrCat(
        "\n  x = ", type, "[", absl::StrJoin(lhs.sizes, ","), "] parameter(0)\n  y = ", type, "[",
        absl::StrJoin(rhs.sizes, ","), "] parameter(1)\n  d = ", shape, " dot(x, y), ",
        lhs.Attributes("lhs"), ", ", rhs.Attributes("rhs"), "\n");
    absl::StrAppend(&text, "  z = ", shape, " parameter(2)\n  ROOT r = ", shape,
                    Below(2) == 0 ? " add(d, z)" : " maximum(z, d)");
    return text;
  }
  int64_t Below(int64_t n) { return static_cast<int64_t>(random_() % n); }

 private:
  struct Side {
    std::vector<int64_t> sizes, free, batch_dims, contracting_dims;
    std::string Attributes(const char* name) const {
      return absl::StrCat(name, "_batch_dims={", absl::StrJoin(batch_dims, ","), "}, ", name,
                          "_contracting_dims={", absl::StrJoin(contracting_dims, ","), "}");
    }
  };
  // 16 bytes of any type, or anything.
  int64_t Size() { return Below(2) == 0 ? 16 * (1 + Below(12)) : 9 + Below(190); }

  Side DrawSide(const std::vector<int64_t>& batch, const std::vector<int64_t>& depth) {
    std::vector<std::pair<char, int64_t>> dims;  // whose, and its number there
    for (size_t i = 0; i < batch.size(); ++i) dims.emplace_back('b', i);
    for (size_t i = 0; i < depth.size(); ++i) dims.emplace_back('k', i);
    dims.emplace_back('f', Size());
    if (Below(4) == 0) dims.emplace_back('f', 1 + Below(3));
    if (Below(2) == 0) std::shuffle(dims.begin(), dims.end(), random_);
    Side side;
    side.batch_dims.resize(batch.size());
    side.contracting_dims.resize(depth.size());
    for (const auto& [whose, number] : dims) {
      const auto at = static_cast<int64_t>(side.sizes.size());
      if (whose == 'b') side.batch_dims[number] = at;
      if (whose == 'k') side.contracting_dims[number] = at;
      if (whose == 'f') side.free.push_back(number);
      side.sizes.push_back(whose == 'b' ? batch[number] : whose == 'k' ? depth[number] : number);
    }
    return side;
  }

  std::mt19937_64 random_;
};

TEST(Pipeline, RandomProducts) {
  constexpr uint64_t kProducts = 60;
  const Target& target = TargetOf(kTarget);
  int64_t fitting = 0;
  for (uint64_t seed = 0; seed < kProducts; ++seed) {
    ProductDrawer drawer(seed);
    const std::string entry = drawer.Draw();
    SCOPED_TRACE(absl::StrCat("seed ", seed, entry));
    const std::unique_ptr<Module> module = ModuleOf({"", entry.c_str()});
    ASSERT_NE(module, nullptr);
    const std::unique_ptr<Module> fused = Fused(*module, target);
    const program::FusionTable fusions(*fused);
    for (const auto& one : fusions.entries()) {
      const FusionPlan made = plan::MakePlan(*one.fusion, target);
      if (!std::holds_alternative<ContractionPlan>(made.kernels[0].work)) continue;
      Tile tile = kTiles[drawer.Below(std::size(kTiles))];
      tile.store_boxes = 2;
      auto plan = PlanWith(tile, *one.fusion, target, made.numerics);
      if (!plan.ok() || drawer.Below(2) == 0) {
        tile.store_boxes = 0;
        plan = PlanWith(tile, *one.fusion, target, made.numerics);
      }
      if (!plan.ok()) continue;
      ++fitting;
      ExpectRight(*module, target, plan::EntryText(*plan, *one.fusion, target, "m"));
    }
  }
  EXPECT_GE(fitting, static_cast<int64_t>(kProducts / 4));
}

// Products of f64 by matrix units, for every shape of tile, however the matrices lie.
TEST(Doubles, AreRight) {
  const Target& target = TargetOf(kTarget);
  for (const char* layout : {"01", "00", "11", "10"}) {
    for (const auto& [rows, columns, depth] : {std::tuple(72, 48, 64), std::tuple(33, 67, 37)}) {
      const bool left_across = layout[0] == '0', right_across = layout[1] == '0';
      const auto shape = [](int a, int b, bool across) {
        return absl::StrCat("f64[2,", across ? b : a, ",", across ? a : b, "]");
      };
      const std::string entry = absl::StrCat(
          "\n  x = ", shape(rows, depth, left_across),
          " parameter(0)\n  y = ", shape(columns, depth, right_across),
          " parameter(1)\n  ROOT r = f64[2,", rows, ",", columns,
          "] dot(x, y), lhs_batch_dims={0}, rhs_batch_dims={0}, lhs_contracting_dims={",
          left_across ? 1 : 2, "}, rhs_contracting_dims={", right_across ? 1 : 2, "}");
      SCOPED_TRACE(entry);
      const std::unique_ptr<Module> module = ModuleOf({"", entry.c_str()});
      ASSERT_NE(module, nullptr);
      ForProduct(*module, target, [&](const Computation& fusion, const FusionPlan& made) {
        EXPECT_EQ(made.kernels[0].contraction().unit, plan::ProductUnit::kF64);
        for (const plan::TileShape& shape : plan::ShapesOf(plan::ProductUnit::kF64)) {
          ContractionPlan tile;
          tile.rows = shape.rows;
          tile.columns = shape.columns;
          tile.row_warps = shape.row_warps;
          tile.column_warps = shape.column_warps;
          tile.depth = 16;
          for (const auto& [stages, splits] : {std::pair(2, 1), std::pair(2, 2)}) {
            tile.stages = stages;
            tile.splits = splits;
            const auto plan = plan::PlanOfTile(tile, fusion, target, made.numerics);
            ASSERT_TRUE(plan.ok()) << plan.status();
            ExpectRight(*module, target, plan::EntryText(*plan, fusion, target, "m"));
          }
        }
      });
    }
  }
}

// More than 2^31 results: indices of 64 bits.
TEST(Pipeline, ManyResults) {
  const Target& target = TargetOf("sm_90a");
  for (const char* entry : {R"(
  x = bf16[65536,64] parameter(0)
  y = bf16[64,65536] parameter(1)
  ROOT r = bf16[65536,65536] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0})",
                            R"(
  x = bf16[65536,65] parameter(0)
  y = bf16[65,65536] parameter(1)
  ROOT r = bf16[65536,65536] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0})"}) {
    const std::unique_ptr<Module> module = ModuleOf({"", entry});
    ASSERT_NE(module, nullptr);
    ForProduct(*module, target, [&](const Computation& fusion, const FusionPlan& made) {
      EXPECT_EQ(made.kernels[0].index_type, ElementType::kS64);
      for (const Tile& tile :
           {Tile{128, 256, 8, 4, 1, 40, 232}, Tile{128, 256, 8, 3, 1, 104, 200}}) {
        const auto plan = plan::PlanOfTile(PlanOf(tile, 64), fusion, target, made.numerics);
        if (!plan.ok()) continue;
        CompileOptions options;
        options.plans = std::make_shared<const plan::PlanTable>(
            *plan::PlanTable::Parse(plan::EntryText(*plan, fusion, target, "m"), "t"));
        const auto compiled = Compile(*module, target, options);
        EXPECT_TRUE(compiled.ok()) << compiled.status();
      }
    });
  }
}

// One error each.
TEST(Pipeline, RefusesWhatTheEngineCannotBring) {
  const Target& target = TargetOf(kTarget);
  const struct {
    const char* entry;
    const char* words;
  } kRefused[] = {
      {R"(
  x = s8[64,64] parameter(0)
  y = s8[64,64] parameter(1)
  ROOT r = s32[64,64] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0})",
       "wgmma turns elements of 2 bytes only"},
      {R"(
  x = f32[64,63] parameter(0)
  y = f32[64,63] parameter(1)
  ROOT r = f32[64,64] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={1})",
       "round no f32"},
  };
  for (const auto& refused : kRefused) {
    const std::unique_ptr<Module> module = ModuleOf({"", refused.entry});
    ASSERT_NE(module, nullptr);
    ForProduct(*module, target, [&](const Computation& fusion, const FusionPlan& made) {
      const int width = ByteWidth(fusion.parameters()[0]->shape().element_type());
      const auto plan = plan::PlanOfTile(PlanOf({64, 64, 4, 2, 1, 0, 0}, 128 / width), fusion,
                                         target, made.numerics);
      EXPECT_TRUE(absl::StrContains(plan.status().message(), refused.words)) << plan.status();
    });
  }
  const std::unique_ptr<Module> module = ModuleOf(CaseOf("deep"));
  ForProduct(*module, target, [&](const Computation& fusion, const FusionPlan& made) {
    const struct {
      Tile tile;
      const char* words;
    } kTilesRefused[] = {{{96, 64, 4, 2, 1, 0, 0}, "no tile has rows=96"},
                         {{128, 96, 8, 2, 1, 104, 200}, "no lines of 64"},
                         {{256, 256, 8, 2, 1, 40, 232}, "at most 128 sums"},
                         {{128, 256, 8, 8, 1, 40, 232}, "stages=8 do not fit"},
                         {{64, 256, 4, 2, 1, 40, 216}, "sums leave too few"},
                         {{128, 64, 8, 2, 9, 40, 232}, "a part would be empty"},
                         {{128, 64, 8, 2, 1, 40, 232, 1, -2}, "store_boxes=-2 of 1 results"},
                         {{128, 64, 8, 2, 1, 40, 232, 1, 5}, "store_boxes=5 of 1 results"},
                         {{128, 256, 8, 4, 1, 40, 232, 1, 4}, "stages=4 do not fit"},
                         {{128, 64, 8, 2, 1, 40, 232, 3}, "no cluster has cluster=3"},
                         {{128, 64, 8, 2, 1, 40, 232, 4, 0, 2}, "cluster_across=2"}};
    for (const auto& [tile, words] : kTilesRefused) {
      const auto plan = plan::PlanOfTile(PlanOf(tile, 64), fusion, target, made.numerics);
      EXPECT_TRUE(absl::StrContains(plan.status().message(), words)) << plan.status();
    }
    const auto other = plan::PlanOfTile(PlanOf({64, 64, 4, 2, 1, 0, 0}, 64), fusion,
                                        TargetOf("sm_80"), made.numerics);
    EXPECT_TRUE(absl::StrContains(other.status().message(), "sm_80 has none")) << other.status();
  });
}

TEST(Pipeline, PlantedFaultsAreFound) {
  struct Plant {
    const char* from;
    const char* to;
    const char* words;
  };
  constexpr Plant kPlants[] = {
      {"wgmma_fence", "wgmma_fence", ""},
      {", 49152)", ", 49136)", "bytes"},
      {", 49152)", ", 49168)", "bytes are missing"},
      {"wgmma_fence !2\n", "\n", "wgmma_fence"},
      {"wgmma_wait(1)", "wgmma_wait(2)", "until it has been waited for"},
      {"wgmma_wait(0)", "wgmma_wait(1)", "wgmma_wait has to come first"},
      {"], 8) !2", "], 4) !2", "until it has been waited for"},
      {"  barrier !2\n", "", "which nobody wrote"},
      {"setmaxnreg_dec(40)", "setmaxnreg_dec(48)", "65536 registers of the 64512"},
  };
  constexpr Plant kStorePlants[] = {
      {"fence_proxy_async_shared !2\n", "\n", "fence_proxy_async"},
      {"bulk_wait_read(1)", "bulk_wait_read(2)", "race"},
      {"bulk_wait(0)", "bulk_wait(1)", "bulk"},
  };
  const auto expect_found = [](const char* name, const Tile& tile, absl::Span<const Plant> plants) {
    const Target& target = TargetOf(kTarget);
    const std::unique_ptr<Module> module = ModuleOf(CaseOf(name));
    ForProduct(*module, target, [&](const Computation& fusion, const FusionPlan& made) {
      const auto plan = plan::PlanOfTile(PlanOf(tile, 64), fusion, target, made.numerics);
      ASSERT_TRUE(plan.ok()) << plan.status();
      const std::string table = plan::EntryText(*plan, fusion, target, "m");
      for (const Plant& plant : plants) {
        const std::string fault = FaultOf(*module, target, table, plant.from, plant.to);
        const bool harmless = std::string(plant.from) == plant.to;
        EXPECT_TRUE(harmless ? fault.empty()
                             : absl::StrContains(fault, plant.words) && !fault.empty())
            << plant.from << " -> " << plant.to << ": " << fault;
      }
    });
  };
  expect_found("deep", {128, 256, 8, 3, 1, 40, 232}, kPlants);
  expect_found("long_epilogue", {128, 192, 8, 3, 1, 40, 232, 1, 2}, kStorePlants);
}

}  // namespace
}  // namespace ingot::test
