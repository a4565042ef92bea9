// Which elements the lanes of a warp have in matrix instructions, and how the copy engine swizzles.
// All as NVIDIA's "PTX ISA" draws them.
#ifndef INGOT_COMPILER_LAYOUT_FRAGMENTS_H_
#define INGOT_COMPILER_LAYOUT_FRAGMENTS_H_

#include "compiler/layout/layout.h"

namespace ingot::layout {

// (register, lane) → a tile, registers counted in elements.
// mma.m16n8k16 of f16 and bf16: A (row, k), B (k, column), and the accumulator, of f32 too.
Layout MmaA();
Layout MmaB();
Layout MmaAccumulator();

// ldmatrix and stmatrix of one 8 × 8 matrix of 16-bit elements, rows in memory.
Layout LdMatrix(bool transposed);

// (register, lane, warp of the warpgroup) → wgmma.m64nNk*'s accumulator, N = columns: 8, 16, … 256,
// a power of two.
Layout WgmmaAccumulator(int columns);

// (row, column) → offset, in elements, of 2^row_bits rows of row_bytes = 32, 64 or 128 bytes, as
// tensor maps and wgmma descriptors of that swizzle have it: of an address's bits, those from 7 on
// are added to those from 4 on, as many as there are 16-byte pieces in a row.
Layout CopySwizzle(int row_bytes, int element_bytes, int row_bits);

}  // namespace ingot::layout

#endif  // INGOT_COMPILER_LAYOUT_FRAGMENTS_H_
