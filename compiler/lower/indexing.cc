// gather, dynamic-slice, dynamic-update-slice: elements at places that are data; scatter.
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

// A start index, whose element type is any integer type, as an s64 that no bound is lost in.
Value Wide(ElementEmitter& e, Element start, ElementType type) {
  kernel::Builder& b = e.b();
  if (type == ElementType::kU64) {
    const Value most = b.Integer(kernel::kU64, int64_t{1} << 62);
    return b.Convert(b.Min(start.re, most), ElementType::kS64);
  }
  return b.Convert(start.re, ElementType::kS64);
}

// A start index clamped to 0 … most, of the index type.
Value ClampedStart(ElementEmitter& e, const Instruction& start, const Index& index, int64_t most) {
  kernel::Builder& b = e.b();
  if (most <= 0) return e.math().Const(0);
  const Value wide = Wide(e, e.Emit(start, index), start.shape().element_type());
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

// ----- scatter

// One owner: copies its part of the operands to the results, then goes over all indices in order
// and applies the updates that fall into its part.
class Scatter {
 public:
  Scatter(ElementEmitter* e, const Instruction& scatter, const Memory& memory,
          const Index& position, Value owner)
      : e_(*e),
        scatter_(scatter),
        attributes_(scatter.attributes<ScatterAttributes>()),
        memory_(memory),
        count_(static_cast<int>(scatter.operand_count() / 2)),
        operand_shape_(scatter.operand(0)->shape()),
        indices_(*scatter.operand(count_)),
        update_shape_(scatter.operand(count_ + 1)->shape()),
        dims_(plan::ScatterDimensionsOf(scatter)),
        position_(position),
        owner_(owner) {}

  void Emit() {
    if (dims_.scattered.empty()) {
      begin_ = e_.math().Const(0);
      end_ = e_.math().Const(1);
    } else {
      const int64_t size = operand_shape_.dimension(dims_.scattered[0]);
      const int64_t owners = e_.context().plan.steps().owners;
      const int64_t part = CeilDiv(size, owners);
      begin_ = e_.math().Mul(owner_, part);
      end_ = e_.b().Min(e_.math().Add(begin_, part), e_.math().Const(size));
    }
    CopyOperands(0, {});
    std::vector<int64_t> sizes;
    for (int64_t d = 0; d < update_shape_.rank(); ++d) {
      if (!Contains(attributes_.update_window_dims, d)) sizes.push_back(update_shape_.dimension(d));
    }
    if (WarpHasOneOwner()) {
      OverIndicesTogether(sizes);
    } else {
      OverIndices(sizes, {});
    }
  }

 private:
  // Whether all threads of a warp are there, and work for one owner on one element of an update
  // each.
  bool WarpHasOneOwner() const {
    const Context& context = e_.context();
    const plan::StepPlan& steps = context.plan.steps();
    const int64_t threads = steps.rows * CeilDiv(steps.columns, steps.lanes);
    return !e_.b().kernel().IsHost() && threads % kernel::kWarpSize == 0 &&
           steps.columns % steps.lanes == 0 &&
           steps.owners * threads == context.plan.blocks * context.plan.block_threads &&
           attributes_.scatter_indices_batching_dims.empty() && !dims_.scattered.empty() &&
           std::all_of(dims_.scattered.begin(), dims_.scattered.end(),
                       [&](int64_t d) { return WindowSize(d) == 1; });
  }

  // The lanes of a warp look at 32 indices at once, and then apply, one after the other and in
  // order, those that fall into the owner's part.
  void OverIndicesTogether(const std::vector<int64_t>& sizes) {
    kernel::Builder& b = e_.b();
    IndexMath& math = e_.math();
    int64_t count = 1;
    for (int64_t size : sizes) count *= size;
    const Value none = b.Integer(kernel::kU32, 0);
    e_.For(math.Const(0), math.Const(count), kernel::kWarpSize, [&](Value base) {
      const Value number = b.Add(base, math.Convert(b.LaneId()));
      std::vector<Value> starts =
          Starts(math.Delinearize(b.Min(number, math.Const(count - 1)), sizes));
      Value mine = b.And(InsideOperand(starts), b.Lt(number, math.Const(count)));
      for (Value& start : starts) start = math.Convert(start);
      mine = b.And(mine, b.And(b.Ge(starts[0], begin_), b.Lt(starts[0], end_)));
      kernel::Var* left = b.DeclareVar("left", b.Call(kernel::Intrinsic::kBallot, {mine}));
      e_.While([&] { return b.Ne(b.Read(left), none); },
               [&] {
                 const Value mask = b.Read(left);
                 const Value rest = b.And(mask, b.Sub(mask, b.Integer(kernel::kU32, 1)));
                 const Value lane = b.Sub(b.Index(kernel::kWarpSize - 1),
                                          b.Convert(b.Clz(b.Xor(mask, rest)), ElementType::kS32));
                 b.Write(left, rest);
                 std::vector<Value> found;
                 for (Value start : starts) {
                   found.push_back(b.Call(kernel::Intrinsic::kShuffleIdx, {start, lane}));
                 }
                 const std::vector<Value> batch =
                     math.Delinearize(b.Add(base, math.Convert(lane)), sizes);
                 Apply(batch, found, std::vector<Value>(found.size(), math.Const(0)));
               });
    });
  }

  // An index into the operands and results from the coordinates of the scattered dimensions.
  Index OperandIndex(const std::vector<Value>& scattered) {
    Index index;
    index.dims.assign(operand_shape_.rank(), nullptr);
    for (size_t i = 0; i < dims_.owned.size(); ++i) index.dims[dims_.owned[i]] = position_.dims[i];
    for (size_t i = 0; i < scattered.size(); ++i) index.dims[dims_.scattered[i]] = scattered[i];
    if (position_.lanes() > 1) {
      index.lane = position_.lane;
      index.lane.dim = static_cast<int>(dims_.owned[position_.lane.dim]);
    }
    return index;
  }

  void CopyOperands(size_t level, const std::vector<Value>& at) {
    if (level == dims_.scattered.size()) {
      const Index index = OperandIndex(at);
      for (int i = 0; i < count_; ++i) {
        e_.Store(memory_.results[i], OperandShape(i), index, e_.Emit(*scatter_.operand(i), index));
      }
      return;
    }
    const Value begin = level == 0 ? begin_ : e_.math().Const(0);
    const Value end =
        level == 0 ? end_ : e_.math().Const(operand_shape_.dimension(dims_.scattered[level]));
    e_.For(begin, end, 1, [&](Value i) {
      std::vector<Value> inner = at;
      inner.push_back(i);
      CopyOperands(level + 1, inner);
    });
  }

  const Shape& OperandShape(int i) const { return scatter_.operand(i)->shape(); }

  // Dimensions of the indices, the index vector's left out; batching ones stay at this position.
  void OverIndices(const std::vector<int64_t>& sizes, const std::vector<Value>& at) {
    const size_t level = at.size();
    if (level == sizes.size()) {
      OneIndex(at);
      return;
    }
    std::vector<Value> inner = at;
    inner.push_back(nullptr);
    const int64_t number = static_cast<int64_t>(level);
    const int64_t indices_dim = number >= attributes_.index_vector_dim ? number + 1 : number;
    const std::vector<int64_t>& batching = attributes_.scatter_indices_batching_dims;
    const auto found = std::find(batching.begin(), batching.end(), indices_dim);
    if (found != batching.end()) {
      inner.back() = OwnedCoordinate(attributes_.input_batching_dims[found - batching.begin()]);
      OverIndices(sizes, inner);
      return;
    }
    e_.For(e_.math().Const(0), e_.math().Const(sizes[level]), 1, [&](Value i) {
      inner.back() = i;
      OverIndices(sizes, inner);
    });
  }

  Value OwnedCoordinate(int64_t operand_dim) {
    const auto found = std::find(dims_.owned.begin(), dims_.owned.end(), operand_dim);
    INGOT_CHECK(found != dims_.owned.end()) << "dimension " << operand_dim << " is not owned";
    return position_.dims[found - dims_.owned.begin()];
  }

  // The window of updates at one index: a loop over the scattered dimensions that it covers.
  void OneIndex(const std::vector<Value>& batch) {
    std::vector<Value> starts = Starts(batch);
    const Value inside = InsideOperand(starts);
    e_.If(inside, [&] {
      for (Value& start : starts) start = e_.math().Convert(start);
      OverWindow(batch, starts, {});
    });
  }

  // Where the window of an index begins, in each scattered dimension; s64 until it is known to fit.
  std::vector<Value> Starts(const std::vector<Value>& batch) {
    std::vector<Value> starts;
    for (int64_t d : dims_.scattered) {
      const auto found = std::find(attributes_.scatter_dims_to_operand_dims.begin(),
                                   attributes_.scatter_dims_to_operand_dims.end(), d);
      Index vector;
      vector.dims = batch;
      if (attributes_.index_vector_dim < indices_.shape().rank()) {
        const int64_t i = found - attributes_.scatter_dims_to_operand_dims.begin();
        vector.dims.insert(vector.dims.begin() + attributes_.index_vector_dim, e_.math().Const(i));
      }
      starts.push_back(Wide(e_, e_.Emit(indices_, vector), indices_.shape().element_type()));
    }
    return starts;
  }

  // A window that is not wholly inside is left out as a whole.
  Value InsideOperand(const std::vector<Value>& starts) {
    kernel::Builder& b = e_.b();
    Value inside = b.True();
    for (size_t k = 0; k < starts.size(); ++k) {
      const int64_t d = dims_.scattered[k];
      const int64_t last = operand_shape_.dimension(d) - WindowSize(d);
      inside = b.And(inside, b.And(b.Ge(starts[k], b.Integer(kernel::kS64, 0)),
                                   b.Le(starts[k], b.Integer(kernel::kS64, last))));
    }
    return inside;
  }

  // Size of the update's window along dimension d of the operand.
  int64_t WindowSize(int64_t d) const {
    const int64_t update_dim = dims_.update_dim[d];
    return update_dim < 0 ? 1 : update_shape_.dimension(update_dim);
  }

  void OverWindow(const std::vector<Value>& batch, const std::vector<Value>& starts,
                  const std::vector<Value>& offsets) {
    const size_t level = offsets.size();
    if (level == starts.size()) {
      Apply(batch, starts, offsets);
      return;
    }
    std::vector<Value> inner = offsets;
    const int64_t size = WindowSize(dims_.scattered[level]);
    if (size == 1) {
      inner.push_back(e_.math().Const(0));
      OverWindow(batch, starts, inner);
      return;
    }
    e_.For(e_.math().Const(0), e_.math().Const(size), 1, [&](Value i) {
      inner.push_back(i);
      OverWindow(batch, starts, inner);
      inner.pop_back();
    });
  }

  void Apply(const std::vector<Value>& batch, const std::vector<Value>& starts,
             const std::vector<Value>& offsets) {
    kernel::Builder& b = e_.b();
    Value inside = b.True();
    std::vector<Value> at;
    for (size_t k = 0; k < starts.size(); ++k) at.push_back(b.Add(starts[k], offsets[k]));
    // Of the first scattered dimension this owner has a part.
    if (!at.empty() && e_.context().plan.steps().owners > 1) {
      inside = b.And(b.Ge(at[0], begin_), b.Lt(at[0], end_));
    }
    for (int64_t d : dims_.owned) {
      if (WindowSize(d) < operand_shape_.dimension(d) &&
          !Contains(attributes_.input_batching_dims, d)) {
        inside = b.And(inside, b.Lt(OwnedCoordinate(d), e_.math().Const(WindowSize(d))));
      }
    }
    e_.If(inside, [&] { Combine(OperandIndex(at), UpdateIndex(batch, offsets)); });
  }

  Index UpdateIndex(const std::vector<Value>& batch, const std::vector<Value>& offsets) {
    Index index;
    index.dims.assign(update_shape_.rank(), nullptr);
    size_t next = 0;
    for (int64_t d = 0; d < update_shape_.rank(); ++d) {
      if (!Contains(attributes_.update_window_dims, d)) index.dims[d] = batch[next++];
    }
    for (int64_t d : dims_.owned) {
      if (dims_.update_dim[d] < 0) continue;
      index.dims[dims_.update_dim[d]] = OwnedCoordinate(d);
      if (position_.lanes() > 1 && dims_.owned[position_.lane.dim] == d) {
        index.lane = position_.lane;
        index.lane.dim = static_cast<int>(dims_.update_dim[d]);
      }
    }
    for (size_t k = 0; k < offsets.size(); ++k) {
      const int64_t update_dim = dims_.update_dim[dims_.scattered[k]];
      if (update_dim >= 0) index.dims[update_dim] = offsets[k];
    }
    return index;
  }

  void Combine(const Index& at, const Index& update) {
    Elements arguments;
    for (int i = 0; i < count_; ++i) {
      arguments.push_back(
          e_.Broadcast(e_.Load(memory_.results[i], OperandShape(i), at), at.lanes()));
    }
    for (int i = 0; i < count_; ++i) {
      arguments.push_back(
          e_.Broadcast(e_.Emit(*scatter_.operand(count_ + 1 + i), update), at.lanes()));
    }
    const Elements results = e_.Call(*scatter_.to_apply(), arguments);
    for (int i = 0; i < count_; ++i) {
      e_.Store(memory_.results[i], OperandShape(i), at, results[i]);
    }
  }

  ElementEmitter& e_;
  const Instruction& scatter_;
  const ScatterAttributes& attributes_;
  const Memory& memory_;
  const int count_;
  const Shape& operand_shape_;
  const Instruction& indices_;
  const Shape& update_shape_;
  const plan::ScatterDimensions dims_;
  const Index& position_;
  const Value owner_;
  Value begin_ = nullptr;
  Value end_ = nullptr;
};

constexpr OpTableRow kRows[] = {
    {Opcode::kDynamicSlice, EmitDynamicSlice},
    {Opcode::kDynamicUpdateSlice, EmitDynamicUpdateSlice},
    {Opcode::kGather, EmitGather},
    {Opcode::kScatter, OnlyAsRoot},
};
static_assert(IsTableOf(OpKind::kIndexing, kRows));

}  // namespace

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

void EmitScatter(ElementEmitter& e, const Instruction& scatter, const Memory& memory,
                 const Index& position, Value owner) {
  Scatter(&e, scatter, memory, position, owner).Emit();
}

}  // namespace ingot::lower
