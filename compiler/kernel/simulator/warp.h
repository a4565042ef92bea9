// The state of warps and blocks that are resident.
#ifndef INGOT_COMPILER_KERNEL_SIMULATOR_WARP_H_
#define INGOT_COMPILER_KERNEL_SIMULATOR_WARP_H_

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "compiler/kernel/simulator/clocks.h"
#include "compiler/kernel/simulator/code.h"
#include "compiler/kernel/simulator/shadow.h"

namespace ingot::kernel::simulator {

inline constexpr int kBarriers = 16;  // number 0 is `barrier`

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

struct BlockState;

enum class WarpState : uint8_t { kReady, kAtBarrier, kEnded };

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
  int barrier = 0;                   // kAtBarrier: its number
  const Operation* waits = nullptr;  // the barrier that it is at, or what it polls
};

struct BarrierState {
  std::vector<Warp*> arrived;
  int threads = 0;  // that it takes
};

struct BlockState {
  int64_t number = 0;  // in the grid
  std::vector<uint8_t> shared;
  std::vector<uint8_t> shared_written;  // a byte each: 0, or 1 + which allocation it was written as
  std::unique_ptr<Shadow> shadow;       // null: not checked
  std::vector<std::unique_ptr<Warp>> warps;
  std::array<BarrierState, kBarriers> barriers;
  int ended = 0;  // warps
};

}  // namespace ingot::kernel::simulator

#endif  // INGOT_COMPILER_KERNEL_SIMULATOR_WARP_H_
