// copy_async.  A copy reads its source and writes its destination at any time from its start to the
// wait that it is waited for by: here as late as that, or, by the seed, at once.  Until then its
// bytes are nobody's, and touching them is a fault.
#include <algorithm>
#include <bit>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "compiler/kernel/simulator/machine.h"

namespace ingot::kernel::simulator {

void Machine::BeginCopies(Warp& warp, const Step& step) {
  const int bytes = static_cast<int>(step.op->Get<IntrinsicAttributes>().immediates[0]);
  const MemoryPlace& to_place = code_.places[step.extra];
  const MemoryPlace& from_place = code_.places[step.extra + 1];
  const int to_lanes = std::max(1, bytes / buffers_[to_place.buffer].element_bytes);
  Accesses to = Resolve(warp, step, to_place, to_lanes, bytes);
  // Bytes that are read: checked one element at a time below, as they may be fewer.
  const auto* const wanted = reinterpret_cast<const uint32_t*>(At(warp, step.c));
  BoundBuffer& source = buffers_[from_place.buffer];
  Accesses from;
  from.buffer = &source;
  const uint32_t active = warp.active;
  for (uint32_t threads = to.threads; threads != 0; threads &= threads - 1) {
    const int thread = std::countr_zero(threads);
    const int taken = static_cast<int>(std::min<uint32_t>(wanted[thread], bytes));
    AsyncCopy copy;
    if (taken > 0) {
      warp.active = uint32_t{1} << thread;
      const int lanes = (taken + source.element_bytes - 1) / source.element_bytes;
      Accesses one = Resolve(warp, step, from_place, lanes, bytes);
      warp.active = active;
      if (one.threads == 0) continue;
      CheckAccess(warp, step, one, {step.op->id, false, false, MemoryScope::kSystem});
      copy.source_offset = one.offsets[thread];
      from.offsets[thread] = one.offsets[thread];
      from.threads |= one.threads;
    }
    copy.op = step.op;
    copy.lane = thread;
    copy.buffer = to_place.buffer;
    copy.offset = to.offsets[thread];
    copy.bytes = bytes;
    copy.source = from_place.buffer;
    copy.source_bytes = taken;
    Conflict conflict;
    const BoundBuffer& target = *to.buffer;
    if (warp.block->shadow != nullptr &&
        warp.block->shadow->BeginCopy(warp.knowledge, thread, target.shared_offset + copy.offset,
                                      bytes, step.op->id, conflict)) {
      const Claim claim = {step.op->id, true, false, MemoryScope::kSystem};
      ReportConflict(warp, step, target, thread, copy.offset, claim, conflict);
    }
    if (options_.seed != 0 && random_() % 2 == 0) Land(warp, copy);
    warp.copies.push_back(copy);
  }
  from.lanes = bytes / source.element_bytes;
  Measure(from, bytes, /*store=*/false);
  to.lanes = to_lanes;
  Measure(to, bytes, /*store=*/true);
  if (options_.measure) warp.in_flight.bytes += int64_t{std::popcount(from.threads)} * bytes;
}

void Machine::Land(Warp& warp, AsyncCopy& copy) {
  if (copy.landed) return;
  copy.landed = true;
  uint8_t* const to = Address(warp, buffers_[copy.buffer], copy.offset);
  const int width = buffers_[copy.source].element_bytes;
  std::memset(to, 0, copy.bytes);
  for (int i = 0; i < copy.source_bytes; i += width) {
    std::memcpy(to + i, Address(warp, buffers_[copy.source], copy.source_offset + i),
                std::min(width, copy.source_bytes - i));
  }
  ++changes_;
}

void Machine::CommitCopies(Warp& warp) {
  for (AsyncCopy& copy : warp.copies) {
    if (copy.group < 0 && (warp.active >> copy.lane & 1) != 0) {
      copy.group = warp.groups[copy.lane];
    }
  }
  for (uint32_t threads = warp.active; threads != 0; threads &= threads - 1) {
    ++warp.groups[std::countr_zero(threads)];
  }
}

void Machine::WaitForCopies(Warp& warp, int most_in_flight) {
  const auto is_awaited = [&](const AsyncCopy& copy) {
    return (warp.active >> copy.lane & 1) != 0 && copy.group >= 0 &&
           copy.group < warp.groups[copy.lane] - most_in_flight;
  };
  for (AsyncCopy& copy : warp.copies) {
    if (!is_awaited(copy)) continue;
    Land(warp, copy);
    const BoundBuffer& target = buffers_[copy.buffer];
    if (warp.block->shadow != nullptr) {
      warp.block->shadow->EndCopy(warp.knowledge, copy.lane, target.shared_offset + copy.offset,
                                  copy.bytes);
    }
    if (uint8_t* written = Written(warp, target, copy.offset)) {
      std::memset(written, Mark(target), copy.bytes);
    }
  }
  std::erase_if(warp.copies, is_awaited);
  if (warp.in_flight.bytes != 0) Use(warp);
  if (!options_.measure) return;
  for (const AsyncCopy& copy : warp.copies) warp.in_flight.bytes += copy.source_bytes;
}

// At the end of a warp.
void Machine::EndCopies(Warp& warp) {
  if (warp.copies.empty()) return;
  const AsyncCopy& copy = warp.copies[0];
  AddFault(FaultKind::kCopyInFlight, copy.op,
           absl::StrCat(Who(warp, copy.lane), " ends with a copy that it has not ",
                        copy.group < 0 ? "committed: copy_async_commit and copy_async_wait"
                                       : "waited for: copy_async_wait",
                        " have to follow it"));
}

}  // namespace ingot::kernel::simulator
