// gather, dynamic-slice, dynamic-update-slice: elements at places that are data.
#include <algorithm>
#include <optional>

#include "compiler/lower/emitter.h"
#include "compiler/plan/analysis.h"
#include "ir/base/integers.h"

namespace ingot::lower {

using kernel::Value;

namespace {

bool Contains(const std::vector<int64_t>& list, int64_t value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

// A start index clamped to 0 … most, of the index type.
Value ClampedStart(ElementEmitter& e, const Instruction& start, const Index& index, int64_t most) {
  kernel::Builder& b = e.b();
  if (most <= 0) return e.math().Const(0);
  const Value wide = WideStart(e, e.Emit(start, index), start.shape().element_type());
  const Value clamped =
      b.Min(b.Max(wide, b.Integer(kernel::kS64, 0)), b.Integer(kernel::kS64, most));
  return e.math().Convert(clamped);
}

// Start index number `d` of a dynamic (update) slice whose starts begin at operand `first`: a
// scalar each, or one array of all.
Value SliceStart(ElementEmitter& e, const Instruction& instruction, int64_t first, int64_t d,
                 int64_t most) {
  if (most <= 0) return e.math().Const(0);
  if (instruction.operand(first)->shape().rank() == 0) {
    return ClampedStart(e, *instruction.operand(first + d), Index{}, most);
  }
  Index at;
  at.dims = {e.math().Const(d)};
  return ClampedStart(e, *instruction.operand(first), at, most);
}

Elements EmitDynamicSlice(ElementEmitter& e, const Instruction& instruction, const Index& index) {
  const Shape& shape = instruction.shape();
  const Shape& operand = instruction.operand(0)->shape();
  const std::optional<Index> outer = e.math().WithDims(index, shape.dimensions());
  const auto read = plan::OperandLanes(instruction, index.lane);
  if (!outer.has_value() || !read.has_value()) return {};
  Index at;
  at.lane = (*read)[0];
  for (int64_t d = 0; d < shape.rank(); ++d) {
    const int64_t most = operand.dimension(d) - shape.dimension(d);
    at.dims.push_back(e.b().Add(outer->dims[d], SliceStart(e, instruction, 1, d, most)));
  }
  return {e.Emit(*instruction.operand(0), at)};
}

Elements EmitDynamicUpdateSlice(ElementEmitter& e, const Instruction& instruction,
                                const Index& index) {
  const Shape& shape = instruction.shape();
  const Shape& update = instruction.operand(1)->shape();
  const std::optional<Index> outer = e.math().WithDims(index, shape.dimensions());
  const auto read = plan::OperandLanes(instruction, index.lane);
  if (!outer.has_value() || !read.has_value()) return {};
  kernel::Builder& b = e.b();
  Value inside = b.True();
  Index at;
  at.lane = (*read)[1];
  for (int64_t d = 0; d < shape.rank(); ++d) {
    const int64_t most = shape.dimension(d) - update.dimension(d);
    const Value offset = b.Sub(outer->dims[d], SliceStart(e, instruction, 2, d, most));
    at.dims.push_back(offset);
    if (most == 0) continue;
    inside = b.And(inside, b.And(b.Ge(offset, e.math().Const(0)),
                                 b.Lt(offset, e.math().Const(update.dimension(d)))));
  }
  const Element zero = e.Zero(shape.element_type());
  const ElementVar value = e.Declare("updated", e.Broadcast(zero, outer->lanes()));
  e.If(
      inside, [&] { e.Write(value, e.Emit(*instruction.operand(1), at)); },
      [&] { e.Write(value, e.Emit(*instruction.operand(0), *outer)); });
  return {e.Read(value)};
}

Elements EmitGather(ElementEmitter& e, const Instruction& instruction, const Index& index) {
  const GatherAttributes& attributes = instruction.attributes<GatherAttributes>();
  const Shape& operand = instruction.operand(0)->shape();
  const Instruction& indices = *instruction.operand(1);
  const std::optional<Index> outer = e.math().WithDims(index, instruction.shape().dimensions());
  const auto read = plan::OperandLanes(instruction, index.lane);
  if (!outer.has_value() || !read.has_value()) return {};

  // Coordinates of the start indices but the index vector's, in the order of the output's batch
  // dimensions.
  std::vector<Value> batch;
  for (int64_t d = 0; d < instruction.shape().rank(); ++d) {
    if (!Contains(attributes.offset_dims, d)) batch.push_back(outer->dims[d]);
  }
  Index at;
  at.lane = (*read)[0];
  size_t offset = 0;  // of offset_dims, which go with the operand's remaining dimensions in order
  for (int64_t d = 0; d < operand.rank(); ++d) {
    Value coordinate = e.math().Const(0);
    const auto batching = std::find(attributes.operand_batching_dims.begin(),
                                    attributes.operand_batching_dims.end(), d);
    if (batching != attributes.operand_batching_dims.end()) {
      const int64_t indices_dim =
          attributes
              .start_indices_batching_dims[batching - attributes.operand_batching_dims.begin()];
      coordinate = batch[indices_dim > attributes.index_vector_dim ? indices_dim - 1 : indices_dim];
    } else if (!Contains(attributes.collapsed_slice_dims, d)) {
      coordinate = outer->dims[attributes.offset_dims[offset++]];
    }
    const auto start =
        std::find(attributes.start_index_map.begin(), attributes.start_index_map.end(), d);
    const int64_t most = operand.dimension(d) - attributes.slice_sizes[d];
    if (start != attributes.start_index_map.end() && most > 0) {
      Index vector;
      vector.dims = batch;
      if (attributes.index_vector_dim < indices.shape().rank()) {
        vector.dims.insert(vector.dims.begin() + attributes.index_vector_dim,
                           e.math().Const(start - attributes.start_index_map.begin()));
      }
      coordinate = e.b().Add(coordinate, ClampedStart(e, indices, vector, most));
    }
    at.dims.push_back(coordinate);
  }
  return {e.Emit(*instruction.operand(0), at)};
}

constexpr OpTableRow kRows[] = {
    {Opcode::kDynamicSlice, EmitDynamicSlice},
    {Opcode::kDynamicUpdateSlice, EmitDynamicUpdateSlice},
    {Opcode::kGather, EmitGather},
    {Opcode::kScatter, OnlyAsRoot},
};
static_assert(IsTableOf(OpKind::kIndexing, kRows));

}  // namespace

// A start index, whose element type is any integer type, as an s64 that no bound is lost in.
Value WideStart(ElementEmitter& e, Element start, ElementType type) {
  kernel::Builder& b = e.b();
  if (type == ElementType::kU64) {
    const Value most = b.Integer(kernel::kU64, int64_t{1} << 62);
    return b.Convert(b.Min(start.re, most), ElementType::kS64);
  }
  return b.Convert(start.re, ElementType::kS64);
}

Elements EmitIndexing(ElementEmitter& e, const Instruction& instruction, const Index& index) {
  return FunctionOf(kRows, instruction.opcode())(e, instruction, index);
}

void EmitUpdate(ElementEmitter& e, const Instruction& instruction, const Memory& memory,
                const Index& position) {
  const Shape& shape = instruction.shape();
  const Shape& update = instruction.operand(1)->shape();
  const std::optional<Index> inner = e.math().WithDims(position, update.dimensions());
  if (!inner.has_value()) return;
  const Elements values = {e.Emit(*instruction.operand(1), position)};
  Index at;
  for (int64_t d = 0; d < shape.rank(); ++d) {
    const int64_t most = shape.dimension(d) - update.dimension(d);
    at.dims.push_back(e.b().Add(inner->dims[d], SliceStart(e, instruction, 2, d, most)));
  }
  e.Store(memory.results[0], shape, at, values[0]);
}

}  // namespace ingot::lower
