// GraphBuilder: what it builds, and how its first error is said.
#include "ir/builder/builder.h"

#include <limits>

#include "gtest/gtest.h"

namespace ingot {
namespace {

constexpr ElementType kF32 = ElementType::kF32;
constexpr ElementType kS32 = ElementType::kS32;

std::string ShapeOf(Value value) { return value.shape().ToString(); }

// The opcodes of the entry, in order.
std::string Ops(const Module& module) {
  std::string text;
  for (const Instruction* instruction : module.entry()->instructions()) {
    text += (text.empty() ? "" : " ") + std::string(OpcodeName(instruction->opcode()));
  }
  return text;
}

// A two-layer perceptron with softmax: what a user writes.
TEST(GraphBuilder, Mlp) {
  GraphBuilder b("mlp");
  const Value x = b.Parameter(kF32, {32, 784}, "x");
  const Value w1 = b.Parameter(kF32, {784, 128}, "w1");
  const Value b1 = b.Parameter(kF32, {128}, "b1");
  const Value w2 = b.Parameter(kF32, {128, 10}, "w2");
  const Value product = MatMul(x, w1);
  const Value hidden = Maximum(product + Broadcast(b1, {32, 128}, {1}), 0.0);
  const Value logits = MatMul(hidden, w2);
  const Value e = Exp(logits - BroadcastOver(ReduceMax(logits, {1}), logits, {1}));
  const Value softmax = e / BroadcastOver(ReduceSum(e, {1}), e, {1});
  EXPECT_EQ(ShapeOf(softmax), "f32[32,10]");
  const auto module = b.Build(softmax);
  ASSERT_TRUE(module.ok()) << module.status();
  EXPECT_EQ((*module)->name(), "mlp");
  EXPECT_EQ((*module)->entry()->parameters()[2]->name(), "b1");
  EXPECT_EQ(Ops(**module),
            "parameter parameter parameter parameter dot broadcast add constant broadcast maximum "
            "dot constant reduce broadcast subtract exponential constant reduce broadcast divide");
  // maximum and add on scalars, and the entry after what it calls.
  ASSERT_EQ((*module)->computations().size(), 3);
  EXPECT_EQ((*module)->computations()[2], (*module)->entry());
}

TEST(GraphBuilder, ScalarsAreBroadcastAndNumbersTakeTheOthersType) {
  GraphBuilder b("m");
  const Value x = b.Parameter(ElementType::kBF16, {2, 3});
  const Value scale = b.Parameter(ElementType::kBF16, {});
  EXPECT_EQ(ShapeOf(2 * x), "bf16[2,3]");
  EXPECT_EQ(ShapeOf(scale - x), "bf16[2,3]");
  EXPECT_EQ(ShapeOf(scale / int64_t{3}), "bf16[]");
  EXPECT_EQ(ShapeOf(Compare(x, 0.5f, ComparisonDirection::kLt)), "pred[2,3]");
  EXPECT_EQ(ShapeOf(Select(Compare(scale, 0, ComparisonDirection::kGt), x, 0.0)), "bf16[2,3]");
  EXPECT_EQ(ShapeOf(Select(Compare(x, 0, ComparisonDirection::kGt), 1, scale)), "bf16[2,3]");
  EXPECT_EQ(ShapeOf(Clamp(0, x, scale)), "bf16[2,3]");
  EXPECT_TRUE(b.status().ok()) << b.status();
}

TEST(GraphBuilder, DataMovement) {
  GraphBuilder b("m");
  const Value x = b.Parameter(kF32, {2, 3});
  EXPECT_EQ(ShapeOf(Concatenate({x, x, x}, 1)), "f32[2,9]");
  EXPECT_EQ(ShapeOf(Pad(x, 0.0, {{1, 2, 0}, {-1, 0, 1}})), "f32[5,4]");
  EXPECT_EQ(ShapeOf(Reshape(x, {6})), "f32[6]");
  EXPECT_EQ(ShapeOf(Reverse(x, {0})), "f32[2,3]");
  EXPECT_EQ(ShapeOf(Slice(x, {{0, 2, 1}, {0, 3, 2}})), "f32[2,2]");
  EXPECT_EQ(ShapeOf(Transpose(x, {1, 0})), "f32[3,2]");
  EXPECT_EQ(ShapeOf(Convert(x, kS32)), "s32[2,3]");
  EXPECT_EQ(ShapeOf(BitcastConvert(x, ElementType::kU8)), "u8[2,3,4]");
  EXPECT_EQ(ShapeOf(b.Iota(kS32, {4, 5}, 1)), "s32[4,5]");
  EXPECT_EQ(ShapeOf(b.Constant(kF32, {2}, {1.5, 2})), "f32[2]");
  EXPECT_TRUE(b.status().ok()) << b.status();
}

TEST(GraphBuilder, ReductionsAndWindows) {
  GraphBuilder b("m");
  const Value x = b.Parameter(kF32, {2, 8, 8, 3});
  EXPECT_EQ(ShapeOf(ReduceMin(x, {0, 3})), "f32[8,8]");
  const Window pool{{{}, {.size = 2, .stride = 2}, {.size = 2, .stride = 2}, {}}};
  const Value pooled = ReduceWindow(x, -1, pool, Opcode::kMaximum);
  EXPECT_EQ(ShapeOf(pooled), "f32[2,4,4,3]");
  EXPECT_EQ(ShapeOf(SelectAndScatterMax(x, pooled, 0, pool)), "f32[2,8,8,3]");
  const Value indices = b.Iota(kS32, {2, 8, 8, 3}, 1);
  const std::vector<Value> best =
      Reduce({x, indices}, {b.Constant(kF32, 0), b.Constant(kS32, 0)}, {1}, [](Values a) {
        const Value better = Compare(a[0], a[2], ComparisonDirection::kGe);
        return std::vector<Value>{Select(better, a[0], a[2]), Select(better, a[1], a[3])};
      });
  ASSERT_EQ(best.size(), 2);
  EXPECT_EQ(ShapeOf(best[0]), "f32[2,8,3]");
  EXPECT_EQ(ShapeOf(best[1]), "s32[2,8,3]");
  const std::vector<Value> sums = Scan({b.Parameter(kF32, {5, 7})}, {b.Parameter(kF32, {5})}, 1,
                                       /*is_reverse=*/true, [](Values a) {
                                         const Value sum = a[0] + a[1];
                                         return std::vector<Value>{sum, sum};
                                       });
  ASSERT_EQ(sums.size(), 2);
  EXPECT_EQ(ShapeOf(sums[0]), "f32[5,7]");
  EXPECT_EQ(ShapeOf(sums[1]), "f32[5]");
  const auto module = b.Build({pooled, best[1], sums[0]});
  ASSERT_TRUE(module.ok()) << module.status();
}

TEST(GraphBuilder, IdentitiesOfMaximumAndMinimum) {
  const auto identity = [](ElementType type, bool maximum) {
    GraphBuilder b("m");
    const Value x = b.Parameter(type, {4});
    const auto module = b.Build(maximum ? ReduceMax(x, {0}) : ReduceMin(x, {0}));
    EXPECT_TRUE(module.ok()) << module.status();
    return (*module)->entry()->root()->operand(1)->literal();
  };
  EXPECT_EQ(identity(kF32, true).AsDouble(0), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(identity(ElementType::kS8, true).AsInteger(0), -128);
  EXPECT_EQ(identity(ElementType::kS8, false).AsInteger(0), 127);
  EXPECT_EQ(identity(ElementType::kU8, true).AsInteger(0), 0);
  EXPECT_EQ(identity(ElementType::kU16, false).AsInteger(0), 65535);
  EXPECT_EQ(identity(ElementType::kS64, true).AsInteger(0), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(identity(ElementType::kU64, false).AsInteger(0), -1);  // all bits set
  EXPECT_EQ(identity(ElementType::kF8E4M3FN, false).AsDouble(0), 448);
  EXPECT_EQ(identity(ElementType::kF4E2M1FN, true).AsDouble(0), -6);
  EXPECT_EQ(identity(ElementType::kPred, true).AsInteger(0), 0);
  EXPECT_EQ(identity(ElementType::kPred, false).AsInteger(0), 1);
}

TEST(GraphBuilder, Contractions) {
  GraphBuilder b("m");
  const Value q = b.Parameter(ElementType::kBF16, {2, 3, 40, 16});
  const Value k = b.Parameter(ElementType::kBF16, {2, 3, 16, 40});
  EXPECT_EQ(ShapeOf(MatMul(q, k)), "bf16[2,3,40,40]");
  EXPECT_EQ(ShapeOf(MatMul(q, k, kF32)), "f32[2,3,40,40]");
  EXPECT_EQ(ShapeOf(MatMul(q, b.Parameter(ElementType::kBF16, {16, 5}))), "bf16[2,3,40,5]");
  const Value image = b.Parameter(kF32, {1, 28, 28, 4});
  const Value kernel = b.Parameter(kF32, {3, 3, 2, 8});
  EXPECT_EQ(ShapeOf(ConvolutionNhwc(image, kernel, {2, 1}, {{1, 1}, {0, 0}}, 2)), "f32[1,14,26,8]");
  EXPECT_TRUE(b.status().ok()) << b.status();
}

TEST(GraphBuilder, IndexingSortingAndTheRest) {
  GraphBuilder b("m");
  const Value table = b.Parameter(kF32, {100, 8});
  const Value rows = b.Parameter(kS32, {5, 1});
  GatherAttributes gather;
  gather.offset_dims = {1};
  gather.collapsed_slice_dims = {0};
  gather.start_index_map = {0};
  gather.index_vector_dim = 1;
  gather.slice_sizes = {1, 8};
  const Value gathered = Gather(table, rows, gather);
  EXPECT_EQ(ShapeOf(gathered), "f32[5,8]");
  ScatterAttributes scatter;
  scatter.update_window_dims = {1};
  scatter.inserted_window_dims = {0};
  scatter.scatter_dims_to_operand_dims = {0};
  scatter.index_vector_dim = 1;
  EXPECT_EQ(ShapeOf(Scatter(table, rows, gathered, scatter, Opcode::kAdd)), "f32[100,8]");
  const Value zero = b.Constant(kS32, 0);
  EXPECT_EQ(ShapeOf(DynamicSlice(table, {zero, zero}, {3, 8})), "f32[3,8]");
  EXPECT_EQ(ShapeOf(DynamicUpdateSlice(table, gathered, {zero, zero})), "f32[100,8]");
  const std::vector<Value> sorted = Sort({table, b.Iota(kS32, {100, 8}, 0)}, 0);
  EXPECT_EQ(ShapeOf(sorted[1]), "s32[100,8]");
  const auto [state, bits] =
      RngBitGenerator(b.Parameter(ElementType::kU64, {2}), ElementType::kU32, {7});
  EXPECT_EQ(ShapeOf(bits), "u32[7]");
  EXPECT_EQ(ShapeOf(state), "u64[2]");
  const Value square = b.Parameter(kF32, {4, 4});
  EXPECT_EQ(ShapeOf(Cholesky(square, true)), "f32[4,4]");
  EXPECT_EQ(ShapeOf(TriangularSolve(square, square, true, true)), "f32[4,4]");
  EXPECT_EQ(ShapeOf(Fft(square, FftType::kRfft, {4})), "c64[4,3]");
  EXPECT_TRUE(b.status().ok()) << b.status();
}

TEST(GraphBuilder, ControlFlow) {
  GraphBuilder b("m");
  const Value x = b.Parameter(kF32, {4});
  const std::vector<Value> last = While(
      {b.Constant(kS32, 0), x},
      [](Values s) { return Compare(s[0], 10, ComparisonDirection::kLt); },
      [](Values s) {
        return std::vector<Value>{s[0] + 1, s[1] * 2};
      });
  EXPECT_EQ(ShapeOf(last[1]), "f32[4]");
  const Value flag = Compare(last[0], 10, ComparisonDirection::kEq);
  const Value chosen = Conditional(
      flag, {last[1]}, {[](Values a) { return Exp(a[0]); }, [](Values a) { return a[0]; }});
  const Value called = Call({chosen, x}, [](Values a) { return a[0] + a[1]; });
  const auto module = b.Build(called);
  ASSERT_TRUE(module.ok()) << module.status();
  EXPECT_EQ((*module)->computations().size(), 6);
}

// ---- errors: the first one sticks, with the op, its operands and the numbers.

std::string ErrorOf(const std::function<Value(GraphBuilder&)>& build) {
  GraphBuilder b("m");
  const Value root = build(b);
  const auto module = b.Build(root);
  return std::string(module.status().message());
}

TEST(GraphBuilderErrors, TheFirstSticks) {
  EXPECT_EQ(ErrorOf([](GraphBuilder& b) {
              const Value x = b.Parameter(kF32, {3}, "x");
              const Value y = b.Parameter(kF32, {4}, "y");
              const Value sum = x + y;
              EXPECT_FALSE(sum.ok());
              EXPECT_EQ(ShapeOf(sum), "()");
              return Transpose(MatMul(sum, x), {5});
            }),
            "add(x, y): operand 1 is f32[4] when operand 0 is f32[3]");
}

// Whoever goes on after an error gets as many values as without it.
TEST(GraphBuilderErrors, ResultsKeepTheirNumber) {
  EXPECT_EQ(ErrorOf([](GraphBuilder& b) {
              const Value x = b.Parameter(kF32, {3}, "x");
              const std::vector<Value> sums = Scan({x}, {x}, 2, false, [](Values a) {
                return std::vector<Value>{a[0] + a[1], a[1]};
              });
              EXPECT_EQ(sums.size(), 2);
              const std::vector<Value> last = While(
                  sums, [](Values s) { return Compare(s[0], 1, ComparisonDirection::kLt); },
                  [](Values s) {
                    return std::vector<Value>{s[1], s[0]};
                  });
              EXPECT_EQ(last.size(), 2);
              EXPECT_EQ(Sort(last, 0).size(), 2);
              return RngBitGenerator(last[1], kF32, {2}).second;
            }),
            "scan: dimension 2 is not in [0, 1)");
}

TEST(GraphBuilderErrors, NoValue) {
  EXPECT_EQ(ErrorOf([](GraphBuilder& b) { return b.Parameter(kF32, {3}, "x") + Value(); }),
            "add: operand 1 is no value");
  EXPECT_EQ(ErrorOf([](GraphBuilder&) { return Exp(Value()); }),
            "build: the root is no value of this builder");
}

TEST(GraphBuilderErrors, ValuesOfOthers) {
  GraphBuilder other("other");
  const Value foreign = other.Parameter(kF32, {3});
  EXPECT_EQ(ErrorOf([&](GraphBuilder& b) { return b.Parameter(kF32, {3}, "x") + foreign; }),
            "add: operand 1 is of another builder");
  EXPECT_EQ(ErrorOf([](GraphBuilder& b) {
              const Value x = b.Parameter(kF32, {3}, "x");
              const Value y = b.Parameter(kF32, {3}, "y");
              return Call({x}, [&](Values a) { return Multiply(a[0], y); });
            }),
            "multiply(param, y): y is a value of computation main, not of called: it has to be "
            "passed in");
  EXPECT_EQ(ErrorOf([](GraphBuilder& b) {
              const Value x = b.Parameter(kF32, {3}, "x");
              return Call({x}, [&](Values) { return x; });
            }),
            "computation called returns a value that is not its own");
}

TEST(GraphBuilderErrors, Parameters) {
  EXPECT_EQ(ErrorOf([](GraphBuilder& b) {
              return b.Parameter(kF32, {3, -1});
            }),
            "parameter 0: dimension 1 has the negative size -1");
  EXPECT_EQ(ErrorOf([](GraphBuilder& b) {
              return b.Constant(kF32, {3}, {1, 2});
            }),
            "constant: 2 values for f32[3]");
  EXPECT_EQ(ErrorOf([](GraphBuilder& b) { return b.Apply(Opcode::kParameter, {}); }),
            "parameter: made by GraphBuilder::Parameter");
  EXPECT_EQ(ErrorOf([](GraphBuilder& b) {
              return b.Apply(Opcode::kReverse, {b.Parameter(kF32, {1}, "x")}, NoAttributes{});
            }),
            "reverse(x): the attributes are those of another op");
}

TEST(GraphBuilderErrors, SpentAfterBuild) {
  GraphBuilder b("m");
  const Value x = b.Parameter(kF32, {3});
  ASSERT_TRUE(b.Build(x).ok());
  EXPECT_EQ(b.Build(x).status().message(), "the builder has built its module");
}

}  // namespace
}  // namespace ingot
