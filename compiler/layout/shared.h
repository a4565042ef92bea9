// Shared memory between two distributions of a tile: where each element lies, so that both are
// accessed in wide vectors and without bank conflicts.
#ifndef INGOT_COMPILER_LAYOUT_SHARED_H_
#define INGOT_COMPILER_LAYOUT_SHARED_H_

#include "compiler/layout/layout.h"

namespace ingot::layout {

// An access: (register, lane, …) → offset, in elements of element_bytes (1, 2, 4, 8, 16).
// Registers of a lane are accessed in vectors of vector_bytes, element_bytes to 16.  Both questions
// have one answer for all registers, warps and blocks.

// The widest vector, in bytes: registers of each lane fill whole aligned vectors of that size.
int VectorBytes(const Layout& access, int element_bytes);

// How many times as long an access of a warp takes as it would without conflicts: the most words of
// 4 bytes in one of the 32 banks that lanes want at once.  All 32 lanes go at once in vectors of up
// to 4 bytes, 16 in those of 8, 8 in those of 16.  Lanes that want the same word do not conflict.
// vector_bytes is at most VectorBytes.
int BankConflicts(const Layout& access, int element_bytes, int vector_bytes);

struct SharedLayout {
  // The tile's coordinates → offset, in elements: a bijection.
  Layout layout;
  // Of Compose(layout, write) and Compose(layout, read); without conflicts.
  int write_bytes;
  int read_bytes;
};

// For a tile that is written as `write` says and read as `read` says, each (register, lane, …) →
// the same coordinates; 32 lanes or fewer.  The vectors are what registers of both have in common,
// and then as wide as the registers of one allow.  Both may give an element to several lanes.
//
// Offsets are, from the low bits on: the elements of a vector; the banks; the rows of banks.  An
// access has no conflict if no two of its lanes differ by an element of the span of the row bits:
// so these are a complement of what lanes and vectors of either access span (the paper that
// layout.h names, section 5.4).
SharedLayout ChooseSwizzle(const Layout& write, const Layout& read, int element_bytes);

}  // namespace ingot::layout

#endif  // INGOT_COMPILER_LAYOUT_SHARED_H_
