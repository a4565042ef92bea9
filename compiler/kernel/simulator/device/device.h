// A device for programs of the platform "sim": kernel text, run by the simulator with all its
// checks.
#ifndef INGOT_COMPILER_KERNEL_SIMULATOR_DEVICE_DEVICE_H_
#define INGOT_COMPILER_KERNEL_SIMULATOR_DEVICE_DEVICE_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "runtime/device.h"

namespace ingot::kernel::simulator {

struct DeviceOptions {
  // Each run is done so many times, with seeds 0, 1, …, and has to give the same bits each time.
  // 0: INGOT_SIM_SCHEDULES, else 1.
  int schedules = 0;
  // ResourceExhausted after so many thread operations of one launch.
  int64_t most_thread_operations = int64_t{1} << 42;
};

// Runs are done on the caller's thread; several threads may run programs at once.  A fault of a
// kernel is the run's error, FailedPrecondition, as are results that are not written, and results
// that differ from one schedule to another.
absl::StatusOr<std::unique_ptr<runtime::Device>> CreateSimulatedDevice(
    const DeviceOptions& options = {});

}  // namespace ingot::kernel::simulator

#endif  // INGOT_COMPILER_KERNEL_SIMULATOR_DEVICE_DEVICE_H_
