// How the warps of a tile's block put their accumulators together.
#ifndef INGOT_COMPILER_LOWER_TILE_EXCHANGE_H_
#define INGOT_COMPILER_LOWER_TILE_EXCHANGE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/lower/emitter.h"
#include "compiler/lower/tile_places.h"
#include "compiler/lower/tile_reduction.h"
#include "compiler/plan/plan.h"

namespace ingot::lower {

struct WarpExchange {
  ElementEmitter& e;
  const plan::TilePlan& plan;
  const TilePlaces& places;
  int64_t warps;     // of the block
  std::string name;  // of the shared memory
  bool again;        // it is used more than once: a barrier goes before
};

// Combines in each accumulator of `reduction` those of the warps that have other digits of the
// classes `reduced`, through shared memory; all threads of the block take part.  The order is fixed
// by the plan: a tree, or for many parts that are vectors one after another.
void CombineWarps(const WarpExchange& exchange, TileReduction& reduction,
                  const std::vector<int>& reduced);

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_TILE_EXCHANGE_H_
