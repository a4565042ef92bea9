// How many blocks of a kernel are resident on one multiprocessor.
#ifndef INGOT_COMPILER_MACHINE_OCCUPANCY_H_
#define INGOT_COMPILER_MACHINE_OCCUPANCY_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "ir/base/target.h"

namespace ingot::machine {

// What one block takes.
struct BlockResources {
  int threads = 0;
  int registers = 0;         // of 32 bits, a thread
  int64_t shared_bytes = 0;  // static and dynamic
};

// What stands in the way of one more resident block.
enum class OccupancyLimit : uint8_t { kThreads, kBlocks, kRegisters, kSharedBytes };
absl::string_view NameOf(OccupancyLimit limit);

struct Occupancy {
  int blocks = 0;  // resident on a multiprocessor; 0: not even one fits
  int warps = 0;   // of those blocks
  // The first of the enumerators with the fewest blocks.
  OccupancyLimit limit = OccupancyLimit::kThreads;
};

// The rules of NVIDIA's occupancy calculator: registers are given to warps in units, from the
// register file of the warp's scheduler; shared memory is given to blocks in units.  `target` is a
// GPU.
Occupancy OccupancyOf(const BlockResources& block, const Target& target);

}  // namespace ingot::machine

#endif  // INGOT_COMPILER_MACHINE_OCCUPANCY_H_
