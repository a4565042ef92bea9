// Plans of products of matrices.
#ifndef INGOT_COMPILER_PLAN_CONTRACTION_H_
#define INGOT_COMPILER_PLAN_CONTRACTION_H_

#include <algorithm>
#include <vector>

#include "absl/status/statusor.h"
#include "compiler/plan/plan.h"
#include "ir/analysis/fusion_info.h"

namespace ingot::plan {

// Adds plans for a product of reals and what is made of its elements (MakeProductFusion), the
// fastest by its cost first; nothing for other fusions and targets.  Matrix units multiply bf16 and
// f16, and f32 whose precision and numerics are the default; threads multiply everything else.
void ProposeContraction(Skeleton skeleton, const Computation& fusion, const FusionInfo& info,
                        const Target& target, Numerics numerics, std::vector<FusionPlan>& plans);

// Whether the plan, of contraction kernels, is one of this fusion: any tile, stages, splits and
// group will do that the skeleton has.
absl::Status ContractionFits(const FusionPlan& plan, const Computation& fusion,
                             const Target& target);

// The plan with this tile: what the fusion and the target decide is set, the rest is `tile`'s and
// has to fit, as ContractionFits says.
absl::StatusOr<FusionPlan> PlanOfTile(const ContractionPlan& tile, const Computation& fusion,
                                      const Target& target, Numerics numerics);

// What is made of wgmma's sums where they are: with at most so many operations a box after the
// other, in code of its own; else in a loop, with at most so many a whole box at once, so that what
// it waits for is under way together, and with more in turns, which registers hold.
inline constexpr int kMostUnrolledOperations = 2, kMostWideOperations = 8;

// Bytes of shared memory that one block of the kernel takes.
int64_t SharedBytesOf(const ContractionPlan& plan, int element_bytes, int sum_bytes);

// The most elements that a thread reads together where it multiplies by itself.
inline constexpr int kFmaVector = 4;

// Elements between rows of the tile of sums that a block passes to its stores, so that they do not
// meet in one bank.
inline int64_t SumPitch(const ContractionPlan& plan) { return plan.columns + 8; }

// Of wgmma: how many columns of kPassedRows rows a warp passes to its stores at once, and elements
// between those rows, so that they do not meet in one bank.
inline constexpr int kPassedRows = 8;
inline constexpr int kLeastPassedColumns = 32;
inline int PassedColumns(const ContractionPlan& plan) {
  return plan.columns % (2 * kLeastPassedColumns) == 0 ? 2 * kLeastPassedColumns
                                                       : kLeastPassedColumns;
}
// Where threads store more than a vector of four sums, the vectors of each number lie together,
// kPassedGap elements behind those before, so that threads read side by side.
inline constexpr int kPassedGap = 4;
inline int PassedParts(const ContractionPlan& plan) { return plan.lanes > 4 ? plan.lanes / 4 : 1; }
inline int PassedPitch(const ContractionPlan& plan) {
  return PassedColumns(plan) + std::max(8, kPassedGap * PassedParts(plan));
}

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_CONTRACTION_H_
