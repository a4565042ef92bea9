// Dead code elimination and constant folding: all the optimising that this IR gets.
#ifndef INGOT_COMPILER_KERNEL_SIMPLIFY_H_
#define INGOT_COMPILER_KERNEL_SIMPLIFY_H_

#include "compiler/kernel/kernel.h"

namespace ingot::kernel {

// Removes operations whose value nobody uses and that have no effect, loads that nobody uses, vars
// that nobody reads, and control whose blocks are empty.  Returns whether anything changed.
bool RemoveDeadCode(Kernel& kernel);

// Replaces pure operations on constants by their value (fold.h).  What Builder does as it goes, for
// kernels that were parsed or built without it.  Returns whether anything changed.
bool FoldConstants(Kernel& kernel);

}  // namespace ingot::kernel

#endif  // INGOT_COMPILER_KERNEL_SIMPLIFY_H_
