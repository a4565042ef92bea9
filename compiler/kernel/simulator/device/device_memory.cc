#include "compiler/kernel/simulator/device/device_memory.h"

#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/program.h"

namespace ingot::kernel::simulator {
namespace {

// What a kernel finds in memory that nobody wrote is nothing to rely on.
constexpr int kGarbage = 0xa5;

}  // namespace

void DeviceMemory::FreeBytes::operator()(uint8_t* bytes) const { std::free(bytes); }

absl::StatusOr<void*> DeviceMemory::Allocate(int64_t bytes) {
  constexpr int64_t kMost = int64_t{1} << 40;
  void* address = nullptr;
  std::unique_ptr<uint8_t[]> written;
  if (bytes >= 0 && bytes <= kMost) {
    written.reset(new (std::nothrow) uint8_t[bytes + 1]());
  }
  if (written == nullptr ||
      posix_memalign(&address, runtime::kArenaAlignment, bytes == 0 ? 1 : bytes) != 0) {
    return absl::ResourceExhaustedError(absl::StrCat("no memory for ", bytes, " bytes"));
  }
  if (bytes > 0) std::memset(address, kGarbage, bytes);
  auto* const begin = static_cast<uint8_t*>(address);
  Piece piece;
  piece.bytes = bytes;
  piece.memory.reset(begin);
  piece.written = std::move(written);
  const std::lock_guard<std::mutex> lock(mutex_);
  pieces_.emplace(begin, std::move(piece));
  return address;
}

void DeviceMemory::Free(void* address) {
  const std::lock_guard<std::mutex> lock(mutex_);
  pieces_.erase(static_cast<const uint8_t*>(address));
}

uint8_t* DeviceMemory::WrittenAt(const void* address) const {
  const auto* const at = static_cast<const uint8_t*>(address);
  const std::lock_guard<std::mutex> lock(mutex_);
  auto after = pieces_.upper_bound(at);
  if (after == pieces_.begin()) return nullptr;
  const auto& [begin, piece] = *--after;
  return at - begin <= piece.bytes ? piece.written.get() + (at - begin) : nullptr;
}

void DeviceMemory::SetWritten(void* address, int64_t bytes, bool written) {
  uint8_t* const marks = WrittenAt(address);
  if (marks != nullptr && bytes > 0) std::memset(marks, written ? 1 : 0, bytes);
}

int64_t DeviceMemory::FindUnwritten(const void* address, int64_t bytes) const {
  const uint8_t* const marks = WrittenAt(address);
  if (marks == nullptr || bytes == 0) return -1;
  const void* const found = std::memchr(marks, 0, bytes);
  return found == nullptr ? -1 : static_cast<const uint8_t*>(found) - marks;
}

}  // namespace ingot::kernel::simulator
