// Atomics, fences, and what ordered accesses tell one another.
//
// A strong write (an atomic or ordered one) leaves at its address what its thread releases: with
// order release, all it knows; with order relaxed, what it knew at its last fence.  A
// read-modify-write leaves what was there before, too (a release sequence).  A strong read learns
// what is there: with order acquire at once, with order relaxed at the next fence.  (PTX ISA,
// Memory Consistency Model: release and acquire patterns.)
#include <algorithm>
#include <bit>
#include <cstring>

#include "compiler/kernel/arithmetic.h"
#include "compiler/kernel/simulator/machine.h"

namespace ingot::kernel::simulator {

void Machine::SyncRead(Warp& warp, int lane, const uint8_t* address, Order order,
                       MemoryScope scope) {
  if (!options_.check || sampling_) return;
  const auto found = releases_.find(address);
  if (found == releases_.end()) return;
  const bool acquires = order == Order::kAcquire || order == Order::kAcquireRelease;
  for (const Release& release : found->second) {
    if (acquires) {
      warp.knowledge.Acquire(lane, release, scope);
      continue;
    }
    if (warp.seen.empty()) warp.seen.resize(kWarpSize);
    warp.seen[lane].emplace_back(release, scope);
  }
}

void Machine::SyncWrite(Warp& warp, int lane, const uint8_t* address, Order order,
                        MemoryScope scope, bool read_too) {
  if (!options_.check || sampling_) return;
  if (order == Order::kPlain) {
    releases_.erase(address);
    return;
  }
  std::vector<Release> now;
  if (order == Order::kRelease || order == Order::kAcquireRelease) {
    now.push_back(warp.knowledge.Publish(lane, scope));
  } else if (!warp.fences.empty() && warp.fences[lane].told != nullptr) {
    now.push_back(warp.fences[lane]);
    now.back().scope = std::min(now.back().scope, scope);
  }
  if (read_too && order != Order::kAcquireRelease) {
    // What was there stays; with acquire_release, the thread knows it by now and passes it on.
    const auto found = releases_.find(address);
    if (found != releases_.end()) {
      now.insert(now.end(), found->second.begin(), found->second.end());
    }
  }
  if (now.empty()) {
    releases_.erase(address);
  } else {
    releases_[address] = std::move(now);
  }
}

void Machine::Fence(Warp& warp, MemoryScope scope) {
  if (!options_.check || sampling_) return;
  if (warp.fences.empty()) warp.fences.resize(kWarpSize);
  for (uint32_t threads = warp.active; threads != 0; threads &= threads - 1) {
    const int lane = std::countr_zero(threads);
    if (!warp.seen.empty()) {
      for (const auto& [release, read_scope] : warp.seen[lane]) {
        warp.knowledge.Acquire(lane, release, std::min(scope, read_scope));
      }
      warp.seen[lane].clear();
    }
    // Only who writes later needs it, and most fences stand before a write of one thread.
    warp.fences[lane] = warp.knowledge.Publish(lane, scope);
  }
  warp.knowledge.Advance();
}

namespace {

// What an atomic leaves.
uint64_t NewValue(AtomicKind kind, ElementType element, uint64_t old, uint64_t value,
                  uint64_t desired) {
  switch (kind) {
    case AtomicKind::kAdd:
      return EvaluateLane(Opcode::kAdd, element, {old, value});
    case AtomicKind::kMin:
      return EvaluateLane(Opcode::kMin, element, {old, value});
    case AtomicKind::kMax:
      return EvaluateLane(Opcode::kMax, element, {old, value});
    case AtomicKind::kAnd:
      return EvaluateLane(Opcode::kAnd, element, {old, value});
    case AtomicKind::kOr:
      return EvaluateLane(Opcode::kOr, element, {old, value});
    case AtomicKind::kXor:
      return EvaluateLane(Opcode::kXor, element, {old, value});
    case AtomicKind::kExchange:
      return value;
    case AtomicKind::kCompareExchange:
      return old == value ? desired : old;
  }
  return old;
}

}  // namespace

void Machine::Atomic(Warp& warp, const Step& step) {
  const MemoryPlace& place = code_.places[step.extra];
  const auto& atomic = step.op->Get<AtomicAttributes>();
  const Accesses accesses =
      Resolve(warp, step, place, step.lanes, step.lanes * ByteWidth(step.op->type.element));
  const BoundBuffer& buffer = *accesses.buffer;
  const ElementType element = buffer.buffer->element;
  const int width = step.width;
  std::memset(Out(warp, step.out), 0, step.bytes);
  // One thread after the other, from anywhere on.
  const int first = options_.seed == 0 ? 0 : static_cast<int>(random_() % kWarpSize);
  for (int i = 0; i < kWarpSize; ++i) {
    const int thread = (first + i) % kWarpSize;
    if ((accesses.threads >> thread & 1) == 0) continue;
    Accesses one = accesses;
    one.threads = uint32_t{1} << thread;
    if (options_.check) {
      CheckWritten(warp, step, buffer, thread, one.offsets[thread], step.lanes * width);
      CheckAccess(warp, step, one, {step.op->id, /*write=*/true, /*strong=*/true, atomic.scope});
    }
    uint8_t* const address = Address(warp, buffer, accesses.offsets[thread]);
    SyncRead(warp, thread, address, atomic.order, atomic.scope);
    for (int lane = 0; lane < step.lanes; ++lane) {
      const int at = (lane * kWarpSize + thread) * width;
      uint64_t old = 0, value = 0, desired = 0;
      std::memcpy(&old, address + lane * width, width);
      std::memcpy(&value, At(warp, step.b) + at, width);
      if (step.c != kNowhere) std::memcpy(&desired, At(warp, step.c) + at, width);
      const uint64_t now = NewValue(atomic.kind, element, old, value, desired);
      std::memcpy(address + lane * width, &now, width);
      std::memcpy(Out(warp, step.out) + at, &old, width);
      if (now != old) ++changes_;
      if (sampling_ && buffer.global && atomic.kind == AtomicKind::kAdd && IsInteger(element)) {
        Ticket& ticket = tickets_[address];
        ticket = {&buffer, accesses.offsets[thread], ticket.sum + IntegerValue(element, value)};
      }
    }
    SyncWrite(warp, thread, address, atomic.order, atomic.scope, /*read_too=*/true);
  }
  warp.knowledge.Advance();
  warp.polled = true;
  warp.waits = step.op;
  Measure(accesses, step.lanes * width, /*store=*/false);
}

}  // namespace ingot::kernel::simulator
