// Scatters of whole rows on simulated GPUs, by any rows, columns, lists and threads of a block.
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "compiler/plan/fits.h"
#include "compiler/plan/kernels.h"
#include "compiler/plan/plan_table.h"
#include "compiler/program/fusion_table.h"
#include "ir/base/integers.h"
#include "tests/compiler/plans.h"

namespace ingot::test {
namespace {

using plan::FusionPlan;
using plan::KernelPlan;

struct Scatter {
  Case module;
  int64_t rows, columns;
};

// Indices go round and beyond the operand; some rows have many updates and some have none.
constexpr Scatter kScatters[] = {
    {{"embedding",
      "\n  u = f32[300,64] parameter(0)\n  x = s32[300] parameter(1)\n"
      "  i = s32[300] iota(), iota_dimension=0\n  k = s32[300] multiply(i, i)\n"
      "  h = s32[] constant(53)\n  hb = s32[300] broadcast(h), dimensions={}\n"
      "  q = s32[300] remainder(k, hb)\n  s = s32[300] add(q, x)\n"
      "  z = f32[] constant(0)\n  o = f32[50,64] broadcast(z), dimensions={}\n"
      "  ROOT r = f32[50,64] scatter(o, s, u), update_window_dims={1}, inserted_window_dims={0}, "
      "scatter_dims_to_operand_dims={0}, index_vector_dim=1, to_apply=sum"},
     50,
     64},
    {{"operand_read",
      "\n  u = bf16[77,40] parameter(0)\n  x = s32[77,1] parameter(1)\n"
      "  o = bf16[9,40] parameter(2)\n  v = bf16[77,40] add(u, u)\n"
      "  ROOT r = bf16[9,40] scatter(o, x, v), update_window_dims={1}, inserted_window_dims={0}, "
      "scatter_dims_to_operand_dims={0}, index_vector_dim=1, to_apply=largest_bf16"},
     9,
     40},
    {{"two_dimensions",
      "\n  u = s32[200,33] parameter(0)\n  x = s32[200,2] parameter(1)\n"
      "  o = s32[3,5,33] parameter(2)\n"
      "  ROOT r = s32[3,5,33] scatter(o, x, u), update_window_dims={1}, "
      "inserted_window_dims={0,1}, scatter_dims_to_operand_dims={1,0}, index_vector_dim=1, "
      "to_apply=sum_s32"},
     15,
     33},
    // Most updates are of two rows, more than a thread adds up by itself, and of several lists.
    {{"long_rows",
      "\n  u = f32[400,24] parameter(0)\n  x = s32[400] parameter(1)\n"
      "  i = s32[400] iota(), iota_dimension=0\n  d = s32[] constant(7)\n"
      "  db = s32[400] broadcast(d), dimensions={}\n  m = s32[400] remainder(i, db)\n"
      "  f = s32[] constant(5)\n  fb = s32[400] broadcast(f), dimensions={}\n"
      "  t = pred[400] compare(m, fb), direction=LT\n  q = s32[400] divide(i, db)\n"
      "  h = s32[] constant(13)\n  hb = s32[400] broadcast(h), dimensions={}\n"
      "  a = s32[400] remainder(q, hb)\n  p = s32[] constant(2)\n"
      "  pb = s32[400] broadcast(p), dimensions={}\n  o2 = s32[400] remainder(i, pb)\n"
      "  l = s32[400] add(o2, fb)\n  w = s32[400] select(t, l, a)\n"
      "  z = s32[] constant(0)\n  zb = s32[400] broadcast(z), dimensions={}\n"
      "  xz = s32[400] multiply(x, zb)\n  s = s32[400] add(w, xz)\n"
      "  c = f32[] constant(0)\n  o = f32[14,24] broadcast(c), dimensions={}\n"
      "  ROOT r = f32[14,24] scatter(o, s, u), update_window_dims={1}, inserted_window_dims={0}, "
      "scatter_dims_to_operand_dims={0}, index_vector_dim=1, to_apply=sum",
      kJoinedTolerance},
     14,
     24},
    {{"long_rows_of_an_operand",
      "\n  u = s32[300,20] parameter(0)\n  x = s32[300] parameter(1)\n"
      "  o = s32[6,20] parameter(2)\n  i = s32[300] iota(), iota_dimension=0\n"
      "  d = s32[] constant(3)\n  db = s32[300] broadcast(d), dimensions={}\n"
      "  m = s32[300] remainder(i, db)\n  z = s32[] constant(0)\n"
      "  zb = s32[300] broadcast(z), dimensions={}\n  xz = s32[300] multiply(x, zb)\n"
      "  s = s32[300] add(m, xz)\n"
      "  ROOT r = s32[6,20] scatter(o, s, u), update_window_dims={1}, inserted_window_dims={0}, "
      "scatter_dims_to_operand_dims={0}, index_vector_dim=1, to_apply=sum_s32"},
     6,
     20},
    {{"rows_between",
      "\n  u = f32[2,64,16] parameter(0)\n  x = s64[64] parameter(1)\n"
      "  o = f32[2,21,16] parameter(2)\n"
      "  ROOT r = f32[2,21,16] scatter(o, x, u), update_window_dims={0,2}, "
      "inserted_window_dims={1}, scatter_dims_to_operand_dims={1}, index_vector_dim=1, "
      "to_apply=sum"},
     21,
     32},
};

constexpr char kCombiners[] =
    "sum { a = f32[] parameter(0)\n  b = f32[] parameter(1)\n  ROOT r = f32[] add(a, b) }\n"
    "sum_s32 { a = s32[] parameter(0)\n  b = s32[] parameter(1)\n  ROOT r = s32[] add(a, b) }\n"
    "largest_bf16 { a = bf16[] parameter(0)\n  b = bf16[] parameter(1)\n"
    "  ROOT r = bf16[] maximum(a, b) }\n";

TEST(ScatterRows, AnyPlanIsRight) {
  std::mt19937_64 random(7);
  for (const Scatter& scatter : kScatters) {
    const Case& c = scatter.module;
    const std::unique_ptr<Module> module =
        Read(absl::StrCat("HloModule m\n", kCombiners, "ENTRY e {", c.entry, "\n}\n"));
    ASSERT_NE(module, nullptr) << c.name;
    for (const char* name : {"sim:sm_90a-tiny", "sim:sm_90a"}) {
      const Target& target = TargetOf(name);
      const std::unique_ptr<Module> fused = Fused(*module, target);
      const program::FusionTable fusions(*fused);
      int fitting = 0;
      for (const auto& entry : fusions.entries()) {
        const Computation& fusion = *entry.fusion;
        if (fusion.root()->opcode() != Opcode::kScatter) continue;
        for (int i = 0; i < 60 && fitting < 12; ++i) {
          FusionPlan drawn = plan::MakePlan(fusion, target);
          // Of several kernels, the last one says what all of them move.
          drawn.kernels = {drawn.kernels.back()};
          drawn.scratch.clear();
          drawn.updates.clear();
          drawn.in_place.clear();
          KernelPlan& kernel = drawn.kernels[0];
          kernel.buffers = plan::AllBuffers(fusion, 0);
          plan::ScatterRowsPlan rows;
          rows.lanes = 1 << random() % 3;
          rows.columns = rows.lanes << random() % 6;
          rows.rows = 1 + static_cast<int64_t>(random() % (scatter.rows + 2));
          kernel.block_threads = 32 << random() % 3;
          rows.list = kernel.block_threads * static_cast<int64_t>(1 + random() % 3);
          kernel.skeleton = plan::Skeleton::kScatterRows;
          kernel.work = rows;
          kernel.tasks = 1;
          kernel.blocks =
              CeilDiv(scatter.rows, rows.rows) * CeilDiv(scatter.columns, int64_t{rows.columns});
          if (!plan::Fits(drawn, fusion, target).ok()) continue;
          ++fitting;
          ExpectRight(*module, target, plan::EntryText(drawn, fusion, target, c.name), c);
          if (HasFailure()) return;
        }
      }
      EXPECT_EQ(fitting, 12) << c.name << " on " << name;
    }
  }
}

// Two launches of one kernel: the first may update its operand's memory, the second may not.
TEST(ScatterRows, OneOfTwoIsInPlace) {
  constexpr char kScatter[] =
      "update_window_dims={1}, inserted_window_dims={0}, scatter_dims_to_operand_dims={0}, "
      "index_vector_dim=1, to_apply=sum\n";
  const std::unique_ptr<Module> module =
      Read(absl::StrCat("HloModule m, input_output_alias={ {0}: (2, {}, may-alias) }\n", kCombiners,
                        "ENTRY e {\n  u = f32[300,64] parameter(0)\n  x = s32[300] parameter(1)\n"
                        "  a = f32[50,64] parameter(2)\n  b = f32[50,64] parameter(3)\n"
                        "  s = f32[50,64] scatter(a, x, u), ",
                        kScatter, "  t = f32[50,64] scatter(b, x, u), ", kScatter,
                        "  ROOT r = (f32[50,64], f32[50,64], f32[50,64]) tuple(s, t, b)\n}\n"));
  ASSERT_NE(module, nullptr);
  const Target& target = TargetOf("sim:sm_90a-tiny");
  const std::unique_ptr<Module> fused = Fused(*module, target);
  const program::FusionTable fusions(*fused);
  ASSERT_EQ(fusions.entries().size(), 1);
  const Computation& fusion = *fusions.entries()[0].fusion;
  plan::PlanOptions options;
  options.last_reads = {static_cast<int>(fusion.root()->operand(0)->parameter_number())};
  const FusionPlan plan = plan::MakePlan(fusion, target, options);
  ASSERT_EQ(plan.kernels[0].skeleton, plan::Skeleton::kScatterRows);
  ASSERT_EQ(plan.updates.size(), 1);
  ExpectRight(*module, target, plan::EntryText(plan, fusion, target, "one_of_two"));
}

}  // namespace
}  // namespace ingot::test
