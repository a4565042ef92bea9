#include <gtest/gtest.h>

#include "tests/ir/evaluator/testing.h"

namespace ingot {
namespace {

using test::Array;
using test::Evaluated;
using test::Integers;
using test::Numbers;
using test::ToDoubles;

TEST(IndexingTest, DynamicSlicesAreClamped) {
  const Literal x = Array(ElementType::kF32, {3, 4}, {0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23});
  const auto slice = [&](int64_t i, int64_t j) {
    return ToDoubles(Evaluated(
        [](GraphBuilder&, Values v) {
          return DynamicSlice(v[0], {v[1], v[2]}, {2, 2});
        },
        {x, Literal::ScalarInteger(ElementType::kS32, i),
         Literal::ScalarInteger(ElementType::kS32, j)}));
  };
  EXPECT_EQ(slice(0, 1), (std::vector<double>{1, 2, 11, 12}));
  EXPECT_EQ(slice(9, -9), (std::vector<double>{10, 11, 20, 21}));
  const Literal updated = Evaluated(
      [](GraphBuilder&, Values v) {
        return DynamicUpdateSlice(v[0], v[1], {v[2], v[3]});
      },
      {x, Array(ElementType::kF32, {1, 2}, {7, 8}), Literal::ScalarInteger(ElementType::kU64, -1),
       Literal::ScalarInteger(ElementType::kU64, 2)});
  EXPECT_EQ(ToDoubles(updated), (std::vector<double>{0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 7, 8}));
  EXPECT_EQ(x.AsDouble(10), 22) << "the input is someone else's";
}

TEST(IndexingTest, GatherRowsClamped) {
  const Literal table = Array(ElementType::kF32, {4, 2}, {0, 1, 10, 11, 20, 21, 30, 31});
  GatherAttributes rows;
  rows.offset_dims = {1};
  rows.collapsed_slice_dims = {0};
  rows.start_index_map = {0};
  rows.index_vector_dim = 1;
  rows.slice_sizes = {1, 2};
  const Literal result =
      Evaluated([&](GraphBuilder&, Values v) { return Gather(v[0], v[1], rows); },
                {table, Integers(ElementType::kS32, {2, -5, 99, 0})});
  EXPECT_EQ(ToDoubles(result), (std::vector<double>{20, 21, 0, 1, 30, 31, 0, 1}));
}

TEST(IndexingTest, GatherWindowsByReversedIndexVectors) {
  // [3, 4], windows of [2, 2] at (second component, first component)
  const Literal x = Array(ElementType::kS32, {3, 4}, {0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23});
  GatherAttributes windows;
  windows.offset_dims = {0, 2};
  windows.start_index_map = {1, 0};
  windows.index_vector_dim = 0;
  windows.slice_sizes = {2, 2};
  const Literal indices = Array(ElementType::kS32, {2, 2}, {1, 9, 0, 9});
  // vectors (1, 0) and (9, 9): at (0, 1), and at (9, 9) clamped to (1, 2)
  const Literal result =
      Evaluated([&](GraphBuilder&, Values v) { return Gather(v[0], v[1], windows); }, {x, indices});
  EXPECT_EQ(result.shape().dimensions(), (std::vector<int64_t>{2, 2, 2}));
  EXPECT_EQ(ToDoubles(result), (std::vector<double>{1, 2, 12, 13, 11, 12, 22, 23}));
}

TEST(IndexingTest, GatherAndScatterWithBatchingDimensions) {
  // operand [2, 4], one column of each row: indices [2, 3]
  const Literal x = Array(ElementType::kF32, {2, 4}, {0, 1, 2, 3, 10, 11, 12, 13});
  const Literal indices = Array(ElementType::kS32, {2, 3}, {3, 0, 1, 2, 2, 0});
  GatherAttributes gather;
  gather.collapsed_slice_dims = {1};
  gather.start_index_map = {1};
  gather.operand_batching_dims = {0};
  gather.start_indices_batching_dims = {0};
  gather.index_vector_dim = 2;
  gather.slice_sizes = {1, 1};
  EXPECT_EQ(ToDoubles(Evaluated([&](GraphBuilder&, Values v) { return Gather(v[0], v[1], gather); },
                                {x, indices})),
            (std::vector<double>{3, 0, 1, 12, 12, 10}));
  ScatterAttributes scatter;
  scatter.inserted_window_dims = {1};
  scatter.scatter_dims_to_operand_dims = {1};
  scatter.input_batching_dims = {0};
  scatter.scatter_indices_batching_dims = {0};
  scatter.index_vector_dim = 2;
  const Literal updates = Array(ElementType::kF32, {2, 3}, {1, 2, 3, 100, 200, 300});
  EXPECT_EQ(
      ToDoubles(Evaluated(
          [&](GraphBuilder&, Values v) { return Scatter(v[0], v[1], v[2], scatter, Opcode::kAdd); },
          {x, indices, updates})),
      (std::vector<double>{2, 4, 2, 4, 310, 11, 312, 13}));
}

TEST(IndexingTest, ScatterLeavesOutWindowsThatStickOut) {
  const Literal x = Array(ElementType::kF32, {5}, {0, 0, 0, 0, 0});
  ScatterAttributes scatter;
  scatter.update_window_dims = {1};
  scatter.scatter_dims_to_operand_dims = {0};
  scatter.index_vector_dim = 1;
  const Literal updates = Array(ElementType::kF32, {4, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  // windows of 2 at 3, -1, 4 and 3 again: the second and third do not fit
  EXPECT_EQ(
      ToDoubles(Evaluated(
          [&](GraphBuilder&, Values v) { return Scatter(v[0], v[1], v[2], scatter, Opcode::kAdd); },
          {x, Integers(ElementType::kS32, {3, -1, 4, 3}), updates})),
      (std::vector<double>{0, 0, 0, 8, 10}));
}

TEST(IndexingTest, ScatterInEveryTypeAndOp) {
  ScatterAttributes scatter;
  scatter.update_window_dims = {1};
  scatter.inserted_window_dims = {0};
  scatter.scatter_dims_to_operand_dims = {0};
  scatter.index_vector_dim = 1;
  for (ElementType type :
       {ElementType::kS8, ElementType::kU16, ElementType::kS32, ElementType::kF16,
        ElementType::kBF16, ElementType::kF32, ElementType::kF64}) {
    const Literal x = Numbers(type, {3, 700}), updates = Numbers(type, {4, 700}, 1);
    const std::vector<int64_t> rows = {2, 0, 2, 1};
    for (Opcode opcode : {Opcode::kAdd, Opcode::kMultiply, Opcode::kMaximum, Opcode::kMinimum}) {
      Literal expected = x;
      for (int64_t u = 0; u < 4; ++u) {
        for (int64_t i = 0; i < 700; ++i) {
          const int64_t at = rows[u] * 700 + i;
          const double a = expected.AsDouble(at), b = updates.AsDouble(u * 700 + i);
          const double value = opcode == Opcode::kAdd        ? a + b
                               : opcode == Opcode::kMultiply ? a * b
                               : opcode == Opcode::kMaximum  ? std::max(a, b)
                                                             : std::min(a, b);
          if (IsInteger(type)) {
            expected.SetInteger(at, static_cast<int64_t>(value));
          } else {
            expected.SetDouble(at, value);
          }
        }
      }
      EXPECT_EQ(Evaluated([&](GraphBuilder&,
                              Values v) { return Scatter(v[0], v[1], v[2], scatter, opcode); },
                          {x, Integers(ElementType::kS64, rows), updates}),
                expected)
          << ElementTypeName(type) << " " << OpcodeName(opcode);
    }
  }
}

}  // namespace
}  // namespace ingot
