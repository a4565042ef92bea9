#include "compiler/lower/tile_stage.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "ir/base/integers.h"

namespace ingot::lower {

using kernel::Value;

namespace {

// Of one access.
constexpr int kAccessBytes = 16;

}  // namespace

TileStage::TileStage(Frame& frame, const FusionInfo& info)
    : frame_(frame), layouts_(frame.memory.operands.size()) {
  for (int input : frame.plan.tile().staged) {
    inputs_.push_back(&info.graph().value(input));
    layouts_[inputs_.back()->parameter_number()] =
        plan::LayoutOfStaged(info, frame.plan.tile(), input);
  }
}

void TileStage::Copy() {
  for (const Instruction* input : inputs_) CopyInput(*input, layouts_[input->parameter_number()]);
}

void TileStage::CopyInput(const Instruction& parameter, const plan::StagedLayout& layout) {
  kernel::Builder& b = frame_.builder;
  IndexMath& math = frame_.context.math;
  const ElementType type = parameter.shape().element_type();
  const int64_t count = parameter.shape().ElementCount();
  int64_t vector = std::max(1, kAccessBytes / ByteWidth(type));
  while (count % vector != 0) vector /= 2;
  kernel::AccessOptions options;
  options.alignment = static_cast<int>(vector * ByteWidth(type));
  kernel::Buffer*& memory = frame_.memory.operands[parameter.parameter_number()];
  kernel::Buffer* const shared =
      frame_.kernel->AddShared(absl::StrCat("staged", parameter.parameter_number()), type,
                               {layout.planes * layout.elements});
  const Value thread = math.Convert(b.ThreadId());
  const int64_t step = vector * frame_.plan.block_threads;
  frame_.emitter.For(math.Const(0), math.Const(CeilDiv(count, step)), 1, [&](Value trip) {
    const Value index = b.Add(math.Mul(trip, step), math.Mul(thread, vector));
    frame_.emitter.If(b.Lt(index, math.Const(count)), [&] {
      const int lanes = static_cast<int>(vector);
      const Value elements = b.Load(memory, index, lanes, options);
      if (layout.planes == 1) return b.Store(shared, index, elements, options);
      for (int lane = 0; lane < lanes; ++lane) {
        b.Store(shared, PlaceOf(layout, math.Add(index, lane)), b.Extract(elements, lane));
      }
    });
  });
  memory = shared;
}

bool TileStage::HasPlanes(const Instruction& parameter) const {
  return parameter.parent() == &frame_.fusion && layouts_[parameter.parameter_number()].planes > 1;
}

Value TileStage::PlaceOf(const plan::StagedLayout& layout, Value element) {
  IndexMath& math = frame_.context.math;
  return frame_.builder.Add(math.Mul(math.Rem(element, layout.planes), layout.elements),
                            math.Div(element, layout.planes));
}

Element TileStage::Read(const Instruction& parameter, const Index& index) {
  IndexMath& math = frame_.context.math;
  const plan::StagedLayout& layout = layouts_[parameter.parameter_number()];
  kernel::Buffer* const shared = frame_.memory.operands[parameter.parameter_number()];
  const std::vector<int64_t>& dimensions = parameter.shape().dimensions();
  std::vector<Element> lanes;
  for (int lane = 0; lane < index.lanes(); ++lane) {
    const Value element = math.Linear(math.Lane(index, lane, dimensions), dimensions);
    lanes.push_back({frame_.builder.Load(shared, PlaceOf(layout, element)), nullptr});
  }
  return lanes.size() == 1 ? lanes[0] : frame_.emitter.Build(lanes);
}

Element TileStage::ReadVector(const Instruction& parameter, Value begin, Value vector) {
  kernel::Builder& b = frame_.builder;
  const plan::StagedLayout& layout = layouts_[parameter.parameter_number()];
  std::vector<Element> lanes;
  for (int64_t lane = 0; lane < layout.planes; ++lane) {
    // The same for all of a row, and the same distance from it in all rows.
    const Value first = PlaceOf(layout, frame_.context.math.Add(begin, lane));
    lanes.push_back(
        {b.Load(frame_.memory.operands[parameter.parameter_number()], b.Add(first, vector)),
         nullptr});
  }
  return frame_.emitter.Build(lanes);
}

}  // namespace ingot::lower
