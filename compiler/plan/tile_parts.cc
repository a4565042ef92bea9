#include "compiler/plan/tile_parts.h"

#include "compiler/plan/analysis.h"
#include "compiler/plan/pass_levels.h"
#include "compiler/plan/tile_vectors.h"
#include "ir/base/integers.h"

namespace ingot::plan {

PartLayout LayoutOfParts(const FusionInfo& info, const TilePlan& walk, int reduction) {
  const int64_t elements = ElementsOf(info.graph().value(reduction).shape());
  const int inner = walk.order[0];
  if (walk.spread < 0 || !Contains(info.space().ClassesOf(reduction), inner)) return {elements};
  const int64_t alignment = RowAlignment(info, inner);
  return {CeilDiv(elements + alignment - 1, alignment) * alignment, elements, alignment};
}

std::vector<Scratch> PartsScratch(const FusionInfo& info, const std::vector<Join>& joins,
                                  const TilePlan& walk, int64_t parts) {
  std::vector<Scratch> scratch;
  const auto add = [&](ElementType type, int reduction) {
    const int64_t elements = LayoutOfParts(info, walk, reduction).stride;
    scratch.push_back({Shape::ArrayWithDefaultLayout(type, {parts, elements})});
  };
  const PassLevels levels(info, joins);
  for (const Reduction& reduction : info.reductions()) {
    if (!levels.HasParts(reduction.value)) continue;
    const Instruction& reduce = info.graph().value(reduction.value);
    const bool simple =
        reduce.operand_count() == 2 && SimpleCombiner(*reduce.to_apply()).has_value();
    for (const Shape& leaf : Leaves(reduce.shape())) {
      add(simple ? ComputeType(leaf.element_type()) : leaf.element_type(), reduction.value);
    }
  }
  for (int base : CountedBases(joins)) {
    const Shape& shape = info.graph().value(base).shape();
    add(ComputeType(shape.element_type()), base);
  }
  return scratch;
}

}  // namespace ingot::plan
