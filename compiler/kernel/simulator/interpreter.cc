// One warp, step by step: arithmetic, vectors, vars and control.
#include <bit>
#include <cstring>

#include "compiler/kernel/arithmetic.h"
#include "compiler/kernel/simulator/machine.h"

namespace ingot::kernel::simulator {
namespace {

// The threads whose byte of a pred is true.
uint32_t TrueThreads(const uint8_t* pred) {
  uint32_t threads = 0;
  for (int i = 0; i < kWarpSize; ++i) threads |= uint32_t{pred[i] != 0} << i;
  return threads;
}

template <typename T>
void CopyThreads(uint32_t threads, int lanes, uint8_t* to, const uint8_t* from) {
  for (int lane = 0; lane < lanes; ++lane) {
    T* const target = reinterpret_cast<T*>(to) + lane * kWarpSize;
    const T* const source = reinterpret_cast<const T*>(from) + lane * kWarpSize;
    for (uint32_t rest = threads; rest != 0; rest &= rest - 1) {
      const int thread = std::countr_zero(rest);
      target[thread] = source[thread];
    }
  }
}

// A value's elements, of `threads` alone.
void CopyMasked(uint32_t threads, const Step& step, uint8_t* to, const uint8_t* from) {
  if (threads == ~uint32_t{0}) {
    std::memcpy(to, from, step.bytes);
    return;
  }
  switch (step.width) {
    case 1:
      return CopyThreads<uint8_t>(threads, step.lanes, to, from);
    case 2:
      return CopyThreads<uint16_t>(threads, step.lanes, to, from);
    case 4:
      return CopyThreads<uint32_t>(threads, step.lanes, to, from);
    default:
      return CopyThreads<uint64_t>(threads, step.lanes, to, from);
  }
}

// Bits [first, first + count) of `bytes`; count is at most 64.
uint64_t GetBits(const uint8_t* bytes, int first, int count) {
  uint64_t bits = 0;
  for (int i = 0; i < count;) {
    const int at = first + i, taken = std::min(8 - at % 8, count - i);
    const uint64_t part = (bytes[at / 8] >> (at % 8)) & ((1u << taken) - 1);
    bits |= part << i;
    i += taken;
  }
  return bits;
}

void PutBits(uint8_t* bytes, int first, int count, uint64_t bits) {
  for (int i = 0; i < count;) {
    const int at = first + i, taken = std::min(8 - at % 8, count - i);
    const uint8_t mask = static_cast<uint8_t>(((1u << taken) - 1) << (at % 8));
    const auto part = static_cast<uint8_t>((bits >> i) << (at % 8));
    bytes[at / 8] = static_cast<uint8_t>((bytes[at / 8] & ~mask) | (part & mask));
    i += taken;
  }
}

}  // namespace

void Machine::RunWarp(Warp& warp, int64_t quantum) {
  int threads = std::popcount(warp.active);
  for (; quantum > 0; --quantum) {
    const Step& step = code_.steps[warp.pc];
    ++executed_[warp.pc];
    thread_operations_ += threads;
    if (warp.in_flight.bytes != 0) TrackUse(warp, step);
    switch (step.action) {
      case Action::kRow:
        step.row(step.lanes * kWarpSize, Out(warp, step.out), At(warp, step.a),
                 step.b == kNowhere ? nullptr : At(warp, step.b),
                 step.c == kNowhere ? nullptr : At(warp, step.c));
        break;
      case Action::kCopy:
        std::memcpy(Out(warp, step.out), At(warp, step.a), step.bytes);
        break;
      case Action::kConvertSlow:
      case Action::kBroadcast:
      case Action::kInsert:
      case Action::kVectorLanes:
      case Action::kHorizontal:
        Vector(warp, step);
        break;
      case Action::kBitcast:
        Bitcast(warp, step);
        break;
      case Action::kVarSet:
      case Action::kVarRead:
      case Action::kVarWrite:
        Vars(warp, step);
        break;
      case Action::kLoad:
        Load(warp, step);
        break;
      case Action::kStore:
        Store(warp, step);
        break;
      case Action::kAtomic:
        Atomic(warp, step);
        break;
      case Action::kIntrinsic:
        IntrinsicRows::Call(*this, warp, step);
        if (warp.state == WarpState::kAtBarrier) ++warp.pc;
        // The other waits run the step anew when they are over.
        if (warp.state != WarpState::kReady) return;
        if (step.op->Get<IntrinsicAttributes>().intrinsic == Intrinsic::kNanosleep) quantum = 1;
        break;
      case Action::kEnd:
        EndWarp(warp);
        return;
      case Action::kIf:
      case Action::kElse:
      case Action::kFor:
      case Action::kForNext:
      case Action::kList:
      case Action::kListNext:
      case Action::kWhile:
      case Action::kYield:
      case Action::kRepeat:
      case Action::kLeave:
      case Action::kRoles:
      case Action::kJump:
        if (!Control(warp, step)) quantum = 1;
        threads = std::popcount(warp.active);
        break;
    }
    if (stop_) return;
    ++warp.pc;
  }
}

void Machine::Vector(Warp& warp, const Step& step) {
  uint8_t* const out = Out(warp, step.out);
  const int row = step.width * kWarpSize;
  switch (step.action) {
    case Action::kBroadcast:
      for (int lane = 0; lane < step.lanes; ++lane) {
        std::memcpy(out + lane * row, At(warp, step.a), row);
      }
      return;
    case Action::kInsert:
      std::memcpy(out, At(warp, step.a), step.bytes);
      std::memcpy(out + step.lane * row, At(warp, step.b), row);
      return;
    case Action::kVectorLanes: {
      const std::vector<Place>& lanes = code_.lanes[step.extra];
      for (size_t lane = 0; lane < lanes.size(); ++lane) {
        std::memcpy(out + lane * row, At(warp, lanes[lane]), row);
      }
      return;
    }
    case Action::kHorizontal: {
      alignas(64) uint8_t values[kMaxLanes * kWarpSize * 8];
      std::memcpy(values, At(warp, step.a), step.lanes * row);
      for (int lanes = step.lanes; lanes > 1;) {
        const int half = static_cast<int>(std::bit_ceil(static_cast<unsigned>(lanes)) / 2);
        step.row((lanes - half) * kWarpSize, values, values, values + half * row, nullptr);
        lanes = half;
      }
      std::memcpy(out, values, row);
      return;
    }
    default: {
      const ElementType from = step.op->operands[0]->type.element;
      const int from_width = ByteWidth(from);
      const uint8_t* const source = At(warp, step.a);
      for (int i = 0; i < step.lanes * kWarpSize; ++i) {
        uint64_t bits = 0;
        std::memcpy(&bits, source + i * from_width, from_width);
        bits = ConvertLane(from, step.op->type.element, bits);
        std::memcpy(out + i * step.width, &bits, step.width);
      }
    }
  }
}

void Machine::Bitcast(Warp& warp, const Step& step) {
  const Type from = step.op->operands[0]->type, to = step.op->type;
  const int from_bits = BitWidth(from.element), to_bits = BitWidth(to.element);
  const int from_width = ByteWidth(from.element);
  const uint8_t* const source = At(warp, step.a);
  uint8_t* const out = Out(warp, step.out);
  for (int thread = 0; thread < kWarpSize; ++thread) {
    uint8_t whole[kMaxLanes * 8];
    for (int lane = 0; lane < from.lanes; ++lane) {
      uint64_t bits = 0;
      std::memcpy(&bits, source + (lane * kWarpSize + thread) * from_width, from_width);
      PutBits(whole, lane * from_bits, from_bits, bits);
    }
    for (int lane = 0; lane < to.lanes; ++lane) {
      const uint64_t bits = GetBits(whole, lane * to_bits, to_bits);
      std::memcpy(out + (lane * kWarpSize + thread) * step.width, &bits, step.width);
    }
  }
}

// Of an element of an array: its index is static, so the same in all threads.
Place Machine::ElementOffset(const Warp& warp, const Step& step) const {
  if (step.b == kNowhere) return 0;
  const int thread = std::countr_zero(warp.active);
  const uint8_t* const index = At(warp, step.b);
  const int64_t element = step.extra != 0 ? reinterpret_cast<const int64_t*>(index)[thread]
                                          : reinterpret_cast<const int32_t*>(index)[thread];
  return static_cast<Place>(element * step.bytes);
}

void Machine::Vars(Warp& warp, const Step& step) {
  if (step.lane != 0) TouchAccumulator(warp, step);
  if (step.action == Action::kVarSet) {
    for (int i = 0; i < step.extra; ++i) {
      CopyMasked(warp.active, step, Out(warp, step.out + i * step.bytes), At(warp, step.a));
    }
    return;
  }
  const Place offset = ElementOffset(warp, step);
  if (step.action == Action::kVarRead) {
    std::memcpy(Out(warp, step.out), At(warp, step.a + offset), step.bytes);
  } else {
    CopyMasked(warp.active, step, Out(warp, step.out + offset), At(warp, step.a));
  }
}

// Sets or steps the variable of a loop in active threads; returns those in which it goes on.
template <typename T>
uint32_t Machine::Advance(Warp& warp, const Step& step, bool first) {
  T* const variable = reinterpret_cast<T*>(Out(warp, step.out));
  const T* const begin = reinterpret_cast<const T*>(At(warp, step.a));
  const T* const end = reinterpret_cast<const T*>(At(warp, step.b));
  const T* const by = reinterpret_cast<const T*>(At(warp, step.c));
  using Wrapping = std::make_unsigned_t<T>;
  uint32_t on = 0;
  for (uint32_t rest = warp.active; rest != 0; rest &= rest - 1) {
    const int thread = std::countr_zero(rest);
    T& value = variable[thread];
    value = first
                ? begin[thread]
                : static_cast<T>(static_cast<Wrapping>(value) + static_cast<Wrapping>(by[thread]));
    const bool goes_on = step.negative ? value > end[thread] : value < end[thread];
    on |= uint32_t{goes_on} << thread;
  }
  return on;
}

// Leaves `pc` one before the next step.  Returns whether the warp may run on.
bool Machine::Control(Warp& warp, const Step& step) {
  const bool wide = step.width == 8;
  switch (step.action) {
    case Action::kIf: {
      const uint32_t chosen = warp.active & TrueThreads(At(warp, step.a));
      warp.frames.push_back({warp.active, warp.active & ~chosen, 0});
      if (chosen == 0) {
        warp.pc = step.target - 1;
      } else {
        warp.active = chosen;
      }
      return true;
    }
    case Action::kElse: {
      Frame& frame = warp.frames.back();
      if (frame.pending == 0) {
        warp.pc = step.target - 1;
      } else {
        warp.active = frame.pending;
        frame.pending = 0;
      }
      return true;
    }
    case Action::kFor: {
      warp.frames.push_back({warp.active, 0, 0});
      const uint32_t on =
          wide ? Advance<int64_t>(warp, step, true) : Advance<int32_t>(warp, step, true);
      if (on == 0) {
        warp.pc = step.target - 1;
      } else {
        warp.active = on;
      }
      return true;
    }
    case Action::kForNext: {
      const uint32_t on =
          wide ? Advance<int64_t>(warp, step, false) : Advance<int32_t>(warp, step, false);
      if (on == 0) return true;
      warp.active = on;
      warp.pc = step.target - 1;
      return true;
    }
    case Action::kList:
    case Action::kListNext: {
      const std::vector<int64_t>& list = code_.lists[step.extra];
      if (step.action == Action::kList) {
        warp.frames.push_back({warp.active, 0, 0});
      } else if (++warp.frames.back().count == static_cast<int64_t>(list.size())) {
        return true;
      } else {
        warp.pc = step.target - 1;
      }
      const int64_t value = list[warp.frames.back().count];
      for (int thread = 0; thread < kWarpSize; ++thread) {
        std::memcpy(Out(warp, step.out) + thread * step.width, &value, step.width);
      }
      return true;
    }
    case Action::kWhile:
      warp.frames.push_back({warp.active, 0, 0});
      return true;
    case Action::kYield: {
      const uint32_t on = warp.active & TrueThreads(At(warp, step.a));
      if (on == 0) {
        warp.pc = step.target - 1;
      } else {
        warp.active = on;
      }
      return true;
    }
    case Action::kRepeat: {
      const bool polled = warp.polled;
      if (polled && GoesIdle(warp)) return false;  // falls through to kLeave
      warp.pc = step.target - 1;
      return !polled;
    }
    case Action::kLeave:
      warp.active = warp.frames.back().before;
      warp.frames.pop_back();
      return true;
    case Action::kRoles: {
      warp.frames.push_back({warp.active, 0, 0});
      int32_t target = step.target;
      for (const RoleTarget& role : code_.roles[step.extra]) {
        const bool mine = role.warps.first <= warp.index && warp.index <= role.warps.last;
        if (mine) target = role.target;
      }
      warp.pc = target - 1;
      return true;
    }
    default:  // kJump
      warp.pc = step.target - 1;
      return true;
  }
}

}  // namespace ingot::kernel::simulator
