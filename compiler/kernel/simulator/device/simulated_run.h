// The commands of one run on a simulated device.  Used by device.cc alone.
#ifndef INGOT_COMPILER_KERNEL_SIMULATOR_DEVICE_SIMULATED_RUN_H_
#define INGOT_COMPILER_KERNEL_SIMULATOR_DEVICE_SIMULATED_RUN_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "compiler/kernel/kernel.h"
#include "compiler/kernel/simulator/device/device.h"
#include "compiler/kernel/simulator/device/device_memory.h"
#include "compiler/kernel/simulator/simulator.h"
#include "ir/base/target.h"
#include "runtime/device.h"
#include "runtime/program.h"

namespace ingot::kernel::simulator {

// A module of kernel text, parsed and verified.
struct SimulatedModule {
  const Target* target = nullptr;
  KernelModule kernels;
  absl::flat_hash_map<std::string, const Kernel*> by_name;
};

// Immutable once made.
struct SimulatedProgram {
  std::shared_ptr<const runtime::Program> program;
  std::vector<SimulatedModule> modules;
  std::vector<void*> constants;  // on the device
};

class SimulatedRun {
 public:
  // `arena`: program.arena_size bytes.  All outlive this.
  SimulatedRun(const SimulatedProgram& program, DeviceMemory& memory, void* arena,
               const DeviceOptions& options, const runtime::RunArguments& arguments)
      : program_(program),
        memory_(memory),
        arena_(arena),
        options_(options),
        arguments_(arguments) {}

  // Under every schedule.
  absl::Status Run();

  // The commands, as std::visit calls them.
  absl::Status operator()(const runtime::Launch& launch);
  absl::Status operator()(const runtime::Copy& copy);
  absl::Status operator()(const runtime::Fill& fill);
  absl::Status operator()(const runtime::While& loop);
  absl::Status operator()(const runtime::Conditional& conditional);
  absl::Status operator()(const runtime::LibraryCall& call);

 private:
  absl::Status RunOnce();
  absl::Status Commands(const std::vector<runtime::Command>& commands);
  absl::Status CheckOutputs() const;
  // The bytes of all outputs, one after the other.
  std::vector<uint8_t> Outputs() const;
  absl::Status CheckSame(const std::vector<uint8_t>& first) const;
  uint8_t* Address(const runtime::BufferSlice& slice) const;
  // Whether everybody's bytes of the slice, which the host looks at, have been written.
  absl::Status CheckWritten(const runtime::BufferSlice& slice) const;
  absl::Status Bind(const runtime::Launch& launch, const Kernel& kernel,
                    std::vector<Argument>& bound);
  // A result: what is there is nothing to rely on, until one of the commands of its instruction has
  // written it.
  void ForgetOnce(const runtime::BufferSlice& slice);

  const SimulatedProgram& program_;
  DeviceMemory& memory_;
  void* const arena_;
  const DeviceOptions& options_;
  const runtime::RunArguments& arguments_;
  uint64_t seed_ = 0;
  // Of the commands that are running: their label, and the results that are forgotten.
  std::string label_;
  std::vector<runtime::BufferSlice> forgotten_;
};

}  // namespace ingot::kernel::simulator

#endif  // INGOT_COMPILER_KERNEL_SIMULATOR_DEVICE_SIMULATED_RUN_H_
