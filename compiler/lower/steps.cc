// The kernels that take independent steps: which thread or task takes which.
#include "compiler/plan/steps.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "compiler/lower/frame.h"
#include "compiler/plan/analysis.h"
#include "ir/base/integers.h"

namespace ingot::lower {

using kernel::Value;

namespace {

// Steps of a thread whose values are computed before the first is stored.
constexpr int64_t kStepsTogether = 4;

class StepsLowering {
 public:
  explicit StepsLowering(Frame& frame)
      : frame_(frame),
        fusion_(frame.fusion),
        kernel_plan_(frame.plan),
        plan_(frame.plan.steps()),
        builder_(frame.builder),
        context_(frame.context),
        emitter_(frame.emitter),
        positions_(plan::PositionDimensions(frame.fusion, frame.plan.skeleton, plan_.results[0])) {}

  void Run() {
    if (frame_.target.platform == Platform::kHost) {
      EmitTask();
    } else {
      EmitThread();
    }
  }

 private:
  // Owner, rows and columns of a task; the steps of a row one after the other.
  void EmitTask() {
    IndexMath& math = context_.math;
    frame_.kernel->launch().machine = kernel::Machine::kHost;
    frame_.kernel->launch().tasks = kernel_plan_.tasks;
    if (plan_.rows == 0 || plan_.columns == 0) return;
    const int64_t column_tasks = CeilDiv(plan_.columns, plan_.task_columns);
    const int64_t row_tasks = CeilDiv(plan_.rows, plan_.task_rows);
    const Value task = math.Convert(builder_.TaskId());
    const Value column_task = math.Rem(task, column_tasks);
    Value row_task = math.Div(task, column_tasks);
    Value owner = math.Const(0);
    if (plan_.owners > 1) {
      owner = math.Div(row_task, row_tasks);
      row_task = math.Rem(row_task, row_tasks);
    }
    const Value column = math.Mul(column_task, plan_.task_columns);
    const Value column_end = End(column, plan_.task_columns, plan_.columns, column_tasks);
    if (plan_.task_rows == 1) {
      EmitColumns(owner, row_task, column, column_end);
      return;
    }
    const Value row = math.Mul(row_task, plan_.task_rows);
    const Value row_end = End(row, plan_.task_rows, plan_.rows, row_tasks);
    emitter_.For(row, row_end, 1, [&](Value r) { EmitColumns(owner, r, column, column_end); });
  }

  // begin + size, or the extent if that is less.
  Value End(Value begin, int64_t size, int64_t extent, int64_t tasks) {
    IndexMath& math = context_.math;
    if (tasks == 1) return math.Const(extent);
    const Value end = math.Add(begin, size);
    return extent % size == 0 ? end : builder_.Min(end, math.Const(extent));
  }

  // Columns [begin, end) of a row; begin is a multiple of the lanes.
  void EmitColumns(Value owner, Value row, Value begin, Value end) {
    IndexMath& math = context_.math;
    const auto step = [&](int lanes) {
      return [&, lanes](Value column) { EmitStep(owner, row, column, lanes); };
    };
    if (plan_.columns == 1) {
      EmitStep(owner, row, begin, 1);
      return;
    }
    if (plan_.lanes == 1) {
      emitter_.For(begin, end, 1, step(1));
      return;
    }
    if (plan_.columns % plan_.lanes == 0) {
      emitter_.For(begin, end, plan_.lanes, step(plan_.lanes));
      return;
    }
    const Value rest = math.Rem(end, plan_.lanes);  // only the row's end is not a multiple
    const Value whole = builder_.Sub(end, rest);
    emitter_.For(begin, whole, plan_.lanes, step(plan_.lanes));
    emitter_.For(whole, end, 1, step(1));
  }

  // Steps, numbered through owners, rows and columns: one, or, where blocks are fewer, several.
  void EmitThread() {
    IndexMath& math = context_.math;
    frame_.kernel->launch().machine = kernel::Machine::kGpu;
    frame_.kernel->launch().grid = {kernel_plan_.blocks, 1, 1};
    frame_.kernel->launch().block = {kernel_plan_.block_threads, 1, 1};
    const int64_t steps = plan_.owners * plan_.rows * CeilDiv(plan_.columns, plan_.lanes);
    if (steps == 0) return;
    const Value block = math.Convert(builder_.BlockId());
    const Value thread = math.Convert(builder_.ThreadId());
    const int64_t threads = kernel_plan_.block_threads / plan_.step_threads;
    const int64_t several = CeilDiv(steps, kernel_plan_.blocks * threads);
    if (several > 1) {
      EmitSeveral(builder_.Add(math.Mul(block, threads * several), thread), several, steps);
      return;
    }
    Value number = builder_.Add(math.Mul(block, kernel_plan_.block_threads), thread);
    if (plan_.step_threads > 1) {
      number = builder_.Add(math.Mul(block, threads), math.Convert(builder_.WarpId()));
    }
    const auto body = [&] {
      const Step step = StepOf(number);
      EmitLanes(step.owner, step.row, step.column);
    };
    if (steps == kernel_plan_.blocks * threads) {
      body();
    } else {
      emitter_.If(builder_.Lt(number, math.Const(steps)), body);
    }
  }

  struct Step {
    Value owner, row, column;
  };
  Step StepOf(Value number) {
    IndexMath& math = context_.math;
    const int64_t row_steps = CeilDiv(plan_.columns, plan_.lanes);
    Step step;
    step.column = math.Mul(math.Rem(number, row_steps), plan_.lanes);
    step.row = math.Div(number, row_steps);
    step.owner = math.Const(0);
    if (plan_.owners > 1) {
      step.owner = math.Div(step.row, plan_.rows);
      step.row = math.Rem(step.row, plan_.rows);
    }
    if (plan_.rows == 1) step.row = math.Const(0);
    return step;
  }

  // So many steps from number `first` on, as far apart as the block has threads.  The values of
  // some are computed before the first of them is stored; beyond the last step, its own.
  void EmitSeveral(Value first, int64_t several, int64_t steps) {
    IndexMath& math = context_.math;
    const int64_t threads = kernel_plan_.block_threads;
    const bool whole = steps == kernel_plan_.blocks * threads * several;
    const int64_t together = std::gcd(several, kStepsTogether);
    emitter_.For(math.Const(0), math.Const(several), together, [&](Value begin) {
      std::vector<Value> inside;
      std::vector<Index> positions;
      std::vector<Elements> values;
      for (int64_t i = 0; i < together; ++i) {
        Value number = builder_.Add(first, math.Mul(math.Add(begin, i), threads));
        inside.push_back(whole ? builder_.True() : builder_.Lt(number, math.Const(steps)));
        if (!whole) number = builder_.Min(number, math.Const(steps - 1));
        const Step step = StepOf(number);
        positions.push_back(PositionOf(step.row, step.column, plan_.lanes));
        values.push_back(EmitValues(positions.back()));
      }
      for (int64_t i = 0; i < together; ++i) {
        emitter_.If(inside[i], [&] { StoreValues(positions[i], values[i]); });
      }
    });
  }

  void EmitLanes(Value owner, Value row, Value column) {
    IndexMath& math = context_.math;
    if (plan_.columns % plan_.lanes == 0) {
      EmitStep(owner, row, column, plan_.lanes);
      return;
    }
    const Value end = math.Const(plan_.columns);
    emitter_.If(
        builder_.Le(math.Add(column, plan_.lanes), end),
        [&] { EmitStep(owner, row, column, plan_.lanes); },
        [&] { emitter_.For(column, end, 1, [&](Value c) { EmitStep(owner, row, c, 1); }); });
  }

  void EmitStep(Value owner, Value row, Value column, int lanes) {
    const Index position = PositionOf(row, column, lanes);
    const Instruction& root = *fusion_.root();
    switch (kernel_plan_.skeleton) {
      case plan::Skeleton::kTile:
      case plan::Skeleton::kConcatenate:
      case plan::Skeleton::kContraction:
      case plan::Skeleton::kScatterRows:
      case plan::Skeleton::kScatterUpdates:
      case plan::Skeleton::kMergeSort:
      case plan::Skeleton::kRadixSort:
      case plan::Skeleton::kScanTiles:
      case plan::Skeleton::kWindow:
      case plan::Skeleton::kWindowSums:
        INGOT_UNREACHABLE() << "tiles take no steps";
        return;
      case plan::Skeleton::kLoop:
        EmitElements(position);
        return;
      case plan::Skeleton::kSort:
        EmitSort(emitter_, root, frame_.memory, position);
        return;
      case plan::Skeleton::kScan:
        EmitScan(emitter_, root, frame_.memory, position);
        return;
      case plan::Skeleton::kScatter:
        EmitScatter(emitter_, root, frame_.memory, position, owner);
        return;
      case plan::Skeleton::kUpdate:
        EmitUpdate(emitter_, root, frame_.memory, position);
        return;
    }
  }

  Index PositionOf(Value row, Value column, int lanes) {
    IndexMath& math = context_.math;
    Index index;
    index.linear = builder_.Add(math.Mul(row, plan_.columns), column);
    index.lane.count = lanes;
    if (lanes > 1) index.lane.align = lanes;
    if (plan_.flat) return index;
    const absl::Span<const int64_t> all(positions_);
    index.dims = math.Delinearize(row, all.subspan(0, plan_.column_dimension));
    for (Value d : math.Delinearize(column, all.subspan(plan_.column_dimension))) {
      index.dims.push_back(d);
    }
    if (lanes > 1) index.lane.dim = static_cast<int>(positions_.size()) - 1;
    return index;
  }

  // All values before any store: a result may be where another one's operand is.
  void EmitElements(const Index& index) {
    const Elements values = EmitValues(index);
    const auto store = [&] { StoreValues(index, values); };
    if (plan_.step_threads == 1) {
      store();
    } else {
      emitter_.If(builder_.Eq(builder_.LaneId(), builder_.Index(0)), store);
    }
  }

  Elements EmitValues(const Index& index) {
    Elements values;
    for (int i : plan_.results) values.push_back(emitter_.Emit(*fusion_.root(), index, i));
    return values;
  }

  void StoreValues(const Index& index, const Elements& values) {
    const std::vector<Shape> leaves = plan::Leaves(fusion_.root()->shape());
    for (size_t i = 0; i < values.size(); ++i) {
      const int result = plan_.results[i];
      emitter_.Store(frame_.memory.results[result], leaves[result], index, values[i]);
    }
  }

  Frame& frame_;
  const Computation& fusion_;
  const plan::KernelPlan& kernel_plan_;
  const plan::StepPlan& plan_;
  kernel::Builder& builder_;
  Context& context_;
  ElementEmitter& emitter_;
  const std::vector<int64_t> positions_;
};

}  // namespace

void LowerSteps(Frame& frame) { StepsLowering(frame).Run(); }

}  // namespace ingot::lower
