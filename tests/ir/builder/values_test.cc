// What built graphs compute, by the evaluator: that operands, dimensions and computations stand
// where they should.
#include <cmath>

#include "gtest/gtest.h"
#include "ir/builder/builder.h"
#include "ir/evaluator/evaluator.h"

namespace ingot {
namespace {

constexpr ElementType kF32 = ElementType::kF32;
constexpr ElementType kS32 = ElementType::kS32;

// The values of each result of the graph.
std::vector<std::vector<double>> ResultsOf(
    const std::function<std::vector<Value>(GraphBuilder&)>& build) {
  GraphBuilder b("m");
  const std::vector<Value> results = build(b);
  const auto module = b.Build(Tuple(results));
  EXPECT_TRUE(module.ok()) << module.status();
  if (!module.ok()) return {};
  const auto literal = Evaluate(**module, {});
  EXPECT_TRUE(literal.ok()) << literal.status();
  std::vector<std::vector<double>> values;
  if (!literal.ok()) return {};
  for (const Literal& leaf : Leaves(*literal)) {
    values.emplace_back();
    for (int64_t i = 0; i < leaf.size(); ++i) values.back().push_back(leaf.AsDouble(i));
  }
  return values;
}

using Rows = std::vector<std::vector<double>>;

TEST(BuiltValues, ElementwiseWithScalars) {
  EXPECT_EQ(ResultsOf([](GraphBuilder& b) {
              const Value x = b.Constant(kF32, {3}, {1, -2, 4});
              const Value positive = Compare(x, 0, ComparisonDirection::kGt);
              return std::vector<Value>{
                  2 * x - 1, 8 / x, Maximum(x, 0), Select(positive, x, 7), Clamp(-1, x, 3), -x};
            }),
            (Rows{{1, -5, 7}, {8, -4, 2}, {1, 0, 4}, {1, 7, 4}, {1, -1, 3}, {-1, 2, -4}}));
}

TEST(BuiltValues, DataMovementAndReductions) {
  EXPECT_EQ(
      ResultsOf([](GraphBuilder& b) {
        const Value x = b.Constant(kF32, {2, 3}, {1, 2, 3, 4, 5, 6});
        const Value sums = ReduceSum(x, {1});
        return std::vector<Value>{sums,
                                  ReduceMax(x, {0}),
                                  ReduceMin(x, {0, 1}),
                                  BroadcastOver(sums, x, {1}),
                                  Reshape(Transpose(x, {1, 0}), {6}),
                                  Pad(sums, 9, {{1, 0, 1}})};
      }),
      (Rows{{6, 15}, {4, 5, 6}, {1}, {6, 6, 6, 15, 15, 15}, {1, 4, 2, 5, 3, 6}, {9, 6, 9, 15}}));
}

TEST(BuiltValues, ReductionsOfNothing) {
  EXPECT_EQ(ResultsOf([](GraphBuilder& b) {
              const Value rows = b.Constant(kF32, {0, 2}, {});
              const Value columns = b.Constant(kF32, {2, 0}, {});
              return std::vector<Value>{Reduce(rows, 5, {0}, Opcode::kAdd),
                                        Reduce(columns, 6, {1}, Opcode::kAdd),
                                        Reduce(rows, 7, {1}, Opcode::kAdd)};
            }),
            (Rows{{5, 5}, {6, 6}, {}}));
}

TEST(BuiltValues, ArgMax) {
  EXPECT_EQ(ResultsOf([](GraphBuilder& b) {
              const Value x = b.Constant(kF32, {2, 3}, {1, 7, 3, 9, 5, 6});
              const Value first = b.Constant(kF32, -1);
              return Reduce(
                  {x, b.Iota(kS32, {2, 3}, 1)}, {first, b.Constant(kS32, 0)}, {1}, [](Values a) {
                    const Value keep = Compare(a[0], a[2], ComparisonDirection::kGe);
                    return std::vector<Value>{Select(keep, a[0], a[2]), Select(keep, a[1], a[3])};
                  });
            }),
            (Rows{{7, 9}, {1, 0}}));
}

// Not symmetric, so that a swap of slice and carry, or of output and carry, shows.
TEST(BuiltValues, ScanTakesSlicesFirstAndGivesOutputsFirst) {
  const auto scan = [](bool is_reverse) {
    return ResultsOf([&](GraphBuilder& b) {
      const Value x = b.Constant(kF32, {2, 3}, {1, 2, 3, 10, 20, 30});
      const Value start = b.Constant(kF32, {2}, {100, 200});
      return Scan({x}, {start}, 1, is_reverse, [](Values a) {
        return std::vector<Value>{a[0] * 2, a[1] - a[0]};
      });
    });
  };
  EXPECT_EQ(scan(false), (Rows{{2, 4, 6, 20, 40, 60}, {94, 140}}));
  EXPECT_EQ(scan(true), (Rows{{2, 4, 6, 20, 40, 60}, {94, 140}}));
  EXPECT_EQ(ResultsOf([](GraphBuilder& b) {
              const Value x = b.Constant(kF32, {3}, {1, 2, 3});
              return Scan({x}, {b.Constant(kF32, 0)}, 0, /*is_reverse=*/true, [](Values a) {
                const Value sum = a[0] + a[1];
                return std::vector<Value>{sum, sum};
              });
            }),
            (Rows{{6, 5, 3}, {6}}));
}

TEST(BuiltValues, Contractions) {
  EXPECT_EQ(ResultsOf([](GraphBuilder& b) {
              const Value x = b.Constant(kF32, {2, 2}, {1, 2, 3, 4});
              const Value y = b.Constant(kF32, {2, 2}, {5, 6, 7, 8});
              const Value batch = Reshape(Concatenate({x, y}, 0), {2, 2, 2});
              const Value image = b.Constant(kF32, {1, 3, 3, 1}, {1, 2, 3, 4, 5, 6, 7, 8, 9});
              const Value kernel = b.Constant(kF32, {2, 2, 1, 1}, {1, 0, 0, 10});
              return std::vector<Value>{MatMul(x, y), MatMul(batch, batch),
                                        ConvolutionNhwc(image, kernel, {1, 1}, {{0, 0}, {0, 0}})};
            }),
            (Rows{{19, 22, 43, 50}, {7, 10, 15, 22, 67, 78, 91, 106}, {51, 62, 84, 95}}));
}

TEST(BuiltValues, WindowsAndTheirGradient) {
  const Window pairs{{{.size = 2, .stride = 2}}};
  EXPECT_EQ(ResultsOf([&](GraphBuilder& b) {
              const Value x = b.Constant(kF32, {4}, {1, 5, 7, 2});
              const Value source = b.Constant(kF32, {2}, {10, 20});
              return std::vector<Value>{ReduceWindow(x, -1, pairs, Opcode::kMaximum),
                                        SelectAndScatterMax(x, source, 0, pairs)};
            }),
            (Rows{{5, 7}, {0, 10, 20, 0}}));
}

TEST(BuiltValues, IndexingAndSorting) {
  EXPECT_EQ(ResultsOf([](GraphBuilder& b) {
              const Value table = b.Constant(kF32, {3, 2}, {1, 2, 3, 4, 5, 6});
              const Value rows = b.Constant(kS32, {2, 1}, {2, 0});
              GatherAttributes gather;
              gather.offset_dims = {1};
              gather.collapsed_slice_dims = {0};
              gather.start_index_map = {0};
              gather.index_vector_dim = 1;
              gather.slice_sizes = {1, 2};
              ScatterAttributes scatter;
              scatter.update_window_dims = {1};
              scatter.inserted_window_dims = {0};
              scatter.scatter_dims_to_operand_dims = {0};
              scatter.index_vector_dim = 1;
              const Value gathered = Gather(table, rows, gather);
              const Value one = b.Constant(kS32, 1);
              const Value zero = b.Constant(kS32, 0);
              const Value keys = b.Constant(kF32, {3}, {3, 1, 2});
              const std::vector<Value> sorted = Sort({keys, b.Iota(kS32, {3}, 0)}, 0);
              const Value descending = Sort({keys}, 0, [](Values a) {
                return Compare(a[0], a[1], ComparisonDirection::kGt);
              })[0];
              return std::vector<Value>{gathered,
                                        Scatter(table, rows, gathered, scatter, Opcode::kAdd),
                                        DynamicSlice(table, {one, zero}, {2, 1}),
                                        sorted[0],
                                        sorted[1],
                                        descending};
            }),
            (Rows{{5, 6, 1, 2}, {2, 4, 3, 4, 10, 12}, {3, 5}, {1, 2, 3}, {1, 2, 0}, {3, 2, 1}}));
}

TEST(BuiltValues, ControlFlow) {
  EXPECT_EQ(ResultsOf([](GraphBuilder& b) {
              const std::vector<Value> last = While(
                  {b.Constant(kS32, 0), b.Constant(kF32, {2}, {1, 3})},
                  [](Values s) { return Compare(s[0], 5, ComparisonDirection::kLt); },
                  [](Values s) {
                    return std::vector<Value>{s[0] + 1, s[1] * 2};
                  });
              const std::vector<Function> branches = {[](Values a) { return a[0] + 1; },
                                                      [](Values a) { return a[0] - 1; }};
              const Value five = Compare(last[0], 5, ComparisonDirection::kEq);
              return std::vector<Value>{last[0], last[1], Conditional(five, {last[1]}, branches),
                                        Conditional(b.Constant(kS32, 1), {last[1]}, branches),
                                        Call({last[1], Broadcast(last[0], {2}, {})},
                                             [](Values a) { return a[0] + Convert(a[1], kF32); })};
            }),
            (Rows{{5}, {32, 96}, {33, 97}, {31, 95}, {37, 101}}));
}

}  // namespace
}  // namespace ingot
