// The rows of intrinsics.def.
#include <algorithm>
#include <bit>
#include <cstring>

#include "compiler/kernel/approximations.h"
#include "compiler/kernel/simulator/machine.h"

namespace ingot::kernel::simulator {

void IntrinsicRows::Call(Machine& machine, Warp& warp, const Step& step) {
  using Row = void (IntrinsicRows::*)();
  static constexpr Row kRows[] = {
#define INGOT_KERNEL_INTRINSIC(Name, ...) &IntrinsicRows::Name,
#include "compiler/kernel/intrinsics.def"
  };
  const auto& call = step.op->Get<IntrinsicAttributes>();
  const Scope scope = InfoOf(call.intrinsic).scope;
  if (scope != Scope::kThread && !machine.WholeWarp(warp, step)) return;
  IntrinsicRows rows(machine, warp, step);
  (rows.*kRows[static_cast<int>(call.intrinsic)])();
}

int64_t IntrinsicRows::Immediate(int i) const {
  return step_.op->Get<IntrinsicAttributes>().immediates[i];
}

// ----- Fences.

void IntrinsicRows::WarpSync() { warp_.knowledge.SyncWarp(); }
void IntrinsicRows::FenceBlock() { machine_.Fence(warp_, MemoryScope::kBlock); }
void IntrinsicRows::FenceCluster() { machine_.Fence(warp_, MemoryScope::kCluster); }
void IntrinsicRows::FenceGpu() { machine_.Fence(warp_, MemoryScope::kGpu); }
void IntrinsicRows::FenceSystem() { machine_.Fence(warp_, MemoryScope::kSystem); }

// ----- Between lanes.

// out[lane] = a[source(lane, b[lane])].
template <typename Source>
void IntrinsicRows::Shuffle(const Source& source) {
  const int width = step_.width;
  uint8_t values[kWarpSize * 8];
  std::memcpy(values, machine_.At(warp_, step_.a), kWarpSize * width);
  const auto* const amounts = reinterpret_cast<const int32_t*>(machine_.At(warp_, step_.b));
  uint8_t* const out = machine_.Out(warp_, step_.out);
  for (int lane = 0; lane < kWarpSize; ++lane) {
    const int64_t from = source(int64_t{lane}, int64_t{amounts[lane]});
    const int64_t taken = from < 0 || from >= kWarpSize ? lane : from;
    std::memcpy(out + lane * width, values + taken * width, width);
  }
}

// The instructions take the low five bits of an index, mask or distance.
void IntrinsicRows::ShuffleXor() {
  Shuffle([](int64_t lane, int64_t mask) { return lane ^ (mask & 31); });
}
void IntrinsicRows::ShuffleUp() {
  Shuffle([](int64_t lane, int64_t by) { return lane - (by & 31); });
}
void IntrinsicRows::ShuffleDown() {
  Shuffle([](int64_t lane, int64_t by) { return lane + (by & 31); });
}
void IntrinsicRows::ShuffleIdx() {
  Shuffle([](int64_t, int64_t index) { return index & 31; });
}

void IntrinsicRows::Ballot() {
  const uint8_t* const values = machine_.At(warp_, step_.a);
  uint32_t ballot = 0;
  for (int lane = 0; lane < kWarpSize; ++lane) ballot |= uint32_t{values[lane] != 0} << lane;
  auto* const out = reinterpret_cast<uint32_t*>(machine_.Out(warp_, step_.out));
  std::fill(out, out + kWarpSize, ballot);
}

void IntrinsicRows::MatchAny() {
  const auto* const values = reinterpret_cast<const uint32_t*>(machine_.At(warp_, step_.a));
  std::array<uint32_t, kWarpSize> same{};
  for (int lane = 0; lane < kWarpSize; ++lane) {
    for (int other = 0; other < kWarpSize; ++other) {
      same[lane] |= uint32_t{values[lane] == values[other]} << other;
    }
  }
  std::memcpy(machine_.Out(warp_, step_.out), same.data(), sizeof(same));
}

void IntrinsicRows::Elect() {
  // Which lane it is nobody may rely on.
  const int chosen =
      machine_.options_.seed == 0 ? 0 : static_cast<int>(machine_.options_.seed % 32);
  uint8_t* const out = machine_.Out(warp_, step_.out);
  for (int lane = 0; lane < kWarpSize; ++lane) out[lane] = lane == chosen;
}

template <typename T, typename Combine>
void IntrinsicRows::Redux(const Combine& combine) {
  const T* const values = reinterpret_cast<const T*>(machine_.At(warp_, step_.a));
  T all = values[0];
  for (int lane = 1; lane < kWarpSize; ++lane) all = combine(all, values[lane]);
  T* const out = reinterpret_cast<T*>(machine_.Out(warp_, step_.out));
  std::fill(out, out + kWarpSize, all);
}

void IntrinsicRows::ReduxAddS32() {
  Redux<uint32_t>([](uint32_t a, uint32_t b) { return a + b; });  // wraps
}
void IntrinsicRows::ReduxMinS32() {
  Redux<int32_t>([](int32_t a, int32_t b) { return std::min(a, b); });
}
void IntrinsicRows::ReduxMaxS32() {
  Redux<int32_t>([](int32_t a, int32_t b) { return std::max(a, b); });
}
void IntrinsicRows::ReduxMinU32() {
  Redux<uint32_t>([](uint32_t a, uint32_t b) { return std::min(a, b); });
}
void IntrinsicRows::ReduxMaxU32() {
  Redux<uint32_t>([](uint32_t a, uint32_t b) { return std::max(a, b); });
}
void IntrinsicRows::ReduxAndU32() {
  Redux<uint32_t>([](uint32_t a, uint32_t b) { return a & b; });
}
void IntrinsicRows::ReduxOrU32() {
  Redux<uint32_t>([](uint32_t a, uint32_t b) { return a | b; });
}
void IntrinsicRows::ReduxXorU32() {
  Redux<uint32_t>([](uint32_t a, uint32_t b) { return a ^ b; });
}

// ----- Approximations.

void IntrinsicRows::Approximate() {
  const ApproximateRow& row = *FindApproximateRow(step_.op->Get<IntrinsicAttributes>().intrinsic);
  const auto* const operands = reinterpret_cast<const uint32_t*>(machine_.At(warp_, step_.a));
  auto* const out = reinterpret_cast<uint32_t*>(machine_.Out(warp_, step_.out));
  for (int lane = 0; lane < kWarpSize; ++lane) {
    out[lane] = static_cast<uint32_t>(EvaluateApproximateRow(row, operands[lane]));
  }
}

void IntrinsicRows::Exp2ApproxFtz() { Approximate(); }
void IntrinsicRows::RcpApproxFtz() { Approximate(); }
void IntrinsicRows::RsqrtApprox() { Approximate(); }

// ----- Asynchronous copies.

void IntrinsicRows::CopyAsync() { machine_.BeginCopies(warp_, step_); }
void IntrinsicRows::CopyAsyncCommit() { machine_.CommitCopies(warp_); }
void IntrinsicRows::CopyAsyncWait() {
  machine_.WaitForCopies(warp_, static_cast<int>(Immediate(0)));
}

// ----- The rest changes no value: launches run one after the other, registers are not shared out,
// and RunWarp gives way after nanosleep.

void IntrinsicRows::GridDependencyWait() {}
void IntrinsicRows::GridDependencyLaunch() {}
void IntrinsicRows::SetMaxRegistersUp() {}
void IntrinsicRows::SetMaxRegistersDown() {}
void IntrinsicRows::Nanosleep() {}

}  // namespace ingot::kernel::simulator
