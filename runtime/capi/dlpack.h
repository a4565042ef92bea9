// DLPack's tensors, by their layout in memory (dlpack.h 0.6 and up), so that neither building nor
// using the runtime needs it; tests/runtime/capi holds this against dlpack.h where that is.
#ifndef INGOT_RUNTIME_CAPI_DLPACK_H_
#define INGOT_RUNTIME_CAPI_DLPACK_H_

#include <cstdint>

extern "C" {

struct DLManagedTensor {
  struct {
    void* data;
    struct {
      int32_t type;  // dlpack::kCpu, …
      int32_t id;    // which of the type
    } device;
    int32_t rank;
    struct {
      uint8_t code;  // dlpack::kInt, …
      uint8_t bits;
      uint16_t lanes;
    } type;
    int64_t* shape;
    int64_t* strides;      // in elements; null: dense and row-major
    uint64_t byte_offset;  // of the first element from `data`
  } tensor;
  void* owner;                               // the deleter's own
  void (*deleter)(DLManagedTensor* tensor);  // may be null
};

}  // extern "C"

namespace ingot::runtime::dlpack {

inline constexpr int32_t kCpu = 1, kCuda = 2, kCudaHost = 3, kCudaManaged = 13;
inline constexpr uint8_t kInt = 0, kUInt = 1, kFloat = 2, kBfloat = 4, kComplex = 5, kBool = 6;

}  // namespace ingot::runtime::dlpack

#endif  // INGOT_RUNTIME_CAPI_DLPACK_H_
