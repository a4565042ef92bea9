#include "tests/ir/infer/infer_testing.h"

namespace ingot {
namespace {

TEST(InferElementwise, KeepsSizesAndType) {
  EXPECT_EQ(Infer(Opcode::kExp, {"f32[2,3]"}), "f32[2,3]");
  EXPECT_EQ(Infer(Opcode::kAdd, {"s32[2,3]", "s32[2,3]"}), "s32[2,3]");
  EXPECT_EQ(Infer(Opcode::kTanh, {"bf16[0,3]"}), "bf16[0,3]");
  EXPECT_EQ(Infer(Opcode::kAnd, {"pred[]", "pred[]"}), "pred[]");
  EXPECT_EQ(Infer(Opcode::kMulhi, {"u32[4]", "u32[4]"}), "u32[4]");
}

TEST(InferElementwise, BoundsOfAnyOperandStay) {
  EXPECT_EQ(Infer(Opcode::kAdd, {"f32[4,5]", "f32[<=4,5]"}), "f32[<=4,5]");
}

TEST(InferElementwise, OperandsAreAlike) {
  EXPECT_EQ(Infer(Opcode::kAdd, {"f32[3]", "f32[4]"}),
            "operand 1 is f32[4] when operand 0 is f32[3]");
  EXPECT_EQ(Infer(Opcode::kAdd, {"f32[3]", "f32[]"}),
            "operand 1 is f32[] when operand 0 is f32[3]");
  EXPECT_EQ(Infer(Opcode::kAdd, {"f32[3]", "bf16[3]"}),
            "operand 1 is bf16[3] when operand 0 is f32[3]");
  EXPECT_EQ(Infer(Opcode::kAdd, {"f32[3]", "(f32[3])"}), "operand 1 is (f32[3]), not an array");
  EXPECT_EQ(Infer(Opcode::kAdd, {"f32[3]"}), "has 1 operands when it takes 2");
}

TEST(InferElementwise, TypesThatOpsTake) {
  EXPECT_EQ(Infer(Opcode::kExp, {"s32[2]"}), "takes floats, complex, not s32");
  EXPECT_EQ(Infer(Opcode::kFloor, {"c64[2]"}), "takes floats, not c64");
  EXPECT_EQ(Infer(Opcode::kNot, {"f32[2]"}), "takes pred, integers, not f32");
  EXPECT_EQ(Infer(Opcode::kSubtract, {"pred[2]", "pred[2]"}),
            "takes integers, floats, complex, not pred");
  EXPECT_EQ(Infer(Opcode::kShiftLeft, {"f16[2]", "f16[2]"}), "takes integers, not f16");
  EXPECT_EQ(Infer(Opcode::kPopulationCount, {"pred[2]"}), "takes integers, not pred");
  EXPECT_EQ(Infer(Opcode::kClamp, {"c64[]", "c64[2]", "c64[]"}),
            "takes pred, integers, floats, not c64");
}

TEST(InferElementwise, OtherResultTypes) {
  EXPECT_EQ(Infer(Opcode::kAbs, {"c128[2]"}), "f64[2]");
  EXPECT_EQ(Infer(Opcode::kReal, {"c64[2]"}), "f32[2]");
  EXPECT_EQ(Infer(Opcode::kImag, {"f32[2]"}), "f32[2]");
  EXPECT_EQ(Infer(Opcode::kIsFinite, {"f32[2]"}), "pred[2]");
  EXPECT_EQ(Infer(Opcode::kIsFinite, {"s32[2]"}), "takes floats, not s32");
  EXPECT_EQ(Infer(Opcode::kComplex, {"f64[2]", "f64[2]"}), "c128[2]");
  EXPECT_EQ(Infer(Opcode::kComplex, {"f16[2]", "f16[2]"}), "takes f32 or f64, not f16");
}

TEST(InferElementwise, Convert) {
  EXPECT_EQ(Infer(Opcode::kConvert, {"f32[2]"}, {}, {}, "s8[]"), "s8[2]");
  EXPECT_EQ(Infer(Opcode::kConvert, {"f32[2]"}),
            "the result shape does not follow from the operands and has to be stated");
  EXPECT_EQ(Infer(Opcode::kConvert, {"c64[2]"}, {}, {}, "f32[2]"), "does not convert c64 to f32");
  EXPECT_EQ(Infer(Opcode::kConvert, {"f32[2]"}, {}, {}, "token[]"),
            "the result token[] is not an array");
  EXPECT_EQ(Infer(Opcode::kStochasticConvert, {"f32[2]", "u32[2]"}, {}, {}, "bf16[2]"), "bf16[2]");
  EXPECT_EQ(Infer(Opcode::kStochasticConvert, {"f32[2]", "u16[2]"}, {}, {}, "bf16[2]"),
            "takes floats and unsigned integers of the same width, not f32 and u16");
  EXPECT_EQ(Infer(Opcode::kStochasticConvert, {"f32[2]", "u32[2]"}, {}, {}, "pred[2]"),
            "does not convert to pred");
}

TEST(InferElementwise, ReducePrecision) {
  EXPECT_EQ(Infer(Opcode::kReducePrecision, {"f32[2]"}, ReducePrecisionAttributes{5, 0}), "f32[2]");
  EXPECT_EQ(Infer(Opcode::kReducePrecision, {"f32[2]"}, ReducePrecisionAttributes{0, 10}),
            "exponent_bits is 0 when it must be at least 1");
  EXPECT_EQ(Infer(Opcode::kReducePrecision, {"f32[2]"}, ReducePrecisionAttributes{5, -1}),
            "mantissa_bits is -1 when it must be at least 0");
}

TEST(InferElementwise, Compare) {
  const auto compare = [](const std::string& type, ComparisonDirection direction,
                          ComparisonType comparison = ComparisonType::kDefault) {
    CompareAttributes attributes;
    attributes.direction = direction;
    attributes.type = comparison;
    return Infer(Opcode::kCompare, {type, type}, attributes);
  };
  EXPECT_EQ(compare("f32[2]", ComparisonDirection::kLt), "pred[2]");
  EXPECT_EQ(compare("c64[2]", ComparisonDirection::kNe), "pred[2]");
  EXPECT_EQ(compare("c64[2]", ComparisonDirection::kLt), "complex numbers have no order");
  EXPECT_EQ(compare("f32[2]", ComparisonDirection::kLt, ComparisonType::kTotalOrder), "pred[2]");
  EXPECT_EQ(compare("s32[2]", ComparisonDirection::kLt, ComparisonType::kTotalOrder),
            "the comparison type does not fit operands of s32");
  EXPECT_EQ(compare("pred[2]", ComparisonDirection::kLt, ComparisonType::kUnsigned), "pred[2]");
  EXPECT_EQ(compare("u32[2]", ComparisonDirection::kLt, ComparisonType::kSigned),
            "the comparison type does not fit operands of u32");
}

TEST(InferElementwise, ClampAndSelect) {
  EXPECT_EQ(Infer(Opcode::kClamp, {"f32[]", "f32[2]", "f32[2]"}), "f32[2]");
  EXPECT_EQ(Infer(Opcode::kClamp, {"f32[]", "f32[2]", "f32[3]"}),
            "operand 2 is f32[3] when operand 1 is f32[2]");
  EXPECT_EQ(Infer(Opcode::kSelect, {"pred[2]", "f32[2]", "f32[2]"}), "f32[2]");
  EXPECT_EQ(Infer(Opcode::kSelect, {"pred[]", "f32[2]", "f32[2]"}), "f32[2]");
  EXPECT_EQ(Infer(Opcode::kSelect, {"pred[3]", "f32[2]", "f32[2]"}),
            "operand 0 is pred[3] when it must be pred[] or pred with the sizes of f32[2]");
  EXPECT_EQ(Infer(Opcode::kSelect, {"s32[2]", "f32[2]", "f32[2]"}),
            "operand 0 is s32[2] when it must be pred[] or pred with the sizes of f32[2]");
  EXPECT_EQ(Infer(Opcode::kSelect, {"pred[2]", "f32[2]", "f16[2]"}),
            "operand 2 is f16[2] when operand 1 is f32[2]");
}

TEST(InferElementwise, Map) {
  Signatures s;
  const Attributes both = DimensionsAttributes{{0, 1}};
  Computation* f = s.Of({"f32[]", "s32[]"}, "pred[]");
  EXPECT_EQ(Infer(Opcode::kMap, {"f32[2,3]", "s32[2,3]"}, both, {f}), "pred[2,3]");
  EXPECT_EQ(Infer(Opcode::kMap, {}, both, {f}), "has no operands");
  EXPECT_EQ(Infer(Opcode::kMap, {"f32[2,3]", "s32[2,3]"}, DimensionsAttributes{{0}}, {f}),
            "dimensions {0} are not all of the 2");
  EXPECT_EQ(Infer(Opcode::kMap, {"f32[2,3]", "s32[2,3]"}, DimensionsAttributes{{1, 0}}, {f}),
            "dimensions {1,0} is not strictly ascending");
  EXPECT_EQ(Infer(Opcode::kMap, {"f32[2,3]"}, both, {f}),
            "to_apply callee takes 2 parameters when it is given 1");
  EXPECT_EQ(Infer(Opcode::kMap, {"f32[2,3]", "f32[2,3]"}, both, {f}),
            "parameter 1 of callee is s32[] when it is given f32[]");
  EXPECT_EQ(Infer(Opcode::kMap, {"f32[2,3]"}, both, {s.Of({"f32[]"}, "f32[2]")}),
            "to_apply callee.1 returns f32[2], not a scalar");
  EXPECT_EQ(Infer(Opcode::kMap, {"f32[2,3]"}, both, {s.Unfinished()}),
            "to_apply is a computation without a root");
  EXPECT_EQ(Infer(Opcode::kMap, {"f32[2,3]"}, both, {}), "calls 0 computations when it calls 1");
}

}  // namespace
}  // namespace ingot
