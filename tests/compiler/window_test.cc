// Windows on simulated GPUs: any dimension, run and lanes of a thread.
#include "compiler/plan/window.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "compiler/plan/plan_table.h"
#include "compiler/plan/window_sums.h"
#include "compiler/program/fusion_table.h"
#include "ir/analysis/windows.h"
#include "tests/compiler/plans.h"

namespace ingot::test {
namespace {

constexpr Case kWindows[] = {
    {"largest",
     "\n  x = f32[2,9,7,8] parameter(0)\n  n = f32[] constant(-inf)\n"
     "  ROOT r = f32[2,5,4,8] reduce-window(x, n), window={size=1x3x3x1 stride=1x2x2x1 "
     "pad=0_0x1_1x1_1x0_0}, to_apply=largest"},
    {"average",
     "\n  x = bf16[1,6,11,4] parameter(0)\n  z = f32[] constant(0)\n"
     "  w = f32[1,6,11,4] convert(x)\n"
     "  s = f32[1,6,11,4] reduce-window(w, z), window={size=1x3x3x1 pad=0_0x1_1x1_1x0_0}, "
     "to_apply=sum\n  ROOT r = bf16[1,6,11,4] convert(s)"},
    {"channels_first",
     "\n  x = f32[2,3,10,9] parameter(0)\n  z = f32[] constant(0)\n"
     "  ROOT r = f32[2,3,8,7] reduce-window(x, z), window={size=1x1x3x3}, to_apply=sum"},
    {"holes",
     "\n  x = s32[13,4] parameter(0)\n  z = s32[] constant(0)\n"
     "  ROOT r = s32[11,4] reduce-window(x, z), window={size=3x1 pad=2_2x0_0 "
     "rhs_dilate=3x1}, to_apply=sum_s32"},
    {"first_of_largest",
     "\n  x = f32[4,10,4] parameter(0)\n  i = s32[10] iota(), iota_dimension=0\n"
     "  k = s32[4,10,4] broadcast(i), dimensions={1}\n  z = f32[] constant(-inf)\n"
     "  o = s32[] constant(-1)\n"
     "  ROOT r = (f32[4,4,4], s32[4,4,4]) reduce-window(x, k, z, o), "
     "window={size=1x3x1 stride=1x2x1}, to_apply=first"},
    // Ties, whose order is that of the window's dimensions.
    {"first_of_largest_of_boxes",
     "\n  x = f32[7,9,4] parameter(0)\n  i = s32[63] iota(), iota_dimension=0\n"
     "  j = s32[7,9] reshape(i)\n  k = s32[7,9,4] broadcast(j), dimensions={0,1}\n"
     "  z = f32[] constant(-inf)\n  o = s32[] constant(-1)\n  y = f32[7,9,4] sign(x)\n"
     "  ROOT r = (f32[5,4,4], s32[5,4,4]) reduce-window(y, k, z, o), "
     "window={size=3x3x1 stride=1x2x1}, to_apply=first"},
    {"depthwise",
     "\n  x = f32[2,7,9,8] parameter(0)\n  w = f32[3,3,1,8] parameter(1)\n"
     "  b = f32[8] parameter(2)\n"
     "  c = f32[2,7,9,8] convolution(x, w), window={size=3x3 pad=1_1x1_1}, "
     "dim_labels=b01f_01io->b01f, feature_group_count=8\n"
     "  s = f32[2,7,9,8] broadcast(b), dimensions={3}\n  ROOT r = f32[2,7,9,8] add(c, s)"},
    {"depthwise_bf16_strided",
     "\n  x = bf16[1,12,10,16] parameter(0)\n  w = bf16[5,3,1,16] parameter(1)\n"
     "  ROOT r = bf16[1,4,5,16] convolution(x, w), window={size=5x3 stride=2x2 pad=0_0x1_1 "
     "rhs_reversal=1x1}, dim_labels=b01f_01io->b01f, feature_group_count=16",
     0.01},
    {"depthwise_gradient",
     "\n  x = f32[1,5,4,4] parameter(0)\n  w = f32[3,3,4,1] parameter(1)\n"
     "  ROOT r = f32[1,9,7,4] convolution(x, w), window={size=3x3 pad=1_1x1_1 lhs_dilate=2x2}, "
     "dim_labels=b01f_01oi->b01f, feature_group_count=4"},
    // Weights that are infinite or NaN lie over padding, along the run and across it, and holes.
    {"depthwise_over_padding",
     "\n  w = f32[3,5,1,4] parameter(0)\n  x = f32[2,7,9,4] parameter(1)\n"
     "  ROOT r = f32[2,7,9,4] convolution(x, w), window={size=3x5 pad=1_1x2_2}, "
     "dim_labels=b01f_01io->b01f, feature_group_count=4",
     1e-6, true},
    {"depthwise_over_holes",
     "\n  w = f32[3,5,4,1] parameter(0)\n  x = f32[1,4,5,4] parameter(1)\n"
     "  ROOT r = f32[1,7,9,4] convolution(x, w), window={size=3x5 pad=1_1x2_2 lhs_dilate=2x2}, "
     "dim_labels=b01f_01oi->b01f, feature_group_count=4",
     1e-6, true},
    {"moving_sum_of_rows",
     "\n  x = f32[300,16] parameter(0)\n  z = f32[] constant(0)\n"
     "  ROOT r = f32[296,16] reduce-window(x, z), window={size=5x1}, to_apply=sum"},
};

constexpr char kReducers[] =
    "sum { a = f32[] parameter(0)\n  b = f32[] parameter(1)\n  ROOT r = f32[] add(a, b) }\n"
    "sum_s32 { a = s32[] parameter(0)\n  b = s32[] parameter(1)\n  ROOT r = s32[] add(a, b) }\n"
    "largest { a = f32[] parameter(0)\n  b = f32[] parameter(1)\n"
    "  ROOT r = f32[] maximum(a, b) }\n"
    "first { a = f32[] parameter(0)\n  i = s32[] parameter(1)\n  b = f32[] parameter(2)\n"
    "  j = s32[] parameter(3)\n  k = pred[] compare(a, b), direction=GE\n"
    "  v = f32[] select(k, a, b)\n  p = s32[] select(k, i, j)\n"
    "  ROOT r = (f32[], s32[]) tuple(v, p) }\n";

TEST(Window, AnyPlanIsRight) {
  std::mt19937_64 random(5);
  const Target& target = TargetOf("sim:sm_90a-tiny");
  for (const Case& c : kWindows) {
    const std::unique_ptr<Module> module =
        Read(absl::StrCat("HloModule m\n", kReducers, "ENTRY e {", c.entry, "\n}\n"));
    ASSERT_NE(module, nullptr) << c.name;
    const std::unique_ptr<Module> fused = Fused(*module, target);
    const program::FusionTable fusions(*fused);
    // What stands around the window is in its kernel.
    ASSERT_EQ(fusions.entries().size(), 1) << c.name;
    const Computation& fusion = *fusions.entries()[0].fusion;
    const Instruction* window = plan::FindWindow(fusion);
    ASSERT_NE(window, nullptr) << c.name;
    int fitting = 0;
    for (int i = 0; i < 400 && fitting < 8; ++i) {
      plan::WindowPlan drawn;
      drawn.dimension = static_cast<int>(random() % WindowShape(*window).rank());
      drawn.run = static_cast<int>(1 + random() % 8);
      drawn.lanes = 1 << random() % 4;
      const auto plan = plan::MakeWindow(drawn, fusion, target);
      if (!plan.ok()) continue;
      ++fitting;
      ExpectRight(*module, target, plan::EntryText(*plan, fusion, target, c.name), c);
      if (HasFailure()) return;
    }
    EXPECT_GE(fitting, 4) << c.name;
  }
}

// An element stands in for those that are not there: where there is none, another plan computes.
TEST(Window, NeedsAnElement) {
  const Target& target = TargetOf("sim:sm_90a-tiny");
  const std::unique_ptr<Module> module = Read(
      "HloModule m\nENTRY e {\n  x = f32[1,0,8] parameter(0)\n  w = f32[3,1,8] parameter(1)\n"
      "  ROOT c = f32[1,2,8] convolution(x, w), window={size=3 pad=2_2}, dim_labels=b0f_0io->b0f, "
      "feature_group_count=8\n}\n");
  ASSERT_NE(module, nullptr);
  const std::unique_ptr<Module> fused = Fused(*module, target);
  const program::FusionTable fusions(*fused);
  for (const auto& entry : fusions.entries()) {
    EXPECT_FALSE(plan::MakeWindow({.dimension = 1}, *entry.fusion, target).ok());
  }
}

constexpr Case kGradients[] = {
    {"weights",
     "\n  x = f32[3,7,9,8] parameter(0)\n  dy = f32[3,7,9,8] parameter(1)\n"
     "  ROOT r = f32[1,3,3,8] convolution(x, dy), window={size=7x9 pad=1_1x1_1}, "
     "dim_labels=f01b_i01o->b01f, batch_group_count=8"},
    {"strided_bf16",
     "\n  x = bf16[2,12,10,6] parameter(0)\n  dy = bf16[2,6,5,6] parameter(1)\n"
     "  ROOT r = bf16[5,3,1,6] convolution(x, dy), window={size=6x5 pad=2_1x1_0 "
     "rhs_dilate=2x2}, dim_labels=f01b_i01o->01bf, batch_group_count=6",
     0.01},
    // Infinities and NaN of dy over padding, at its rows' ends and in rows of their own.
    {"over_padding",
     "\n  dy = f32[3,5,7,4] parameter(0)\n  x = f32[3,5,7,4] parameter(1)\n"
     "  ROOT r = f32[1,3,3,4] convolution(x, dy), window={size=5x7 pad=1_1x1_1}, "
     "dim_labels=f01b_i01o->b01f, batch_group_count=4",
     1e-6, true},
    {"one_dimension_channels_first",
     "\n  x = f32[2,5,40] parameter(0)\n  dy = f32[2,5,37] parameter(1)\n"
     "  ROOT r = f32[5,1,4] convolution(x, dy), window={size=37}, "
     "dim_labels=fb0_io0->fb0, batch_group_count=5"},
};

TEST(WindowSums, AnyPlanIsRight) {
  std::mt19937_64 random(3);
  const Target& target = TargetOf("sim:sm_90a-tiny");
  for (const Case& c : kGradients) {
    const std::unique_ptr<Module> module =
        Read(absl::StrCat("HloModule m\nENTRY e {", c.entry, "\n}\n"));
    ASSERT_NE(module, nullptr) << c.name;
    const std::unique_ptr<Module> fused = Fused(*module, target);
    const program::FusionTable fusions(*fused);
    ASSERT_EQ(fusions.entries().size(), 1) << c.name;
    const Computation& fusion = *fusions.entries()[0].fusion;
    ASSERT_TRUE(IsDepthwiseGradient(*fusion.root())) << c.name;
    int fitting = 0;
    for (int i = 0; i < 200 && fitting < 8; ++i) {
      plan::WindowSumsPlan drawn;
      drawn.lanes = 1 << random() % 3;
      drawn.across = 1 << random() % 6;
      drawn.groups = 1 << random() % 6;
      drawn.run = static_cast<int>(1 + random() % 8);
      drawn.parts = static_cast<int64_t>(1 + random() % 30);
      const auto plan = plan::MakeWindowSums(drawn, fusion, target);
      if (!plan.ok()) continue;
      ++fitting;
      ExpectRight(*module, target, plan::EntryText(*plan, fusion, target, c.name), c);
      if (HasFailure()) return;
    }
    EXPECT_EQ(fitting, 8) << c.name;
  }
}

}  // namespace
}  // namespace ingot::test
