// Matrix descriptors: how wgmma is told where an operand lies in shared memory, and the swizzles
// that it shares with bulk tensor copies.  (PTX ISA, Asynchronous Warpgroup Level Matrix
// instructions: Shared Memory Matrix Layout, Matrix Descriptor Format; Tensors: Swizzling Modes.)
#ifndef INGOT_COMPILER_KERNEL_MATRIX_DESCRIPTOR_H_
#define INGOT_COMPILER_KERNEL_MATRIX_DESCRIPTOR_H_

#include <cstdint>

namespace ingot::kernel {

// Where the 16 bytes at `address` of a swizzled tile lie: its bits 4 … are XORed with bits 7 …, as
// many as the width (0, 32, 64, 128 bytes) has lines.  An involution on absolute shared addresses.
int64_t SwizzledAddress(int64_t address, int swizzle_bytes);

// An operand: `rows` of m (or n) by k.  Addresses and strides are bytes, multiples of 16 below
// 2^18.
struct MatrixDescriptor {
  int64_t address = 0;  // of row 0, k 0, before the swizzle
  // What the two strides are depends on how the operand lies:
  //   along k, swizzled:        stride: from 8 rows to the next 8 rows
  //   along k, not swizzled:    the same; leading: from 16 bytes of k to the next
  //   along rows, swizzled:     leading: from one width of rows to the next; stride: from 8 k to
  //   the
  //                             next 8 k
  //   along rows, not swizzled: leading: from 8 k to the next; stride: from 8 rows to the next
  int64_t leading = 0;
  int64_t stride = 0;
  int base_offset = 0;    // 0 where tiles begin at multiples of 8 times the swizzle's width
  int swizzle_bytes = 0;  // 0, 32, 64, 128

  uint64_t Encode() const;
  static MatrixDescriptor Decode(uint64_t bits);

  // The address in shared memory of byte `k_byte` of row `row`, for an operand along k, …
  int64_t AddressAlongK(int row, int k_byte) const;
  // … and of element (row, k) of 2 bytes, for one along rows.
  int64_t AddressAlongRows(int row, int k) const;

  bool operator==(const MatrixDescriptor&) const = default;
};

}  // namespace ingot::kernel

#endif  // INGOT_COMPILER_KERNEL_MATRIX_DESCRIPTOR_H_
