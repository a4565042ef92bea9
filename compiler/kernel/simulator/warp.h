// The state of warps and blocks that are resident.
#ifndef INGOT_COMPILER_KERNEL_SIMULATOR_WARP_H_
#define INGOT_COMPILER_KERNEL_SIMULATOR_WARP_H_

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "compiler/kernel/simulator/clocks.h"
#include "compiler/kernel/simulator/code.h"
#include "compiler/kernel/simulator/shadow.h"

namespace ingot::kernel::simulator {

inline constexpr int kBarriers = 16;  // number 0 is `barrier`

struct BlockState;

// An asynchronous copy of one thread.
struct AsyncCopy {
  const Operation* op = nullptr;
  int lane = 0;
  int32_t group = -1;  // of its thread, in order of commits; -1: not committed
  bool landed = false;
  int buffer = 0;      // in shared memory
  int64_t offset = 0;  // in that buffer, bytes
  int bytes = 0;
  int source = 0;  // buffer
  int64_t source_offset = 0;
  int source_bytes = 0;  // the rest is zeros
};

// An mbarrier of a block.
struct Mbarrier {
  int32_t arrivals = 0;  // that a phase takes
  int32_t pending = 0;   // of them, in this phase
  int64_t bytes = 0;     // expected and not come; negative: come and not expected
  uint32_t phase = 0;    // the number of the current one
  uint32_t engine = 0;   // who its bytes come from; a copy for phase n is done at clock n + 1
  Epoch made;            // when it was initialised
  SharedTold arriving;   // what arrivals of this phase released
  SharedTold told;       // what those of complete phases did, and the bytes that came
  // The same of other blocks' arrivals, which a wait at the scope of the cluster sees.
  SharedTold arriving_remote, told_remote;
};

// 16 bytes, or one element, that a bulk copy moves.
struct Line {
  int32_t shared = 0;  // in the block's shared memory
  int32_t bytes = 0;   // there
  int32_t skip = 0;    // bytes before those that the array has
  int32_t taken = 0;   // bytes of the array
  int64_t global = 0;  // of the first of them, in the buffer
};

// A bulk copy that has begun and not ended.
struct BulkCopy {
  enum class Kind : uint8_t { kLoad, kStore, kReduceAdd };
  Kind kind = Kind::kLoad;
  BlockState* block = nullptr;  // whose shared memory it is
  const Operation* op = nullptr;
  int warp = 0, lane = 0;  // of the thread that began it, in `issuer`
  int64_t issuer = 0;      // block
  int buffer = 0;          // in global memory
  ElementType element = ElementType::kU8;
  uint64_t fill = 0;  // an element outside of the array
  bool rounds_to_tf32 = false;
  std::vector<Line> lines;
  // Loads.
  int64_t mbarrier = 0;  // its place
  uint32_t phase = 0;    // in which it began
  int64_t bytes = 0;
  // Stores.
  int32_t group = -1;           // of its thread; -1: not committed
  std::vector<uint8_t> source;  // once it has been read
  bool has_read = false;
};

// A wgmma of one warp that has not ended.
struct Product {
  const Step* step = nullptr;
  int32_t group = -1;  // -1: not committed
  uint64_t a = 0, b = 0;
  bool accumulates = false;
  std::vector<uint32_t> registers;  // of `a`, where it is no descriptor
  bool computed = false;
};

// Who may use the registers of an accumulator.
struct Accumulator {
  bool touched = false;   // since the last wgmma_fence
  int32_t in_flight = 0;  // products
  const Operation* product = nullptr;
};

// What a control operation keeps while its blocks run.
struct Frame {
  uint32_t before = 0;   // threads that came in
  uint32_t pending = 0;  // kIf: those that go to `else`
  int64_t count = 0;     // kList: the iteration
};

// Bytes of loads that a warp has asked for and not used.
struct InFlight {
  int64_t bytes = 0;
  uint32_t generation = 1;
  std::vector<uint32_t> loaded;  // by register place / 32: the generation that loaded it
  double weighted = 0;           // sum of bytes² over uses
  int64_t total = 0;             // sum of bytes
};

enum class WarpState : uint8_t { kReady, kAtBarrier, kAtMbarrier, kAtCluster, kEnded };

struct Warp {
  BlockState* block = nullptr;
  int index = 0;  // in its block
  WarpState state = WarpState::kReady;
  int32_t pc = 0;
  uint32_t active = 0;  // threads at `pc`
  uint32_t whole = 0;   // threads of this warp
  std::vector<Frame> frames;
  std::vector<uint8_t> registers;
  Knowledge knowledge;
  // By lane, made when first needed: what a fence published for the strong writes after it; what
  // relaxed reads saw, for the fence after them.
  std::vector<Release> fences;
  std::vector<std::vector<std::pair<Release, MemoryScope>>> seen;
  std::vector<AsyncCopy> copies;            // not waited for
  std::array<int32_t, kWarpSize> groups{};  // committed, by lane
  InFlight in_flight;
  // Since the last time around a `while`: an ordered load or an atomic; and how many times around
  // that were with no memory changed by anybody, since the change counted at `changes`.
  bool polled = false;
  int64_t idle = 0;
  int64_t changes = 0;
  int barrier = 0;  // kAtBarrier: its number
  // kAtMbarrier: place and parity of what each of its threads waits for.
  std::vector<std::pair<int64_t, uint32_t>> awaited;
  bool gives_up = false;  // the wait answers no
  // Bulk groups, by lane: how many are committed; 0 engines: none was ever begun.
  std::array<int32_t, kWarpSize> bulk_groups{};
  std::array<uint32_t, kWarpSize> bulk_engines{};  // reads; writes are the next number
  // Products.
  std::vector<Product> products;
  int32_t product_groups = 0;
  uint32_t product_engine = 0;
  std::vector<Accumulator> accumulators;  // by number of the fragment
  // Has arrived at its cluster's barrier, in that phase of it, and not waited.
  bool in_cluster_barrier = false;
  uint32_t cluster_phase = 0;
  const Operation* waits = nullptr;  // the barrier that it is at, or what it polls
};

struct BarrierState {
  std::vector<Warp*> arrived;  // and wait
  int threads = 0;             // that it takes
  int passed_by = 0;           // threads that arrived and did not wait
  SharedTold told;             // what those released
  const Operation* first = nullptr;
};

// The barrier of a cluster.
struct ClusterState {
  uint32_t phase = 0;
  int arrived = 0;           // warps, in this phase
  int ended = 0;             // warps that will not come any more
  int ended_in_barrier = 0;  // of those that have arrived
  SharedTold arriving, told;
};

struct BlockState {
  int64_t number = 0;  // in the grid
  std::vector<uint8_t> shared;
  std::vector<uint8_t> shared_written;  // a byte each: 0, or 1 + which allocation it was written as
  std::unique_ptr<Shadow> shadow;       // null: not checked
  std::vector<std::unique_ptr<Warp>> warps;
  std::array<BarrierState, kBarriers> barriers;
  std::map<int64_t, Mbarrier> mbarriers;  // by place in shared memory
  ProxyFences fences;                     // of shared memory
  ProxyFences mbarrier_fences;            // of initialisations only
  int ended = 0;                          // warps
};

}  // namespace ingot::kernel::simulator

#endif  // INGOT_COMPILER_KERNEL_SIMULATOR_WARP_H_
