// Partial results of a tile kernel's reductions, in scratch.
#ifndef INGOT_COMPILER_LOWER_TILE_PARTS_H_
#define INGOT_COMPILER_LOWER_TILE_PARTS_H_

#include "compiler/lower/frame.h"
#include "compiler/lower/tile_reduction.h"
#include "ir/analysis/fusion_info.h"

namespace ingot::lower {

// A reduction has a scratch buffer for each leaf of its accumulators, which lies as
// plan::LayoutOfParts says.
class TileParts {
 public:
  TileParts(Frame& frame, const FusionInfo& info) : frame_(frame), info_(info) {}

  // Partial result number `part` of every leaf, at the reduction's `index`.
  Elements Load(const TileReduction& reduction, const Index& index, kernel::Value part);
  void Store(const TileReduction& reduction, const Index& index, kernel::Value part,
             const Elements& elements);

 private:
  Index IndexOf(const TileReduction& reduction, const Index& index, kernel::Value part);
  const Shape& ShapeOf(int scratch) const { return frame_.fusion_plan.scratch[scratch].shape; }

  Frame& frame_;
  const FusionInfo& info_;
};

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_TILE_PARTS_H_
