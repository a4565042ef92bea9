#include <limits>

#include "tests/ir/infer/infer_testing.h"

namespace ingot {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr int64_t kMin = std::numeric_limits<int64_t>::min();

Attributes Dimensions(std::vector<int64_t> dimensions) {
  return DimensionsAttributes{std::move(dimensions)};
}

TEST(InferDataMovement, Bitcast) {
  EXPECT_EQ(Infer(Opcode::kBitcast, {"f32[2,3]"}, {}, {}, "s32[6]"), "s32[6]");
  EXPECT_EQ(Infer(Opcode::kBitcast, {"f32[2,3]"}, {}, {}, "s16[6]"),
            "the operand f32[2,3] and the result s16[6] have different numbers of bits");
}

TEST(InferDataMovement, BitcastConvert) {
  EXPECT_EQ(Infer(Opcode::kBitcastConvert, {"f32[2]"}, {}, {}, "u32[2]"), "u32[2]");
  EXPECT_EQ(Infer(Opcode::kBitcastConvert, {"f32[2]"}, {}, {}, "u8[2,4]"), "u8[2,4]");
  EXPECT_EQ(Infer(Opcode::kBitcastConvert, {"u8[2,4]"}, {}, {}, "f32[2]"), "f32[2]");
  EXPECT_EQ(Infer(Opcode::kBitcastConvert, {"u8[2,3]"}, {}, {}, "f32[2]"),
            "the last size of u8[2,3] is not 4, as many as make one f32");
  EXPECT_EQ(Infer(Opcode::kBitcastConvert, {"u8[]"}, {}, {}, "f32[]"),
            "the last size of u8[] is not 4, as many as make one f32");
  EXPECT_EQ(Infer(Opcode::kBitcastConvert, {"c64[2]"}, {}, {}, "u64[2]"),
            "does not convert c64 to u64");
  EXPECT_EQ(Infer(Opcode::kBitcastConvert, {"f6e2m3fn[2]"}, {}, {}, "u4[2]"),
            "f6e2m3fn is not a whole number of u4");
}

TEST(InferDataMovement, Broadcast) {
  EXPECT_EQ(Infer(Opcode::kBroadcast, {"f32[3]"}, Dimensions({1}), {}, "f32[2,3]"), "f32[2,3]");
  EXPECT_EQ(Infer(Opcode::kBroadcast, {"f32[]"}, Dimensions({}), {}, "f32[]"), "f32[]");
  EXPECT_EQ(Infer(Opcode::kBroadcast, {"f32[3]"}, Dimensions({1})),
            "the result shape does not follow from the operands and has to be stated");
  EXPECT_EQ(Infer(Opcode::kBroadcast, {"f32[3]"}, Dimensions({}), {}, "f32[2,3]"),
            "dimensions {} has 0 entries when the operand has 1 dimensions");
  EXPECT_EQ(Infer(Opcode::kBroadcast, {"f32[3]"}, Dimensions({2}), {}, "f32[2,3]"),
            "dimensions {2} has 2, which is not in [0, 2)");
  EXPECT_EQ(Infer(Opcode::kBroadcast, {"f32[3,3]"}, Dimensions({1, 1}), {}, "f32[3,3]"),
            "dimensions {1,1} has 1 twice");
  EXPECT_EQ(Infer(Opcode::kBroadcast, {"f32[1]"}, Dimensions({1}), {}, "f32[2,3]"),
            "operand dimension 0 has size 1 when result dimension 1 has 3");
  EXPECT_EQ(Infer(Opcode::kBroadcast, {"f32[3]"}, Dimensions({1}), {}, "s32[2,3]"),
            "the operand is f32[3] when the result is s32[2,3]");
}

TEST(InferDataMovement, Concatenate) {
  EXPECT_EQ(Infer(Opcode::kConcatenate, {"f32[2,3]", "f32[2,0]", "f32[2,4]"}, Dimensions({1})),
            "f32[2,7]");
  EXPECT_EQ(Infer(Opcode::kConcatenate, {}, Dimensions({0})), "has no operands");
  EXPECT_EQ(Infer(Opcode::kConcatenate, {"f32[2,3]"}, Dimensions({2})),
            "dimension 2 is not in [0, 2)");
  EXPECT_EQ(Infer(Opcode::kConcatenate, {"f32[2,3]"}, Dimensions({0, 1})),
            "dimensions {0,1} is not one dimension");
  EXPECT_EQ(Infer(Opcode::kConcatenate, {"f32[2,3]", "f32[3,3]"}, Dimensions({1})),
            "operand 1 is f32[3,3] when operand 0 is f32[2,3] and dimension 1 is concatenated");
  EXPECT_EQ(Infer(Opcode::kConcatenate, {"f32[2]", "s32[2]"}, Dimensions({0})),
            "operand 1 is s32[2] when operand 0 is f32[2] and dimension 0 is concatenated");
  EXPECT_EQ(Infer(Opcode::kConcatenate, {"u8[4611686018427387903]", "u8[4611686018427387903]"},
                  Dimensions({0})),
            "the concatenated size is past 2^62");
}

TEST(InferDataMovement, CopyAndDynamicShapes) {
  EXPECT_EQ(Infer(Opcode::kCopy, {"(f32[2], token[])"}), "(f32[2], token[])");
  EXPECT_EQ(Infer(Opcode::kDynamicReshape, {"f32[6]", "s32[]", "s32[]"}, {}, {}, "f32[<=2,<=3]"),
            "f32[<=2,<=3]");
  EXPECT_EQ(Infer(Opcode::kDynamicReshape, {"f32[6]", "s32[]"}, {}, {}, "f32[<=2,<=3]"),
            "has 1 sizes when the result has 2 dimensions");
  EXPECT_EQ(Infer(Opcode::kDynamicReshape, {"f32[6]", "f32[]"}, {}, {}, "f32[6]"),
            "operand 1 is f32[], not a scalar integer");
  EXPECT_EQ(Infer(Opcode::kGetDimensionSize, {"f32[6]"}, Dimensions({0})), "s32[]");
  EXPECT_EQ(Infer(Opcode::kGetDimensionSize, {"f32[6]"}, Dimensions({1})),
            "dimension 1 is not in [0, 1)");
  EXPECT_EQ(Infer(Opcode::kSetDimensionSize, {"f32[6,2]", "s32[]"}, Dimensions({0})), "f32[<=6,2]");
  EXPECT_EQ(Infer(Opcode::kSetDimensionSize, {"f32[6]", "s64[]"}, Dimensions({0})),
            "operand 1 is s64[] when it must be s32[]");
  EXPECT_EQ(Infer(Opcode::kExp, {"f32[?]"}),
            "the size of dimension 0 of f32[?] has no bound, which is not supported");
}

TEST(InferDataMovement, Iota) {
  EXPECT_EQ(Infer(Opcode::kIota, {}, IotaAttributes{1}, {}, "s32[2,3]"), "s32[2,3]");
  EXPECT_EQ(Infer(Opcode::kIota, {}, IotaAttributes{2}, {}, "s32[2,3]"),
            "iota_dimension 2 is not in [0, 2)");
  EXPECT_EQ(Infer(Opcode::kIota, {}, IotaAttributes{0}, {}, "s32[]"),
            "iota_dimension 0 is not in [0, 0)");
  EXPECT_EQ(Infer(Opcode::kIota, {}, IotaAttributes{0}, {}, "pred[2]"), "does not count in pred");
}

TEST(InferDataMovement, Pad) {
  const auto pad = [](const std::string& x, const std::string& value, Padding padding) {
    return Infer(Opcode::kPad, {x, value}, PadAttributes{std::move(padding)});
  };
  EXPECT_EQ(pad("f32[3,4]", "f32[]", {{1, 2, 0}, {-1, 0, 2}}), "f32[6,9]");
  EXPECT_EQ(pad("f32[0]", "f32[]", {{1, 1, 7}}), "f32[2]");
  EXPECT_EQ(pad("f32[3]", "f32[]", {}), "padding has 0 entries when the operand has 1 dimensions");
  EXPECT_EQ(pad("f32[3]", "f32[1]", {{}}), "operand 1 is f32[1] when it must be f32[]");
  EXPECT_EQ(pad("f32[3]", "f16[]", {{}}), "operand 1 is f16[] when it must be f32[]");
  EXPECT_EQ(pad("f32[3]", "f32[]", {{0, 0, -1}}), "interior padding of dimension 0 is -1");
  EXPECT_EQ(pad("f32[3]", "f32[]", {{-2, -2, 0}}),
            "the padded size of dimension 0 is negative: -1");
  EXPECT_EQ(pad("f32[3]", "f32[]", {{kMax, kMax, kMax}}),
            "the padded size of dimension 0 is past 2^62");
  EXPECT_EQ(pad("f32[3]", "f32[]", {{kMin, kMin, 0}}),
            "the padded size of dimension 0 is negative: below -2^62");
}

TEST(InferDataMovement, Reshape) {
  EXPECT_EQ(Infer(Opcode::kReshape, {"f32[2,3]"}, {}, {}, "f32[3,1,2]"), "f32[3,1,2]");
  EXPECT_EQ(Infer(Opcode::kReshape, {"f32[2,3]"}, {}, {}, "f32[5]"),
            "the operand f32[2,3] has 6 elements when the result f32[5] has 5");
  EXPECT_EQ(Infer(Opcode::kReshape, {"f32[2]"}, {}, {}, "s32[2]"),
            "the operand is f32[2] when the result is s32[2]");
  EXPECT_EQ(Infer(Opcode::kReshape, {"f32[2]"}, ReshapeAttributes{3}, {}, "f32[2]"),
            "inferred_dimension 3 is not in [0, 1)");
}

TEST(InferDataMovement, Reverse) {
  EXPECT_EQ(Infer(Opcode::kReverse, {"f32[2,3]"}, Dimensions({1, 0})), "f32[2,3]");
  EXPECT_EQ(Infer(Opcode::kReverse, {"f32[2,3]"}, Dimensions({-1})),
            "dimensions {-1} has -1, which is not in [0, 2)");
  EXPECT_EQ(Infer(Opcode::kReverse, {"f32[2,3]"}, Dimensions({0, 0})),
            "dimensions {0,0} has 0 twice");
}

TEST(InferDataMovement, Slice) {
  const auto slice = [](const std::string& x, SliceDimensions dimensions) {
    return Infer(Opcode::kSlice, {x}, SliceAttributes{std::move(dimensions)});
  };
  EXPECT_EQ(slice("f32[5,6]", {{0, 5, 2}, {6, 6, 1}}), "f32[3,0]");
  EXPECT_EQ(slice("f32[5]", {{1, 4, kMax}}), "f32[1]");
  EXPECT_EQ(slice("f32[5]", {}), "slice has 0 entries when the operand has 1 dimensions");
  EXPECT_EQ(slice("f32[5]", {{0, 6, 1}}),
            "slice dimension 0 is [0:6] when the operand's size is 5");
  EXPECT_EQ(slice("f32[5]", {{3, 2, 1}}),
            "slice dimension 0 is [3:2] when the operand's size is 5");
  EXPECT_EQ(slice("f32[5]", {{-1, 2, 1}}),
            "slice dimension 0 is [-1:2] when the operand's size is 5");
  EXPECT_EQ(slice("f32[5]", {{0, 5, 0}}), "slice dimension 0 has stride 0");
}

TEST(InferDataMovement, Transpose) {
  EXPECT_EQ(Infer(Opcode::kTranspose, {"f32[2,<=3,4]"}, Dimensions({1, 2, 0})), "f32[<=3,4,2]");
  EXPECT_EQ(Infer(Opcode::kTranspose, {"f32[2,3,4]"}, Dimensions({0, 0, 1})),
            "permutation {0,0,1} is not a permutation of 3 dimensions");
  EXPECT_EQ(Infer(Opcode::kTranspose, {"f32[2,3]"}, Dimensions({0})),
            "permutation {0} is not a permutation of 2 dimensions");
  EXPECT_EQ(Infer(Opcode::kTranspose, {"f32[2,3]"}, Dimensions({0, kMax})),
            "permutation {0,9223372036854775807} is not a permutation of 2 dimensions");
}

}  // namespace
}  // namespace ingot
