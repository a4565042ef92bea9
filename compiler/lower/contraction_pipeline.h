// Products by wgmma.  One warpgroup brings the tiles of both matrices to a ring of stages in shared
// memory (contraction_rings.h); others multiply them, and pass their sums on a few rows and columns
// at a time.  Blocks take part after part of the product: tiles of the next come while this one's
// sums are stored.
#ifndef INGOT_COMPILER_LOWER_CONTRACTION_PIPELINE_H_
#define INGOT_COMPILER_LOWER_CONTRACTION_PIPELINE_H_

#include "compiler/lower/frame.h"
#include "compiler/plan/product.h"

namespace ingot::lower {

void LowerPipeline(Frame& frame, const plan::ProductFusion& product);

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_CONTRACTION_PIPELINE_H_
