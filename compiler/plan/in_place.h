// Which results of a fusion may take the memory of an operand.
#ifndef INGOT_COMPILER_PLAN_IN_PLACE_H_
#define INGOT_COMPILER_PLAN_IN_PLACE_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "compiler/plan/plan.h"
#include "ir/analysis/fusion_info.h"

namespace ingot::plan {

// OK where the kernel that stores the pair's result stays right if it stores to the memory of the
// pair's operand: each element of the operand is read by the thread that stores the result's
// element there, before it does, and by no other; and no later kernel reads the operand.  That is
// proved
//   - of an update and a scatter, where nothing else of the fusion reads the operand;
//   - of one loop, where whatever depends on the operand is asked for at the step's own index;
//   - of a tile kernel that has no more places than the operand has elements, where the operand and
//     all that depends on it are read in space, and behind the result's stores nothing reads it;
//   - of a tile kernel that stores the result behind its reductions, one thread an element, where
//     only such results depend on the operand.
// InvalidArgument says which of these is not so, or why operand and result are no pair.
absl::Status CanBeInPlace(const InPlacePair& pair, const FusionPlan& plan, const FusionInfo& info);

// FusionPlan::in_place: of the operands `last_reads`, which nobody reads behind the fusion, for
// each result that of a wanted pair, else the first that CanBeInPlace.
std::vector<InPlacePair> FindInPlace(const FusionPlan& plan, const FusionInfo& info,
                                     absl::Span<const int> last_reads,
                                     absl::Span<const InPlacePair> wanted = {});

// Whether every pair CanBeInPlace, and none shares its result or its operand with another.
absl::Status InPlaceFits(const FusionPlan& plan, const FusionInfo& info);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_IN_PLACE_H_
