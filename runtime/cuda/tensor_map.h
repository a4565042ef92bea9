// Tensor maps as the driver encodes them.
#ifndef INGOT_RUNTIME_CUDA_TENSOR_MAP_H_
#define INGOT_RUNTIME_CUDA_TENSOR_MAP_H_

#include <cstdint>

#include "absl/status/status.h"
#include "ir/base/tensor_map.h"
#include "runtime/cuda/driver.h"

namespace ingot::runtime::cuda {

// Encodes `map`, which CheckTensorMap accepts, for an array at `address`, a multiple of 16.  Needs
// no context.
absl::Status EncodeTensorMap(const Driver& driver, const ingot::TensorMap& map, uint64_t address,
                             TensorMap& encoded);

}  // namespace ingot::runtime::cuda

#endif  // INGOT_RUNTIME_CUDA_TENSOR_MAP_H_
