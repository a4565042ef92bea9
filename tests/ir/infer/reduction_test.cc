#include <limits>

#include "tests/ir/infer/infer_testing.h"

namespace ingot {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr int64_t kMin = std::numeric_limits<int64_t>::min();

Attributes Dimensions(std::vector<int64_t> dimensions) {
  return DimensionsAttributes{std::move(dimensions)};
}

TEST(InferReduction, Reduce) {
  Signatures s;
  Computation* add = s.Reducer("f32[]");
  EXPECT_EQ(Infer(Opcode::kReduce, {"f32[2,3,4]", "f32[]"}, Dimensions({0, 2}), {add}), "f32[3]");
  EXPECT_EQ(Infer(Opcode::kReduce, {"f32[2,<=3]", "f32[]"}, Dimensions({0}), {add}), "f32[<=3]");
  EXPECT_EQ(Infer(Opcode::kReduce, {"f32[2]", "f32[]"}, Dimensions({}), {add}), "f32[2]");
  EXPECT_EQ(Infer(Opcode::kReduce, {"f32[2,3]", "f32[]"}, Dimensions({2}), {add}),
            "dimensions {2} has 2, which is not in [0, 2)");
  EXPECT_EQ(Infer(Opcode::kReduce, {"f32[2,3]", "f32[]"}, Dimensions({1, 1}), {add}),
            "dimensions {1,1} has 1 twice");
  EXPECT_EQ(Infer(Opcode::kReduce, {"f32[2,3]"}, Dimensions({1}), {add}),
            "has 1 operands when it takes as many initial values as inputs");
  EXPECT_EQ(Infer(Opcode::kReduce, {"f32[2,3]", "f32[3]"}, Dimensions({1}), {add}),
            "operand 1, an initial value, is f32[3] when it must be f32[]");
  EXPECT_EQ(Infer(Opcode::kReduce, {"f32[2,3]", "s32[]"}, Dimensions({1}), {add}),
            "operand 1, an initial value, is s32[] when it must be f32[]");
}

TEST(InferReduction, WiderAccumulators) {
  Signatures s;
  EXPECT_EQ(Infer(Opcode::kReduce, {"bf16[2]", "f32[]"}, Dimensions({0}), {s.Reducer("f32[]")}),
            "f32[]");
  EXPECT_EQ(Infer(Opcode::kReduce, {"s8[2]", "s32[]"}, Dimensions({0}), {s.Reducer("s32[]")}),
            "s32[]");
  EXPECT_EQ(Infer(Opcode::kReduce, {"s32[2]", "s8[]"}, Dimensions({0}), {s.Reducer("s8[]")}),
            "parameter 1 of callee.2 is s8[] when it is given s32[]");
}

// Only the inputs may be narrower than their accumulators.
TEST(InferReduction, OtherMixturesAreRefused) {
  Signatures s;
  Computation* add = s.Reducer("f32[]");
  EXPECT_EQ(Infer(Opcode::kReduce, {"bf16[2]", "bf16[]"}, Dimensions({0}), {add}),
            "operand 1, an initial value, is bf16[] when it must be f32[]");
  EXPECT_EQ(Infer(Opcode::kReduce, {"f32[2]", "f32[]"}, Dimensions({0}),
                  {s.Of({"bf16[]", "f32[]"}, "f32[]")}),
            "parameter 0 of callee.1 is bf16[] when it is given f32[]");
  EXPECT_EQ(Infer(Opcode::kReduce, {"f32[2]", "f32[]"}, Dimensions({0}),
                  {s.Of({"f32[]", "bf16[]"}, "f32[]")}),
            "parameter 1 of callee.2 is bf16[] when it is given f32[]");
  const Attributes pairs = WindowAttributes{Window{{{.size = 2}}}};
  EXPECT_EQ(Infer(Opcode::kSelectAndScatter, {"f64[3]", "f32[2]", "f32[]"}, pairs,
                  {s.Of({"f32[]", "f32[]"}, "pred[]"), add}),
            "operand 1 is f32[2] when operand 0 is f64[3]");
  EXPECT_EQ(Infer(Opcode::kBatchNormTraining, {"bf16[8,3]", "f32[3]", "f32[3]"},
                  BatchNormAttributes{1e-5, 1}),
            "operand 1 is f32[3] when it must be bf16[3]");
}

TEST(InferReduction, VariadicReduce) {
  Signatures s;
  Computation* best = s.Of({"f32[]", "s32[]", "f32[]", "s32[]"}, "(f32[], s32[])");
  EXPECT_EQ(
      Infer(Opcode::kReduce, {"f32[2,3]", "s32[2,3]", "f32[]", "s32[]"}, Dimensions({1}), {best}),
      "(f32[2], s32[2])");
  EXPECT_EQ(
      Infer(Opcode::kReduce, {"f32[2,3]", "s32[2,4]", "f32[]", "s32[]"}, Dimensions({1}), {best}),
      "operand 1 is s32[2,4] when operand 0 is f32[2,3]");
  EXPECT_EQ(Infer(Opcode::kReduce, {"f32[2,3]", "f32[]"}, Dimensions({1}), {best}),
            "to_apply callee takes 4 parameters when it is given 2");
  EXPECT_EQ(Infer(Opcode::kReduce, {"f32[2]", "s32[2]", "f32[]", "s32[]"}, Dimensions({0}),
                  {s.Of({"f32[]", "s32[]", "f32[]", "s32[]"}, "f32[]")}),
            "to_apply callee.1 returns f32[], not a tuple of 2 scalars");
  EXPECT_EQ(Infer(Opcode::kReduce, {"f32[2]", "f32[]"}, Dimensions({0}),
                  {s.Of({"f32[]", "f32[]"}, "f32[2]")}),
            "to_apply callee.2 returns f32[2], not a scalar");
  EXPECT_EQ(Infer(Opcode::kReduce, {"f32[2]", "f32[]"}, Dimensions({0}),
                  {s.Of({"f32[]", "f32[2]"}, "f32[]")}),
            "parameter 1 of callee.3 is f32[2] when it is given f32[]");
}

Attributes WindowOf(std::vector<WindowDimension> dimensions) {
  return WindowAttributes{Window{std::move(dimensions)}};
}

TEST(InferReduction, ReduceWindow) {
  Signatures s;
  Computation* max = s.Reducer("f32[]");
  const auto reduce = [&](const std::string& x, std::vector<WindowDimension> window) {
    return Infer(Opcode::kReduceWindow, {x, "f32[]"}, WindowOf(std::move(window)), {max});
  };
  EXPECT_EQ(reduce("f32[]", {}), "f32[]");
  EXPECT_EQ(reduce("f32[5]", {{.size = 3, .stride = 2, .padding_low = 1, .padding_high = 1}}),
            "f32[3]");
  EXPECT_EQ(reduce("f32[5]", {{.size = 3, .base_dilation = 2}}), "f32[7]");    // 9 - 3 + 1
  EXPECT_EQ(reduce("f32[5]", {{.size = 3, .window_dilation = 2}}), "f32[1]");  // 5 - 5 + 1
  EXPECT_EQ(reduce("f32[5]", {{.size = 2, .padding_low = -1, .padding_high = -2}}), "f32[1]");
  EXPECT_EQ(reduce("f32[5]", {{.size = 6}}), "f32[0]");
  EXPECT_EQ(reduce("f32[0]", {{.size = 1, .base_dilation = 5}}), "f32[0]");
  EXPECT_EQ(reduce("f32[5]", {{.size = kMax, .window_dilation = kMax}}), "f32[0]");
  EXPECT_EQ(reduce("f32[5]", {{.size = 1, .padding_low = kMin, .padding_high = kMin}}), "f32[0]");
  EXPECT_EQ(reduce("f32[5]", {{.size = 1, .base_dilation = kMax}}),
            "window dimension 0's number of positions is past 2^62");
  EXPECT_EQ(reduce("f32[5]", {}), "the window has 0 dimensions when it slides over 1");
  EXPECT_EQ(reduce("f32[5]", {{.size = 0}}), "window dimension 0 has size 0");
  EXPECT_EQ(reduce("f32[5]", {{.stride = 0}}), "window dimension 0 has stride 0");
  EXPECT_EQ(reduce("f32[5]", {{.base_dilation = 0}}), "window dimension 0 has base dilation 0");
  EXPECT_EQ(reduce("f32[5]", {{.window_dilation = -1}}),
            "window dimension 0 has window dilation -1");
}

TEST(InferReduction, SelectAndScatter) {
  Signatures s;
  Computation* ge = s.Of({"f32[]", "f32[]"}, "pred[]");
  Computation* add = s.Reducer("f32[]");
  const Attributes halves = WindowOf({{.size = 2, .stride = 2}});
  EXPECT_EQ(Infer(Opcode::kSelectAndScatter, {"f32[6]", "f32[3]", "f32[]"}, halves, {ge, add}),
            "f32[6]");
  EXPECT_EQ(Infer(Opcode::kSelectAndScatter, {"f32[6]", "f32[2]", "f32[]"}, halves, {ge, add}),
            "operand 1 is f32[2] when the window has {3} positions");
  EXPECT_EQ(Infer(Opcode::kSelectAndScatter, {"f32[6]", "s32[3]", "f32[]"}, halves, {ge, add}),
            "operand 1 is s32[3] when operand 0 is f32[6]");
  EXPECT_EQ(Infer(Opcode::kSelectAndScatter, {"f32[6]", "f32[3]", "f32[1]"}, halves, {ge, add}),
            "operand 2, the initial value, is f32[1] when it must be f32[]");
  EXPECT_EQ(Infer(Opcode::kSelectAndScatter, {"f32[6]", "f32[3]", "f32[]"}, halves, {add, add}),
            "select callee.1 returns f32[], not pred[]");
  EXPECT_EQ(Infer(Opcode::kSelectAndScatter, {"f32[6]", "f32[3]", "f32[]"}, halves, {ge, ge}),
            "scatter callee returns pred[], not f32[]");
}

TEST(InferReduction, Scan) {
  Signatures s;
  ScanAttributes a;
  a.dimensions = {1};
  a.num_carries = 1;
  Computation* sum = s.Of({"f32[7]", "f32[7]"}, "(f32[7], f32[7])");
  EXPECT_EQ(Infer(Opcode::kScan, {"f32[7,10]", "f32[7]"}, a, {sum}), "(f32[7,10], f32[7])");
  // Outputs may have another shape and number than inputs, and stand before the carries.
  EXPECT_EQ(Infer(Opcode::kScan, {"f32[7,10]", "s32[]"}, a,
                  {s.Of({"f32[7]", "s32[]"}, "(pred[2,3], f32[4], s32[])")}),
            "(pred[2,10,3], f32[4,10], s32[])");
  EXPECT_EQ(Infer(Opcode::kScan, {"f32[7,10]", "f32[7]"}, a,
                  {s.Of({"f32[7]", "f32[7]"}, "(f32[7], f32[])")}),
            "to_apply callee.2 returns carry 0 as f32[] when it starts as f32[7]");
  EXPECT_EQ(
      Infer(Opcode::kScan, {"f32[7,10]", "f32[7]"}, a, {s.Of({"f32[7]", "f32[7]"}, "f32[7]")}),
      "to_apply callee.3 returns f32[7], not a tuple of outputs and 1 carries");
  EXPECT_EQ(Infer(Opcode::kScan, {"f32[7,10]", "f32[7]"}, a,
                  {s.Of({"f32[7]", "f32[7]"}, "(f32[], f32[7])")}),
            "to_apply callee.4 returns output 0 as f32[], which cannot be stacked in dimension 1");
  EXPECT_EQ(Infer(Opcode::kScan, {"f32[7,10]", "f32[8]"}, a, {sum}),
            "parameter 1 of to_apply callee is f32[7] when it is given f32[8]");
  EXPECT_EQ(Infer(Opcode::kScan, {"f32[7]", "f32[7]"}, a, {sum}), "dimension 1 is not in [0, 1)");
  ScanAttributes wrong = a;
  wrong.num_carries = 2;
  EXPECT_EQ(Infer(Opcode::kScan, {"f32[7,10]", "f32[7]"}, wrong, {sum}),
            "num_carries is 2 when there are 2 operands");
  wrong.num_carries = kMin;
  EXPECT_EQ(Infer(Opcode::kScan, {"f32[7,10]", "f32[7]"}, wrong, {sum}),
            "num_carries is -9223372036854775808 when there are 2 operands");
  wrong = a;
  wrong.dimensions = {};
  EXPECT_EQ(Infer(Opcode::kScan, {"f32[7,10]", "f32[7]"}, wrong, {sum}),
            "dimensions {} is not one dimension");
  wrong = a;
  wrong.num_carries = 0;
  EXPECT_EQ(Infer(Opcode::kScan, {"f32[7,10]", "f32[7,9]"}, wrong, {sum}),
            "operand 1 is f32[7,9] when operand 0 has size 10 in dimension 1");
}

TEST(InferReduction, BatchNorm) {
  const Attributes last = BatchNormAttributes{1e-5, 1};
  EXPECT_EQ(Infer(Opcode::kBatchNormTraining, {"f32[8,3]", "f32[3]", "f32[3]"}, last),
            "(f32[8,3], f32[3], f32[3])");
  EXPECT_EQ(Infer(Opcode::kBatchNormInference, {"f32[8,3]", "f32[3]", "f32[3]", "f32[3]", "f32[3]"},
                  last),
            "f32[8,3]");
  EXPECT_EQ(
      Infer(Opcode::kBatchNormGrad, {"f32[8,3]", "f32[3]", "f32[3]", "f32[3]", "f32[8,3]"}, last),
      "(f32[8,3], f32[3], f32[3])");
  EXPECT_EQ(
      Infer(Opcode::kBatchNormGrad, {"f32[8,3]", "f32[3]", "f32[3]", "f32[3]", "f32[3]"}, last),
      "operand 4 is f32[3] when it must be f32[8,3]");
  EXPECT_EQ(Infer(Opcode::kBatchNormTraining, {"f32[8,3]", "f32[8]", "f32[3]"}, last),
            "operand 1 is f32[8] when it must be f32[3]");
  EXPECT_EQ(Infer(Opcode::kBatchNormTraining, {"s32[8,3]", "s32[3]", "s32[3]"}, last),
            "takes floats, not s32");
  EXPECT_EQ(Infer(Opcode::kBatchNormTraining, {"f32[8]", "f32[8]", "f32[8]"}, last),
            "feature_index 1 is not in [0, 1)");
}

}  // namespace
}  // namespace ingot
