// Which kernels are one and the same code.
#ifndef INGOT_COMPILER_KERNEL_CODE_KEY_H_
#define INGOT_COMPILER_KERNEL_CODE_KEY_H_

#include <string>

#include "compiler/kernel/kernel.h"

namespace ingot::kernel {

// Bytes that two kernels share only if one's code may run in the other's place, given a grid at
// least as large in its text.  Names, comments, HLO ids and the dimensions of buffers have no part
// in it; of grid and tasks only which extents are 1 does.
std::string CodeKey(const Kernel& kernel);

}  // namespace ingot::kernel

#endif  // INGOT_COMPILER_KERNEL_CODE_KEY_H_
