#include "compiler/lower/tile_ahead.h"

#include "absl/strings/str_cat.h"

namespace ingot::lower {

using kernel::Intrinsic;
using kernel::Value;

namespace {

// Copies in a turn of their loop.
constexpr int64_t kUnroll = 2;

}  // namespace

void TileAhead::Start() {
  const plan::TilePlan& plan = frame_.plan.tile();
  for (int number : plan.ahead) {
    const Instruction& parameter = info_.graph().value(number);
    const int inner = info_.space().ClassesOf(number).back();
    const plan::TileClass& tile = plan.classes[inner];
    const int64_t vectors = tile.registers * (plan.rests ? tile.loop : 1);
    kernel::Buffer* shared = frame_.kernel->AddShared(
        absl::StrCat("ahead", parameter.parameter_number()), parameter.shape().element_type(),
        {plan.trips_ahead * vectors * frame_.plan.block_threads * tile.vector});
    inputs_.push_back({&parameter, inner, tile.registers, tile.vector, shared, {}});
  }
  for (size_t c = 0; c < plan.classes.size(); ++c) {
    if (plan.classes[c].loop > 1 && !IsWalked(static_cast<int>(c))) rows_ = static_cast<int>(c);
  }
  IndexMath& math = frame_.context.math;
  const auto start = [&](Value row) {
    CopyRow(row);
    frame_.builder.Call(Intrinsic::kCopyAsyncCommit);
  };
  if (plan.trips_ahead == 1) {
    start(math.Const(0));
  } else {
    frame_.emitter.For(math.Const(0), math.Const(plan.trips_ahead), 1, start);
  }
  SetRow(math.Const(0));
  for (Input& input : inputs_) {
    if (!plan.aligned) continue;
    input.end = frame_.emitter.Declare(absl::StrCat(input.shared->name, "_end"),
                                       frame_.emitter.Zero(input.shared->element));
    LoadEnd(input);
  }
}

// Of the trip that the thread is at.
void TileAhead::LoadEnd(const Input& input) {
  const auto [index, has_end] = walk_.end_of(*input.parameter);
  frame_.emitter.If(has_end, [&, index = index] {
    frame_.emitter.Write(
        input.end, frame_.emitter.Load(frame_.memory.operands[input.parameter->parameter_number()],
                                       input.parameter->shape(), index));
  });
}

void TileAhead::TakeEnd(const Input& input) {
  frame_.emitter.Provide(*input.parameter, walk_.end_of(*input.parameter).first, 0,
                         frame_.emitter.Read(input.end));
  if (rows_ < 0) return;
  IndexMath& math = frame_.context.math;
  const Value row = Row();
  const Value last = math.Const(frame_.plan.tile().classes[rows_].loop - 1);
  SetRow(frame_.builder.Min(math.Add(row, 1), last));
  LoadEnd(input);
  SetRow(row);
}

bool TileAhead::IsWalked(int c) const {
  const plan::TilePlan& plan = frame_.plan.tile();
  return plan.rests && c == plan.order[0];
}

Value TileAhead::Row() { return rows_ < 0 ? frame_.context.math.Const(0) : places_.trip(rows_); }

void TileAhead::SetRow(Value row) {
  if (rows_ >= 0) places_.SetTrip(rows_, row);
}

// Neighbouring threads have neighbouring vectors: no two of a warp meet in a bank.
Value TileAhead::FirstPlaceOf(const Input& input) {
  IndexMath& math = frame_.context.math;
  kernel::Builder& b = frame_.builder;
  const plan::TilePlan& plan = frame_.plan.tile();
  Value trip = math.Rem(Row(), plan.trips_ahead);
  if (IsWalked(input.inner)) {
    trip = b.Add(math.Mul(trip, plan.classes[input.inner].loop), places_.trip(input.inner));
  }
  const Value first = math.Mul(trip, int64_t{input.vectors} * frame_.plan.block_threads);
  return math.Mul(b.Add(first, math.Convert(b.ThreadId())), input.lanes);
}

Value TileAhead::PlaceOf(const Input& input, Value first, Value number) {
  const int64_t step = int64_t{frame_.plan.block_threads} * input.lanes;
  return frame_.builder.Add(first, frame_.context.math.Mul(number, step));
}

void TileAhead::CopyRow(Value row) {
  IndexMath& math = frame_.context.math;
  const plan::TilePlan& plan = frame_.plan.tile();
  const int inner = plan.order[0];
  if (!IsWalked(inner) || plan.classes[inner].loop == 1) return CopyTrip(row);
  frame_.emitter.For(math.Const(0), math.Const(plan.classes[inner].loop), 1, [&](Value trip) {
    places_.SetTrip(inner, trip);
    CopyTrip(row);
    places_.SetTrip(inner, math.Const(0));
  });
}

// A loop: written out whole, the addresses of all vectors would stay in registers from trip to
// trip.
void TileAhead::CopyTrip(Value row) {
  kernel::Builder& b = frame_.builder;
  IndexMath& math = frame_.context.math;
  SetRow(row);
  for (const Input& input : inputs_) {
    const int64_t bytes = int64_t{input.lanes} * ByteWidth(input.shared->element);
    const Value all = b.Integer(kernel::Type::Scalar(ElementType::kU32), bytes);
    kernel::Buffer* memory = frame_.memory.operands[input.parameter->parameter_number()];
    const auto from = [&](int r) {
      return math.Linear(walk_.index_of(*input.parameter, input.inner, r),
                         input.parameter->shape().dimensions());
    };
    const Value first_to = FirstPlaceOf(input), first_from = from(0);
    const plan::TileClass& tile = frame_.plan.tile().classes[input.inner];
    const int64_t step = int64_t{tile.vector} * tile.lanes * tile.warps;
    const auto copy = [&](Value number, Value source) {
      b.Call(Intrinsic::kCopyAsync, {PlaceOf(input, first_to, number), source, all}, {bytes},
             {input.shared, memory});
    };
    int whole = 0;
    while (whole < input.vectors && !walk_.is_masked(input.inner, whole)) ++whole;
    const auto copy_whole = [&](Value number) {
      copy(number, b.Add(first_from, math.Mul(number, step)));
    };
    if (whole > 0) frame_.emitter.For(math.Const(0), math.Const(whole), 1, copy_whole, kUnroll);
    for (int r = whole; r < input.vectors; ++r) copy(math.Const(r), from(r));
  }
}

void TileAhead::Take() {
  kernel::Builder& b = frame_.builder;
  const plan::TilePlan& plan = frame_.plan.tile();
  // A group for each row, that of one which is not there being empty.  Those of rows that rest end
  // with the walk over the row before.
  if (plan.rests) b.Call(Intrinsic::kCopyAsyncCommit);
  b.Call(Intrinsic::kCopyAsyncWait, {}, {plan.trips_ahead - 1});
  for (const Input& input : inputs_) {
    if (plan.aligned) TakeEnd(input);
  }
  if (plan.rests) return;
  for (const Input& input : inputs_) {
    for (int r = 0; r < input.vectors; ++r) Provide(input, r);
  }
  CopyNext([&](Value row) { CopyRow(row); });
  b.Call(Intrinsic::kCopyAsyncCommit);
}

void TileAhead::Read(int r) {
  // An assembler would load all that is written out first, and have no registers for it.
  const plan::TilePlan& plan = frame_.plan.tile();
  if (r > 0 && plan.classes[plan.order[0]].loop == 1) frame_.builder.Call(Intrinsic::kWarpSync);
  for (const Input& input : inputs_) Provide(input, r);
}

void TileAhead::CopyNextTrip() {
  CopyNext([&](Value row) { CopyTrip(row); });
}

void TileAhead::Provide(const Input& input, int r) {
  kernel::AccessOptions options;
  options.alignment = input.lanes * ByteWidth(input.shared->element);
  const Value place = PlaceOf(input, FirstPlaceOf(input), frame_.context.math.Const(r));
  const Value vector = frame_.builder.Load(input.shared, place, input.lanes, options);
  frame_.emitter.Provide(*input.parameter, walk_.index_of(*input.parameter, input.inner, r), 0,
                         {vector, nullptr});
}

void TileAhead::CopyNext(const std::function<void(Value row)>& copy) {
  if (rows_ < 0) return;
  IndexMath& math = frame_.context.math;
  const plan::TilePlan& plan = frame_.plan.tile();
  const Value row = Row();
  const Value next = math.Add(row, plan.trips_ahead);
  frame_.emitter.If(frame_.builder.Lt(next, math.Const(plan.classes[rows_].loop)), [&] {
    copy(next);
    SetRow(row);
  });
}

}  // namespace ingot::lower
