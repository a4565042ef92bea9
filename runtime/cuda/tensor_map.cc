#include "runtime/cuda/tensor_map.h"

#include <algorithm>

#include "ir/base/status.h"

namespace ingot::runtime::cuda {
namespace {

// CUtensorMapDataType.  Bytes are only moved, so that a type's width is what matters; but there are
// numbers for some floats, and the driver checks alignments by them.
int TensorMapType(const ingot::TensorMap& map) {
  const ElementType type = map.element_type;
  if (map.rounds_to_tf32) return 11;
  if (type == ElementType::kF16) return 6;
  if (type == ElementType::kF32) return 7;
  if (type == ElementType::kF64) return 8;
  if (type == ElementType::kBF16) return 9;
  const int bytes = ByteWidth(type);
  return bytes == 1 ? 0 : bytes == 2 ? 1 : bytes == 4 ? 2 : 4;  // UINT8, 16, 32, 64
}

// CUtensorMapSwizzle and CUtensorMapL2promotion: 0 for none, then by doublings of `least`.
int Doublings(int32_t bytes, int32_t least) {
  int number = 0;
  for (int32_t size = least; bytes >= size; size *= 2) ++number;
  return number;
}

// Drivers up to CUDA 13.1 set a bit for arrays below 128 KB that cards do not take: loads by such a
// map are illegal instructions (NVIDIA's release notes of Tesla drivers; Triton issue 10442;
// CUTLASS clears it too, copy_traits_sm90_tma.hpp).
constexpr int kLastDriverWithBit = 13010;
constexpr uint64_t kSmallArray = 128 << 10;
constexpr uint64_t kBitOfSmallArray = uint64_t{1} << 21;  // of the second word

}  // namespace

absl::Status EncodeTensorMap(const Driver& driver, const ingot::TensorMap& map, uint64_t address,
                             TensorMap& encoded) {
  uint64_t sizes[5], strides[4];
  uint32_t box[5], element_strides[5];
  for (int i = 0; i < map.rank(); ++i) {
    sizes[i] = static_cast<uint64_t>(map.dimensions[i]);
    if (i + 1 < map.rank()) strides[i] = static_cast<uint64_t>(map.byte_strides[i]);
    element_strides[i] =
        map.element_strides.empty() ? 1 : static_cast<uint32_t>(map.element_strides[i]);
  }
  std::copy(map.box.begin(), map.box.end(), box);
  const auto rank = static_cast<uint32_t>(map.rank());
  void* const start = reinterpret_cast<void*>(address);
  const int swizzle = Doublings(map.swizzle_bytes, 32);
  const int promotion = Doublings(map.l2_promotion_bytes, 64);
  const int fill = map.fills_nan ? 1 : 0;
  if (map.is_im2col()) {
    INGOT_CUDA_RETURN_IF_ERROR(
        driver,
        cuTensorMapEncodeIm2col(&encoded, TensorMapType(map), rank, start, sizes, strides,
                                map.lower_corner.data(), map.upper_corner.data(), box[0], box[1],
                                element_strides, /*interleave=*/0, swizzle, promotion, fill));
  } else {
    INGOT_CUDA_RETURN_IF_ERROR(
        driver,
        cuTensorMapEncodeTiled(&encoded, TensorMapType(map), rank, start, sizes, strides, box,
                               element_strides, /*interleave=*/0, swizzle, promotion, fill));
  }
  const int last = map.rank() - 1;
  const uint64_t bytes =
      sizes[last] * (last > 0 ? strides[last - 1] : uint64_t(ByteWidth(map.element_type)));
  if (driver.version <= kLastDriverWithBit && bytes < kSmallArray) {
    encoded.words[1] &= ~kBitOfSmallArray;
  }
  return absl::OkStatus();
}

}  // namespace ingot::runtime::cuda
