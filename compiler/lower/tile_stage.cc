#include "compiler/lower/tile_stage.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "ir/base/integers.h"

namespace ingot::lower {
namespace {

// Of one access.
constexpr int kAccessBytes = 16;

}  // namespace

void StageInput(Frame& frame, const Instruction& parameter) {
  kernel::Builder& b = frame.builder;
  IndexMath& math = frame.context.math;
  const ElementType type = parameter.shape().element_type();
  const int64_t count = parameter.shape().ElementCount();
  int64_t vector = std::max(1, kAccessBytes / ByteWidth(type));
  while (count % vector != 0) vector /= 2;
  kernel::AccessOptions options;
  options.alignment = static_cast<int>(vector * ByteWidth(type));
  kernel::Buffer*& memory = frame.memory.operands[parameter.parameter_number()];
  kernel::Buffer* const shared =
      frame.kernel->AddShared(absl::StrCat("staged", parameter.parameter_number()), type, {count});
  const kernel::Value thread = math.Convert(b.ThreadId());
  const int64_t step = vector * frame.plan.block_threads;
  frame.emitter.For(math.Const(0), math.Const(CeilDiv(count, step)), 1, [&](kernel::Value trip) {
    const kernel::Value index = b.Add(math.Mul(trip, step), math.Mul(thread, vector));
    frame.emitter.If(b.Lt(index, math.Const(count)), [&] {
      const int lanes = static_cast<int>(vector);
      b.Store(shared, index, b.Load(memory, index, lanes, options), options);
    });
  });
  memory = shared;
}

}  // namespace ingot::lower
