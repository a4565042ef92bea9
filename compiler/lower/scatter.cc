// The scatter skeleton: owners go over all indices in order; and what the other one shares with it.
#include "compiler/lower/scatter.h"

#include <algorithm>

#include "ir/base/check.h"
#include "ir/base/integers.h"

namespace ingot::lower {

using kernel::Value;

namespace {

bool Contains(const std::vector<int64_t>& list, int64_t value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

}  // namespace

ScatterPlaces::ScatterPlaces(ElementEmitter& e, const Instruction& scatter)
    : e_(e),
      scatter_(scatter),
      attributes_(scatter.attributes<ScatterAttributes>()),
      count_(static_cast<int>(scatter.operand_count() / 2)),
      operand_shape_(scatter.operand(0)->shape()),
      indices_(*scatter.operand(count_)),
      update_shape_(scatter.operand(count_ + 1)->shape()),
      dims_(plan::ScatterDimensionsOf(scatter)),
      scattered_sizes_(plan::SizesOf(operand_shape_, dims_.scattered)) {}

Index ScatterPlaces::IndexOfStart(const std::vector<Value>& batch, int64_t d) const {
  Index vector;
  vector.dims = batch;
  if (attributes_.index_vector_dim < indices_.shape().rank()) {
    const std::vector<int64_t>& named = attributes_.scatter_dims_to_operand_dims;
    const int64_t i = std::find(named.begin(), named.end(), d) - named.begin();
    vector.dims.insert(vector.dims.begin() + attributes_.index_vector_dim, e_.math().Const(i));
  }
  return vector;
}

std::vector<Value> ScatterPlaces::Starts(const std::vector<Value>& batch) const {
  std::vector<Value> starts;
  for (int64_t d : dims_.scattered) {
    starts.push_back(
        WideStart(e_, e_.Emit(indices_, IndexOfStart(batch, d)), indices_.shape().element_type()));
  }
  return starts;
}

void ScatterPlaces::LoadStarts(const std::vector<Value>& batch) const {
  for (int64_t d : dims_.scattered) e_.Emit(indices_, IndexOfStart(batch, d));
}

Value ScatterPlaces::IsInside(const std::vector<Value>& starts) const {
  kernel::Builder& b = e_.b();
  Value inside = b.True();
  for (size_t k = 0; k < starts.size(); ++k) {
    const int64_t d = dims_.scattered[k];
    const int64_t last = operand_shape_.dimension(d) - dims_.window[d];
    inside = b.And(inside, b.And(b.Ge(starts[k], b.Integer(kernel::kS64, 0)),
                                 b.Le(starts[k], b.Integer(kernel::kS64, last))));
  }
  return inside;
}

Index ScatterPlaces::OperandIndex(const Index& owned, const std::vector<Value>& scattered) const {
  Index index;
  index.dims.assign(operand_shape_.rank(), nullptr);
  for (size_t i = 0; i < dims_.owned.size(); ++i) index.dims[dims_.owned[i]] = owned.dims[i];
  for (size_t i = 0; i < scattered.size(); ++i) index.dims[dims_.scattered[i]] = scattered[i];
  if (owned.lanes() > 1) {
    index.lane = owned.lane;
    index.lane.dim = static_cast<int>(dims_.owned[owned.lane.dim]);
  }
  return index;
}

Value ScatterPlaces::OwnedCoordinate(const Index& owned, int64_t operand_dim) const {
  const auto found = std::find(dims_.owned.begin(), dims_.owned.end(), operand_dim);
  INGOT_CHECK(found != dims_.owned.end()) << "dimension " << operand_dim << " is not owned";
  return owned.dims[found - dims_.owned.begin()];
}

Index ScatterPlaces::UpdateIndex(const Index& owned, const std::vector<Value>& batch,
                                 const std::vector<Value>& offsets) const {
  Index index;
  index.dims.assign(update_shape_.rank(), nullptr);
  size_t next = 0;
  for (int64_t d = 0; d < update_shape_.rank(); ++d) {
    if (!Contains(attributes_.update_window_dims, d)) index.dims[d] = batch[next++];
  }
  for (int64_t d : dims_.owned) {
    if (dims_.update_dim[d] < 0) continue;
    index.dims[dims_.update_dim[d]] = OwnedCoordinate(owned, d);
    if (owned.lanes() > 1 && dims_.owned[owned.lane.dim] == d) {
      index.lane = owned.lane;
      index.lane.dim = static_cast<int>(dims_.update_dim[d]);
    }
  }
  for (size_t k = 0; k < offsets.size(); ++k) {
    const int64_t update_dim = dims_.update_dim[dims_.scattered[k]];
    if (update_dim >= 0) index.dims[update_dim] = offsets[k];
  }
  return index;
}

Elements ScatterPlaces::Operands(const Index& at) const {
  Elements operands;
  for (int i = 0; i < count_; ++i) {
    operands.push_back(e_.Broadcast(e_.Emit(*scatter_.operand(i), at), at.lanes()));
  }
  return operands;
}

Elements ScatterPlaces::Updates(const Index& at) const {
  Elements updates;
  for (int i = 0; i < count_; ++i) {
    updates.push_back(e_.Broadcast(e_.Emit(*scatter_.operand(count_ + 1 + i), at), at.lanes()));
  }
  return updates;
}

Elements ScatterPlaces::Combine(const Elements& old, const Elements& updates) const {
  Elements arguments = old;
  arguments.insert(arguments.end(), updates.begin(), updates.end());
  return e_.Call(*scatter_.to_apply(), arguments);
}

namespace {

// One owner: copies its part of the operands to the results, then goes over all indices in order
// and applies the updates that fall into its part.
class Scatter {
 public:
  Scatter(ElementEmitter& e, const Instruction& scatter, const Memory& memory,
          const Index& position, Value owner)
      : e_(e), places_(e, scatter), memory_(memory), position_(position), owner_(owner) {}

  void Emit() {
    if (dims().scattered.empty()) {
      begin_ = e_.math().Const(0);
      end_ = e_.math().Const(1);
    } else {
      const int64_t size = places_.OperandShape(0).dimension(dims().scattered[0]);
      const int64_t owners = e_.context().plan.steps().owners;
      const int64_t part = CeilDiv(size, owners);
      begin_ = e_.math().Mul(owner_, part);
      end_ = e_.b().Min(e_.math().Add(begin_, part), e_.math().Const(size));
    }
    CopyOperands(0, {});
    if (WarpHasOneOwner()) {
      OverIndicesTogether();
    } else {
      OverIndices({});
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
           places_.attributes().scatter_indices_batching_dims.empty() &&
           !dims().scattered.empty() &&
           std::all_of(dims().scattered.begin(), dims().scattered.end(),
                       [&](int64_t d) { return dims().window[d] == 1; });
  }

  // The lanes of a warp look at 32 indices at once, and then apply, one after the other and in
  // order, those that fall into the owner's part.
  void OverIndicesTogether() {
    const std::vector<int64_t>& sizes = dims().batch;
    kernel::Builder& b = e_.b();
    IndexMath& math = e_.math();
    const int64_t count = Product(sizes);
    const Value none = b.Integer(kernel::kU32, 0);
    e_.For(math.Const(0), math.Const(count), kernel::kWarpSize, [&](Value base) {
      const Value number = b.Add(base, math.Convert(b.LaneId()));
      std::vector<Value> starts =
          places_.Starts(math.Delinearize(b.Min(number, math.Const(count - 1)), sizes));
      Value mine = b.And(places_.IsInside(starts), b.Lt(number, math.Const(count)));
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

  void CopyOperands(size_t level, const std::vector<Value>& at) {
    if (level == dims().scattered.size()) {
      const Index index = places_.OperandIndex(position_, at);
      Store(index, places_.Operands(index));
      return;
    }
    const Value begin = level == 0 ? begin_ : e_.math().Const(0);
    const Value end =
        level == 0 ? end_
                   : e_.math().Const(places_.OperandShape(0).dimension(dims().scattered[level]));
    e_.For(begin, end, 1, [&](Value i) {
      std::vector<Value> inner = at;
      inner.push_back(i);
      CopyOperands(level + 1, inner);
    });
  }

  // Dimensions of the indices, the index vector's left out; batching ones stay at this position.
  void OverIndices(const std::vector<Value>& at) {
    const std::vector<int64_t>& sizes = dims().batch;
    const size_t level = at.size();
    if (level == sizes.size()) {
      OneIndex(at);
      return;
    }
    std::vector<Value> inner = at;
    inner.push_back(nullptr);
    const int64_t number = static_cast<int64_t>(level);
    const int64_t indices_dim =
        number >= places_.attributes().index_vector_dim ? number + 1 : number;
    const std::vector<int64_t>& batching = places_.attributes().scatter_indices_batching_dims;
    const auto found = std::find(batching.begin(), batching.end(), indices_dim);
    if (found != batching.end()) {
      inner.back() = places_.OwnedCoordinate(
          position_, places_.attributes().input_batching_dims[found - batching.begin()]);
      OverIndices(inner);
      return;
    }
    e_.For(e_.math().Const(0), e_.math().Const(sizes[level]), 1, [&](Value i) {
      inner.back() = i;
      OverIndices(inner);
    });
  }

  // The window of updates at one index: a loop over the scattered dimensions that it covers.
  void OneIndex(const std::vector<Value>& batch) {
    std::vector<Value> starts = places_.Starts(batch);
    const Value inside = places_.IsInside(starts);
    e_.If(inside, [&] {
      for (Value& start : starts) start = e_.math().Convert(start);
      OverWindow(batch, starts, {});
    });
  }

  void OverWindow(const std::vector<Value>& batch, const std::vector<Value>& starts,
                  const std::vector<Value>& offsets) {
    const size_t level = offsets.size();
    if (level == starts.size()) {
      Apply(batch, starts, offsets);
      return;
    }
    std::vector<Value> inner = offsets;
    const int64_t size = dims().window[dims().scattered[level]];
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
    for (int64_t d : dims().owned) {
      if (dims().window[d] < places_.OperandShape(0).dimension(d) &&
          !Contains(places_.attributes().input_batching_dims, d)) {
        inside = b.And(
            inside, b.Lt(places_.OwnedCoordinate(position_, d), e_.math().Const(dims().window[d])));
      }
    }
    e_.If(inside, [&] {
      Combine(places_.OperandIndex(position_, at), places_.UpdateIndex(position_, batch, offsets));
    });
  }

  void Combine(const Index& at, const Index& update) {
    Elements old;
    for (int i = 0; i < places_.count(); ++i) {
      old.push_back(
          e_.Broadcast(e_.Load(memory_.results[i], places_.OperandShape(i), at), at.lanes()));
    }
    Store(at, places_.Combine(old, places_.Updates(update)));
  }
  void Store(const Index& at, const Elements& values) {
    for (int i = 0; i < places_.count(); ++i) {
      e_.Store(memory_.results[i], places_.OperandShape(i), at, values[i]);
    }
  }
  const plan::ScatterDimensions& dims() const { return places_.dims(); }

  ElementEmitter& e_;
  const ScatterPlaces places_;
  const Memory& memory_;
  const Index& position_;
  const Value owner_;
  Value begin_ = nullptr;
  Value end_ = nullptr;
};

}  // namespace

void EmitScatter(ElementEmitter& e, const Instruction& scatter, const Memory& memory,
                 const Index& position, Value owner) {
  Scatter(e, scatter, memory, position, owner).Emit();
}

}  // namespace ingot::lower
