// What one instruction of a warp asks of memory.
#ifndef INGOT_COMPILER_KERNEL_SIMULATOR_MEASURE_H_
#define INGOT_COMPILER_KERNEL_SIMULATOR_MEASURE_H_

#include <array>
#include <cstdint>

#include "compiler/kernel/simulator/memory.h"
#include "compiler/kernel/types.h"

namespace ingot::kernel::simulator {

// An access of each of these threads to `bytes` bytes (at most 16, aligned to them).
struct WarpAccess {
  uint32_t threads = 0;                      // that take part
  std::array<int64_t, kWarpSize> offsets{};  // in the buffer, or in shared memory
  int bytes = 0;
};

// Adds an instruction to `accesses`; `touched` learns the bytes.
void CountGlobal(const WarpAccess& access, GlobalAccesses& accesses, TouchMap& touched);

// Passes that shared memory takes: 32 banks of 4 bytes give one word each a pass, to all threads
// that want it.  Threads with 8 or 16 bytes each go in 2 or 4 groups, which is `least`.
int SharedPasses(const WarpAccess& access, int& least);

}  // namespace ingot::kernel::simulator

#endif  // INGOT_COMPILER_KERNEL_SIMULATOR_MEASURE_H_
