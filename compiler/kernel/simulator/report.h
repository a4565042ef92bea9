// Report: what a simulated launch did: its faults, and what it asked of the machine.
#ifndef INGOT_COMPILER_KERNEL_SIMULATOR_REPORT_H_
#define INGOT_COMPILER_KERNEL_SIMULATOR_REPORT_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace ingot::kernel::simulator {

enum class FaultKind : uint8_t {
  kRace,          // two accesses that nothing orders, one of them a write
  kOutOfBounds,   // an element that the buffer has not
  kMisaligned,    // an address without the alignment that the operation claims
  kUnwritten,     // a read of bytes that nobody wrote
  kReadonly,      // a write to bytes that a readonly buffer names
  kDivergence,    // an operation of a warp or a block that only some of its threads reach
  kBarrier,       // a named barrier with another number of threads than arrive
  kCopyInFlight,  // bytes of a copy_async that is not committed, or not waited for
  kDeadlock,      // nothing that runs can go on
};
absl::string_view NameOf(FaultKind kind);

struct Fault {
  FaultKind kind = FaultKind::kRace;
  int operation = -1;        // Operation::id
  int32_t hlo = -1;          // Operation::hlo
  int other_operation = -1;  // of a race: the access before it; -1: none
  // "@k: race: store %y[0] = %1 (operation 4, hlo 7) by thread 33 of block 0, …": what, who, where,
  // and what would mend it.
  std::string message;
};

// The units of a multiprocessor that instructions are issued to.
enum class Unit : uint8_t {
  kInteger,     // integer and logic of 32 bits, compares, selects, moves that are not free
  kFloat,       // f32 (and f16, bf16) add, multiply, fma, min, max
  kDouble,      // f64
  kSpecial,     // reciprocal, square root
  kConversion,  // between integers and floats, between widths of floats, rounding
  kGlobal,      // loads, stores and atomics in global memory
  kShared,      // the same in shared memory, and copy_async
  kShuffle,     // shuffles, votes, redux
  kControl,     // branches
  kBarrier,     // barriers, fences, waits
  kMatrix,      // products of matrices: 16 × 8 × 32 bytes
};
inline constexpr int kUnitCount = 11;
absl::string_view NameOf(Unit unit);

// Accesses to global memory by loads (with copy_async's reads and atomics), or by stores.
struct GlobalAccesses {
  int64_t instructions = 0;  // of warps: one moves at most 16 bytes a thread
  // 32-byte sectors that they touch, counted for each instruction, before any cache.
  int64_t sectors = 0;
  int64_t useful_bytes = 0;  // that threads asked for; one counts once an instruction
  // Different bytes that the blocks that ran touched.  NOT scaled: a block's share cannot be told
  // from a sample.
  int64_t unique_bytes = 0;
  int64_t unique_sectors = 0;  // likewise

  // Useful bytes over bytes of sectors; 1 where there are no sectors.
  double used() const { return sectors == 0 ? 1.0 : useful_bytes / (32.0 * sectors); }
};

// One parameter's share of the accesses.
struct BufferAccesses {
  std::string name;  // of the parameter
  GlobalAccesses loads, stores;
};

// Of a whole launch.  Where only some blocks ran, all but unique bytes is scaled up to the grid.
struct Counters {
  int64_t thread_operations = 0;  // operations of kernel IR times threads that took part
  // Warp instructions by unit, as the operations would assemble to: an operation may be several,
  // or none (constants, ids, vector rows, vars: registers).
  std::array<int64_t, kUnitCount> instructions{};
  GlobalAccesses loads, stores;  // sums over buffers
  std::vector<BufferAccesses> buffers;
  // Shared memory.  An instruction takes one pass for each 128 bytes that it asks for, and more
  // where different words of one bank meet.
  int64_t shared_instructions = 0;
  int64_t shared_passes = 0;
  int64_t shared_least_passes = 0;
  int64_t barriers = 0;  // times that a block passed a barrier, named or not
  // Bytes of loads that a block has asked for when it first uses one of them: for each warp the
  // mean over its loads, summed over the block's warps, the mean over blocks.  NOT scaled.
  double bytes_in_flight = 0;

  int64_t issue_slots() const;  // warp instructions of all units
  // How many ways shared accesses conflict: 1 is none.
  double bank_conflict_ways() const {
    return shared_least_passes == 0 ? 1.0 : 1.0 * shared_passes / shared_least_passes;
  }
};

struct Report {
  std::string kernel;
  std::vector<Fault> faults;  // the first of each pair of operations, in the order found
  int64_t blocks = 0;         // of the grid (of a host kernel: tasks)
  int64_t blocks_run = 0;
  Counters counters;

  // OK, or FailedPrecondition with the first fault's message and how many more there are.
  absl::Status status() const;
  // A few lines for a person: faults, then counters.
  std::string ToString() const;
};

}  // namespace ingot::kernel::simulator

#endif  // INGOT_COMPILER_KERNEL_SIMULATOR_REPORT_H_
