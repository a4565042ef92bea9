// Which bytes a bulk tensor copy moves where.
#ifndef INGOT_COMPILER_KERNEL_SIMULATOR_TENSOR_BOX_H_
#define INGOT_COMPILER_KERNEL_SIMULATOR_TENSOR_BOX_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "compiler/kernel/simulator/warp.h"
#include "ir/base/tensor_map.h"

namespace ingot::kernel::simulator {

// The box of `map` at these coordinates, innermost first, in shared memory from address `begin` on:
// a line for each 16 bytes there (each element, where elements are stepped over).  `global` counts
// from the map's address.  `offsets`: of an im2col map's pixels.
std::vector<Line> LinesOfBox(const TensorMap& map, absl::Span<const int32_t> coordinates,
                             absl::Span<const int32_t> offsets, int64_t begin);

// The bits of an element that lies outside of the array.
uint64_t FillOf(const TensorMap& map);

}  // namespace ingot::kernel::simulator

#endif  // INGOT_COMPILER_KERNEL_SIMULATOR_TENSOR_BOX_H_
