// Plans of the gradient of a depthwise convolution's weights.
//
//   w[o, c] = sum over images n and positions s of x[n, o stride + s dilation - padding, c] dy[n,
//   s, c]
//
// A block has some features, all taps of the last spatial dimension at one place of the others, and
// a part of the rows (an image, and a position in all spatial dimensions but the last).  A thread
// goes along its rows and loads some positions of both operands at once, which all of its taps
// share.  Parts lie in scratch, and a second kernel adds them in order, so that results are the
// same from run to run.
#ifndef INGOT_COMPILER_PLAN_WINDOW_SUMS_H_
#define INGOT_COMPILER_PLAN_WINDOW_SUMS_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "compiler/plan/plan.h"
#include "ir/analysis/fusion_info.h"

namespace ingot::plan {

// Sizes of such a convolution (IsDepthwiseGradient).
struct WindowSums {
  int64_t features = 1;
  int64_t taps = 1;        // of the last spatial dimension
  int64_t outer_taps = 1;  // of the others together
  int64_t rows = 1;        // images and positions in the other spatial dimensions
  int64_t positions = 1;   // in the last one
};
// Of any other instruction: one of each.
WindowSums WindowSumsOf(const Instruction& convolution);

// Threads of the second kernel that share a result.
inline constexpr int kThreadsOfResult = 8;

// Adds a plan for a fusion that is such a convolution on a GPU.
void ProposeWindowSums(Skeleton skeleton, const Computation& fusion, const FusionInfo& info,
                       const Target& target, Numerics numerics,
                       std::vector<FusionPlan>& candidates);

// The plan of these parts, if they fit.
absl::StatusOr<FusionPlan> MakeWindowSums(const WindowSumsPlan& sums, const Computation& fusion,
                                          const Target& target);

// Whether a plan from outside is one of this fusion: any threads and parts that fit will do.
absl::Status WindowSumsFit(const FusionPlan& plan, const Computation& fusion, const Target& target);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_WINDOW_SUMS_H_
