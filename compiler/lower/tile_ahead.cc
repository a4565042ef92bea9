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
    kernel::Buffer* shared = frame_.kernel->AddShared(
        absl::StrCat("ahead", parameter.parameter_number()), parameter.shape().element_type(),
        {int64_t{plan.trips_ahead} * tile.registers * frame_.plan.block_threads * tile.vector});
    inputs_.push_back({&parameter, inner, tile.registers, tile.vector, shared, {}});
  }
  for (size_t c = 0; c < plan.classes.size(); ++c) {
    if (plan.classes[c].loop > 1) rows_ = static_cast<int>(c);
  }
  IndexMath& math = frame_.context.math;
  const auto start = [&](Value trip) {
    CopyTrip(trip);
    frame_.builder.Call(Intrinsic::kCopyAsyncCommit);
  };
  if (plan.trips_ahead == 1) {
    start(math.Const(0));
  } else {
    frame_.emitter.For(math.Const(0), math.Const(plan.trips_ahead), 1, start);
  }
  places_.SetTrip(rows_, math.Const(0));
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

// Neighbouring threads have neighbouring vectors: no two of a warp meet in a bank.
Value TileAhead::FirstPlaceOf(const Input& input) {
  IndexMath& math = frame_.context.math;
  const Value trip = math.Rem(places_.trip(rows_), frame_.plan.tile().trips_ahead);
  const Value first = math.Mul(trip, int64_t{input.vectors} * frame_.plan.block_threads);
  return math.Mul(frame_.builder.Add(first, math.Convert(frame_.builder.ThreadId())), input.lanes);
}

Value TileAhead::PlaceOf(const Input& input, Value first, Value number) {
  const int64_t step = int64_t{frame_.plan.block_threads} * input.lanes;
  return frame_.builder.Add(first, frame_.context.math.Mul(number, step));
}

// A loop: written out whole, the addresses of all vectors would stay in registers from trip to
// trip.
void TileAhead::CopyTrip(Value trip) {
  kernel::Builder& b = frame_.builder;
  IndexMath& math = frame_.context.math;
  places_.SetTrip(rows_, trip);
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
  IndexMath& math = frame_.context.math;
  const plan::TilePlan& plan = frame_.plan.tile();
  b.Call(Intrinsic::kCopyAsyncWait, {}, {plan.trips_ahead - 1});
  for (const Input& input : inputs_) {
    kernel::AccessOptions options;
    options.alignment = input.lanes * ByteWidth(input.shared->element);
    const Value first = FirstPlaceOf(input);
    for (int r = 0; r < input.vectors; ++r) {
      const Value vector =
          b.Load(input.shared, PlaceOf(input, first, math.Const(r)), input.lanes, options);
      frame_.emitter.Provide(*input.parameter, walk_.index_of(*input.parameter, input.inner, r), 0,
                             {vector, nullptr});
    }
  }
  const Value trip = places_.trip(rows_);
  for (const Input& input : inputs_) {
    if (!plan.aligned) continue;
    frame_.emitter.Provide(*input.parameter, walk_.end_of(*input.parameter).first, 0,
                           frame_.emitter.Read(input.end));
    const Value last = math.Const(plan.classes[rows_].loop - 1);
    places_.SetTrip(rows_, b.Min(math.Add(trip, 1), last));
    LoadEnd(input);
    places_.SetTrip(rows_, trip);
  }
  const Value next = math.Add(trip, plan.trips_ahead);
  frame_.emitter.If(b.Lt(next, math.Const(plan.classes[rows_].loop)), [&] {
    CopyTrip(next);
    places_.SetTrip(rows_, trip);
  });
  // A group for each trip, that of a trip which is not there being empty.
  b.Call(Intrinsic::kCopyAsyncCommit);
}

}  // namespace ingot::lower
