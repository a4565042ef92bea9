// Plans of windows: pooling, moving sums, depthwise convolutions, and what is made of their
// elements.
//
// A thread computes `run` neighbouring elements of the result along one dimension of the window, a
// vector of each, so that an element of the operand which several of their windows have is loaded
// once.
#ifndef INGOT_COMPILER_PLAN_WINDOW_H_
#define INGOT_COMPILER_PLAN_WINDOW_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "compiler/plan/plan.h"
#include "ir/analysis/fusion_info.h"

namespace ingot::plan {

// The window of a fusion all of whose results are arrays of the window's dimensions; nullptr: there
// is none, or more than one.
const Instruction* FindWindow(const Computation& fusion);

// A loop over a dimension of the window other than the plan's is written out where it has so few
// places.
inline constexpr int64_t kMostUnrolled = 8;

// Elements of the operand along the plan's dimension that the windows of `run` results have.
int64_t StripOf(const WindowPlan& plan, const WindowDimension& window);

// Adds a plan for a fusion with a window on a GPU.
void ProposeWindow(Skeleton skeleton, const Computation& fusion, const FusionInfo& info,
                   const Target& target, Numerics numerics, std::vector<FusionPlan>& candidates);

// The plan of these runs, if they fit.
absl::StatusOr<FusionPlan> MakeWindow(const WindowPlan& window, const Computation& fusion,
                                      const Target& target);

// Whether a plan from outside is one of this fusion: any dimension of the window and any run that
// registers hold will do.
absl::Status WindowFits(const FusionPlan& plan, const Computation& fusion, const Target& target);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_WINDOW_H_
