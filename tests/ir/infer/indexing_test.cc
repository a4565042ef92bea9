#include "tests/ir/infer/infer_testing.h"

namespace ingot {
namespace {

TEST(InferIndexing, DynamicSlice) {
  const auto slice = [](const std::vector<std::string>& operands, std::vector<int64_t> sizes) {
    return Infer(Opcode::kDynamicSlice, operands, DynamicSliceAttributes{std::move(sizes)});
  };
  EXPECT_EQ(slice({"f32[4,5]", "s32[]", "s32[]"}, {2, 5}), "f32[2,5]");
  EXPECT_EQ(slice({"f32[]"}, {}), "f32[]");
  EXPECT_EQ(slice({"f32[4,5]", "s32[]"}, {2, 5}), "has 1 start indices when operand 0 is f32[4,5]");
  EXPECT_EQ(slice({"f32[4]", "f32[]"}, {2}), "operand 1 is f32[], not a scalar integer");
  EXPECT_EQ(slice({"f32[4,5]", "s32[]", "s64[]"}, {2, 5}),
            "operand 2 is s64[] when operand 1 is s32[]");
  EXPECT_EQ(slice({"f32[4]", "s32[]"}, {}),
            "dynamic_slice_sizes {} has 0 entries when operand 0 has 1 dimensions");
  EXPECT_EQ(slice({"f32[4]", "s32[]"}, {5}), "slice size 5 of dimension 0 is not in [0, 4]");
  EXPECT_EQ(slice({"f32[4]", "s32[]"}, {-1}), "slice size -1 of dimension 0 is not in [0, 4]");
  EXPECT_EQ(slice({}, {}), "has no operands");
}

TEST(InferIndexing, DynamicUpdateSlice) {
  EXPECT_EQ(Infer(Opcode::kDynamicUpdateSlice, {"f32[4,5]", "f32[2,5]", "s32[]", "s32[]"}),
            "f32[4,5]");
  EXPECT_EQ(Infer(Opcode::kDynamicUpdateSlice, {"f32[4,5]", "f32[2,6]", "s32[]", "s32[]"}),
            "the update f32[2,6] does not fit into f32[4,5]");
  EXPECT_EQ(Infer(Opcode::kDynamicUpdateSlice, {"f32[4]", "bf16[2]", "s32[]"}),
            "the update bf16[2] does not fit into f32[4]");
  EXPECT_EQ(Infer(Opcode::kDynamicUpdateSlice, {"f32[4]"}),
            "has 1 operands when it takes at least 2");
  EXPECT_EQ(Infer(Opcode::kDynamicUpdateSlice, {"f32[4]", "f32[2]"}),
            "has 0 start indices when operand 0 is f32[4]");
}

// Rows of a table [100,8] by indices [4,5,1]: an embedding.
GatherAttributes Rows() {
  GatherAttributes a;
  a.offset_dims = {2};
  a.collapsed_slice_dims = {0};
  a.start_index_map = {0};
  a.index_vector_dim = 2;
  a.slice_sizes = {1, 8};
  return a;
}

std::string Gather(const std::string& operand, const std::string& indices,
                   const GatherAttributes& attributes) {
  return Infer(Opcode::kGather, {operand, indices}, attributes);
}

TEST(InferIndexing, Gather) {
  EXPECT_EQ(Gather("f32[100,8]", "s32[4,5,1]", Rows()), "f32[4,5,8]");
  GatherAttributes a = Rows();
  a.index_vector_dim = 3;  // implicit: an index is one number
  a.offset_dims = {0};
  EXPECT_EQ(Gather("f32[100,8]", "s32[4,5,1]", a), "f32[8,4,5,1]");
  GatherAttributes batched;
  batched.start_index_map = {2};
  batched.collapsed_slice_dims = {2};
  batched.operand_batching_dims = {0, 1};
  batched.start_indices_batching_dims = {0, 1};
  batched.index_vector_dim = 3;
  batched.slice_sizes = {1, 1, 1};
  EXPECT_EQ(Gather("f32[2,3,7]", "s32[2,3,4,1]", batched), "f32[2,3,4]");
  EXPECT_EQ(Gather("f32[2,4,7]", "s32[2,3,4,1]", batched),
            "batching dimension 1 has size 4 when dimension 1 of the indices has 3");
  batched.start_indices_batching_dims = {0, 3};
  EXPECT_EQ(Gather("f32[2,3,7]", "s32[2,3,4,1]", batched),
            "batching dimension 3 of the indices is index_vector_dim");
  batched.start_indices_batching_dims = {0};
  EXPECT_EQ(Gather("f32[2,3,7]", "s32[2,3,4,1]", batched),
            "there are 2 batching dimensions of the array and 1 of the indices");
}

TEST(InferIndexing, GatherConstraints) {
  const auto with = [](const std::function<void(GatherAttributes&)>& change) {
    GatherAttributes a = Rows();
    change(a);
    return Gather("f32[100,8]", "s32[4,5,1]", a);
  };
  using A = GatherAttributes;
  EXPECT_EQ(Gather("f32[100,8]", "f32[4,5,1]", Rows()), "indices are f32[4,5,1], not integers");
  EXPECT_EQ(Gather("f32[100,8]", "s32[4,5,2]", Rows()),
            "an index has 2 components when {0} maps 1");
  EXPECT_EQ(with([](A& a) { a.index_vector_dim = 4; }), "index_vector_dim 4 is not in [0, 3]");
  EXPECT_EQ(with([](A& a) { a.index_vector_dim = -1; }), "index_vector_dim -1 is not in [0, 3]");
  EXPECT_EQ(with([](A& a) { a.start_index_map = {2}; }),
            "indexed and batching dimensions {2} has 2, which is not in [0, 2)");
  EXPECT_EQ(with([](A& a) {
              a.collapsed_slice_dims = {1, 0};
            }),
            "dropped dimensions {1,0} is not strictly ascending");
  EXPECT_EQ(with([](A& a) {
              a.collapsed_slice_dims = {0, 0};
            }),
            "dropped and batching dimensions {0,0} has 0 twice");
  EXPECT_EQ(with([](A& a) { a.collapsed_slice_dims = {}; }),
            "a window has 2 dimensions when {2} places 1");
  EXPECT_EQ(with([](A& a) { a.offset_dims = {3}; }),
            "window dimensions {3} has 3, which is not in [0, 3)");
  EXPECT_EQ(with([](A& a) { a.slice_sizes = {1}; }),
            "slice_sizes {1} has 1 entries when operand 0 has 2 dimensions");
  EXPECT_EQ(with([](A& a) {
              a.slice_sizes = {1, 9};
            }),
            "slice size 9 of dimension 1 is not in [0, 8]");
  EXPECT_EQ(with([](A& a) {
              a.slice_sizes = {2, 8};
            }),
            "slice size 2 of dimension 0, which is collapsed or batching, is more than 1");
}

// Adds rows [4,8] to a table [100,8].
ScatterAttributes AddRows() {
  ScatterAttributes a;
  a.update_window_dims = {1};
  a.inserted_window_dims = {0};
  a.scatter_dims_to_operand_dims = {0};
  a.index_vector_dim = 1;
  return a;
}

TEST(InferIndexing, Scatter) {
  Signatures s;
  Computation* add = s.Reducer("f32[]");
  const auto scatter = [&](const std::vector<std::string>& operands, Computation* combiner) {
    return Infer(Opcode::kScatter, operands, AddRows(), {combiner});
  };
  EXPECT_EQ(scatter({"f32[100,8]", "s32[4,1]", "f32[4,8]"}, add), "f32[100,8]");
  // A smaller window than the input.
  EXPECT_EQ(scatter({"f32[100,8]", "s32[4,1]", "f32[4,5]"}, add), "f32[100,8]");
  EXPECT_EQ(scatter({"bf16[100,8]", "s32[4,1]", "f32[4,8]"}, add),
            "operand 0 is bf16[100,8] when to_apply returns f32[]");
  EXPECT_EQ(scatter({"f32[100,8]", "s32[4,1]", "bf16[4,8]"}, add),
            "operand 2 is bf16[4,8] when to_apply returns f32[]");
  EXPECT_EQ(scatter({"f32[9,8]", "s32[9,8]", "s32[4,1]", "f32[4,8]", "s32[4,8]"},
                    s.Of({"f32[]", "s32[]", "f32[]", "s32[]"}, "(f32[], s32[])")),
            "(f32[9,8], s32[9,8])");
  EXPECT_EQ(scatter({"f32[100,8]", "s32[4,1]", "f32[5,8]"}, add),
            "the update f32[5,8] does not fit {4,8}, with windows in dimensions {1}");
  EXPECT_EQ(scatter({"f32[100,8]", "s32[4,1]", "f32[4,9]"}, add),
            "the update f32[4,9] does not fit {4,8}, with windows in dimensions {1}");
  EXPECT_EQ(scatter({"f32[100,8]", "s32[4,1]", "f32[8]"}, add),
            "the update f32[8] does not fit {4,8}, with windows in dimensions {1}");
  EXPECT_EQ(scatter({"f32[100,8]", "s32[4,1]"}, add),
            "has 2 operands when it takes as many updates as inputs, and indices");
  EXPECT_EQ(scatter({"f32[9,8]", "s32[9,7]", "s32[4,1]", "f32[4,8]", "s32[4,8]"}, add),
            "operand 1 is s32[9,7] when operand 0 is f32[9,8]");
  EXPECT_EQ(scatter({"f32[9,8]", "s32[9,8]", "s32[4,1]", "f32[4,8]", "s32[4,7]"}, add),
            "operand 4 is s32[4,7] when operand 3 is f32[4,8]");
  EXPECT_EQ(scatter({"s32[100,8]", "s32[4,1]", "f32[4,8]"}, add),
            "operand 0 is s32[100,8] when to_apply returns f32[]");
}

}  // namespace
}  // namespace ingot
