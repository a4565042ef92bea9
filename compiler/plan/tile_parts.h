// Scratch of tile plans: the partial results of reductions that blocks share.
#ifndef INGOT_COMPILER_PLAN_TILE_PARTS_H_
#define INGOT_COMPILER_PLAN_TILE_PARTS_H_

#include <cstdint>
#include <vector>

#include "compiler/plan/joins.h"
#include "compiler/plan/plan.h"
#include "ir/analysis/fusion_info.h"

namespace ingot::plan {

// Elements of an access to parts.
inline constexpr int kPartsVector = 4;

// FusionPlan::scratch where blocks share what is reduced: for each leaf of each reduction its
// partial results, [parts, elements of the result], in the type that they are combined in; then how
// many elements the parts of each of CountedBases have.  `walk`: what leaves the parts.
std::vector<Scratch> PartsScratch(const FusionInfo& info, const std::vector<Join>& joins,
                                  const TilePlan& walk, int64_t parts);

// How the parts of a reduction lie in scratch: part p has `stride` elements, and those of the
// reduction begin at (p * step) % modulus of them.  Other than 0 is that where the columns of a
// block's rows begin anywhere (TilePlan::spread): its vectors are aligned there too.
struct PartLayout {
  int64_t stride = 0;
  int64_t step = 0;
  int64_t modulus = 1;
};
PartLayout LayoutOfParts(const FusionInfo& info, const TilePlan& walk, int reduction);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_TILE_PARTS_H_
