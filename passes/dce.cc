#include "passes/dce.h"

namespace ingot {

absl::StatusOr<bool> EliminateDeadCode(Module& module, const PassContext&) {
  bool changed = false;
  for (Computation* computation : module.computations()) changed |= computation->RemoveDead();
  // A call is in text until its computation is normalized: compact first, so that what only dead
  // code called goes.
  module.Normalize();
  changed |= module.RemoveUnreachableComputations();
  return changed;
}

}  // namespace ingot
