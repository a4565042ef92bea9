// The memory of a simulated device: allocations, and which of their bytes have been written.
#ifndef INGOT_COMPILER_KERNEL_SIMULATOR_DEVICE_DEVICE_MEMORY_H_
#define INGOT_COMPILER_KERNEL_SIMULATOR_DEVICE_DEVICE_MEMORY_H_

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

#include "absl/status/statusor.h"

namespace ingot::kernel::simulator {

// Thread-safe, for calls that concern different allocations.
class DeviceMemory {
 public:
  // Aligned to runtime::kArenaAlignment; nobody has written it.
  absl::StatusOr<void*> Allocate(int64_t bytes);
  // Null, or an address that Allocate gave.
  void Free(void* address);

  // One byte for each byte from `address` on, to the end of its allocation: 1 where it has been
  // written.  Null for memory that is not the device's, all of which counts as written.
  uint8_t* WrittenAt(const void* address) const;
  void SetWritten(void* address, int64_t bytes, bool written);
  // The first of these bytes that nobody has written; -1: all have been.
  int64_t FindUnwritten(const void* address, int64_t bytes) const;

 private:
  struct FreeBytes {
    void operator()(uint8_t* bytes) const;
  };
  struct Piece {
    int64_t bytes = 0;
    std::unique_ptr<uint8_t, FreeBytes> memory;
    std::unique_ptr<uint8_t[]> written;
  };

  mutable std::mutex mutex_;
  std::map<const uint8_t*, Piece> pieces_;  // by address; guarded by mutex_
};

}  // namespace ingot::kernel::simulator

#endif  // INGOT_COMPILER_KERNEL_SIMULATOR_DEVICE_DEVICE_MEMORY_H_
