// Sorting, random numbers, linear algebra, structure, control flow, collectives, the outside world.
#include "tests/ir/infer/infer_testing.h"

namespace ingot {
namespace {

TEST(InferSorting, Sort) {
  Signatures s;
  Computation* less = s.Of({"f32[]", "f32[]"}, "pred[]");
  Computation* by_key = s.Of({"f32[]", "f32[]", "s32[]", "s32[]"}, "pred[]");
  const Attributes along1 = SortAttributes{{1}, true};
  EXPECT_EQ(Infer(Opcode::kSort, {"f32[2,3]"}, along1, {less}), "f32[2,3]");
  EXPECT_EQ(Infer(Opcode::kSort, {"f32[2,3]", "s32[2,3]"}, along1, {by_key}),
            "(f32[2,3], s32[2,3])");
  EXPECT_EQ(Infer(Opcode::kSort, {"f32[2,3]", "s32[2,4]"}, along1, {by_key}),
            "operand 1 is s32[2,4] when operand 0 is f32[2,3]");
  EXPECT_EQ(Infer(Opcode::kSort, {"f32[2]"}, along1, {less}), "dimension 1 is not in [0, 1)");
  EXPECT_EQ(Infer(Opcode::kSort, {"f32[2]"}, SortAttributes{{}, false}, {less}),
            "dimensions {} is not one dimension");
  EXPECT_EQ(Infer(Opcode::kSort, {}, along1, {less}), "has no operands");
  EXPECT_EQ(Infer(Opcode::kSort, {"s32[2,3]"}, along1, {less}),
            "parameter 0 of callee is f32[] when it is given s32[]");
  EXPECT_EQ(Infer(Opcode::kSort, {"f32[2,3]"}, along1, {s.Reducer("f32[]")}),
            "to_apply callee.2 returns f32[], not pred[]");
}

TEST(InferSorting, TopK) {
  EXPECT_EQ(Infer(Opcode::kTopK, {"f32[5,16]"}, TopKAttributes{4, true}), "(f32[5,4], s32[5,4])");
  EXPECT_EQ(Infer(Opcode::kTopK, {"f32[5,16]"}, TopKAttributes{17, true}),
            "k 17 is not in [0, 16]");
  EXPECT_EQ(Infer(Opcode::kTopK, {"f32[5,16]"}, TopKAttributes{-1, true}),
            "k -1 is not in [0, 16]");
  EXPECT_EQ(Infer(Opcode::kTopK, {"f32[]"}, TopKAttributes{0, true}),
            "the operand f32[] has no dimension");
}

TEST(InferRandom, All) {
  EXPECT_EQ(Infer(Opcode::kRng, {"f32[]", "f32[]"}, {}, {}, "f32[3]"), "f32[3]");
  EXPECT_EQ(Infer(Opcode::kRng, {"f32[]", "s32[]"}, {}, {}, "f32[3]"),
            "operand 1 is s32[] when it must be f32[]");
  EXPECT_EQ(Infer(Opcode::kRng, {"f32[]"}, {}, {}, "f32[3]"), "has 1 operands when it takes 2");
  const auto bits = [](const std::string& state, RngAlgorithm algorithm,
                       const std::string& stated) {
    return Infer(Opcode::kRngBitGenerator, {state}, RngBitGeneratorAttributes{algorithm}, {},
                 stated);
  };
  EXPECT_EQ(bits("u64[2]", RngAlgorithm::kThreeFry, "(u64[2], u32[7])"), "(u64[2], u32[7])");
  EXPECT_EQ(bits("u64[3]", RngAlgorithm::kPhilox, "(u64[3], u8[7])"), "(u64[3], u8[7])");
  EXPECT_EQ(bits("u64[3]", RngAlgorithm::kThreeFry, "(u64[3], u32[7])"),
            "operand 0 is u64[3] when the algorithm takes u64[2]");
  EXPECT_EQ(bits("u32[2]", RngAlgorithm::kDefault, "(u32[2], u32[7])"),
            "operand 0 is u32[2] when it must be u64[2] or u64[3]");
  EXPECT_EQ(bits("u64[2]", RngAlgorithm::kDefault, "u32[7]"),
            "the result u32[7] is not a tuple of u64[2] and an array of integers or floats");
  EXPECT_EQ(Infer(Opcode::kRngGetAndUpdateState, {}, RngStateAttributes{1}, {}, "u64[1]"),
            "u64[1]");
  EXPECT_EQ(Infer(Opcode::kRngGetAndUpdateState, {}, RngStateAttributes{1}, {}, "u32[1]"),
            "the result u32[1] is not of u64");
}

TEST(InferLinearAlgebra, CholeskyAndTriangularSolve) {
  EXPECT_EQ(Infer(Opcode::kCholesky, {"f32[2,3,3]"}), "f32[2,3,3]");
  EXPECT_EQ(Infer(Opcode::kCholesky, {"f32[3,4]"}),
            "operand 0 is f32[3,4], not square matrices of floats or complex numbers");
  EXPECT_EQ(Infer(Opcode::kCholesky, {"s32[3,3]"}),
            "operand 0 is s32[3,3], not square matrices of floats or complex numbers");
  TriangularSolveAttributes left;
  left.left_side = true;
  EXPECT_EQ(Infer(Opcode::kTriangularSolve, {"f32[2,3,3]", "f32[2,3,5]"}, left), "f32[2,3,5]");
  EXPECT_EQ(Infer(Opcode::kTriangularSolve, {"f32[2,3,3]", "f32[2,5,3]"}), "f32[2,5,3]");
  EXPECT_EQ(Infer(Opcode::kTriangularSolve, {"f32[2,3,3]", "f32[2,5,3]"}, left),
            "operand 1 is f32[2,5,3], which does not fit f32[2,3,3] on the left");
  EXPECT_EQ(Infer(Opcode::kTriangularSolve, {"f32[2,3,3]", "f32[4,5,3]"}),
            "operand 1 is f32[4,5,3], which does not fit f32[2,3,3] on the right");
}

TEST(InferLinearAlgebra, Fft) {
  const auto fft = [](const std::string& x, FftType type, std::vector<int64_t> lengths) {
    return Infer(Opcode::kFft, {x}, FftAttributes{type, std::move(lengths)});
  };
  EXPECT_EQ(fft("c64[2,8]", FftType::kFft, {8}), "c64[2,8]");
  EXPECT_EQ(fft("f32[4,8]", FftType::kRfft, {4, 8}), "c64[4,5]");
  EXPECT_EQ(fft("c64[4,5]", FftType::kIrfft, {4, 8}), "f32[4,8]");
  EXPECT_EQ(fft("c64[4,5]", FftType::kIrfft, {4, 9}), "f32[4,9]");
  EXPECT_EQ(fft("f32[0]", FftType::kRfft, {0}), "c64[0]");
  EXPECT_EQ(fft("f32[8]", FftType::kFft, {8}), "takes complex numbers, not f32");
  EXPECT_EQ(fft("f16[8]", FftType::kRfft, {8}), "takes f32 or f64, not f16");
  EXPECT_EQ(fft("c64[8]", FftType::kFft, {8, 8}), "fft_length {8,8} does not fit c64[8]");
  EXPECT_EQ(fft("c64[8]", FftType::kFft, {}), "fft_length {} does not fit c64[8]");
  EXPECT_EQ(fft("c64[8]", FftType::kFft, {7}),
            "dimension 0 of c64[8] must have size 7 for fft_length {7}");
  EXPECT_EQ(fft("c64[0]", FftType::kIrfft, {-4}), "fft_length {-4} has a negative size");
}

TEST(InferStructure, All) {
  EXPECT_EQ(Infer(Opcode::kParameter, {}, {}, {}, "(f32[2], token[])"), "(f32[2], token[])");
  EXPECT_EQ(Infer(Opcode::kParameter, {}),
            "the result shape does not follow from the operands and has to be stated");
  EXPECT_EQ(Infer(Opcode::kConstant, {}, ConstantAttributes{Literal::Scalar(ElementType::kF32, 1)}),
            "f32[]");
  EXPECT_EQ(Infer(Opcode::kTuple, {"f32[2]", "s32[]"}), "(f32[2], s32[])");
  EXPECT_EQ(Infer(Opcode::kTuple, {}), "()");
  EXPECT_EQ(Infer(Opcode::kGetTupleElement, {"(f32[2], s32[])"}, TupleIndexAttributes{1}), "s32[]");
  EXPECT_EQ(Infer(Opcode::kGetTupleElement, {"(f32[2], s32[])"}, TupleIndexAttributes{2}),
            "index 2 is not in [0, 2)");
  EXPECT_EQ(Infer(Opcode::kGetTupleElement, {"f32[2]"}, TupleIndexAttributes{0}),
            "the operand f32[2] is not a tuple");
  EXPECT_EQ(Infer(Opcode::kOptimizationBarrier, {"(f32[2])"}), "(f32[2])");
  EXPECT_EQ(Infer(Opcode::kAfterAll, {"token[]", "token[]"}), "token[]");
  EXPECT_EQ(Infer(Opcode::kAfterAll, {"f32[]"}), "operand 0 is f32[], not token[]");
  EXPECT_EQ(Infer(Opcode::kAddDependency, {"f32[2]", "token[]"}), "f32[2]");
  EXPECT_EQ(Infer(Opcode::kAddDependency, {"f32[2]", "f32[]"}), "operand 1 is f32[], not token[]");
}

// Doubling a tuple again and again would state a billion leaves in thirty ops.
TEST(InferStructure, TuplesAreBounded) {
  Shape shape = Shape::Scalar(ElementType::kF32);
  absl::StatusOr<Shape> doubled = shape;
  int doublings = 0;
  while (doubled.ok() && doublings < 100) {
    shape = *doubled;
    doubled = InferShape(Opcode::kTuple, {&shape, &shape}, NoAttributes{}, {});
    ++doublings;
  }
  EXPECT_EQ(doubled.status().message(), "a tuple has more than 65536 parts");
  EXPECT_EQ(doublings, 16);
}

TEST(InferControlFlow, CallAndFusion) {
  Signatures s;
  Computation* f = s.Of({"f32[2]", "s32[]"}, "(f32[2])");
  EXPECT_EQ(Infer(Opcode::kCall, {"f32[2]", "s32[]"}, {}, {f}), "(f32[2])");
  EXPECT_EQ(Infer(Opcode::kFusion, {"f32[2]", "s32[]"}, {}, {f}), "(f32[2])");
  EXPECT_EQ(Infer(Opcode::kCall, {"f32[2]"}, {}, {f}),
            "to_apply callee takes 2 parameters when it is given 1");
  EXPECT_EQ(Infer(Opcode::kFusion, {"f32[2]", "s32[2]"}, {}, {f}),
            "parameter 1 of calls callee is s32[] when it is given s32[2]");
}

TEST(InferControlFlow, While) {
  Signatures s;
  const std::string state = "(s32[], f32[2])";
  Computation* condition = s.Of({state}, "pred[]");
  Computation* body = s.Of({state}, state);
  EXPECT_EQ(Infer(Opcode::kWhile, {state}, {}, {condition, body}), state);
  EXPECT_EQ(Infer(Opcode::kWhile, {state}, {}, {body, body}),
            "condition callee.1 returns (s32[], f32[2]), not pred[]");
  EXPECT_EQ(Infer(Opcode::kWhile, {state}, {}, {condition, condition}),
            "body callee returns pred[] when the state is (s32[], f32[2])");
  EXPECT_EQ(Infer(Opcode::kWhile, {"s32[]"}, {}, {condition, body}),
            "parameter 0 of condition callee is (s32[], f32[2]) when it is given s32[]");
  EXPECT_EQ(Infer(Opcode::kWhile, {state}, {}, {condition}),
            "calls 1 computations when it calls 2");
}

TEST(InferControlFlow, Conditional) {
  Signatures s;
  Computation* f = s.Of({"f32[2]"}, "f32[]");
  Computation* g = s.Of({"s32[]"}, "f32[]");
  EXPECT_EQ(Infer(Opcode::kConditional, {"pred[]", "f32[2]", "s32[]"}, {}, {f, g}), "f32[]");
  EXPECT_EQ(Infer(Opcode::kConditional, {"s32[]", "f32[2]"}, {}, {f}), "f32[]");
  EXPECT_EQ(Infer(Opcode::kConditional, {"pred[]", "f32[2]"}, {}, {f}),
            "the selector is pred[] with 1 branches, when it must be s32[], or pred[] with 2");
  EXPECT_EQ(Infer(Opcode::kConditional, {"s64[]", "f32[2]"}, {}, {f}),
            "the selector is s64[] with 1 branches, when it must be s32[], or pred[] with 2");
  EXPECT_EQ(Infer(Opcode::kConditional, {"s32[]"}, {}, {f}),
            "has 1 operands when it has 1 branches");
  EXPECT_EQ(Infer(Opcode::kConditional, {}, {}, {}), "has no branches");
  EXPECT_EQ(Infer(Opcode::kConditional, {"s32[]", "f32[3]"}, {}, {f}),
            "parameter 0 of branch 0 callee is f32[2] when it is given f32[3]");
  EXPECT_EQ(
      Infer(Opcode::kConditional, {"s32[]", "f32[2]", "s32[]"}, {}, {f, s.Of({"s32[]"}, "s32[]")}),
      "branch 1 returns s32[] when branch 0 returns f32[]");
}

TEST(InferCollective, All) {
  Signatures s;
  Computation* add = s.Reducer("f32[]");
  EXPECT_EQ(Infer(Opcode::kAllReduce, {"f32[2]"}, {}, {add}), "f32[2]");
  EXPECT_EQ(Infer(Opcode::kAllReduce, {"f32[2]", "f32[3]"}, {}, {add}), "(f32[2], f32[3])");
  EXPECT_EQ(Infer(Opcode::kAllReduce, {"token[]"}, {}, {add}),
            "operand 0 is token[], not an array");
  EXPECT_EQ(Infer(Opcode::kAllReduce, {"f32[2]"}, {}, {s.Reducer("f32[2]")}),
            "to_apply callee.1 takes or returns f32[2], not a scalar");
  AllGatherAttributes gather;
  gather.dimensions = {1};
  EXPECT_EQ(Infer(Opcode::kAllGather, {"f32[2,3]"}, gather, {}, "f32[2,12]"), "f32[2,12]");
  EXPECT_EQ(Infer(Opcode::kAllGather, {"f32[2,3]"}, gather, {}, "f32[2,13]"),
            "the result f32[2,13] does not fit the operand f32[2,3] along dimension 1");
  EXPECT_EQ(Infer(Opcode::kAllGather, {"f32[2,3]"}, gather),
            "the result shape does not follow from the operands and has to be stated");
  EXPECT_EQ(Infer(Opcode::kAllGather, {"f32[2]"}, gather, {}, "f32[2]"),
            "dimension 1 is not in [0, 1)");
  CollectiveAttributes first;
  first.dimensions = {0};
  EXPECT_EQ(Infer(Opcode::kReduceScatter, {"f32[8]"}, first, {add}, "f32[2]"), "f32[2]");
  EXPECT_EQ(Infer(Opcode::kReduceScatter, {"f32[8]"}, first, {add}, "f32[3]"),
            "the result f32[3] does not fit the operand f32[8] along dimension 0");
  EXPECT_EQ(Infer(Opcode::kAllToAll, {"f32[8]"}, first), "f32[8]");
  EXPECT_EQ(Infer(Opcode::kAllToAll, {"f32[8]", "f32[8]"}), "(f32[8], f32[8])");
  EXPECT_EQ(Infer(Opcode::kAllToAll, {"f32[8]", "f32[8]"}, first),
            "has 2 operands when it has a dimension");
  EXPECT_EQ(Infer(Opcode::kCollectivePermute, {"f32[8]"}), "f32[8]");
  EXPECT_EQ(Infer(Opcode::kCollectiveBroadcast, {}), "has no operands");
  EXPECT_EQ(Infer(Opcode::kReplicaId, {}), "u32[]");
  EXPECT_EQ(Infer(Opcode::kAllGatherDone, {"f32[2]"}),
            "there is no rule for the result shape of all-gather-done");
}

TEST(InferExternal, All) {
  EXPECT_EQ(Infer(Opcode::kCustomCall, {"f32[2]"}, {}, {}, "(f32[3], token[])"),
            "(f32[3], token[])");
  EXPECT_EQ(Infer(Opcode::kInfeed, {"token[]"}, {}, {}, "(f32[3], token[])"), "(f32[3], token[])");
  EXPECT_EQ(Infer(Opcode::kInfeed, {"token[]"}, {}, {}, "f32[3]"),
            "the result f32[3] is not a tuple of a value and a token");
  EXPECT_EQ(Infer(Opcode::kOutfeed, {"f32[3]", "token[]"}), "token[]");
  EXPECT_EQ(Infer(Opcode::kOutfeed, {"f32[3]", "f32[]"}), "operand 1 is f32[], not token[]");
  EXPECT_EQ(Infer(Opcode::kSend, {"f32[3]", "token[]"}),
            "there is no rule for the result shape of send");
}

}  // namespace
}  // namespace ingot
