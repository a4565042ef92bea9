#include "compiler/lower/tile_parts.h"

#include "compiler/plan/analysis.h"
#include "compiler/plan/tile_parts.h"

namespace ingot::lower {

using kernel::Value;

Elements TileParts::Load(const TileReduction& reduction, const Index& index, Value part) {
  const Index all = IndexOf(reduction, index, part);
  Index first = all;
  first.lane = {};
  Elements elements;
  for (size_t i = 0; i < reduction.scratch.size(); ++i) {
    const int number = reduction.scratch[i];
    elements.push_back(frame_.emitter.Load(frame_.memory.scratch[number], ShapeOf(number),
                                           reduction.IsCount(i) ? first : all));
  }
  return elements;
}

void TileParts::Store(const TileReduction& reduction, const Index& index, Value part,
                      const Elements& elements) {
  const Index all = IndexOf(reduction, index, part);
  for (size_t i = 0; i < elements.size(); ++i) {
    const int number = reduction.scratch[i];
    frame_.emitter.Store(frame_.memory.scratch[number], ShapeOf(number), all, elements[i]);
  }
}

// The element of a scratch buffer [parts, elements of one] for the reduction's `index`.
Index TileParts::IndexOf(const TileReduction& reduction, const Index& index, Value part) {
  kernel::Builder& b = frame_.builder;
  IndexMath& math = frame_.context.math;
  const plan::TilePlan& walk = frame_.fusion_plan.kernels[0].tile();
  const plan::PartLayout layout = plan::LayoutOfParts(info_, walk, reduction.value);
  const Shape shape = plan::Leaves(reduction.instruction->shape())[0];
  const Value before = math.Rem(math.Mul(part, layout.step % layout.modulus), layout.modulus);
  const Value linear = b.Add(before, index.linear == nullptr ? math.Const(0) : index.linear);
  Index result;
  result.dims = {part, linear};
  result.linear = b.Add(math.Mul(part, layout.stride), linear);
  result.lane = index.lane;
  if (result.lane.count > 1) {
    result.lane.stride *= RowMajorStrides(shape.dimensions())[index.lane.dim];
    result.lane.dim = 1;
    // A vector of the walk is aligned here as it is in its row.
    const bool walks = frame_.plan.tile().spread >= 0;
    if (walks && layout.modulus > 1) result.linear_align = result.lane.count;
  }
  return result;
}

}  // namespace ingot::lower
