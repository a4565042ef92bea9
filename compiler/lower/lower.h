// Emit: a fusion and its plan become one kernel.  Decides nothing.
#ifndef INGOT_COMPILER_LOWER_LOWER_H_
#define INGOT_COMPILER_LOWER_LOWER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "compiler/kernel/kernel.h"
#include "compiler/lower/math/math.h"
#include "compiler/plan/plan.h"
#include "ir/base/target.h"
#include "ir/module.h"

namespace ingot::lower {

struct LoweredKernel {
  // Its parameters are buffers: the fusion's parameters by number, then its results (the leaves of
  // the root, in order), then the plan's scratch buffers.  A buffer of complex elements is one of
  // twice as many components.
  std::unique_ptr<kernel::Kernel> kernel;
  int operands = 0;
  int results = 0;
  int scratch = 0;
};

// Unimplemented, naming the instruction, for what cannot be lowered.  No parameter shares bytes
// with a result.  `approximation` counts on GPUs only.
absl::StatusOr<LoweredKernel> Lower(const Computation& fusion, const plan::KernelPlan& plan,
                                    const Target& target, absl::string_view kernel_name,
                                    Approximation approximation = Approximation::kNone);

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_LOWER_H_
