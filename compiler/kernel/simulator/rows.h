// The arithmetic rows over many lanes at once: what kernel/arithmetic.h computes for one, to the
// bit.
#ifndef INGOT_COMPILER_KERNEL_SIMULATOR_ROWS_H_
#define INGOT_COMPILER_KERNEL_SIMULATOR_ROWS_H_

#include <cstdint>

#include "compiler/kernel/ops.h"
#include "ir/base/element_type.h"

namespace ingot::kernel::simulator {

// Elements lie side by side, ByteWidth(element) bytes each, zeros above the bits of narrower ones
// (so not as in memory, where s2 and s4 are extended by their sign); pred is 0 or 1.  `out` may be
// `a` or `b`.
using Row = void (*)(int count, void* out, const void* a, const void* b, const void* c);

// A lane-wise row: unary, binary, compare, fma, permute, select.  `element` is that of the operands
// (of a select: of its values; the mask is `a`).  Null for what is no such row.
Row FindRow(Opcode opcode, ElementType element);

// `convert`.  Null where there is no quick one: ConvertLane (arithmetic.h) is.
Row FindConversion(ElementType from, ElementType to);

}  // namespace ingot::kernel::simulator

#endif  // INGOT_COMPILER_KERNEL_SIMULATOR_ROWS_H_
