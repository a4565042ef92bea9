// Emit: a fusion and its plan become kernels.  Decides nothing.
#ifndef INGOT_COMPILER_LOWER_LOWER_H_
#define INGOT_COMPILER_LOWER_LOWER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "compiler/kernel/kernel.h"
#include "compiler/plan/plan.h"
#include "ir/base/target.h"
#include "ir/module.h"

namespace ingot::lower {

// The plan's kernels, in order, under these names.  A kernel's parameters are the buffers that its
// plan lists; a buffer of complex elements is one of twice as many components.  Unimplemented,
// naming the instruction, for what cannot be lowered.  No parameter shares bytes with a result.
absl::StatusOr<std::vector<std::unique_ptr<kernel::Kernel>>> Lower(
    const Computation& fusion, const plan::FusionPlan& plan, const Target& target,
    absl::Span<const std::string> names);

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_LOWER_H_
