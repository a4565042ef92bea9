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
#include "tests/compiler/plans.h"

namespace ingot::test {
namespace {

using plan::ContractionPlan;
using plan::FusionPlan;

constexpr const char* kTarget = "sim:sm_90a";

// Depth along both, one or no matrix's memory; rows, columns and depths that tiles do not divide;
// batches of several dimensions; slices; every type; what is made of the sums.
constexpr Case kCases[] = {
    {"bf16_results", R"(
  x = bf16[200,136] parameter(0)
  y = bf16[152,136] parameter(1)
  ROOT r = bf16[200,152] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={1})"},
    {"s8_results", R"(
  x = bf16[200,136] parameter(0)
  y = bf16[160,136] parameter(1)
  d = f32[200,160] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={1}
  ROOT r = s8[200,160] convert(d))"},
    {"both_along", R"(
  x = bf16[200,136] parameter(0)
  y = bf16[152,136] parameter(1)
  ROOT r = f32[200,152] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={1})"},
    {"right_across", R"(
  x = bf16[200,136] parameter(0)
  y = bf16[136,152] parameter(1)
  ROOT r = f32[200,152] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0})"},
    {"left_across", R"(
  x = f16[136,200] parameter(0)
  y = f16[152,136] parameter(1)
  ROOT r = f32[200,152] dot(x, y), lhs_contracting_dims={0}, rhs_contracting_dims={1})"},
    {"both_across", R"(
  x = bf16[136,200] parameter(0)
  y = bf16[136,152] parameter(1)
  ROOT r = f32[200,152] dot(x, y), lhs_contracting_dims={0}, rhs_contracting_dims={0})"},
    {"deep", R"(
  x = bf16[72,1000] parameter(0)
  y = bf16[1000,264] parameter(1)
  ROOT r = f32[72,264] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0})"},
    {"heads", R"(
  x = bf16[3,72,2,64] parameter(0)
  y = bf16[3,80,2,64] parameter(1)
  ROOT r = f32[3,2,72,80] dot(x, y), lhs_batch_dims={0,2}, lhs_contracting_dims={3},
      rhs_batch_dims={0,2}, rhs_contracting_dims={3})"},
    {"slices", R"(
  x = bf16[100,256] parameter(0)
  y = bf16[192,128] parameter(1)
  s = bf16[90,128] slice(x), slice={[5:95],[128:256]}
  t = bf16[128,72] slice(y), slice={[64:192],[16:88]}
  ROOT r = f32[90,72] dot(s, t), lhs_contracting_dims={1}, rhs_contracting_dims={0})"},
    {"rows_of_two", R"(
  x = bf16[4,256,64] parameter(0)
  y = bf16[64,96] parameter(1)
  ROOT r = f32[4,256,96] dot(x, y), lhs_contracting_dims={2}, rhs_contracting_dims={0})"},
    {"depth_of_two", R"(
  x = bf16[3,40,64] parameter(0)
  y = bf16[3,64,96] parameter(1)
  ROOT r = f32[40,96] dot(x, y), lhs_contracting_dims={0,2}, rhs_contracting_dims={0,1})"},
    {"tf32", R"(
  x = f32[136,72] parameter(0)
  y = f32[72,72] parameter(1)
  ROOT r = f32[136,72] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={1})"},
    {"s8", R"(
  x = s8[136,144] parameter(0)
  y = s8[72,144] parameter(1)
  ROOT r = s32[136,72] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={1})"},
    {"u8", R"(
  x = u8[136,144] parameter(0)
  y = u8[72,144] parameter(1)
  ROOT r = u32[136,72] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={1})"},
    {"behind_it", R"(
  x = bf16[200,136] parameter(0)
  y = bf16[136,144] parameter(1)
  b = f32[144] parameter(2)
  z = f32[144,200] parameter(3)
  d = f32[200,144] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0}
  c = f32[200,144] broadcast(b), dimensions={1}
  s = f32[200,144] add(d, c)
  t = f32[144,200] transpose(s), dimensions={1,0}
  u = f32[144,200] add(t, z)
  ROOT r = (f32[144,200], bf16[200,144]) tuple(u, v)
  v = bf16[200,144] convert(s))"},
    {"two_results", R"(
  x = bf16[200,136] parameter(0)
  y = bf16[136,144] parameter(1)
  b = f32[144] parameter(2)
  d = f32[200,144] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0}
  c = f32[200,144] broadcast(b), dimensions={1}
  s = f32[200,144] add(d, c)
  ROOT r = (f32[200,144], f32[200,144]) tuple(s, v)
  v = f32[200,144] negate(s))"},
    {"residual", R"(
  x = bf16[200,136] parameter(0)
  y = bf16[136,152] parameter(1)
  z = bf16[200,152] parameter(2)
  d = f32[200,152] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0}
  w = f32[200,152] convert(z)
  s = f32[200,152] add(d, w)
  ROOT r = bf16[200,152] convert(s))"},
    {"boxed_gate", R"(
  x = bf16[200,136] parameter(0)
  y = bf16[136,152] parameter(1)
  z = bf16[200,152] parameter(2)
  d = bf16[200,152] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0}
  l = bf16[200,152] logistic(z)
  g = bf16[200,152] multiply(z, l)
  ROOT r = bf16[200,152] multiply(d, g))"},
    {"boxed_and_bias", R"(
  x = bf16[200,136] parameter(0)
  y = bf16[136,152] parameter(1)
  z = bf16[200,152] parameter(2)
  b = f32[152] parameter(3)
  d = f32[200,152] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0}
  c = f32[200,152] broadcast(b), dimensions={1}
  s = f32[200,152] add(d, c)
  w = f32[200,152] convert(z)
  t = f32[200,152] add(s, w)
  u = f32[200,152] maximum(t, d)
  ROOT r = bf16[200,152] convert(u))"},
    {"boxed_two", R"(
  x = bf16[200,136] parameter(0)
  y = bf16[136,144] parameter(1)
  z = f32[200,144] parameter(2)
  a = f32[200,144] parameter(3)
  d = f32[200,144] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0}
  s = f32[200,144] add(d, z)
  ROOT r = (f32[200,144], f32[200,144]) tuple(s, v)
  v = f32[200,144] multiply(s, a))"},
    {"boxed_turned", R"(
  x = bf16[3,48,64] parameter(0)
  y = bf16[136,64] parameter(1)
  z = bf16[48,3,136] parameter(2)
  d = bf16[3,48,136] dot(x, y), lhs_contracting_dims={2}, rhs_contracting_dims={1}
  t = bf16[48,3,136] transpose(d), dimensions={1,0,2}
  ROOT r = bf16[48,3,136] add(t, z))"},
    {"boxed_twice", R"(
  x = bf16[2,80,64] parameter(0)
  y = bf16[2,64,80] parameter(1)
  z = bf16[2,80,80] parameter(2)
  d = bf16[2,80,80] dot(x, y), lhs_batch_dims={0}, lhs_contracting_dims={2},
      rhs_batch_dims={0}, rhs_contracting_dims={1}
  s = bf16[2,80,80] add(d, z)
  t = bf16[160,80] reshape(s)
  w = bf16[160,80] reshape(z)
  ROOT r = bf16[160,80] multiply(t, w))"},
    {"boxed_left", R"(
  x = bf16[200,136] parameter(0)
  y = bf16[136,136] parameter(1)
  d = bf16[200,136] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0}
  ROOT r = bf16[200,136] add(d, x))"},
    {"long_epilogue", R"(
  x = bf16[200,136] parameter(0)
  y = bf16[136,152] parameter(1)
  b = f32[152] parameter(2)
  a = f32[200] parameter(3)
  d = f32[200,152] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0}
  c = f32[200,152] broadcast(b), dimensions={1}
  e = f32[200,152] broadcast(a), dimensions={0}
  s = f32[200,152] add(d, c)
  t = f32[200,152] multiply(s, e)
  u = f32[200,152] maximum(t, d)
  w = f32[200,152] subtract(u, c)
  ROOT r = bf16[200,152] convert(w))"},
    {"turned_result", R"(
  x = bf16[3,48,64] parameter(0)
  y = bf16[136,64] parameter(1)
  d = bf16[3,48,136] dot(x, y), lhs_contracting_dims={2}, rhs_contracting_dims={1}
  ROOT r = bf16[48,3,136] transpose(d), dimensions={1,0,2})"},
    {"odd_columns", R"(
  x = bf16[72,64] parameter(0)
  y = bf16[67,64] parameter(1)
  ROOT r = f32[72,67] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={1})"},
    {"odd_rows", R"(
  x = bf16[70,77] parameter(0)
  y = bf16[77,66] parameter(1)
  ROOT r = f32[70,66] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0})"},
    {"rows_of_4_bytes", R"(
  x = bf16[70,78] parameter(0)
  y = bf16[66,78] parameter(1)
  ROOT r = f32[70,66] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={1})"},
    {"within_16_bytes", R"(
  x = bf16[64,128] parameter(0)
  y = bf16[72,124] parameter(1)
  s = bf16[64,124] slice(x), slice={[0:64],[4:128]}
  ROOT r = f32[64,72] dot(s, y), lhs_contracting_dims={1}, rhs_contracting_dims={1})"},
    {"convolution", R"(
  x = bf16[2,9,10,24] parameter(0)
  y = bf16[3,3,24,72] parameter(1)
  ROOT r = f32[2,9,5,72] convolution(x, y), window={size=3x3 stride=1x2 pad=1_1x1_1},
      dim_labels=b01f_01io->b01f)"},
    {"convolution_1x1", R"(
  x = bf16[2,9,10,24] parameter(0)
  y = bf16[1,1,24,72] parameter(1)
  ROOT r = f32[2,9,10,72] convolution(x, y), window={size=1x1}, dim_labels=b01f_01io->b01f)"},
    {"convolution_of_3", R"(
  x = bf16[1,12,13,3] parameter(0)
  y = bf16[5,5,3,64] parameter(1)
  ROOT r = f32[1,6,7,64] convolution(x, y), window={size=5x5 stride=2x2 pad=2_2x2_2},
      dim_labels=b01f_01io->b01f)"},
    {"data_gradient", R"(
  x = bf16[2,5,5,72] parameter(0)
  y = bf16[3,3,24,72] parameter(1)
  ROOT r = f32[2,10,10,24] convolution(x, y), window={size=3x3 pad=1_2x1_2 lhs_dilate=2x2
      rhs_reversal=1x1}, dim_labels=b01f_01oi->b01f)"},
    {"weights_gradient", R"(
  x = bf16[3,9,9,72] parameter(0)
  y = bf16[3,9,9,24] parameter(1)
  ROOT r = f32[3,3,72,24] convolution(x, y), window={size=9x9 pad=1_1x1_1},
      dim_labels=f01b_i01o->01bf)"},
    {"images", R"(
  x = bf16[2,9,10,64] parameter(0)
  y = bf16[3,3,64,72] parameter(1)
  ROOT r = bf16[2,9,10,72] convolution(x, y), window={size=3x3 pad=1_1x1_1},
      dim_labels=b01f_01io->b01f)"},
    {"images_strided", R"(
  x = bf16[3,12,13,128] parameter(0)
  y = bf16[3,2,128,72] parameter(1)
  ROOT r = f32[3,4,7,72] convolution(x, y), window={size=3x2 stride=2x2 pad=0_0x1_1
      rhs_dilate=2x1}, dim_labels=b01f_01io->b01f)"},
    {"images_1x1_strided", R"(
  x = f16[2,12,14,64] parameter(0)
  y = f16[1,1,64,72] parameter(1)
  ROOT r = f32[2,6,7,72] convolution(x, y), window={size=1x1 stride=2x2},
      dim_labels=b01f_01io->b01f)"},
    {"images_cropped", R"(
  x = bf16[2,11,12,64] parameter(0)
  y = bf16[2,2,64,72] parameter(1)
  ROOT r = f32[2,8,12,72] convolution(x, y), window={size=2x2 pad=-1_-1x2_-1},
      dim_labels=b01f_01io->b01f)"},
    {"images_reversed", R"(
  x = bf16[2,7,8,64] parameter(0)
  y = bf16[3,3,72,64] parameter(1)
  ROOT r = f32[2,7,8,72] convolution(x, y), window={size=3x3 pad=1_1x1_1 rhs_reversal=1x1},
      dim_labels=b01f_01oi->b01f)"},
    {"images_weights", R"(
  x = bf16[5,6,6,64] parameter(0)
  y = bf16[5,6,6,72] parameter(1)
  ROOT r = f32[3,3,64,72] convolution(x, y), window={size=6x6 pad=1_1x1_1},
      dim_labels=f01b_i01o->01bf)"},
    {"images_weights_strided", R"(
  x = bf16[3,9,9,64] parameter(0)
  y = bf16[3,4,4,72] parameter(1)
  ROOT r = f32[3,3,64,72] convolution(x, y), window={size=4x4 rhs_dilate=2x2},
      dim_labels=f01b_i01o->01bf)"},
    {"images_line", R"(
  x = bf16[3,40,64] parameter(0)
  y = bf16[5,64,72] parameter(1)
  ROOT r = f32[3,40,72] convolution(x, y), window={size=5 pad=2_2}, dim_labels=b0f_0io->b0f)"},
    {"images_solid", R"(
  x = bf16[2,4,5,6,64] parameter(0)
  y = bf16[2,3,2,64,72] parameter(1)
  ROOT r = f32[2,3,5,5,72] convolution(x, y), window={size=2x3x2 pad=0_0x1_1x0_0},
      dim_labels=b012f_012io->b012f)"},
    {"images_grouped", R"(
  x = bf16[1,8,8,128] parameter(0)
  y = bf16[3,3,64,144] parameter(1)
  ROOT r = f32[1,8,8,144] convolution(x, y), window={size=3x3 pad=1_1x1_1},
      dim_labels=b01f_01io->b01f, feature_group_count=2)"},
    {"images_tf32", R"(
  x = f32[2,9,10,32] parameter(0)
  y = f32[72,3,3,32] parameter(1)
  ROOT r = f32[2,9,10,72] convolution(x, y), window={size=3x3 pad=1_1x1_1},
      dim_labels=b01f_o01i->b01f)"},
    {"groups", R"(
  x = bf16[1,8,8,48] parameter(0)
  y = bf16[3,3,16,96] parameter(1)
  ROOT r = f32[1,8,8,96] convolution(x, y), window={size=3x3 pad=1_1x1_1},
      dim_labels=b01f_01io->b01f, feature_group_count=3)"},
    {"one_tile", R"(
  x = bf16[128,64] parameter(0)
  y = bf16[128,64] parameter(1)
  ROOT r = f32[128,128] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={1})"},
    {"one_tile_of_positions", R"(
  x = bf16[2,8,8,64] parameter(0)
  y = bf16[3,3,64,128] parameter(1)
  ROOT r = f32[2,8,8,128] convolution(x, y), window={size=3x3 pad=1_1x1_1},
      dim_labels=b01f_01io->b01f)"},
    {"few_rows", R"(
  x = bf16[9,64] parameter(0)
  y = bf16[40,64] parameter(1)
  ROOT r = f32[9,40] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={1})"},
};

const Case& CaseOf(absl::string_view name) {
  for (const Case& c : kCases) {
    if (name == c.name) return c;
  }
  return kCases[0];
}

struct Tile {
  int rows, columns, row_warps, stages, splits;
  int producer_registers, consumer_registers;
  int cluster = 1;
  int store_boxes = 0;
};
constexpr Tile kTiles[] = {
    {128, 64, 8, 3, 1, 40, 232},     {128, 256, 8, 4, 1, 40, 232},   {256, 128, 8, 2, 1, 40, 232},
    {128, 64, 4, 3, 1, 0, 0},        {128, 128, 4, 3, 2, 40, 216},   {64, 192, 4, 2, 1, 0, 0},
    {64, 64, 4, 4, 1, 40, 216},      {128, 128, 8, 3, 3, 40, 232},   {128, 64, 8, 3, 1, 40, 232, 2},
    {128, 192, 8, 2, 2, 40, 232, 2}, {128, 128, 4, 3, 1, 40, 216, 2}};

// Threads that copy have more registers.
Tile WithCopies(Tile tile) {
  if (tile.producer_registers == 0) return tile;
  tile.producer_registers = 104;
  tile.consumer_registers = tile.row_warps == 8 ? 200 : 152;
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
  if (!absl::StrContains(plan.status().message(), "no tile has")) return plan;
  return plan::PlanOfTile(PlanOf(WithCopies(tile), depth), fusion, target, numerics);
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

INSTANTIATE_TEST_SUITE_P(Products, PipelineTest, testing::ValuesIn(kCases),
                         [](const auto& info) { return info.param.name; });

TEST_P(PipelineTest, IsRight) {
  const Target& target = TargetOf(kTarget);
  const std::unique_ptr<Module> module = ModuleOf(GetParam());
  ASSERT_NE(module, nullptr);
  ForProduct(*module, target, [&](const Computation& fusion, const FusionPlan& made) {
    int fitting = 0, stored_by_engine = 0;
    const bool boxed = absl::StartsWith(GetParam().name, "boxed");
    const bool two_results = fusion.root()->opcode() == Opcode::kTuple;
    for (const Tile& tile : kTiles) {
      const auto plan = PlanWith(tile, fusion, target, made.numerics);
      if (!plan.ok()) {
        const absl::string_view message = plan.status().message();
        const bool expected = absl::StrContains(message, "a part would be empty") ||
                              absl::StrContains(message, "threads bring the right matrix") ||
                              absl::StrContains(message, "leave too few");
        EXPECT_TRUE(expected) << plan.status();
        continue;
      }
      ++fitting;
      if (absl::StartsWith(GetParam().name, "images")) {
        EXPECT_TRUE(plan->kernels[0].contraction().lhs.engine);
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
    EXPECT_GE(fitting, 6);
    constexpr const char* kByThreads[] = {"odd_columns", "odd_rows", "rows_of_4_bytes"};
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
    for (const auto& [rows, columns, depth] :
         {std::tuple(72, 48, 64), std::tuple(33, 67, 37), std::tuple(130, 17, 90)}) {
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
                         {{128, 256, 8, 4, 1, 40, 232, 1, 4}, "stages=4 do not fit"}};
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
