// The scatter_updates skeleton (plan/scatter_updates.h): copies, and updates that need no order.
#include "compiler/lower/scatter_updates.h"

#include <algorithm>

#include "compiler/lower/fold.h"
#include "ir/base/integers.h"

namespace ingot::lower {

using kernel::Value;

ScatterUpdates::ScatterUpdates(Frame& frame)
    : frame_(frame),
      b_(frame.builder),
      e_(frame.emitter),
      math_(frame.context.math),
      plan_(frame.plan.scatter_updates()),
      space_(plan::ScatterSpaceOf(*frame.fusion.root())),
      combiner_(plan::ScatterCombinerOf(*frame.fusion.root())),
      scratch_(plan::ScatterScratchOf(plan_, *frame.fusion.root())),
      places_(e_, *frame.fusion.root()) {}

Value ScatterUpdates::IsRow(Value key) const {
  return none() < 0 ? b_.Ge(key, b_.Index(0)) : b_.Lt(key, b_.Index(none()));
}

Value ScatterUpdates::KeyOf(Value number) const {
  const std::vector<Value> at = math_.Delinearize(number, space_.update_sizes);
  const std::vector<int64_t>& scattered = space_.dims.scattered;
  const size_t batch_rank = space_.dims.batch.size();
  const std::vector<Value> batch(at.begin(), at.begin() + batch_rank);
  const std::vector<Value> starts = places_.Starts(batch);
  const ScatterAttributes& attributes = places_.attributes();
  std::vector<Value> row;
  for (int64_t d : space_.row_dims) {
    const auto moved = std::find(scattered.begin(), scattered.end(), d);
    if (moved != scattered.end()) {
      const size_t k = moved - scattered.begin();
      row.push_back(b_.Add(math_.Convert(starts[k]), at[batch_rank + k]));
      continue;
    }
    const std::vector<int64_t>& batching = attributes.input_batching_dims;
    const int64_t k = std::find(batching.begin(), batching.end(), d) - batching.begin();
    const int64_t of_indices = attributes.scatter_indices_batching_dims[k];
    row.push_back(batch[of_indices - (of_indices > attributes.index_vector_dim ? 1 : 0)]);
  }
  const Value key = math_.Dot(row, RowMajorStrides(space_.row_sizes));
  return b_.Select(places_.IsInside(starts), b_.Convert(key, ElementType::kS32), b_.Index(none()));
}

void ScatterUpdates::LoadIndices(Value number) const {
  const std::vector<Value> at = math_.Delinearize(number, space_.update_sizes);
  places_.LoadStarts({at.begin(), at.begin() + space_.dims.batch.size()});
}

Index ScatterUpdates::Owned(Value column, const std::vector<Value>& row) const {
  const std::vector<Value> columns = math_.Delinearize(column, space_.column_sizes);
  Index owned;
  size_t next = 0;
  for (int64_t d : space_.dims.owned) {
    if (next < columns.size() && space_.column_dims[next] == d) {
      owned.dims.push_back(columns[next++]);
      continue;
    }
    const size_t k =
        std::find(space_.row_dims.begin(), space_.row_dims.end(), d) - space_.row_dims.begin();
    owned.dims.push_back(row.empty() ? math_.Const(0) : row[k]);
  }
  if (plan_.lanes > 1) {
    owned.lane = {plan_.lanes, static_cast<int>(owned.dims.size()) - 1, 1, plan_.lanes};
  }
  return owned;
}

Elements ScatterUpdates::UpdatesAt(Value number, Value column) const {
  const std::vector<Value> at = math_.Delinearize(number, space_.update_sizes);
  const size_t batch_rank = space_.dims.batch.size();
  return places_.Updates(places_.UpdateIndex(Owned(column, {}),
                                             {at.begin(), at.begin() + batch_rank},
                                             {at.begin() + batch_rank, at.end()}));
}

Index ScatterUpdates::OperandAt(Value row, Value column) const {
  const std::vector<Value> at = math_.Delinearize(row, space_.row_sizes);
  std::vector<Value> scattered;
  for (size_t k = 0; k < at.size(); ++k) {
    const std::vector<int64_t>& moved = space_.dims.scattered;
    if (std::find(moved.begin(), moved.end(), space_.row_dims[k]) != moved.end()) {
      scattered.push_back(at[k]);
    }
  }
  return places_.OperandIndex(Owned(column, at), scattered);
}

Elements ScatterUpdates::Old(const Index& at) const {
  if (frame_.fusion_plan.updates.empty()) return places_.Operands(at);
  Elements old;
  for (int i = 0; i < count(); ++i) {
    old.push_back(
        e_.Broadcast(e_.Load(frame_.memory.results[i], places_.OperandShape(i), at), plan_.lanes));
  }
  return old;
}

void ScatterUpdates::Store(const Index& at, const Elements& values) const {
  for (int i = 0; i < count(); ++i) {
    e_.Store(frame_.memory.results[i], places_.OperandShape(i), at, values[i]);
  }
}

void ScatterUpdates::Apply(Value key, Value column, const Elements& updates) const {
  const Index at = OperandAt(math_.Convert(key), column);
  Store(at, places_.Combine(Old(at), updates));
}

namespace {

constexpr int kThreads = plan::kScatterThreads;

kernel::AtomicKind AtomicOf(Opcode op) {
  switch (op) {
    case Opcode::kMaximum:
      return kernel::AtomicKind::kMax;
    case Opcode::kMinimum:
      return kernel::AtomicKind::kMin;
    case Opcode::kAnd:
      return kernel::AtomicKind::kAnd;
    case Opcode::kOr:
      return kernel::AtomicKind::kOr;
    case Opcode::kXor:
      return kernel::AtomicKind::kXor;
    default:
      return kernel::AtomicKind::kAdd;
  }
}

class ScatterApply {
 public:
  explicit ScatterApply(Frame& frame)
      : frame_(frame),
        b_(frame.builder),
        e_(frame.emitter),
        math_(frame.context.math),
        updates_(frame) {}

  void Copy() {
    const ScatterPlaces& places = updates_.places();
    const int lanes = plan::ScatterCopyLanes(places.scatter());
    const int64_t steps = places.OperandShape(0).ElementCount() / lanes;
    e_.If(b_.Lt(Number(), math_.Const(steps)), [&] {
      Index at;
      at.linear = math_.Mul(Number(), lanes);
      at.lane.count = lanes;
      if (lanes > 1) at.lane.align = lanes;
      if (lanes == 1) at.dims = math_.Delinearize(at.linear, places.OperandShape(0).dimensions());
      updates_.Store(at, places.Operands(at));
    });
  }

  void Apply() {
    if (updates_.plan().shared_rows > 0) return ApplyToShared();
    const int lanes = updates_.plan().lanes;
    const int64_t row = updates_.space().columns / lanes;
    const Value steps = math_.Const(updates_.space().updates * row);
    const int64_t threads = frame_.plan.blocks * kThreads;
    struct Step {
      Value inside, number, column, key;
      Elements values;
    };
    std::vector<Step> all;
    for (int i = 0; i < updates_.plan().span; ++i) {
      const Value at = math_.Add(Number(), i * threads);
      const Value inside = b_.Lt(at, steps);
      const Value safe = b_.Select(inside, at, math_.Const(0));
      const Value column = math_.Mul(math_.Rem(safe, row), lanes);
      all.push_back({inside, math_.Div(safe, row), column, nullptr, {}});
      updates_.LoadIndices(all[i].number);
    }
    for (Step& step : all) step.values = updates_.UpdatesAt(step.number, step.column);
    for (Step& step : all) step.key = updates_.KeyOf(step.number);
    for (const Step& step : all) {
      e_.If(b_.And(step.inside, updates_.IsRow(step.key)), [&] {
        if (!updates_.combiner().is_atomic) {
          return updates_.Apply(step.key, step.column, step.values);
        }
        for (int i = 0; i < updates_.count(); ++i) {
          AddToResult(i, step.key, step.column, step.values[i].re);
        }
      });
    }
  }

 private:
  // Of the thread, among all of the kernel.
  Value Number() {
    return b_.Add(math_.Mul(math_.Convert(b_.BlockId()), kThreads), math_.Convert(b_.ThreadId()));
  }
  kernel::AtomicKind Kind(int operand) const { return AtomicOf(updates_.combiner().ops[operand]); }

  void AddToResult(int operand, Value key, Value column, Value update) {
    const Index at = updates_.OperandAt(math_.Convert(key), column);
    const Shape& shape = updates_.places().OperandShape(operand);
    b_.Atomic(Kind(operand), frame_.memory.results[operand], math_.Linear(at, shape.dimensions()),
              update);
  }

  // A copy that begins with what changes nothing, and is added to the result at last.
  void ApplyToShared() {
    const int64_t rows = updates_.plan().shared_rows;
    const ElementType type = updates_.TypeOf(0);
    kernel::Buffer* copy = frame_.kernel->AddShared("copy", type, {rows});
    const Value identity = IdentityOf(e_, updates_.combiner().ops[0], type)->re;
    const auto over_rows = [&](const std::function<void(Value)>& body) {
      b_.For(b_.ThreadId(), b_.Index(rows), b_.Index(kThreads),
             [&](Value row) { e_.Scoped([&] { body(row); }); });
    };
    over_rows([&](Value row) { b_.Store(copy, row, identity); });
    b_.Barrier();
    const Value count = math_.Const(updates_.space().updates);
    const int64_t threads = frame_.plan.blocks * kThreads;
    const int together = static_cast<int>(updates_.plan().span);
    e_.For(Number(), count, threads * together, [&](Value first) {
      std::vector<Value> numbers, insides, keys, values;
      for (int i = 0; i < together; ++i) {
        const Value number = math_.Add(first, i * threads);
        insides.push_back(b_.Lt(number, count));
        numbers.push_back(b_.Select(insides[i], number, first));
        updates_.LoadIndices(numbers[i]);
      }
      for (Value number : numbers) {
        values.push_back(updates_.UpdatesAt(number, math_.Const(0))[0].re);
      }
      for (int i = 0; i < together; ++i) {
        keys.push_back(b_.Select(insides[i], updates_.KeyOf(numbers[i]), b_.Index(-1)));
      }
      for (int i = 0; i < together; ++i) {
        e_.If(updates_.IsRow(keys[i]), [&] {
          b_.Atomic(Kind(0), copy, keys[i], values[i], kernel::Order::kRelaxed,
                    kernel::MemoryScope::kBlock);
        });
      }
    });
    b_.Barrier();
    over_rows([&](Value row) {
      const Value sum = b_.Load(copy, row);
      e_.If(b_.Ne(sum, identity), [&] { AddToResult(0, row, math_.Const(0), sum); });
    });
  }

  Frame& frame_;
  kernel::Builder& b_;
  ElementEmitter& e_;
  IndexMath& math_;
  const ScatterUpdates updates_;
};

}  // namespace

void LowerScatterUpdates(Frame& frame) {
  frame.LaunchBlocks();
  frame.builder.set_hlo(static_cast<int32_t>(frame.fusion.root()->id()));
  switch (frame.plan.scatter_updates().stage) {
    case plan::ScatterStage::kCopy:
      return ScatterApply(frame).Copy();
    case plan::ScatterStage::kApply:
      return ScatterApply(frame).Apply();
    case plan::ScatterStage::kClear:
    case plan::ScatterStage::kCount:
    case plan::ScatterStage::kPartition:
      return LowerScatterSort(frame);
    case plan::ScatterStage::kCombine:
      return LowerScatterCombine(frame);
    case plan::ScatterStage::kSums:
    case plan::ScatterStage::kRows:
      return LowerScatterSums(frame);
  }
}

}  // namespace ingot::lower
