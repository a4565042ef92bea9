// Results of which a block of a tile kernel has few elements: they are stored together.
#ifndef INGOT_COMPILER_LOWER_TILE_GATHERED_H_
#define INGOT_COMPILER_LOWER_TILE_GATHERED_H_

#include <functional>
#include <vector>

#include "compiler/lower/frame.h"
#include "compiler/lower/tile_places.h"

namespace ingot::lower {

// The elements of results that a block has along TilePlan::gathered, in shared memory until all of
// them are there.
class TileGathered {
 public:
  TileGathered(Frame& frame, const TilePlaces& places) : frame_(frame), places_(places) {}

  // The value of result number `result`, a leaf of a root, at a coordinate along the class.
  void Keep(size_t result, const Instruction& root, const Shape& leaf, kernel::Value coordinate,
            kernel::Value value);
  // Behind the last trip and a barrier: each thread stores elements.  `index_at` gives a root's
  // index of a coordinate.
  void Store(
      const std::function<Index(const Instruction& root, kernel::Value coordinate)>& index_at);

 private:
  struct Result {
    size_t number;
    const Instruction* root;
    Shape leaf;
    kernel::Buffer* shared;
  };

  Frame& frame_;
  const TilePlaces& places_;
  std::vector<Result> results_;
};

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_TILE_GATHERED_H_
