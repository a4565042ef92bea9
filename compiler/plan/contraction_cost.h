// How long a product takes with a tile, from the numbers of the card.
#ifndef INGOT_COMPILER_PLAN_CONTRACTION_COST_H_
#define INGOT_COMPILER_PLAN_CONTRACTION_COST_H_

#include <cstdint>

#include "compiler/plan/plan.h"
#include "compiler/plan/product.h"
#include "ir/base/target.h"

namespace ingot::plan {

class ContractionCost {
 public:
  // `bytes`: that the kernels read and write of the fusion's operands and results.  `is_gathered`:
  // the matrix of the left operand is no array but a convolution's places.
  ContractionCost(const Product& product, const Epilogue& epilogue, int64_t bytes, bool is_gathered,
                  const Target& target);

  // Tiles of depth in a part; tiles of the result; blocks that a multiprocessor has at once.
  int64_t Steps(const ContractionPlan& tile) const;
  int64_t Tiles(const ContractionPlan& tile) const;
  int ResidentBlocks(const ContractionPlan& tile) const;
  // Of wgmma: blocks that run at a time, in whole clusters.
  int64_t Places(const ContractionPlan& tile) const;
  // Of all kernels.
  double Microseconds(const ContractionPlan& tile) const;

 private:
  double PipelineMicroseconds(const ContractionPlan& tile) const;
  double Seen() const;
  double PartialBytes(const ContractionPlan& tile) const;
  double EpilogueCycles(const ContractionPlan& tile) const;
  double UnitFlops(double share) const;
  double UnitCycles(const ContractionPlan& tile) const;
  double CopyCycles(const ContractionPlan& tile) const;

  const struct { int64_t batch, rows, columns, depth; } product_;
  const Epilogue epilogue_;
  const int64_t bytes_;
  const Target& target_;
  const ElementType sum_type_;
  const bool is_gathered_;
  const int element_bytes_, sum_bytes_;
};

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_CONTRACTION_COST_H_
