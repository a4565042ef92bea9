#include <limits>

#include "tests/ir/infer/infer_testing.h"

namespace ingot {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

DotAttributes Contract(std::vector<int64_t> lhs, std::vector<int64_t> rhs,
                       std::vector<int64_t> lhs_batch = {}, std::vector<int64_t> rhs_batch = {}) {
  DotAttributes a;
  a.lhs_contracting_dims = std::move(lhs);
  a.rhs_contracting_dims = std::move(rhs);
  a.lhs_batch_dims = std::move(lhs_batch);
  a.rhs_batch_dims = std::move(rhs_batch);
  return a;
}

std::string Dot(const std::string& lhs, const std::string& rhs, const DotAttributes& attributes,
                const std::string& stated = "") {
  return Infer(Opcode::kDot, {lhs, rhs}, attributes, {}, stated);
}

TEST(InferContraction, Dot) {
  EXPECT_EQ(Dot("f32[2,3]", "f32[3,4]", Contract({1}, {0})), "f32[2,4]");
  EXPECT_EQ(Dot("f32[5,2,3]", "f32[3,5,4]", Contract({2}, {0}, {0}, {1})), "f32[5,2,4]");
  EXPECT_EQ(Dot("f32[3]", "f32[3]", Contract({0}, {0})), "f32[]");
  EXPECT_EQ(Dot("f32[3]", "f32[4]", Contract({}, {})), "f32[3,4]");
  EXPECT_EQ(Dot("f32[2,3]", "f32[4,5]", Contract({1}, {0})),
            "contracting dimensions differ: lhs dimension 1 has size 3 and rhs dimension 0 has 4");
  EXPECT_EQ(Dot("f32[2,3]", "f32[3,3]", Contract({1}, {0}, {0}, {1})),
            "batch dimensions differ: lhs dimension 0 has size 2 and rhs dimension 1 has 3");
  EXPECT_EQ(Dot("f32[2,3]", "f32[3,4]", Contract({1}, {})),
            "lhs has 1 contracting dimensions and rhs 0");
  EXPECT_EQ(Dot("f32[2,3]", "f32[3,4]", Contract({2}, {0})),
            "lhs batch and contracting dimensions {2} has 2, which is not in [0, 2)");
  EXPECT_EQ(Dot("f32[2,3]", "f32[3,4]", Contract({1}, {0}, {1}, {0})),
            "lhs batch and contracting dimensions {1,1} has 1 twice");
  EXPECT_EQ(Dot("f32[2,3]", "f32[3,4]", Contract({1}, {kMax})),
            "rhs batch and contracting dimensions {9223372036854775807} has 9223372036854775807, "
            "which is not in [0, 2)");
  EXPECT_EQ(Infer(Opcode::kDot, {"f32[2]"}, Contract({}, {})), "has 1 operands when it takes 2");
}

TEST(InferContraction, DotTypes) {
  const DotAttributes inner = Contract({0}, {0});
  EXPECT_EQ(Dot("bf16[3]", "bf16[3]", inner, "f32[]"), "f32[]");
  EXPECT_EQ(Dot("s8[3]", "s8[3]", inner, "s32[]"), "s32[]");
  EXPECT_EQ(Dot("bf16[3]", "f32[3]", inner), "f32[]");
  EXPECT_EQ(Dot("u8[3]", "s8[3]", inner, "s32[]"), "s32[]");
  EXPECT_EQ(Dot("s8[3]", "s8[3]", inner, "f32[]"), "f32[]");
  EXPECT_EQ(Dot("pred[3]", "pred[3]", inner, "s32[]"), "s32[]");
  EXPECT_EQ(Dot("f32[3]", "f32[3]", inner, "s32[]"), "a product of f32 and f32 is not s32");
  EXPECT_EQ(Dot("f32[3]", "s32[3]", inner), "does not multiply f32 with s32");
}

TEST(InferContraction, DotsWithoutARule) {
  DotAttributes sparse;
  sparse.sparsity.text = "L.0@2:4";
  EXPECT_EQ(Infer(Opcode::kDot, {"f32[2]", "f32[4]", "u16[1]"}, sparse),
            "sparse dot is not supported");
  EXPECT_EQ(Infer(Opcode::kRaggedDot, {"f32[2]", "f32[4]", "s32[1]"}),
            "there is no rule for the result shape of ragged-dot");
  EXPECT_EQ(Infer(Opcode::kScaledDot, {"f32[2]", "f32[4]", "f32[1]", "f32[1]"}),
            "there is no rule for the result shape of scaled-dot");
}

// b01f_01io->b01f
ConvolutionAttributes Nhwc(std::vector<WindowDimension> window) {
  ConvolutionAttributes a;
  a.dim_labels = {.input_batch = 0,
                  .input_feature = 3,
                  .input_spatial = {1, 2},
                  .kernel_input_feature = 2,
                  .kernel_output_feature = 3,
                  .kernel_spatial = {0, 1},
                  .output_batch = 0,
                  .output_feature = 3,
                  .output_spatial = {1, 2}};
  a.window.dimensions = std::move(window);
  return a;
}

std::string Convolve(const std::string& input, const std::string& kernel,
                     const ConvolutionAttributes& attributes, const std::string& stated = "") {
  return Infer(Opcode::kConvolution, {input, kernel}, attributes, {}, stated);
}

TEST(InferContraction, Convolution) {
  const WindowDimension three{.size = 3};
  const WindowDimension same{.size = 3, .stride = 2, .padding_low = 0, .padding_high = 1};
  EXPECT_EQ(Convolve("f32[2,28,28,1]", "f32[3,3,1,8]", Nhwc({three, three})), "f32[2,26,26,8]");
  EXPECT_EQ(Convolve("bf16[1,10,10,8]", "bf16[3,3,8,16]", Nhwc({same, three})), "bf16[1,5,8,16]");
  EXPECT_EQ(Convolve("bf16[2,28,28,1]", "bf16[3,3,1,8]", Nhwc({three, three}), "f32[]"),
            "f32[2,26,26,8]");
  WindowDimension dilated = three;
  dilated.base_dilation = 2;
  dilated.window_dilation = 3;
  dilated.padding_low = -1;
  // (5 - 1) * 2 + 1 - 1 = 8 under (3 - 1) * 3 + 1 = 7.
  EXPECT_EQ(Convolve("f32[1,5,3,1]", "f32[3,3,1,1]", Nhwc({dilated, three})), "f32[1,2,1,1]");
  // No spatial dimensions: a matrix product.
  ConvolutionAttributes flat;
  flat.dim_labels.input_feature = 1;
  flat.dim_labels.kernel_output_feature = 1;
  flat.dim_labels.output_feature = 1;
  EXPECT_EQ(Convolve("f32[2,3]", "f32[3,4]", flat), "f32[2,4]");
}

TEST(InferContraction, ConvolutionLabelsAndWindow) {
  const WindowDimension three{.size = 3};
  ConvolutionAttributes a = Nhwc({three, three});
  EXPECT_EQ(Convolve("f32[28,28,1]", "f32[3,3,1,8]", a),
            "the input f32[28,28,1] has 3 dimensions when the kernel f32[3,3,1,8] has 4");
  EXPECT_EQ(Convolve("f32[8,1,1]", "f32[3,1,8]", a),
            "dim_labels give the input 4 dimensions when "
            "it has 3");
  a.dim_labels.kernel_spatial = {0, 2};
  EXPECT_EQ(Convolve("f32[2,28,28,1]", "f32[3,3,1,8]", a),
            "kernel dimensions of dim_labels {2,3,0,2} has 2 twice");
  a.dim_labels.kernel_spatial = {0, 1};
  a.dim_labels.output_spatial = {1, 9};
  EXPECT_EQ(Convolve("f32[2,28,28,1]", "f32[3,3,1,8]", a),
            "output dimensions of dim_labels {0,3,1,9} has 9, which is not in [0, 4)");
  EXPECT_EQ(Convolve("f32[2,28,28,1]", "f32[5,3,1,8]", Nhwc({three, three})),
            "window dimension 0 has size 3 when the kernel's is 5");
  EXPECT_EQ(Convolve("f32[2,28,28,1]", "f32[3,3,1,8]", Nhwc({three})),
            "the window has 1 dimensions when it slides over 2");
  EXPECT_EQ(Convolve("f32[2,28,28,1]", "s32[3,3,1,8]", Nhwc({three, three})),
            "does not multiply f32 with s32");
}

TEST(InferContraction, ConvolutionGroups) {
  const WindowDimension one{};
  ConvolutionAttributes a = Nhwc({one, one});
  EXPECT_EQ(Convolve("f32[2,5,5,6]", "f32[1,1,4,8]", a),
            "the input has 6 features when the kernel takes 4 in each of 1 groups");
  a.feature_group_count = 3;
  EXPECT_EQ(Convolve("f32[2,5,5,6]", "f32[1,1,2,9]", a), "f32[2,5,5,9]");
  EXPECT_EQ(Convolve("f32[2,5,5,6]", "f32[1,1,2,8]", a),
            "feature_group_count 3 does not divide the kernel's 8 output features");
  a.batch_group_count = 2;
  EXPECT_EQ(Convolve("f32[2,5,5,6]", "f32[1,1,2,9]", a),
            "feature_group_count 3 and batch_group_count 2 must be at least 1 and one of them 1");
  a.feature_group_count = 1;
  EXPECT_EQ(Convolve("f32[2,5,5,6]", "f32[1,1,6,8]", a), "f32[1,5,5,8]");
  EXPECT_EQ(Convolve("f32[3,5,5,6]", "f32[1,1,6,8]", a),
            "batch_group_count 2 does not divide the input's batch of 3 and the kernel's 8 output "
            "features");
  a.batch_group_count = 0;
  EXPECT_EQ(Convolve("f32[2,5,5,6]", "f32[1,1,6,8]", a),
            "feature_group_count 1 and batch_group_count 0 must be at least 1 and one of them 1");
}

}  // namespace
}  // namespace ingot
