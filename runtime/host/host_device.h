// The host: kernels are functions of this process, run by a pool of threads.
#ifndef INGOT_RUNTIME_HOST_HOST_DEVICE_H_
#define INGOT_RUNTIME_HOST_HOST_DEVICE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "runtime/device.h"

namespace ingot::runtime {

struct HostOptions {
  // Threads of the pool, the caller's among them.  0: INGOT_NUM_THREADS, else one for each core
  // that this process may run on.
  int threads = 0;
  // Library calls run their fallback even where the library is installed.
  bool use_libraries = true;
};

absl::StatusOr<std::unique_ptr<Device>> CreateHostDevice(const HostOptions& options = {});

}  // namespace ingot::runtime

#endif  // INGOT_RUNTIME_HOST_HOST_DEVICE_H_
