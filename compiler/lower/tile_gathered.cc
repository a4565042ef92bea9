#include "compiler/lower/tile_gathered.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace ingot::lower {

using kernel::Value;

void TileGathered::Keep(size_t result, const Instruction& root, const Shape& leaf, Value coordinate,
                        Value value) {
  const int c = frame_.plan.tile().gathered;
  auto own = std::find_if(results_.begin(), results_.end(),
                          [&](const Result& other) { return other.number == result; });
  if (own == results_.end()) {
    kernel::Buffer* shared =
        frame_.kernel->AddShared(absl::StrCat("gathered", result), leaf.element_type(),
                                 {frame_.plan.tile().classes[c].block_extent()});
    own = results_.insert(own, {result, &root, leaf, shared});
  }
  kernel::Builder& b = frame_.builder;
  b.Store(own->shared, b.Sub(coordinate, places_.FirstOfBlock(c)), value);
}

void TileGathered::Store(
    const std::function<Index(const Instruction& root, Value coordinate)>& index_at) {
  kernel::Builder& b = frame_.builder;
  IndexMath& math = frame_.context.math;
  const int c = frame_.plan.tile().gathered;
  const plan::TileClass& tile = frame_.plan.tile().classes[c];
  const Value thread = math.Convert(b.ThreadId());
  for (int64_t first = 0; first < tile.block_extent(); first += frame_.plan.block_threads) {
    const Value place = math.Add(thread, first);
    const Value coordinate = b.Add(places_.FirstOfBlock(c), place);
    Value inside = b.Lt(place, math.Const(tile.block_extent()));
    if (tile.size % tile.block_extent() != 0) {
      inside = b.And(inside, b.Lt(coordinate, math.Const(tile.size)));
    }
    frame_.emitter.If(inside, [&] {
      for (const Result& result : results_) {
        frame_.emitter.Store(frame_.memory.results[result.number], result.leaf,
                             index_at(*result.root, coordinate),
                             {b.Load(result.shared, place), nullptr});
      }
    });
  }
}

}  // namespace ingot::lower
