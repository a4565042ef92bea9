// The memory of a launch: buffers bound to the caller's bytes, or to bytes made up as they are
// touched.
#ifndef INGOT_COMPILER_KERNEL_SIMULATOR_MEMORY_H_
#define INGOT_COMPILER_KERNEL_SIMULATOR_MEMORY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "compiler/kernel/kernel.h"
#include "compiler/kernel/simulator/code.h"
#include "compiler/kernel/simulator/shadow.h"
#include "compiler/kernel/simulator/simulator.h"

namespace ingot::kernel::simulator {

// Bytes that exist where they are touched.
class VirtualMemory {
 public:
  static constexpr int64_t kPageBytes = 4096;

  VirtualMemory(const Contents& contents, ElementType element)
      : contents_(contents), element_(element) {}
  // Of [offset, offset + bytes), which lies within one page: elements do not straddle pages.
  uint8_t* At(int64_t offset) {
    const int64_t number = offset / kPageBytes;
    if (number != last_number_) Find(number);
    return last_ + offset % kPageBytes;
  }

 private:
  void Find(int64_t number);

  const Contents contents_;
  const ElementType element_;
  absl::flat_hash_map<int64_t, std::unique_ptr<uint8_t[]>> pages_;
  int64_t last_number_ = -1;
  uint8_t* last_ = nullptr;
};

// Which bytes were touched.
class TouchMap {
 public:
  void Add(int64_t offset, int bytes);  // at most 16 bytes, aligned to them
  int64_t count() const { return count_; }
  int64_t sectors() const { return sectors_; }  // of 32 bytes, that have such a byte

 private:
  static constexpr int64_t kPageBits = 4096;
  absl::flat_hash_map<int64_t, std::unique_ptr<uint64_t[]>> pages_;
  int64_t last_number_ = -1;
  uint64_t* last_ = nullptr;
  int64_t count_ = 0;
  int64_t sectors_ = 0;
};

// A parameter or a shared allocation.
struct BoundBuffer {
  const Buffer* buffer = nullptr;  // null: a scalar parameter
  int element_bytes = 1;
  int64_t count = 0;  // elements
  bool global = true;
  bool written_by_kernel = false;
  // Global.
  uint8_t* data = nullptr;     // null: `pages`
  uint8_t* written = nullptr;  // null: all is
  VirtualMemory* pages = nullptr;
  Shadow* shadow = nullptr;  // null: races are not looked for
  int64_t shadow_offset = 0;
  int readonly_clash = -1;  // another, readonly, buffer names some of its bytes
  TouchMap loaded, stored;
  GlobalAccesses loads, stores;
  // Shared: where it begins.
  int64_t shared_offset = 0;
};

class Memory {
 public:
  // Checks the arguments against the parameters.  `races`: with shadows.
  static absl::StatusOr<std::unique_ptr<Memory>> Bind(const Code& code,
                                                      absl::Span<const Argument> arguments,
                                                      bool races);

  std::vector<BoundBuffer>& buffers() { return buffers_; }
  int64_t shared_bytes() const { return shared_bytes_; }
  int shared_granule() const { return shared_granule_; }

 private:
  absl::Status BindGlobal(const Argument& argument, BoundBuffer& bound);
  void MakeShadows(const Code& code);

  std::vector<BoundBuffer> buffers_;
  std::vector<std::unique_ptr<VirtualMemory>> virtual_;
  std::vector<std::unique_ptr<Shadow>> shadows_;
  int64_t shared_bytes_ = 0;
  int shared_granule_ = 16;
};

}  // namespace ingot::kernel::simulator

#endif  // INGOT_COMPILER_KERNEL_SIMULATOR_MEMORY_H_
