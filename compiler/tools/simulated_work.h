// From what the simulator measured of a launch to what the model of the machine asks for.
#ifndef INGOT_COMPILER_TOOLS_SIMULATED_WORK_H_
#define INGOT_COMPILER_TOOLS_SIMULATED_WORK_H_

#include <cstdint>

#include "compiler/kernel/kernel.h"
#include "compiler/kernel/simulator/report.h"
#include "compiler/machine/kernel_work.h"
#include "runtime/program.h"

namespace ingot::tools {

// Instructions that a warp issues around the operations of kernel IR, on sm_90a: the stack pointer,
// the descriptor of global memory and the exit; a load for each parameter; a read for each id.
int64_t FrameInstructions(const kernel::Kernel& kernel);

// All but registers, which the assembler says, and bytes moved (SetBytesMoved).
machine::KernelWork WorkOf(const kernel::Kernel& kernel, const kernel::simulator::Report& report);

// Different bytes that the launch reads and writes: as simulated where every block ran, else the
// bytes of the plan, which are the command's; what is written are the launch's results.
// `command` is the launch.
void SetBytesMoved(const kernel::simulator::Report& report, const runtime::Command& command,
                   machine::KernelWork& work);

// What the driver copies or fills, as a kernel of 256 threads and 16-byte accesses would.
machine::KernelWork CopyWork(int64_t read_bytes, int64_t written_bytes);

}  // namespace ingot::tools

#endif  // INGOT_COMPILER_TOOLS_SIMULATED_WORK_H_
