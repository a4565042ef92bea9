#include "runtime/cuda/driver.h"

#include <dlfcn.h>

#include <cstring>

#include "absl/strings/str_cat.h"
#include "ir/base/status.h"

namespace ingot::runtime::cuda {
namespace {

// Whether every later call in the context fails too: a kernel read or wrote what it must not, or
// stopped.
bool BreaksContext(CUresult result) {
  return result == CUDA_ERROR_ILLEGAL_ADDRESS || result == CUDA_ERROR_LAUNCH_TIMEOUT ||
         (result >= CUDA_ERROR_HARDWARE_STACK_ERROR && result <= CUDA_ERROR_LAUNCH_FAILED);
}

struct Opened {
  Driver driver;
  absl::Status status;
};

absl::Status Open(Driver& driver) {
  void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    return absl::FailedPreconditionError(
        "no CUDA driver on this machine: libcuda.so.1 is not found (NVIDIA's driver installs it)");
  }
#define INGOT_CUDA_FUNCTION(symbol, parameters)                                           \
  driver.symbol = reinterpret_cast<decltype(driver.symbol)>(dlsym(library, #symbol));     \
  if (driver.symbol == nullptr) {                                                         \
    return absl::FailedPreconditionError("the CUDA driver is too old: it has no " #symbol \
                                         "; drivers of CUDA 12 and up have");             \
  }
#define INGOT_CUDA_OPTIONAL(symbol, parameters) \
  driver.symbol = reinterpret_cast<decltype(driver.symbol)>(dlsym(library, #symbol));
#include "runtime/cuda/driver_entry_points.def"
  if (const CUresult result = driver.cuInit(0); result != CUDA_SUCCESS) {
    const absl::Status status = driver.Check(result, "cuInit");
    return absl::FailedPreconditionError(absl::StrCat(
        "the CUDA driver does not start: ", status.message(),
        result == CUDA_ERROR_NO_DEVICE ? "; is the card visible to this process?" : ""));
  }
  return driver.Check(driver.cuDriverGetVersion(&driver.version), "cuDriverGetVersion");
}

}  // namespace

absl::Status Driver::Check(CUresult result, const char* call) const {
  if (result == CUDA_SUCCESS) return absl::OkStatus();
  const char* name = nullptr;
  const char* meaning = nullptr;
  if (cuGetErrorName(result, &name) != CUDA_SUCCESS || name == nullptr) name = "unknown error";
  if (cuGetErrorString(result, &meaning) != CUDA_SUCCESS || meaning == nullptr) meaning = "";
  // The call without its arguments: they are ours, and mean nothing to a reader.
  const absl::string_view function(call, std::strcspn(call, "("));
  const std::string message =
      absl::StrCat(function, ": ", name, " (", result, ")", *meaning != '\0' ? ": " : "", meaning,
                   BreaksContext(result) ? "; the card's context is lost: make a new device, or "
                                           "start the process anew"
                                         : "");
  return result == CUDA_ERROR_OUT_OF_MEMORY ? absl::ResourceExhaustedError(message)
                                            : absl::UnavailableError(message);
}

absl::StatusOr<const Driver*> OpenDriver() {
  static const Opened* const opened = [] {
    auto* result = new Opened;
    result->status = Open(result->driver);
    return result;
  }();
  if (!opened->status.ok()) return opened->status;
  return &opened->driver;
}

}  // namespace ingot::runtime::cuda
