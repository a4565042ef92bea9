// Layouts of products, by costs that the test makes up: what a plan says of them is in
// explain_test.
#include "passes/assign_layouts.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "ir/evaluator/evaluator.h"
#include "ir/text/parser.h"
#include "ir/text/printer.h"
#include "ir/verifier/verifier.h"
#include "passes/fusion_log.h"
#include "passes/pad_rows.h"
#include "passes/split_dilated_convolutions.h"

namespace ingot {
namespace {

struct Costs {
  double along_depth = 1;  // of a product whose operands end with depth, features last
  double otherwise = 100;
  double transpose = 10;  // or another copy
  double odd_row = 0;     // more, for each operand whose rows are not whole 16 bytes
  double hole = 0;        // more, for each dimension of a convolution's input that has holes
};

double OddRows(const Computation& product) {
  double count = 0;
  for (const Instruction* parameter : product.parameters()) {
    const Shape& shape = parameter->shape();
    count += shape.dimension(shape.rank() - 1) * ByteWidth(shape.element_type()) % 16 != 0;
  }
  return count;
}

double Holes(const Instruction& product) {
  if (product.opcode() != Opcode::kConvolution) return 0;
  double count = 0;
  for (const WindowDimension& d : product.attributes<ConvolutionAttributes>().window.dimensions) {
    count += d.base_dilation > 1;
  }
  return count;
}

bool EndsWithDepth(const Instruction& product) {
  if (product.opcode() == Opcode::kDot) {
    const auto& attributes = product.attributes<DotAttributes>();
    return attributes.lhs_contracting_dims.back() == product.operand(0)->shape().rank() - 1 &&
           attributes.rhs_contracting_dims.back() == product.operand(1)->shape().rank() - 1;
  }
  const auto& labels = product.attributes<ConvolutionAttributes>().dim_labels;
  return labels.input_feature == product.operand(0)->shape().rank() - 1 &&
         labels.kernel_input_feature == product.operand(1)->shape().rank() - 1 &&
         labels.output_feature == product.shape().rank() - 1;
}

PassContext ContextOf(const Costs& costs, FusionLog* log) {
  PassContext context;
  context.product_cost = [costs](const Computation& product) {
    EXPECT_EQ(product.parameters().size(), 2);
    return (EndsWithDepth(*product.root()) ? costs.along_depth : costs.otherwise) +
           costs.odd_row * OddRows(product) + costs.hole * Holes(*product.root());
  };
  context.fusion_cost = [costs](const FusionView&) {
    return FusionCostEstimate{costs.transpose, true, ""};
  };
  context.bytes_per_microsecond = 1e6;
  context.holes_are_zeros = true;
  context.fusion_log = log;
  return context;
}

struct Result {
  std::string text;
  FusionLog log;
};

// Runs the pass, and sees to it that values stay.
Result RunPass(PassFunction pass, absl::string_view text, const Costs& costs = {}) {
  Result result;
  auto module = ParseModule(text, "test");
  EXPECT_TRUE(module.ok()) << module.status();
  const std::unique_ptr<Module> before = (*module)->Clone();
  const auto changed = pass(**module, ContextOf(costs, &result.log));
  EXPECT_TRUE(changed.ok()) << changed.status();
  (*module)->entry()->RemoveDead();
  (*module)->entry()->Normalize();
  EXPECT_TRUE(Verify(**module).ok()) << Verify(**module);
  std::vector<Literal> inputs;
  for (const Instruction* parameter : before->entry()->parameters()) {
    Literal literal = Literal::Zeros(parameter->shape()).value();
    for (int64_t i = 0; i < literal.size(); ++i) literal.SetInteger(i, (i * 7 + 3) % 5 - 1);
    inputs.push_back(std::move(literal));
  }
  const auto expected = Evaluate(*before, inputs);
  const auto found = Evaluate(**module, inputs);
  EXPECT_TRUE(expected.ok() && found.ok()) << expected.status() << found.status();
  if (!expected.ok() || !found.ok()) return result;
  EXPECT_TRUE(*expected == *found) << ToString(**module);
  result.text = ToString(**module);
  return result;
}

std::string Dot(absl::string_view dot) {
  return absl::StrCat("HloModule m\nENTRY e {\n", dot, "\n}\n");
}

TEST(DotLayouts, DepthIsLast) {
  const std::string text = Dot(R"(  x = f32[3,5,4,2] parameter(0)
  y = f32[4,5,7,3] parameter(1)
  ROOT d = f32[3,2,7] dot(x, y), lhs_batch_dims={0}, rhs_batch_dims={3}, lhs_contracting_dims={2,1}, rhs_contracting_dims={0,1})");
  const Result result = RunPass(AssignDotLayouts, text);
  EXPECT_TRUE(absl::StrContains(result.text, "transpose(x), dimensions={0,3,2,1}")) << result.text;
  EXPECT_TRUE(absl::StrContains(result.text, "transpose(y), dimensions={3,2,0,1}")) << result.text;
  EXPECT_TRUE(absl::StrContains(result.text, "opt-barrier(")) << result.text;
  ASSERT_EQ(result.log.layouts.size(), 1);
  EXPECT_TRUE(result.log.layouts[0].taken);
  EXPECT_EQ(result.log.layouts[0].sides, "left, right");
  EXPECT_EQ(result.log.layouts[0].moves, 20);
}

TEST(DotLayouts, OneValueIsTransposedOnce) {
  const Result result = RunPass(AssignDotLayouts, Dot(R"(  x = f32[4,3] parameter(0)
  ROOT d = f32[3,3] dot(x, x), lhs_contracting_dims={0}, rhs_contracting_dims={0})"));
  const size_t first = result.text.find("transpose(");
  ASSERT_NE(first, std::string::npos) << result.text;
  EXPECT_EQ(result.text.find("transpose(", first + 1), std::string::npos) << result.text;
}

TEST(DotLayouts, StaysWhereItSavesTooLittle) {
  const std::string text = Dot(R"(  x = f32[3,4] parameter(0)
  y = f32[4,5] parameter(1)
  ROOT d = f32[3,5] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0})");
  const Costs dear = {.along_depth = 1, .otherwise = 100, .transpose = 99.5};
  const Costs alike = {.along_depth = 89, .otherwise = 100, .transpose = 2};
  for (const Costs& costs : {dear, alike}) {
    const Result result = RunPass(AssignDotLayouts, text, costs);
    EXPECT_FALSE(absl::StrContains(result.text, "transpose")) << result.text;
    ASSERT_EQ(result.log.layouts.size(), 1);
    EXPECT_FALSE(result.log.layouts[0].taken);
  }
  EXPECT_TRUE(absl::StrContains(
      RunPass(AssignDotLayouts, text, {.along_depth = 80, .otherwise = 100, .transpose = 2}).text,
      "transpose"));
}

// Nothing to choose: along depth already, of size 1, empty, or without plans.
TEST(DotLayouts, NothingToChoose) {
  for (absl::string_view dot :
       {"  x = f32[3,4] parameter(0)\n  y = f32[5,4] parameter(1)\n"
        "  ROOT d = f32[3,5] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={1}",
        "  x = f32[1,4] parameter(0)\n  y = f32[4,1] parameter(1)\n"
        "  ROOT d = f32[1,1] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0}",
        "  x = f32[3,0] parameter(0)\n  y = f32[0,5] parameter(1)\n"
        "  ROOT d = f32[3,5] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0}"}) {
    const Result result = RunPass(AssignDotLayouts, Dot(dot));
    EXPECT_FALSE(absl::StrContains(result.text, "transpose")) << result.text;
    EXPECT_TRUE(result.log.layouts.empty());
  }
}

TEST(ConvolutionLayouts, FeaturesAreLast) {
  const Result result = RunPass(AssignConvolutionLayouts, Dot(R"(  x = f32[2,3,5,6] parameter(0)
  w = f32[4,3,2,3] parameter(1)
  ROOT c = f32[2,4,6,4] convolution(x, w), window={size=2x3 pad=1_1x0_0 stride=1x1}, dim_labels=bf01_oi01->bf01)"));
  EXPECT_TRUE(absl::StrContains(result.text, "dim_labels=b01f_o01i->b01f")) << result.text;
  EXPECT_TRUE(absl::StrContains(result.text, "f32[2,5,6,3]")) << result.text;
  EXPECT_FALSE(absl::StrContains(result.text, "opt-barrier")) << result.text;
  ASSERT_EQ(result.log.layouts.size(), 1);
  EXPECT_EQ(result.log.layouts[0].moves, 30);
}

// A transpose that the next convolution's undoes costs nothing; that of x and that of the result
// do.
TEST(ConvolutionLayouts, TransposesBetweenConvolutionsAreFree) {
  const std::string text = Dot(R"(  x = f32[2,3,5,6] parameter(0)
  w = f32[4,3,2,1] parameter(1)
  v = f32[3,4,2,1] parameter(2)
  one = f32[2,4,5,6] convolution(x, w), window={size=2x1 pad=1_0x0_0}, dim_labels=bf01_oi01->bf01
  two = f32[2,4,5,6] tanh(one)
  ROOT c = f32[2,3,5,6] convolution(two, v), window={size=2x1 pad=1_0x0_0}, dim_labels=bf01_oi01->bf01)");
  const Result result = RunPass(AssignConvolutionLayouts, text, {.transpose = 20});
  ASSERT_EQ(result.log.layouts.size(), 2);
  for (const LayoutDecision& decision : result.log.layouts) {
    EXPECT_TRUE(decision.taken);
    EXPECT_EQ(decision.moves, 40) << decision.product;
  }
}

TEST(ConvolutionLayouts, GroupsHolesAndOtherOrders) {
  for (absl::string_view text :
       {"  x = f32[2,4,5,6] parameter(0)\n  w = f32[6,2,2,3] parameter(1)\n"
        "  ROOT c = f32[2,6,6,4] convolution(x, w), window={size=2x3 pad=1_1x0_0 "
        "rhs_reversal=1x0}, dim_labels=bf01_oi01->bf01, feature_group_count=2",
        "  x = f32[3,2,5,6] parameter(0)\n  w = f32[3,4,2,3] parameter(1)\n"
        "  ROOT c = f32[4,9,4,2] convolution(x, w), window={size=2x3 pad=1_0x1_1 "
        "lhs_dilate=2x1 rhs_dilate=1x2}, dim_labels=fb01_io01->f01b"}) {
    const Result result = RunPass(AssignConvolutionLayouts, Dot(text));
    ASSERT_EQ(result.log.layouts.size(), 1);
    EXPECT_TRUE(result.log.layouts[0].taken);
    EXPECT_EQ(result.log.layouts[0].sides, "left, right, result");
  }
}

TEST(OddRows, ArePadded) {
  const Costs costs = {.transpose = 2, .odd_row = 100};
  const Result both = RunPass(PadRows, Dot(R"(  x = f32[2,3,5] parameter(0)
  y = f32[2,7,5] parameter(1)
  ROOT d = f32[2,3,7] dot(x, y), lhs_batch_dims={0}, rhs_batch_dims={0}, lhs_contracting_dims={2}, rhs_contracting_dims={2})"),
                              costs);
  EXPECT_TRUE(absl::StrContains(both.text, "padding=0_0x0_0x0_3")) << both.text;
  EXPECT_TRUE(absl::StrContains(both.text, "slice={[0:2], [0:3], [0:5]}")) << both.text;
  EXPECT_TRUE(absl::StrContains(both.text, "slice={[0:2], [0:7], [0:5]}")) << both.text;
  EXPECT_TRUE(absl::StrContains(both.text, "opt-barrier(")) << both.text;
  ASSERT_EQ(both.log.layouts.size(), 1);
  EXPECT_TRUE(both.log.layouts[0].taken);
  EXPECT_EQ(both.log.layouts[0].sides, "left padded, right padded");
  EXPECT_EQ(both.log.layouts[0].moves, 4);
  // The other one's rows are whole.
  const Result one = RunPass(PadRows, Dot(R"(  x = bf16[3,16] parameter(0)
  y = bf16[16,9] parameter(1)
  ROOT d = bf16[3,9] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0})"),
                             {.otherwise = 1, .transpose = 2, .odd_row = 100});
  ASSERT_EQ(one.log.layouts.size(), 1);
  EXPECT_EQ(one.log.layouts[0].sides, "right padded");
  // One value is copied once.
  const Result same = RunPass(PadRows, Dot(R"(  x = f32[4,3] parameter(0)
  ROOT d = f32[4,4] dot(x, x), lhs_contracting_dims={1}, rhs_contracting_dims={1})"),
                              costs);
  const size_t first = same.text.find("pad(");
  ASSERT_NE(first, std::string::npos) << same.text;
  EXPECT_EQ(same.text.find("pad(", first + 1), std::string::npos) << same.text;
}

TEST(OddRows, StayWhereThatSavesTooLittle) {
  const std::string text = Dot(R"(  x = f32[3,5] parameter(0)
  y = f32[7,5] parameter(1)
  ROOT d = f32[3,7] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={1})");
  for (const Costs& costs : {Costs{.transpose = 200, .odd_row = 100},
                             Costs{.along_depth = 100, .transpose = 1, .odd_row = 5}}) {
    const Result result = RunPass(PadRows, text, costs);
    EXPECT_FALSE(absl::StrContains(result.text, "pad(")) << result.text;
    ASSERT_EQ(result.log.layouts.size(), 1);
    EXPECT_FALSE(result.log.layouts[0].taken);
  }
  // Whole rows, a vector, no elements: nothing to choose.
  for (absl::string_view dot :
       {"  x = f32[3,4] parameter(0)\n  y = f32[5,4] parameter(1)\n"
        "  ROOT d = f32[3,5] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={1}",
        "  x = f32[5] parameter(0)\n  y = f32[5] parameter(1)\n"
        "  ROOT d = f32[] dot(x, y), lhs_contracting_dims={0}, rhs_contracting_dims={0}",
        "  x = f32[3,0] parameter(0)\n  y = f32[0,5] parameter(1)\n"
        "  ROOT d = f32[3,5] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0}"}) {
    const Result result = RunPass(PadRows, Dot(dot), {.odd_row = 100});
    EXPECT_FALSE(absl::StrContains(result.text, "pad(")) << result.text;
    EXPECT_TRUE(result.log.layouts.empty());
  }
}

std::string ConvolutionText(absl::string_view x, absl::string_view w, absl::string_view result,
                            absl::string_view rest) {
  return absl::StrCat("HloModule m\nENTRY e {\n  x = ", x, " parameter(0)\n  w = ", w,
                      " parameter(1)\n  ROOT c = ", result, " convolution(x, w), ", rest, "\n}\n");
}

TEST(Holes, FeaturesAreRemainders) {
  // The data gradient of a window of 3 with stride 2.
  const std::string text = ConvolutionText(
      "f32[2,4,8]", "f32[8,3,5]", "f32[2,8,5]",
      "window={size=3 pad=1_2 lhs_dilate=2 rhs_reversal=1}, dim_labels=b0f_i0o->b0f");
  const Result result = RunPass(SplitDilatedConvolutions, text, {.hole = 100});
  EXPECT_TRUE(absl::StrContains(result.text, "f32[2,4,10]{2,1,0} convolution(")) << result.text;
  EXPECT_TRUE(absl::StrContains(result.text, "size=2 pad=0_1 rhs_reversal=1")) << result.text;
  EXPECT_FALSE(absl::StrContains(result.text, "lhs_dilate")) << result.text;
  ASSERT_EQ(result.log.layouts.size(), 1);
  EXPECT_TRUE(result.log.layouts[0].taken);
  EXPECT_EQ(result.log.layouts[0].sides, "holes left out");
}

TEST(Holes, RemaindersWithoutWeightsAreZeros) {
  const std::string text =
      ConvolutionText("f32[2,4,8]", "f32[8,1,5]", "f32[2,8,5]",
                      "window={size=1 pad=0_1 lhs_dilate=2}, dim_labels=b0f_i0o->b0f");
  const Result result = RunPass(SplitDilatedConvolutions, text, {.hole = 100});
  EXPECT_TRUE(absl::StrContains(result.text, "f32[2,4,5]{2,1,0} convolution(")) << result.text;
  EXPECT_TRUE(absl::StrContains(result.text, "padding=0_0x0_0x0_1x0_0")) << result.text;
}

TEST(Holes, StayWhereTheyAreCheapOrGroups) {
  const std::string dear =
      ConvolutionText("f32[2,4,8]", "f32[8,3,5]", "f32[2,8,5]",
                      "window={size=3 pad=1_2 lhs_dilate=2}, dim_labels=b0f_i0o->b0f");
  EXPECT_FALSE(RunPass(SplitDilatedConvolutions, dear, {.hole = 0.01}).log.layouts[0].taken);
  const std::string groups = ConvolutionText(
      "f32[2,4,8]", "f32[1,3,8]", "f32[2,8,8]",
      "window={size=3 pad=1_2 lhs_dilate=2}, dim_labels=b0f_i0o->b0f, feature_group_count=8");
  EXPECT_TRUE(RunPass(SplitDilatedConvolutions, groups, {.hole = 100}).log.layouts.empty());
}

// Windows of one to three dimensions: any padding, also none of the window inside, sizes that the
// dilation does not divide, and remainders that see nothing.
TEST(Holes, AnyWindow) {
  std::mt19937 random(7);
  const auto below = [&](int n) { return static_cast<int64_t>(random() % n); };
  int taken = 0;
  for (int i = 0; i < 300; ++i) {
    const int64_t rank = 1 + below(3);
    std::string x = "f32[2", w = "f32[", size, pad, base, window_dilation, reversal, stride;
    std::string out = "f32[2";
    for (int64_t d = 0; d < rank; ++d) {
      const int64_t input = 1 + below(5), elements = 1 + below(5), dilation = 1 + below(4);
      const bool dense = dilation == 1;
      const int64_t s = dense ? 1 + below(2) : 1, across = dense ? 1 + below(2) : 1;
      const int64_t low = below(7) - 2, high = below(7) - 2;
      const int64_t reach = (elements - 1) * across + 1;
      const int64_t span = (input - 1) * dilation + 1 + low + high;
      const char* const x_ = d == 0 ? "" : "x";
      const bool reversed = below(2) == 1;
      absl::StrAppend(&x, ",", input);
      absl::StrAppend(&w, elements, ",");
      absl::StrAppend(&out, ",", span < reach ? 0 : (span - reach) / s + 1);
      absl::StrAppend(&size, x_, elements);
      absl::StrAppend(&stride, x_, s);
      absl::StrAppend(&pad, x_, low, "_", high);
      absl::StrAppend(&base, x_, dilation);
      absl::StrAppend(&window_dilation, x_, across);
      absl::StrAppend(&reversal, x_, reversed ? 1 : 0);
    }
    const std::string digits = std::string("012").substr(0, rank);
    const std::string text = ConvolutionText(
        x + ",3]", w + "3,4]", out + ",4]",
        absl::StrCat("window={size=", size, " stride=", stride, " pad=", pad, " lhs_dilate=", base,
                     " rhs_dilate=", window_dilation, " rhs_reversal=", reversal, "}, dim_labels=b",
                     digits, "f_", digits, "io->b", digits, "f"));
    const Result result = RunPass(SplitDilatedConvolutions, text, {.hole = 1e6});
    if (HasFailure()) {
      ADD_FAILURE() << text;
      return;
    }
    taken += !result.log.layouts.empty() && result.log.layouts[0].taken;
  }
  EXPECT_GT(taken, 150);
}

}  // namespace
}  // namespace ingot
