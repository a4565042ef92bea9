// What a kernel has to obey beyond the rules of each row (rules.h).
#ifndef INGOT_COMPILER_KERNEL_VERIFIER_H_
#define INGOT_COMPILER_KERNEL_VERIFIER_H_

#include "absl/status/status.h"
#include "compiler/kernel/kernel.h"
#include "ir/base/target.h"

namespace ingot::kernel {

// The first fault, as "@kernel: operation 12 (hlo 7): barrier: …" (%name for an operation that has
// one):
//   - each operation obeys its row; operands, vars and buffers are of this kernel and visible;
//   `yield`
//     ends the condition of each `while` and stands nowhere else
//   - indices of var arrays are static (constants, variables of unrolled loops and integer
//   arithmetic
//     on them) and in range
//   - nothing is written to a readonly buffer; constant indices are in range and aligned; no access
//     claims more alignment than its buffer has
//   - what a scope has to execute together stands under conditions that are uniform there
//   - launch: threads, clusters, shared bytes, registers, barrier ids and counts
//   - host: tasks only: no ids of threads, no intrinsics; shared memory is the task's
// `target` may be nullptr: then the widest limits hold, and every intrinsic is there.
absl::Status VerifyKernel(const Kernel& kernel, const Target* target);
absl::Status VerifyModule(const KernelModule& module, const Target* target);

}  // namespace ingot::kernel

#endif  // INGOT_COMPILER_KERNEL_VERIFIER_H_
