// NVIDIA GPUs through the CUDA driver, which is opened at run time.
#ifndef INGOT_RUNTIME_CUDA_CUDA_DEVICE_H_
#define INGOT_RUNTIME_CUDA_CUDA_DEVICE_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/device.h"

namespace ingot::runtime {

struct CudaOptions {
  int ordinal = 0;  // which card, as the driver numbers them
  // The caller's CUcontext, which must outlive the device; null: the card's primary context, which
  // is shared with CUDA's runtime library and everything built on it.
  void* context = nullptr;
  // Whether loops and conditionals may be parts of a graph, decided on the card, where the driver
  // can.  Else the host reads predicates back.
  bool card_decides = true;
};

// FailedPrecondition where there is no driver or no such card.
absl::StatusOr<std::unique_ptr<Device>> CreateCudaDevice(const CudaOptions& options = {});

// The cards that are here.  FailedPrecondition where there is no driver.
absl::StatusOr<std::vector<DeviceProperties>> ListCudaDevices();

// How code fits a card: Device::Fit's number for it alone, and whether it is PTX that the driver is
// to assemble.
struct CudaFit {
  int number = 0;
  bool ptx = false;
};

// For a card of compute capability `major`.`minor`.  Machine code runs within a major version from
// its minor version on, PTX on any later card, and either on its own card alone where the
// architecture's name ends in `a`.  In this order: machine code and PTX for this card alone,
// machine code, PTX; of one sort the later architecture.  FailedPrecondition says what is needed
// and what is there.
absl::StatusOr<CudaFit> FitCudaCode(const CodeModule& module, int major, int minor);

}  // namespace ingot::runtime

#endif  // INGOT_RUNTIME_CUDA_CUDA_DEVICE_H_
