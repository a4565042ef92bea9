#include "tests/device/card.h"

#include <fstream>
#include <iterator>
#include <utility>

#include "ir/base/status.h"
#include "runtime/cuda/tensor_map.h"

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
  CardLaunch launch;
  launch.kernel = kernel;
  launch.grid[0] = blocks;
  launch.block[0] = block_threads;
  std::vector<std::vector<uint8_t>> buffers = operands;
  buffers.push_back(std::move(*result));
  for (size_t i = 0; i < buffers.size(); ++i) launch.arguments.push_back({i});
  const absl::Status status = Run(launch, buffers);
  *result = std::move(buffers.back());
  return status;
}

absl::Status Card::Run(const CardLaunch& launch, std::vector<std::vector<uint8_t>>& buffers) {
  CUfunction function;
  INGOT_CUDA_RETURN_IF_ERROR(*driver_,
                             cuModuleGetFunction(&function, module_, launch.kernel.c_str()));
  if (launch.dynamic_shared_bytes > 0) {
    INGOT_CUDA_RETURN_IF_ERROR(
        *driver_, cuFuncSetAttribute(function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                                     static_cast<int>(launch.dynamic_shared_bytes)));
  }
  std::vector<CUdeviceptr> addresses(buffers.size());
  for (size_t i = 0; i < addresses.size(); ++i) {
    const std::vector<uint8_t>& bytes = buffers[i];
    INGOT_CUDA_RETURN_IF_ERROR(*driver_, cuMemAlloc_v2(&addresses[i], bytes.size()));
    INGOT_CUDA_RETURN_IF_ERROR(
        *driver_, cuMemcpyHtoDAsync_v2(addresses[i], bytes.data(), bytes.size(), nullptr));
  }
  std::vector<runtime::cuda::TensorMap> maps(launch.arguments.size());
  std::vector<void*> parameters;
  for (size_t i = 0; i < launch.arguments.size(); ++i) {
    const CardArgument& argument = launch.arguments[i];
    parameters.push_back(&addresses[argument.buffer]);
    if (argument.map == nullptr) continue;
    INGOT_RETURN_IF_ERROR(
        EncodeTensorMap(*driver_, *argument.map, addresses[argument.buffer], maps[i]));
    parameters.back() = &maps[i];
  }
  LaunchConfig config = {};
  config.grid_x = launch.grid[0];
  config.grid_y = launch.grid[1];
  config.grid_z = launch.grid[2];
  config.block_x = launch.block[0];
  config.block_y = launch.block[1];
  config.block_z = launch.block[2];
  config.shared_bytes = launch.dynamic_shared_bytes;
  LaunchAttribute attribute = {};
  if (launch.cluster != std::array<int, 3>{1, 1, 1}) {
    attribute.id = runtime::cuda::CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION;
    for (int i = 0; i < 3; ++i) {
      (&attribute.value.cluster.x)[i] = static_cast<unsigned>(launch.cluster[i]);
    }
    config.attributes = &attribute;
    config.attribute_count = 1;
  }
  INGOT_CUDA_RETURN_IF_ERROR(*driver_,
                             cuLaunchKernelEx(&config, function, parameters.data(), nullptr));
  for (size_t i = 0; i < addresses.size(); ++i) {
    INGOT_CUDA_RETURN_IF_ERROR(*driver_, cuMemcpyDtoHAsync_v2(buffers[i].data(), addresses[i],
                                                              buffers[i].size(), nullptr));
  }
  INGOT_CUDA_RETURN_IF_ERROR(*driver_, cuStreamSynchronize(nullptr));
  for (CUdeviceptr address : addresses) {
    INGOT_CUDA_RETURN_IF_ERROR(*driver_, cuMemFree_v2(address));
  }
  return absl::OkStatus();
}

}  // namespace ingot::test
