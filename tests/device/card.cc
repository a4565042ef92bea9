#include "tests/device/card.h"

#include <fstream>
#include <iterator>

#include "ir/base/status.h"

namespace ingot::test {

using namespace runtime::cuda;  // the driver's names

absl::StatusOr<Card> Card::Open() {
  INGOT_ASSIGN_OR_RETURN(const Driver* driver, OpenDriver());
  CUdevice device;
  CUcontext context;
  INGOT_CUDA_RETURN_IF_ERROR(*driver, cuDeviceGet(&device, 0));
  INGOT_CUDA_RETURN_IF_ERROR(*driver, cuDevicePrimaryCtxRetain(&context, device));
  INGOT_CUDA_RETURN_IF_ERROR(*driver, cuCtxPushCurrent_v2(context));
  return Card(driver);
}

absl::Status Card::LoadModule(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> cubin{std::istreambuf_iterator<char>(file), {}};
  if (cubin.empty()) return InvalidArgument("no ", path);
  INGOT_CUDA_RETURN_IF_ERROR(*driver_,
                             cuModuleLoadDataEx(&module_, cubin.data(), 0, nullptr, nullptr));
  return absl::OkStatus();
}

absl::Status Card::Run(const std::string& kernel, const std::vector<std::vector<uint8_t>>& operands,
                       int64_t blocks, int block_threads, std::vector<uint8_t>* result) {
  CUfunction function;
  INGOT_CUDA_RETURN_IF_ERROR(*driver_, cuModuleGetFunction(&function, module_, kernel.c_str()));
  std::vector<CUdeviceptr> addresses(operands.size() + 1);
  for (size_t i = 0; i < addresses.size(); ++i) {
    const std::vector<uint8_t>& bytes = i < operands.size() ? operands[i] : *result;
    INGOT_CUDA_RETURN_IF_ERROR(*driver_, cuMemAlloc_v2(&addresses[i], bytes.size()));
    INGOT_CUDA_RETURN_IF_ERROR(
        *driver_, cuMemcpyHtoDAsync_v2(addresses[i], bytes.data(), bytes.size(), nullptr));
  }
  std::vector<void*> parameters;
  for (CUdeviceptr& address : addresses) parameters.push_back(&address);
  LaunchConfig config = {};
  config.grid_x = blocks;
  config.grid_y = config.grid_z = config.block_y = config.block_z = 1;
  config.block_x = block_threads;
  INGOT_CUDA_RETURN_IF_ERROR(*driver_,
                             cuLaunchKernelEx(&config, function, parameters.data(), nullptr));
  INGOT_CUDA_RETURN_IF_ERROR(
      *driver_, cuMemcpyDtoHAsync_v2(result->data(), addresses.back(), result->size(), nullptr));
  INGOT_CUDA_RETURN_IF_ERROR(*driver_, cuStreamSynchronize(nullptr));
  for (CUdeviceptr address : addresses) {
    INGOT_CUDA_RETURN_IF_ERROR(*driver_, cuMemFree_v2(address));
  }
  return absl::OkStatus();
}

}  // namespace ingot::test
