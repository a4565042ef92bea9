#include <algorithm>

#include "compiler/plan/scatter_sums.h"
#include "compiler/plan/scatter_updates.h"

namespace ingot::plan {

ScatterScratch ScatterScratchOf(const ScatterUpdatesPlan& plan, const Instruction& scatter,
                                std::vector<Scratch>* shapes) {
  ScatterScratch scratch;
  int number = 0;
  const auto add = [&](ElementType type, std::vector<int64_t> sizes) {
    if (shapes != nullptr) shapes->push_back({Shape::ArrayWithDefaultLayout(type, sizes)});
    return number++;
  };
  const ScatterSpace space = ScatterSpaceOf(scatter);
  const auto type_of = [&](int64_t i) { return scatter.operand(i)->shape().element_type(); };
  for (int set = 0; set < std::min(plan.radix.passes, 2); ++set) {
    scratch.keys[set] = add(ElementType::kS32, {space.updates});
    scratch.payload[set] = add(plan.staged ? type_of(0) : ElementType::kS32, {space.updates});
  }
  const RadixWords words(plan.radix, 1, space.updates);
  if (plan.radix.passes > 0 && !words.IsAlone()) {
    scratch.words = add(ElementType::kU32, {words.size()});
  }
  if (plan.tile_bits > 0) {
    const int64_t rows = int64_t{1} << plan.tile_bits;
    scratch.sums = add(type_of(0), {ScatterSumTiles(plan, space.updates), rows});
  }
  for (int level = 0; level + 1 < plan.levels; ++level) {
    const int64_t entries = ScatterEntries(plan, space.updates, level + 1);
    scratch.level_keys.push_back(add(ElementType::kS32, {entries}));
    std::vector<int>& values = scratch.level_values.emplace_back();
    for (int64_t i = 0; i < scatter.operand_count() / 2; ++i) {
      values.push_back(add(type_of(i), {entries, space.columns}));
    }
  }
  return scratch;
}

}  // namespace ingot::plan
