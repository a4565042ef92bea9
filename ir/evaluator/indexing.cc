// Ops whose indices are data: slices, gather, scatter.
#include <algorithm>
#include <utility>

#include "ir/base/status.h"
#include "ir/evaluator/context.h"
#include "ir/evaluator/reduction.h"
#include "ir/evaluator/strided_copy.h"

namespace ingot::evaluator {
namespace {

bool Contains(const std::vector<int64_t>& list, int64_t value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

// An integer index; what u64 holds and s64 does not is past every bound.
int64_t IndexAt(const Literal& indices, int64_t i) {
  const int64_t value = indices.AsInteger(i);
  const bool wrapped = value < 0 && IsUnsigned(indices.shape().element_type());
  return wrapped ? std::numeric_limits<int64_t>::max() : value;
}

// Start indices, a scalar operand each or one vector, clamped so that the slice fits.
std::vector<int64_t> ClampedStarts(absl::Span<const Literal> starts, const Shape& operand,
                                   const std::vector<int64_t>& slice_sizes) {
  std::vector<int64_t> result;
  for (int64_t d = 0; d < operand.rank(); ++d) {
    const bool is_vector = starts[0].shape().rank() == 1;
    const int64_t start = is_vector ? IndexAt(starts[0], d) : IndexAt(starts[d], 0);
    result.push_back(
        std::clamp<int64_t>(start, 0, std::max<int64_t>(0, operand.dimension(d) - slice_sizes[d])));
  }
  return result;
}

int64_t Offset(const std::vector<int64_t>& index, const std::vector<int64_t>& strides) {
  int64_t offset = 0;
  for (size_t d = 0; d < index.size(); ++d) offset += index[d] * strides[d];
  return offset;
}

absl::StatusOr<Literal> DynamicSlice(const Instruction& instruction, Operands& operands,
                                     Context& context) {
  const Shape& operand = operands[0].shape();
  INGOT_ASSIGN_OR_RETURN(Literal result, Literal::Zeros(instruction.shape()));
  const std::vector<int64_t>& sizes = instruction.shape().dimensions();
  const std::vector<int64_t> strides = RowMajorStrides(operand.dimensions());
  const std::vector<int64_t> starts =
      ClampedStarts(absl::MakeSpan(operands).subspan(1), operand, sizes);
  Run(StridedCopy{sizes, ByteWidth(operand.element_type()), result.MutableBytes().data(), 0,
                  RowMajorStrides(sizes), operands[0].bytes().data(), Offset(starts, strides),
                  strides},
      context);
  return result;
}

absl::StatusOr<Literal> DynamicUpdateSlice(const Instruction& instruction, Operands& operands,
                                           Context& context) {
  Literal result = std::move(operands[0]).Reshaped(instruction.shape());
  operands[0] = Literal();
  const Literal& update = operands[1];
  const std::vector<int64_t>& sizes = update.shape().dimensions();
  const std::vector<int64_t> strides = RowMajorStrides(result.shape().dimensions());
  const std::vector<int64_t> starts =
      ClampedStarts(absl::MakeSpan(operands).subspan(2), result.shape(), sizes);
  Run(StridedCopy{sizes, ByteWidth(result.shape().element_type()), result.MutableBytes().data(),
                  Offset(starts, strides), strides, update.bytes().data(), 0,
                  RowMajorStrides(sizes)},
      context);
  return result;
}

// ---- gather and scatter

// The two are one another's reverse: both pair a position of `pointed` (gather's result, scatter's
// updates) with a position of `operand`, through a vector of `indices`.
struct Pointing {
  std::vector<int64_t> window_dims;       // of `pointed`: the others number the index vectors
  std::vector<int64_t> dropped_dims;      // of the operand: not among the window's
  std::vector<int64_t> index_to_operand;  // operand dimension of each index component
  std::vector<int64_t> operand_batching;  // follow ...
  std::vector<int64_t> indices_batching;  // ... these dimensions of the indices
  int64_t index_vector_dim;
};

// Where the windows lie.
class WindowWalk {
 public:
  WindowWalk(const Pointing& pointing, const Shape& operand, const Literal& indices,
             const Shape& pointed)
      : pointing_(pointing), operand_(operand), indices_(indices) {
    const std::vector<int64_t> operand_strides = RowMajorStrides(operand.dimensions());
    const std::vector<int64_t> pointed_strides = RowMajorStrides(pointed.dimensions());
    size_t window = 0;
    window_extent_.resize(operand.rank(), 1);
    for (int64_t d = 0; d < operand.rank(); ++d) {
      if (Contains(pointing.dropped_dims, d) || Contains(pointing.operand_batching, d)) continue;
      const int64_t at = pointing.window_dims[window++];
      window_extent_[d] = pointed.dimension(at);
      window_sizes.push_back(pointed.dimension(at));
      operand_window_strides.push_back(operand_strides[d]);
      pointed_window_strides.push_back(pointed_strides[at]);
    }
    for (int64_t d = 0; d < pointed.rank(); ++d) {
      if (Contains(pointing.window_dims, d)) continue;
      vector_sizes.push_back(pointed.dimension(d));
      pointed_vector_strides.push_back(pointed_strides[d]);
    }
    // The dimensions of the indices without the vector's are those of the vectors.
    std::vector<int64_t> strides = RowMajorStrides(indices.shape().dimensions());
    if (pointing.index_vector_dim < indices.shape().rank()) {
      component_stride_ = strides[pointing.index_vector_dim];
      strides.erase(strides.begin() + pointing.index_vector_dim);
    }
    index_vector_strides = std::move(strides);
  }

  // Where the window that a vector points to begins in the operand, in every dimension.
  // `vector` is its number in each of vector_sizes, `offset` that of its first component.
  std::vector<int64_t> Start(const std::vector<int64_t>& vector, int64_t offset) const {
    std::vector<int64_t> start(operand_.rank(), 0);
    for (size_t i = 0; i < pointing_.index_to_operand.size(); ++i) {
      start[pointing_.index_to_operand[i]] =
          IndexAt(indices_, offset + static_cast<int64_t>(i) * component_stride_);
    }
    for (size_t i = 0; i < pointing_.operand_batching.size(); ++i) {
      const int64_t d = pointing_.indices_batching[i];
      start[pointing_.operand_batching[i]] = vector[d - (d > pointing_.index_vector_dim ? 1 : 0)];
    }
    return start;
  }

  // The size of the window in each dimension of the operand.
  const std::vector<int64_t>& window_extent() const { return window_extent_; }

  std::vector<int64_t> window_sizes;
  std::vector<int64_t> operand_window_strides, pointed_window_strides;
  std::vector<int64_t> vector_sizes;
  std::vector<int64_t> pointed_vector_strides, index_vector_strides;

 private:
  const Pointing& pointing_;
  const Shape& operand_;
  const Literal& indices_;
  std::vector<int64_t> window_extent_;
  int64_t component_stride_ = 1;
};

absl::StatusOr<Literal> Gather(const Instruction& instruction, Operands& operands,
                               Context& context) {
  const GatherAttributes& gather = instruction.attributes<GatherAttributes>();
  const Pointing pointing = {
      gather.offset_dims,           gather.collapsed_slice_dims,        gather.start_index_map,
      gather.operand_batching_dims, gather.start_indices_batching_dims, gather.index_vector_dim};
  const Shape& operand = operands[0].shape();
  INGOT_ASSIGN_OR_RETURN(Literal result, Literal::Zeros(instruction.shape()));
  const WindowWalk walk(pointing, operand, operands[1], instruction.shape());
  const std::vector<int64_t> operand_strides = RowMajorStrides(operand.dimensions());
  StridedCopy window;
  window.width = ByteWidth(operand.element_type());
  window.sizes = walk.window_sizes;
  window.target = result.MutableBytes().data();
  window.target_strides = walk.pointed_window_strides;
  window.source = operands[0].bytes().data();
  window.source_strides = walk.operand_window_strides;
  window = Collapsed(window);
  const int64_t count = Product(walk.vector_sizes);
  if (result.size() == 0) return result;
  context.ParallelFor(count, 16 + Product(walk.window_sizes), [&](int64_t begin, int64_t end) {
    StridedCopy copy = window;
    Odometer at(walk.vector_sizes, {walk.pointed_vector_strides, walk.index_vector_strides}, begin);
    for (int64_t i = begin; i < end; ++i, at.Next()) {
      std::vector<int64_t> start = walk.Start(at.index(), at.offset(1));
      for (int64_t d = 0; d < operand.rank(); ++d) {
        start[d] = std::clamp<int64_t>(
            start[d], 0, std::max<int64_t>(0, operand.dimension(d) - gather.slice_sizes[d]));
      }
      copy.target_offset = at.offset(0);
      copy.source_offset = Offset(start, operand_strides);
      RunCollapsed(copy);
    }
  });
  return result;
}

// Windows that are not wholly inside the operand are left out.
bool IsInside(const std::vector<int64_t>& start, const std::vector<int64_t>& extent,
              const Shape& operand) {
  for (int64_t d = 0; d < operand.rank(); ++d) {
    if (start[d] < 0 || start[d] > operand.dimension(d) - extent[d]) return false;
  }
  return true;
}

absl::StatusOr<Literal> Scatter(const Instruction& instruction, Operands& operands,
                                Context& context) {
  const ScatterAttributes& scatter = instruction.attributes<ScatterAttributes>();
  const Pointing pointing = {scatter.update_window_dims,
                             scatter.inserted_window_dims,
                             scatter.scatter_dims_to_operand_dims,
                             scatter.input_batching_dims,
                             scatter.scatter_indices_batching_dims,
                             scatter.index_vector_dim};
  INGOT_ASSIGN_OR_RETURN(const ScalarProgram* program, context.ProgramOf(*instruction.to_apply()));
  const size_t count = operands.size() / 2;
  std::vector<Literal> results;
  for (size_t k = 0; k < count; ++k) results.push_back(std::move(operands[k]));
  const Literal& indices = operands[count];
  const Shape& operand = results[0].shape();
  const Shape& updates = operands[count + 1].shape();
  if (updates.ElementCount() == 0) return JoinResults(instruction.shape(), std::move(results));

  const std::vector<std::byte*> targets = TargetsOf(results);
  const WindowWalk walk(pointing, operand, indices, updates);
  const std::vector<int64_t> operand_strides = RowMajorStrides(operand.dimensions());
  // A window is gone through in lines along its last dimension.
  std::vector<int64_t> outer = walk.window_sizes;
  std::vector<int64_t> operand_outer = walk.operand_window_strides;
  std::vector<int64_t> pointed_outer = walk.pointed_window_strides;
  int64_t line = 1, operand_line = 0, pointed_line = 0;
  if (!outer.empty()) {
    line = outer.back(), operand_line = operand_outer.back(), pointed_line = pointed_outer.back();
    outer.pop_back(), operand_outer.pop_back(), pointed_outer.pop_back();
  }
  ScalarProgram::Frame frame(*program);
  const auto combine = [&](int64_t target_offset, int64_t update_offset, int64_t n) {
    for (size_t k = 0; k < count; ++k) {
      const ElementType type = results[k].shape().element_type();
      LoadLanes(type, targets[k] + target_offset * ByteWidth(type), operand_line, n,
                frame.parameter(k));
      LoadLanes(type, operands[count + 1 + k].bytes().data() + update_offset * ByteWidth(type),
                pointed_line, n, frame.parameter(count + k));
    }
    frame.Run(n);
    for (size_t k = 0; k < count; ++k) {
      const ElementType type = results[k].shape().element_type();
      StoreLanes(type, frame.result(k), n, targets[k] + target_offset * ByteWidth(type),
                 operand_line);
    }
  };
  const int64_t lines = Product(outer);
  Odometer at(walk.vector_sizes, {walk.pointed_vector_strides, walk.index_vector_strides});
  for (int64_t i = 0; i < Product(walk.vector_sizes); ++i, at.Next()) {
    const std::vector<int64_t> start = walk.Start(at.index(), at.offset(1));
    if (!IsInside(start, walk.window_extent(), operand)) continue;
    const int64_t base = Offset(start, operand_strides);
    Odometer in_window(outer, {operand_outer, pointed_outer});
    for (int64_t j = 0; j < lines; ++j, in_window.Next()) {
      for (int64_t first = 0; first < line; first += kBlock) {
        combine(base + in_window.offset(0) + first * operand_line,
                at.offset(0) + in_window.offset(1) + first * pointed_line,
                std::min(kBlock, line - first));
      }
    }
  }
  return JoinResults(instruction.shape(), std::move(results));
}

constexpr Row kRows[] = {
    {Opcode::kDynamicSlice, DynamicSlice},
    {Opcode::kDynamicUpdateSlice, DynamicUpdateSlice},
    {Opcode::kGather, Gather},
    {Opcode::kScatter, Scatter},
};
static_assert(IsTableOf(OpKind::kIndexing, kRows));

}  // namespace

absl::StatusOr<Literal> EvaluateIndexing(const Instruction& instruction, Operands& operands,
                                         Context& context) {
  return FunctionOf(kRows, instruction.opcode())(instruction, operands, context);
}

}  // namespace ingot::evaluator
