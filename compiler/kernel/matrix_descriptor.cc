#include "compiler/kernel/matrix_descriptor.h"

namespace ingot::kernel {
namespace {

constexpr int kLine = 16;  // bytes that a swizzle keeps together
constexpr int kGroup = 8;  // rows, or k, of a core matrix

// Fields of a descriptor count lines.
constexpr uint64_t kField = 0x3fff;
uint64_t Lines(int64_t bytes) { return static_cast<uint64_t>(bytes / kLine) & kField; }

}  // namespace

int64_t SwizzledAddress(int64_t address, int swizzle_bytes) {
  if (swizzle_bytes == 0) return address;
  const int64_t lines = swizzle_bytes / kLine;
  return address ^ ((address >> 7 & (lines - 1)) << 4);
}

uint64_t MatrixDescriptor::Encode() const {
  const uint64_t mode = swizzle_bytes == 128  ? 1
                        : swizzle_bytes == 64 ? 2
                        : swizzle_bytes == 32 ? 3
                                              : 0;
  return Lines(address) | Lines(leading) << 16 | Lines(stride) << 32 |
         static_cast<uint64_t>(base_offset & 7) << 49 | mode << 62;
}

MatrixDescriptor MatrixDescriptor::Decode(uint64_t bits) {
  constexpr int kWidths[] = {0, 128, 64, 32};
  const auto bytes = [&](int shift) {
    return static_cast<int64_t>(bits >> shift & kField) * kLine;
  };
  MatrixDescriptor descriptor;
  descriptor.address = bytes(0);
  descriptor.leading = bytes(16);
  descriptor.stride = bytes(32);
  descriptor.base_offset = static_cast<int>(bits >> 49 & 7);
  descriptor.swizzle_bytes = kWidths[bits >> 62];
  return descriptor;
}

int64_t MatrixDescriptor::AddressAlongK(int row, int k_byte) const {
  const int64_t group = address + row / kGroup * stride;
  if (swizzle_bytes == 0) {
    return group + k_byte / kLine * leading + row % kGroup * kLine + k_byte % kLine;
  }
  return SwizzledAddress(group + int64_t{row % kGroup} * swizzle_bytes + k_byte, swizzle_bytes);
}

int64_t MatrixDescriptor::AddressAlongRows(int row, int k) const {
  if (swizzle_bytes == 0) {
    return address + row / kGroup * stride + k / kGroup * leading + k % kGroup * kLine +
           row % kGroup * 2;
  }
  const int rows = swizzle_bytes / 2;  // of a width
  return SwizzledAddress(address + row / rows * leading + k / kGroup * stride +
                             int64_t{k % kGroup} * swizzle_bytes + row % rows * 2,
                         swizzle_bytes);
}

}  // namespace ingot::kernel
