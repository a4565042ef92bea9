// How the host device calls a kernel.  The LLVM host renderer generates functions of this type.
#ifndef INGOT_RUNTIME_HOST_KERNEL_ABI_H_
#define INGOT_RUNTIME_HOST_KERNEL_ABI_H_

#include <cstdint>

namespace ingot::runtime {

// Runs tasks [task_begin, task_end) of a launch; the ranges of one launch cover [0, tasks) once
// each, in any order, on any threads, at the same time.  C calling convention (System V).
//
// `arguments` has one 8-byte slot for each parameter of the kernel, in order:
//   buffer   its address.  The arena's base is aligned to kArenaAlignment; inputs, outputs and
//            constants to kParameterAlignment; the slice's offset is added.
//   scalar   its value in the low bytes, little-endian; the rest is zero.
// The slots are read only.  A kernel keeps nothing between calls, throws nothing, needs at most
// 64 KB of stack, and calls nothing outside its module.
using HostKernel = void (*)(const uint64_t* arguments, int64_t task_begin, int64_t task_end);

}  // namespace ingot::runtime

#endif  // INGOT_RUNTIME_HOST_KERNEL_ABI_H_
