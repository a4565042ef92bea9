// Dead code elimination: all the optimising that this IR gets, besides what Builder folds and
// simplifies as it goes.
#ifndef INGOT_COMPILER_KERNEL_DEAD_CODE_H_
#define INGOT_COMPILER_KERNEL_DEAD_CODE_H_

#include "compiler/kernel/kernel.h"

namespace ingot::kernel {

// Removes operations whose value nobody uses and that have no effect, loads that nobody uses, vars
// that nobody reads, and control whose blocks are empty.  Returns whether anything changed.
bool RemoveDeadCode(Kernel& kernel);

}  // namespace ingot::kernel

#endif  // INGOT_COMPILER_KERNEL_DEAD_CODE_H_
