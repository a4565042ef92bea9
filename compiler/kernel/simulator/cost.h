// What operations cost: warp instructions by unit, as they would be assembled.
#ifndef INGOT_COMPILER_KERNEL_SIMULATOR_COST_H_
#define INGOT_COMPILER_KERNEL_SIMULATOR_COST_H_

#include <array>
#include <cstdint>
#include <vector>

#include "compiler/kernel/kernel.h"
#include "compiler/kernel/simulator/report.h"

namespace ingot::kernel::simulator {

// Warp instructions of one execution by a warp, by unit.
using Cost = std::array<uint16_t, kUnitCount>;

// By operation id.  Constants, ids, vector rows, vars and bitcasts cost nothing: they are
// registers.  Nor do what is known where the kernel is assembled (variables of unrolled loops and
// what is computed from them alone), what an index differs by from one before it, if that is a
// constant (the offset in an address), a product whose one user is a sum (IMAD, but of floats only
// `fma`), and signs of floats (modifiers of operands).  Accesses are counted in instructions of at
// most 16 bytes a thread, with one more for each address that no access before has had.  Divisions,
// roots and 64-bit integers are counted as what they expand to for sm_90a, on the path without
// special values.
std::vector<Cost> CostsOf(const Kernel& kernel);

// Bytes of the instruction at `offset` of an access of `bytes` bytes a thread: the largest power of
// two of at most 16 that what is left and the alignment allow, and at least one element.
int ChunkBytes(int bytes, int offset, int alignment, int element_bytes);

}  // namespace ingot::kernel::simulator

#endif  // INGOT_COMPILER_KERNEL_SIMULATOR_COST_H_
