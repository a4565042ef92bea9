// KernelWork: what one launch of a kernel asks of a GPU, as the numbers that its time follows from.
// Plans estimate it; the simulator and the assembler measure it.
#ifndef INGOT_COMPILER_MACHINE_KERNEL_WORK_H_
#define INGOT_COMPILER_MACHINE_KERNEL_WORK_H_

#include <array>
#include <cstdint>

#include "compiler/machine/occupancy.h"

namespace ingot::machine {

// What instructions of a warp are issued to.
enum class Unit : uint8_t {
  kInteger,     // 32-bit integers, logic, compares, selects
  kFloat,       // f32 and 16-bit floats: add, multiply, fma, minimum, maximum
  kDouble,      // f64
  kSpecial,     // reciprocal, square root, ex2
  kConversion,  // between integers and floats, and between widths of floats
  kGlobal,      // loads, stores and atomics in global memory
  kShared,      // the same in shared memory
  kShuffle,     // shuffles and votes
  kControl,     // branches
  kBarrier,     // barriers, fences, waits
  kMatrix,      // products of matrices, 4,096 operations in bf16's rate each
};
inline constexpr int kUnitCount = 11;

// Sectors of 32 bytes that warps' accesses to global memory touch, counted for each instruction
// before any cache, and the bytes of them that threads asked for.
struct Accesses {
  double sectors = 0;
  double useful_bytes = 0;

  double sector_bytes() const { return 32 * sectors; }
  // Useful bytes over bytes of sectors; 1 where there are none.
  double used() const { return sectors == 0 ? 1 : useful_bytes / sector_bytes(); }
};

// Sums are over the whole launch; they are not whole numbers where they are estimates.
struct KernelWork {
  int64_t blocks = 1;  // of the grid
  BlockResources block;
  // Different bytes of global memory.
  double read_bytes = 0;
  double written_bytes = 0;
  Accesses loads, stores;
  // Of the loads: sectors that L1 has when they are asked for, which L2 never sees.
  double cached_sectors = 0;
  // Of the stores: different sectors, for those to one sector meet before L2's memory.  0: not
  // known.
  double stored_sectors = 0;
  // Bytes of loads that one block has under way when it first uses one of them.  0: not known, and
  // latency is left out.
  double block_bytes_in_flight = 0;
  // Whether a block's loads are behind it when it stores, and a barrier between: softmax, norms.
  bool loads_before_stores = false;
  // Whether it copies the next trip's inputs while it computes: its loads wait for no stores.
  bool copies_ahead = false;
  std::array<double, kUnitCount> instructions{};  // of warps, by unit
  // Turns that the banks of shared memory take, a conflict of n ways n; and without conflicts.
  double shared_passes = 0;
  double least_shared_passes = 0;
  double matrix_flops = 0;  // of the matrix units, in bf16's rate: an operation of f8 counts half

  double instructions_of(Unit unit) const { return instructions[static_cast<int>(unit)]; }
  // Warp instructions of all units.
  double issue_slots() const;
};

}  // namespace ingot::machine

#endif  // INGOT_COMPILER_MACHINE_KERNEL_WORK_H_
