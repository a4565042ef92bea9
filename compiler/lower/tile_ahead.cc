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
        {int64_t{tile.registers} * frame_.plan.block_threads * tile.vector});
    inputs_.push_back({&parameter, inner, tile.registers, tile.vector, shared});
  }
  Copy();
}

// Neighbouring threads have neighbouring vectors: no two of a warp meet in a bank.
Value TileAhead::PlaceOf(const Input& input, Value number) {
  IndexMath& math = frame_.context.math;
  const Value row = math.Mul(number, frame_.plan.block_threads);
  const Value thread = math.Convert(frame_.builder.ThreadId());
  return math.Mul(frame_.builder.Add(row, thread), input.lanes);
}

// A loop: written out whole, the addresses of all vectors would stay in registers from trip to
// trip.
void TileAhead::Copy() {
  kernel::Builder& b = frame_.builder;
  IndexMath& math = frame_.context.math;
  for (const Input& input : inputs_) {
    const int64_t bytes = int64_t{input.lanes} * ByteWidth(input.shared->element);
    const Value all = b.Integer(kernel::Type::Scalar(ElementType::kU32), bytes);
    kernel::Buffer* memory = frame_.memory.operands[input.parameter->parameter_number()];
    const auto copy = [&](Value number) {
      places_.SetRegister(input.inner, number);
      const Index index = index_of_(*input.parameter, input.inner, 0);
      const Value from = math.Linear(index, input.parameter->shape().dimensions());
      b.Call(Intrinsic::kCopyAsync, {PlaceOf(input, number), from, all}, {bytes},
             {input.shared, memory});
      places_.SetRegister(input.inner, nullptr);
    };
    frame_.emitter.For(math.Const(0), math.Const(input.vectors), 1, copy, kUnroll);
  }
  b.Call(Intrinsic::kCopyAsyncCommit);
}

void TileAhead::Take() {
  kernel::Builder& b = frame_.builder;
  IndexMath& math = frame_.context.math;
  b.Call(Intrinsic::kCopyAsyncWait, {}, {0});
  for (const Input& input : inputs_) {
    kernel::AccessOptions options;
    options.alignment = input.lanes * ByteWidth(input.shared->element);
    for (int r = 0; r < input.vectors; ++r) {
      const Value vector =
          b.Load(input.shared, PlaceOf(input, math.Const(r)), input.lanes, options);
      frame_.emitter.Provide(*input.parameter, index_of_(*input.parameter, input.inner, r), 0,
                             {vector, nullptr});
    }
  }
  const std::vector<plan::TileClass>& classes = frame_.plan.tile().classes;
  for (size_t c = 0; c < classes.size(); ++c) {
    if (classes[c].loop == 1) continue;
    const Value trip = places_.trip(static_cast<int>(c));
    const Value next = math.Add(trip, 1);
    frame_.emitter.If(b.Lt(next, math.Const(classes[c].loop)), [&] {
      places_.SetTrip(static_cast<int>(c), next);
      Copy();
      places_.SetTrip(static_cast<int>(c), trip);
    });
  }
}

}  // namespace ingot::lower
