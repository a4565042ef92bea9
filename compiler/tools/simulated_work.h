// From what the simulator measured of a launch to what the model of the machine asks for.
#ifndef INGOT_COMPILER_TOOLS_SIMULATED_WORK_H_
#define INGOT_COMPILER_TOOLS_SIMULATED_WORK_H_

#include <cstdint>

#include "compiler/kernel/kernel.h"
#include "compiler/kernel/simulator/report.h"
#include "compiler/machine/kernel_work.h"
#include "ir/base/target.h"
#include "runtime/program.h"

namespace ingot::tools {

// Instructions that a warp issues around the operations of kernel IR, on sm_90a: the stack pointer,
// the descriptor of global memory and the exit; a load for each parameter; a read for each id.
int64_t FrameInstructions(const kernel::Kernel& kernel);

// All but registers, which the assembler says, and bytes moved (SetBytesMoved).
machine::KernelWork WorkOf(const kernel::Kernel& kernel, const kernel::simulator::Report& report);

// Different bytes that the launch, which is `command`, reads and writes: as simulated where every
// block ran.  Else the bytes of the plan, which are the command's, where the launch is the
// `only_kernel` of its instruction; what is written are its results.  Else, for each buffer, what
// the blocks that ran have touched, times blocks over blocks that ran, and at most all of it: right
// where blocks have different tiles, or all of them the same one.
void SetBytesMoved(const kernel::simulator::Report& report, const runtime::Command& command,
                   bool only_kernel, machine::KernelWork& work);

// Sets `cached_sectors`: buffers that L1 holds together are there from their second use on, on each
// multiprocessor; of others the sectors that a block comes back to, if L1 holds what the resident
// blocks read.
void SetCachedSectors(const kernel::simulator::Report& report, const runtime::Command& command,
                      const Target& target, machine::KernelWork& work);

// What the driver copies or fills, as a kernel of 256 threads and 16-byte accesses would.
machine::KernelWork CopyWork(int64_t read_bytes, int64_t written_bytes);

}  // namespace ingot::tools

#endif  // INGOT_COMPILER_TOOLS_SIMULATED_WORK_H_
