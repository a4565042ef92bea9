// Code: a kernel decoded once into steps, a flat list with jumps, for 32 threads at a time.
//
// A value is `lanes` rows of 32 elements, one a thread: element (lane, thread) is at index lane ·
// 32
// + thread.  Values and vars have places in the registers of a warp, which they share where their
// lives do not overlap; constants and scalar parameters have theirs in one table for all warps.
#ifndef INGOT_COMPILER_KERNEL_SIMULATOR_CODE_H_
#define INGOT_COMPILER_KERNEL_SIMULATOR_CODE_H_

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "compiler/kernel/kernel.h"
#include "compiler/kernel/simulator/cost.h"
#include "compiler/kernel/simulator/rows.h"

namespace ingot::kernel::simulator {

enum class Action : uint8_t {
  kRow,          // out = row(a, b, c)
  kConvertSlow,  // out = ConvertLane(a)
  kCopy,         // out = a, `bytes` of it
  kBroadcast,    // out = a in every lane
  kInsert,       // out = a, with b in lane `lane`
  kVectorLanes,  // out: lane i is the place lanes[extra][i]
  kHorizontal,   // out = the tree of `row` over a
  kBitcast,      // out = the bits of a
  kVarSet,       // every element of the array at `out` = a, in active threads
  kVarRead,      // out = element [b] of the array at a
  kVarWrite,     // element [b] of the array at `out` = a, in active threads
  kLoad,
  kStore,
  kAtomic,
  kIntrinsic,
  // Control.  Each of these but kRoles' jumps keeps one frame while its blocks run.
  kIf,        // a; target: kElse
  kElse,      // target: kLeave
  kFor,       // out, a, b, c: variable, begin, end, step; target: kLeave
  kForNext,   // the same; target: the body
  kList,      // out; lists[extra]; its body follows
  kListNext,  // target: the body
  kWhile,     // the condition follows
  kYield,     // a; target: kLeave
  kRepeat,    // target: the condition
  kLeave,     // back to the threads that came in
  kRoles,     // roles[extra]
  kJump,      // target
  kEnd,
};

// A place: an offset in bytes in the registers of a warp, or, negative, ~offset in the constants.
using Place = int32_t;
inline constexpr Place kNowhere = INT32_MAX;

struct Step {
  Action action = Action::kEnd;
  bool negative = false;  // kFor: the step is a negative constant
  uint8_t width = 0;      // bytes of an element of `out` (of a store: of the value)
  int32_t lanes = 1;      // of `out` (kHorizontal, kStore: of the operand)
  int32_t lane = 0;       // kInsert; kVarSet, kVarRead, kVarWrite: 1 + number of the fragment, or 0
  int32_t bytes = 0;      // of the whole value
  Place out = kNowhere, a = kNowhere, b = kNowhere, c = kNowhere;
  int32_t target = 0;  // kIntrinsic: lanes[target] are its operands, then its vars
  int32_t extra = 0;
  Row row = nullptr;
  const Operation* op = nullptr;
};

// Loads, stores, atomics, and of intrinsics the places, then the buffers of tensor maps.
struct MemoryPlace {
  int32_t buffer = 0;  // index into Code::buffers
  Place index = kNowhere;
  bool wide_index = false;  // s64, not s32
  Place mask = kNowhere;    // kNowhere: all lanes
  // Of loads and stores.
  int alignment = 1;  // bytes
  Order order = Order::kPlain;
  MemoryScope scope = MemoryScope::kGpu;
};

struct RoleTarget {
  WarpRange warps;
  int32_t target = 0;
};

struct Code {
  const Kernel* kernel = nullptr;
  std::vector<Step> steps;
  std::vector<Cost> costs;  // by step
  std::vector<MemoryPlace> places;
  std::vector<std::vector<Place>> lanes;
  std::vector<std::vector<int64_t>> lists;
  std::vector<std::vector<RoleTarget>> roles;
  int32_t register_bytes = 0;
  std::vector<uint8_t> constants;
  // Values that are the same for as long as a warp lives, filled in when it starts.
  struct Id {
    const Operation* op = nullptr;
    Place place = kNowhere;
  };
  std::vector<Id> ids;
  std::vector<Place> scalars;  // by parameter; kNowhere for buffers
  // Parameters (global) in order, then shared allocations.
  std::vector<const Buffer*> buffers;
  // Vars that instructions name, numbered.
  absl::flat_hash_map<const Var*, int> fragments;
  std::vector<bool> is_written;  // by buffer: a store, atomic or copy names it
  int global_buffers = 0;
  // How blocks and warps depend on one another.
  bool synchronizes_warps = false;  // barriers, shared memory, atomics, ordered accesses
  bool meets_other_blocks = false;  // atomics, or ordered accesses, in global memory
  bool waits_for_others = false;    // the same in a `while`
};

// `kernel` outlives the result.
Code Decode(const Kernel& kernel);

}  // namespace ingot::kernel::simulator

#endif  // INGOT_COMPILER_KERNEL_SIMULATOR_CODE_H_
