// Whether a plan that somebody else made may be used.
#ifndef INGOT_COMPILER_PLAN_FITS_H_
#define INGOT_COMPILER_PLAN_FITS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "compiler/plan/plan.h"
#include "ir/analysis/fusion_info.h"

namespace ingot::plan {

// OK for plans whose kernels compute `fusion` on `target`, every element of every result, without
// an access out of bounds, and within what a block may have of threads, registers and shared
// memory. Every plan that the skeletons propose fits.  InvalidArgument says which number of which
// kernel is wrong, and what it may be.  `reason`, `cost`, `numerics`, `unrounded` and `library` are
// not looked at: MakePlan sets them.  `in_place` is (in_place.h).
//
// A tile may deal out its classes in any way that covers them; a kernel of steps differs from the
// skeleton's in the threads of a block or the division into tasks only.
absl::Status Fits(const FusionPlan& plan, const Computation& fusion, const Target& target);

// The part of Fits for plans of tiles only.
absl::Status TileFits(const FusionPlan& plan, const FusionInfo& info, const Target& target);

// Bytes of shared memory of a block of kernel `number`, for a plan of tiles on a GPU.
int64_t SharedBytesOfTile(const FusionPlan& plan, int number, const FusionInfo& info,
                          const Target& target);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_FITS_H_
