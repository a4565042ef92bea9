// Gather, scatter and the dynamic slices.
#include <algorithm>

#include "ir/infer/op.h"

namespace ingot::infer {
namespace {

// The start indices of dynamic-slice and dynamic-update-slice, operands from `first` on:
//   (S1) one scalar integer for each dimension of operand 0, all of one type.
absl::Status RequireStartIndices(const Op& op, int64_t first) {
  const int64_t rank = op.operand(0).rank();
  INGOT_REQUIRE(op.operand_count() - first == rank, "has ", op.operand_count() - first,
                " start indices when operand 0 is ", Text(op.operand(0)));
  for (int64_t i = first; i < op.operand_count(); ++i) {
    INGOT_RETURN_IF_ERROR(RequireScalarInteger(op, i));
    INGOT_REQUIRE(op.operand(i).element_type() == op.operand(first).element_type(), "operand ", i,
                  " is ", Text(op.operand(i)), " when operand ", first, " is ",
                  Text(op.operand(first)));
  }
  return absl::OkStatus();
}

// dynamic-slice(x, start indices...):
//   (C1) x is an array; (S1);
//   (C2) dynamic_slice_sizes has one size for each dimension, at least 0 and at most x's.
absl::StatusOr<Shape> DynamicSlice(const Op& op) {
  INGOT_REQUIRE(op.operand_count() >= 1, "has no operands");
  INGOT_RETURN_IF_ERROR(RequireArrays(op));
  INGOT_RETURN_IF_ERROR(RequireStartIndices(op, 1));  // (C1)
  const Shape& operand = op.operand(0);
  const std::vector<int64_t>& sizes = op.attributes<DynamicSliceAttributes>().dynamic_slice_sizes;
  INGOT_REQUIRE(static_cast<int64_t>(sizes.size()) == operand.rank(), "dynamic_slice_sizes ",
                Text(sizes), " has ", sizes.size(), " entries when operand 0 has ", operand.rank(),
                " dimensions");
  for (int64_t i = 0; i < operand.rank(); ++i) {
    INGOT_REQUIRE(sizes[i] >= 0 && sizes[i] <= operand.dimension(i), "slice size ", sizes[i],
                  " of dimension ", i, " is not in [0, ", operand.dimension(i), "]");  // (C2)
  }
  return Shape::Array(operand.element_type(), sizes);
}

// dynamic-update-slice(x, update, start indices...): x with a part replaced.
//   (C1) x and the update are arrays of one type and rank; (S1);
//   (C2) the update is at most as large as x in every dimension.
absl::StatusOr<Shape> DynamicUpdateSlice(const Op& op) {
  INGOT_REQUIRE(op.operand_count() >= 2, "has ", op.operand_count(),
                " operands when it takes at least 2");
  INGOT_RETURN_IF_ERROR(RequireArrays(op));
  INGOT_RETURN_IF_ERROR(RequireStartIndices(op, 2));
  const Shape& operand = op.operand(0);
  const Shape& update = op.operand(1);
  bool fits =
      operand.rank() == update.rank() && operand.element_type() == update.element_type();  // (C1)
  for (int64_t i = 0; fits && i < operand.rank(); ++i) {
    fits = update.dimension(i) <= operand.dimension(i);  // (C2)
  }
  INGOT_REQUIRE(fits, "the update ", Text(update), " does not fit into ", Text(operand));
  return ArrayLike(operand, operand.element_type());
}

// What gather and scatter have in common: an array is seen through windows whose starts are rows of
// an index array.  `array` is gather's operand and scatter's input.
struct Windows {
  const Shape& array;
  const Shape& indices;
  int64_t index_vector_dim;
  const std::vector<int64_t>& index_map;  // start_index_map, scatter_dims_to_operand_dims
  const std::vector<int64_t>& dropped;    // collapsed_slice_dims, inserted_window_dims
  const std::vector<int64_t>& array_batching;
  const std::vector<int64_t>& indices_batching;
  const std::vector<int64_t>& window_dims;  // offset_dims, update_window_dims: of the other side
};

//   (G1) indices are of integers, and index_vector_dim is one of their dimensions or their rank;
//   (G2) there is one entry of index_map for each component of an index;
//   (G3) index_map and array_batching are distinct dimensions of the array;
//   (G4) so are dropped and array_batching, each ascending;
//   (G5) indices_batching are as many as array_batching, distinct dimensions of the indices without
//        index_vector_dim, of the same sizes as their partners;
//   (G6) the array's dimensions that are neither dropped nor batching are as many as window_dims;
//   (G7) window_dims are ascending, distinct dimensions of the other side.
absl::Status CheckWindows(const Windows& w) {
  const int64_t index_rank = w.indices.rank();
  INGOT_REQUIRE(IsInteger(w.indices.element_type()), "indices are ", Text(w.indices),
                ", not integers");
  INGOT_REQUIRE(w.index_vector_dim >= 0 && w.index_vector_dim <= index_rank, "index_vector_dim ",
                w.index_vector_dim, " is not in [0, ", index_rank, "]");  // (G1)
  const int64_t components =
      w.index_vector_dim < index_rank ? w.indices.dimension(w.index_vector_dim) : 1;
  INGOT_REQUIRE(static_cast<int64_t>(w.index_map.size()) == components, "an index has ", components,
                " components when ", Text(w.index_map), " maps ",
                w.index_map.size());  // (G2)
  const auto joined = [&](const std::vector<int64_t>& first) {
    std::vector<int64_t> all = first;
    all.insert(all.end(), w.array_batching.begin(), w.array_batching.end());
    return all;
  };
  const int64_t rank = w.array.rank();
  INGOT_RETURN_IF_ERROR(
      RequireDistinctDimensions("indexed and batching dimensions", joined(w.index_map), rank));
  INGOT_RETURN_IF_ERROR(  // (G3)
      RequireDistinctDimensions("dropped and batching dimensions", joined(w.dropped), rank));
  INGOT_RETURN_IF_ERROR(RequireAscending("dropped dimensions", w.dropped));
  INGOT_RETURN_IF_ERROR(RequireAscending("batching dimensions", w.array_batching));  // (G4)
  INGOT_REQUIRE(w.indices_batching.size() == w.array_batching.size(), "there are ",
                w.array_batching.size(), " batching dimensions of the array and ",
                w.indices_batching.size(), " of the indices");
  INGOT_RETURN_IF_ERROR(RequireDistinctDimensions("batching dimensions of the indices",
                                                  w.indices_batching, index_rank));
  for (size_t i = 0; i < w.indices_batching.size(); ++i) {
    const int64_t d = w.indices_batching[i];
    INGOT_REQUIRE(d != w.index_vector_dim, "batching dimension ", d,
                  " of the indices is index_vector_dim");
    INGOT_REQUIRE(w.indices.dimension(d) == w.array.dimension(w.array_batching[i]),
                  "batching dimension ", w.array_batching[i], " has size ",
                  w.array.dimension(w.array_batching[i]), " when dimension ", d,
                  " of the indices has ", w.indices.dimension(d));  // (G5)
  }
  const int64_t left = rank - static_cast<int64_t>(w.dropped.size() + w.array_batching.size());
  INGOT_REQUIRE(left == static_cast<int64_t>(w.window_dims.size()), "a window has ", left,
                " dimensions when ", Text(w.window_dims), " places ",
                w.window_dims.size());  // (G6)
  const int64_t batch_rank = w.index_vector_dim < index_rank ? index_rank - 1 : index_rank;
  INGOT_RETURN_IF_ERROR(RequireAscending("window dimensions", w.window_dims));
  return RequireDistinctDimensions("window dimensions", w.window_dims, batch_rank + left);  // (G7)
}

// Sizes of the other side: at window_dims those of the window's dimensions that stay, elsewhere, in
// order, those of the indices without index_vector_dim.
std::vector<int64_t> OtherSide(const Windows& w, absl::Span<const int64_t> window_sizes) {
  std::vector<bool> gone(w.array.rank(), false);
  for (int64_t d : w.dropped) gone[d] = true;
  for (int64_t d : w.array_batching) gone[d] = true;
  std::vector<int64_t> kept;
  for (int64_t d = 0; d < w.array.rank(); ++d) {
    if (!gone[d]) kept.push_back(window_sizes[d]);
  }
  std::vector<int64_t> batch;
  for (int64_t d = 0; d < w.indices.rank(); ++d) {
    if (d != w.index_vector_dim) batch.push_back(w.indices.dimension(d));
  }
  std::vector<int64_t> sizes(kept.size() + batch.size());
  size_t next_kept = 0;
  size_t next_batch = 0;
  for (size_t d = 0; d < sizes.size(); ++d) {
    const bool window =
        next_kept < kept.size() && w.window_dims[next_kept] == static_cast<int64_t>(d);
    sizes[d] = window ? kept[next_kept++] : batch[next_batch++];
  }
  return sizes;
}

// gather(operand, indices):
//   (C1) both are arrays; (G1) to (G7);
//   (C2) slice_sizes has one size for each dimension, at least 0 and at most the operand's;
//   (C3) it is at most 1 for collapsed and batching dimensions.
absl::StatusOr<Shape> Gather(const Op& op) {
  INGOT_RETURN_IF_ERROR(RequireArrays(op));
  const auto& a = op.attributes<GatherAttributes>();
  const Shape& operand = op.operand(0);
  const Windows windows{operand,
                        op.operand(1),
                        a.index_vector_dim,
                        a.start_index_map,
                        a.collapsed_slice_dims,
                        a.operand_batching_dims,
                        a.start_indices_batching_dims,
                        a.offset_dims};
  INGOT_RETURN_IF_ERROR(CheckWindows(windows));  // (C1)
  INGOT_REQUIRE(static_cast<int64_t>(a.slice_sizes.size()) == operand.rank(), "slice_sizes ",
                Text(a.slice_sizes), " has ", a.slice_sizes.size(), " entries when operand 0 has ",
                operand.rank(), " dimensions");
  for (int64_t d = 0; d < operand.rank(); ++d) {
    INGOT_REQUIRE(a.slice_sizes[d] >= 0 && a.slice_sizes[d] <= operand.dimension(d), "slice size ",
                  a.slice_sizes[d], " of dimension ", d, " is not in [0, ", operand.dimension(d),
                  "]");  // (C2)
  }
  for (const std::vector<int64_t>* single : {&a.collapsed_slice_dims, &a.operand_batching_dims}) {
    for (int64_t d : *single) {
      INGOT_REQUIRE(a.slice_sizes[d] <= 1, "slice size ", a.slice_sizes[d], " of dimension ", d,
                    ", which is collapsed or batching, is more than 1");  // (C3)
    }
  }
  return Shape::Array(operand.element_type(), OtherSide(windows, a.slice_sizes));
}

// scatter(N inputs..., indices, N updates...):
//   (C1) all are arrays; the inputs have the same sizes, and so have the updates; (G1) to (G7);
//   (C2) an update's sizes are those of the indices without index_vector_dim and, at
//        update_window_dims, at most the input's;
//   (C3) to_apply takes N elements of the inputs, then N of the updates: (R1) to (R3); what it
//        returns has the type of both.
absl::StatusOr<Shape> Scatter(const Op& op) {
  const int64_t count = op.operand_count() / 2;
  INGOT_REQUIRE(op.operand_count() % 2 == 1 && count > 0, "has ", op.operand_count(),
                " operands when it takes as many updates as inputs, and indices");
  INGOT_RETURN_IF_ERROR(RequireArrays(op));
  const auto& a = op.attributes<ScatterAttributes>();
  const Shape& input = op.operand(0);
  const Shape& update = op.operand(count + 1);
  const Windows windows{input,
                        op.operand(count),
                        a.index_vector_dim,
                        a.scatter_dims_to_operand_dims,
                        a.inserted_window_dims,
                        a.input_batching_dims,
                        a.scatter_indices_batching_dims,
                        a.update_window_dims};
  INGOT_RETURN_IF_ERROR(CheckWindows(windows));
  std::vector<ElementType> update_types;
  for (int64_t i = 0; i < count; ++i) {
    INGOT_REQUIRE(SameSizes(op.operand(i), input), "operand ", i, " is ", Text(op.operand(i)),
                  " when operand 0 is ", Text(input));
    const Shape& other = op.operand(count + 1 + i);
    INGOT_REQUIRE(SameSizes(other, update), "operand ", count + 1 + i, " is ", Text(other),
                  " when operand ", count + 1, " is ", Text(update));  // (C1)
    update_types.push_back(other.element_type());
  }
  const std::vector<int64_t> largest = OtherSide(windows, input.dimensions());
  bool fits = largest.size() == update.dimensions().size();
  size_t next_window = 0;  // update_window_dims is ascending
  for (size_t d = 0; fits && d < largest.size(); ++d) {
    const bool window = next_window < a.update_window_dims.size() &&
                        a.update_window_dims[next_window] == static_cast<int64_t>(d);
    fits = window ? update.dimension(d) <= largest[d] : update.dimension(d) == largest[d];
    next_window += window ? 1 : 0;
  }
  INGOT_REQUIRE(fits, "the update ", Text(update), " does not fit ", Text(largest),
                ", with windows in dimensions ", Text(a.update_window_dims));  // (C2)
  INGOT_ASSIGN_OR_RETURN(const std::vector<ElementType> types, ReducerTypes(op, update_types));
  std::vector<Shape> results;
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t operand : {i, count + 1 + i}) {
      INGOT_REQUIRE(op.operand(operand).element_type() == types[i], "operand ", operand, " is ",
                    Text(op.operand(operand)), " when to_apply returns ", Text(types[i]),
                    "[]");  // (C3)
    }
    results.push_back(ArrayLike(op.operand(i), types[i]));
  }
  return OneOrTuple(std::move(results));
}

constexpr Rule kRules[] = {
    {Opcode::kDynamicSlice, DynamicSlice},
    {Opcode::kDynamicUpdateSlice, DynamicUpdateSlice},
    {Opcode::kGather, Gather},
    {Opcode::kScatter, Scatter},
};
static_assert(IsTableOf(OpKind::kIndexing, kRules));

}  // namespace

absl::StatusOr<Shape> InferIndexing(const Op& op) { return FunctionOf(kRules, op.opcode)(op); }

}  // namespace ingot::infer
