// Loads and stores: addresses, checks, the bytes, and what they cost.
#include <algorithm>
#include <bit>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "compiler/kernel/simulator/machine.h"

namespace ingot::kernel::simulator {
namespace {

template <typename Use>
void ForEachThread(uint32_t threads, const Use& use) {
  for (; threads != 0; threads &= threads - 1) use(std::countr_zero(threads));
}

template <typename T>
void Gather(uint32_t threads, int lanes, const std::array<int64_t, kWarpSize>& offsets,
            const uint8_t* base, uint8_t* out) {
  for (int lane = 0; lane < lanes; ++lane) {
    T* const to = reinterpret_cast<T*>(out) + lane * kWarpSize;
    const uint8_t* const from = base + lane * sizeof(T);
    ForEachThread(threads,
                  [&](int thread) { std::memcpy(&to[thread], from + offsets[thread], sizeof(T)); });
  }
}

template <typename T>
void Scatter(uint32_t threads, int lanes, const std::array<int64_t, kWarpSize>& offsets,
             uint8_t* base, const uint8_t* values) {
  for (int lane = 0; lane < lanes; ++lane) {
    const T* const from = reinterpret_cast<const T*>(values) + lane * kWarpSize;
    uint8_t* const to = base + lane * sizeof(T);
    ForEachThread(threads,
                  [&](int thread) { std::memcpy(to + offsets[thread], &from[thread], sizeof(T)); });
  }
}

// Between memory and registers, for elements of less than a byte and pred: kernel.h, Buffer.
void FromMemory(ElementType element, uint8_t* values, int count) {
  const int bits = BitWidth(element);
  if (bits >= 8) return;
  const auto mask = static_cast<uint8_t>((1u << bits) - 1);
  for (int i = 0; i < count; ++i) {
    values[i] = element == ElementType::kPred ? values[i] != 0 : values[i] & mask;
  }
}
void ToMemory(ElementType element, uint8_t* values, int count) {
  const int unused = 8 - BitWidth(element);
  for (int i = 0; i < count; ++i) {
    const auto shifted = static_cast<int8_t>(values[i] << unused);
    values[i] = static_cast<uint8_t>(shifted >> unused);
  }
}
bool ChangesInMemory(ElementType element) { return BitWidth(element) < 8 && IsSigned(element); }

}  // namespace

uint8_t* Machine::Address(Warp& warp, const BoundBuffer& buffer, int64_t offset) const {
  if (!buffer.global) return warp.block->shared.data() + buffer.shared_offset + offset;
  return buffer.pages != nullptr ? buffer.pages->At(offset) : buffer.data + offset;
}

uint8_t* Machine::Written(Warp& warp, const BoundBuffer& buffer, int64_t offset) const {
  if (!options_.check) return nullptr;
  if (!buffer.global) return warp.block->shared_written.data() + buffer.shared_offset + offset;
  return buffer.written == nullptr ? nullptr : buffer.written + offset;
}

Machine::Accesses Machine::Resolve(Warp& warp, const Step& step, const MemoryPlace& place,
                                   int lanes, int alignment) {
  Accesses accesses;
  BoundBuffer& buffer = buffers_[place.buffer];
  accesses.buffer = &buffer;
  accesses.lanes = lanes;
  if (place.mask != kNowhere) accesses.mask = At(warp, place.mask);
  const uint8_t* const indices = At(warp, place.index);
  const int64_t width = buffer.element_bytes;
  ForEachThread(warp.active, [&](int thread) {
    const int64_t index = place.wide_index ? reinterpret_cast<const int64_t*>(indices)[thread]
                                           : reinterpret_cast<const int32_t*>(indices)[thread];
    int first = 0, last = lanes - 1;
    if (accesses.mask != nullptr) {
      while (first < lanes && !accesses.Takes(first, thread)) ++first;
      while (last > first && !accesses.Takes(last, thread)) --last;
      if (first == lanes) return;
    }
    // Not index + last < count: the sum may overflow.
    if (index < -first || index > buffer.count - 1 - last) {
      AddFault(
          FaultKind::kOutOfBounds, step.op,
          absl::StrCat(Who(warp, thread), " asks for element ",
                       index < -first ? index + first : index + last, " of %", buffer.buffer->name,
                       ", which has ", buffer.count, "; mask it, or put a condition around it"));
      return;
    }
    const int64_t offset = index * width;
    const int64_t place_in_space = buffer.global ? offset : offset + buffer.shared_offset;
    if (place_in_space % alignment != 0) {
      AddFault(FaultKind::kMisaligned, step.op,
               absl::StrCat(Who(warp, thread), " asks for element ", index, " of %",
                            buffer.buffer->name, ", at byte ", place_in_space,
                            ", which is not aligned to ", alignment, "; say a smaller `align`"));
      return;
    }
    accesses.threads |= uint32_t{1} << thread;
    accesses.offsets[thread] = offset;
  });
  return accesses;
}

// Of shared memory, who wrote a byte last is kept, for allocations that overlap.
uint8_t Machine::Mark(const BoundBuffer& buffer) const {
  if (buffer.global) return 1;
  return static_cast<uint8_t>(1 + (&buffer - &buffers_[code_.global_buffers]) % 255);
}

void Machine::CheckWritten(Warp& warp, const Step& step, const BoundBuffer& buffer, int thread,
                           int64_t offset, int bytes) {
  const uint8_t* const written = Written(warp, buffer, offset);
  if (written == nullptr) return;
  const uint8_t mark = Mark(buffer);
  int at = 0;
  while (at < bytes && (buffer.global ? written[at] != 0 : written[at] == mark)) ++at;
  if (at == bytes) return;
  const std::string what =
      absl::StrCat(Who(warp, thread), " reads element ", (offset + at) / buffer.element_bytes,
                   " of %", buffer.buffer->name);
  if (written[at] == 0) {
    AddFault(FaultKind::kUnwritten, step.op, absl::StrCat(what, ", which nobody wrote"));
    return;
  }
  const BoundBuffer& other = buffers_[code_.global_buffers + written[at] - 1];
  AddFault(FaultKind::kUnwritten, step.op,
           absl::StrCat(what, ", which overlaps %", other.buffer->name,
                        ", and was last written as that"));
}

void Machine::CheckAccess(Warp& warp, const Step& step, const Accesses& accesses,
                          const Claim& claim) {
  const BoundBuffer& buffer = *accesses.buffer;
  const int width = buffer.element_bytes;
  if (claim.write && buffer.readonly_clash >= 0) {
    const BoundBuffer& other = buffers_[buffer.readonly_clash];
    ForEachThread(accesses.threads, [&](int thread) {
      const uint8_t* const address = buffer.data + accesses.offsets[thread];
      if (address + accesses.lanes * width <= other.data ||
          address >= other.data + other.buffer->ByteSize()) {
        return;
      }
      AddFault(FaultKind::kReadonly, step.op,
               absl::StrCat(Who(warp, thread), " writes element ", accesses.offsets[thread] / width,
                            " of %", buffer.buffer->name, ", which readonly %", other.buffer->name,
                            " names too"));
    });
  }
  if (!options_.check) return;
  Shadow* const shadow = buffer.global ? buffer.shadow : warp.block->shadow.get();
  const int64_t shadow_offset = buffer.global ? buffer.shadow_offset : buffer.shared_offset;
  const bool fresh = Written(warp, buffer, 0) != nullptr;
  if (shadow == nullptr && !fresh) return;
  const auto check = [&](int thread, int64_t offset, int bytes) {
    Conflict conflict;
    if (shadow != nullptr &&
        shadow->Access(warp.knowledge, thread, shadow_offset + offset, bytes, claim, conflict)) {
      ReportConflict(warp, step, buffer, thread, offset, claim, conflict);
    } else if (fresh && !claim.write) {
      CheckWritten(warp, step, buffer, thread, offset, bytes);
    }
    if (fresh && claim.write) std::memset(Written(warp, buffer, offset), Mark(buffer), bytes);
  };
  ForEachThread(accesses.threads, [&](int thread) {
    if (accesses.mask == nullptr) {
      check(thread, accesses.offsets[thread], accesses.lanes * width);
      return;
    }
    for (int lane = 0; lane < accesses.lanes; ++lane) {
      if (accesses.Takes(lane, thread)) {
        check(thread, accesses.offsets[thread] + lane * width, width);
      }
    }
  });
}

// Threads that take all lanes use the widest instructions; others go element by element.
void Machine::Measure(const Accesses& accesses, int alignment, bool store) {
  if (!options_.measure) return;
  BoundBuffer& buffer = *accesses.buffer;
  const int width = buffer.element_bytes;
  const int bytes = accesses.lanes * width;
  uint32_t whole = accesses.threads;
  if (accesses.mask != nullptr) {
    for (int lane = 0; lane < accesses.lanes; ++lane) {
      ForEachThread(whole, [&](int thread) {
        if (!accesses.Takes(lane, thread)) whole &= ~(uint32_t{1} << thread);
      });
    }
  }
  const auto count = [&](uint32_t threads, int offset, int chunk) {
    if (threads == 0) return;
    WarpAccess access;
    access.threads = threads;
    access.bytes = chunk;
    const int64_t base = buffer.global ? offset : offset + buffer.shared_offset;
    ForEachThread(threads,
                  [&](int thread) { access.offsets[thread] = accesses.offsets[thread] + base; });
    if (buffer.global) {
      CountGlobal(access, store ? buffer.stores : buffer.loads,
                  store ? buffer.stored : buffer.loaded);
      return;
    }
    int least;
    shared_passes_ += SharedPasses(access, least);
    shared_least_ += least;
    ++shared_instructions_;
  };
  for (int offset = 0; whole != 0 && offset < bytes;) {
    const int chunk = ChunkBytes(bytes, offset, alignment, width);
    count(whole, offset, chunk);
    offset += chunk;
  }
  const uint32_t partly = accesses.threads & ~whole;
  for (int lane = 0; partly != 0 && lane < accesses.lanes; ++lane) {
    uint32_t threads = partly;
    ForEachThread(partly, [&](int thread) {
      if (!accesses.Takes(lane, thread)) threads &= ~(uint32_t{1} << thread);
    });
    count(threads, lane * width, width);
  }
}

void Machine::Load(Warp& warp, const Step& step) {
  const MemoryPlace& place = code_.places[step.extra];
  const Accesses accesses = Resolve(warp, step, place, step.lanes, place.alignment);
  const BoundBuffer& buffer = *accesses.buffer;
  const bool strong = place.order != Order::kPlain;
  CheckAccess(warp, step, accesses, {step.op->id, /*write=*/false, strong, place.scope});
  uint8_t* const out = Out(warp, step.out);
  const int width = step.width;
  if (accesses.threads != ~uint32_t{0} || accesses.mask != nullptr) {
    std::memset(out, 0, step.bytes);
  }
  if (accesses.mask == nullptr && buffer.pages == nullptr && accesses.threads != 0) {
    const uint8_t* const base = Address(warp, buffer, 0);
    const auto gather = width == 1   ? &Gather<uint8_t>
                        : width == 2 ? &Gather<uint16_t>
                        : width == 4 ? &Gather<uint32_t>
                                     : &Gather<uint64_t>;
    gather(accesses.threads, step.lanes, accesses.offsets, base, out);
  } else {
    ForEachThread(accesses.threads, [&](int thread) {
      for (int lane = 0; lane < step.lanes; ++lane) {
        if (!accesses.Takes(lane, thread)) continue;
        std::memcpy(out + (lane * kWarpSize + thread) * width,
                    Address(warp, buffer, accesses.offsets[thread] + lane * width), width);
      }
    });
  }
  FromMemory(buffer.buffer->element, out, step.lanes * kWarpSize);
  if (strong) {
    warp.polled = true;
    warp.waits = step.op;
    ForEachThread(accesses.threads, [&](int thread) {
      SyncRead(warp, thread, Address(warp, buffer, accesses.offsets[thread]), place.order,
               place.scope);
    });
  }
  Measure(accesses, place.alignment, /*store=*/false);
  if (options_.measure && buffer.global) {
    warp.in_flight.bytes += int64_t{std::popcount(accesses.threads)} * step.lanes * width;
    MarkInFlight(warp, step.out, step.bytes);
  }
}

void Machine::Store(Warp& warp, const Step& step) {
  const MemoryPlace& place = code_.places[step.extra];
  const Accesses accesses = Resolve(warp, step, place, step.lanes, place.alignment);
  const BoundBuffer& buffer = *accesses.buffer;
  const bool strong = place.order != Order::kPlain;
  CheckAccess(warp, step, accesses, {step.op->id, /*write=*/true, strong, place.scope});
  const uint8_t* values = At(warp, step.a);
  const int width = step.width;
  uint8_t changed[kMaxLanes * kWarpSize];
  if (ChangesInMemory(buffer.buffer->element)) {
    std::memcpy(changed, values, step.bytes);
    ToMemory(buffer.buffer->element, changed, step.bytes);
    values = changed;
  }
  if (accesses.mask == nullptr && buffer.pages == nullptr && accesses.threads != 0) {
    const auto scatter = width == 1   ? &Scatter<uint8_t>
                         : width == 2 ? &Scatter<uint16_t>
                         : width == 4 ? &Scatter<uint32_t>
                                      : &Scatter<uint64_t>;
    scatter(accesses.threads, step.lanes, accesses.offsets, Address(warp, buffer, 0), values);
  } else {
    ForEachThread(accesses.threads, [&](int thread) {
      for (int lane = 0; lane < step.lanes; ++lane) {
        if (!accesses.Takes(lane, thread)) continue;
        std::memcpy(Address(warp, buffer, accesses.offsets[thread] + lane * width),
                    values + (lane * kWarpSize + thread) * width, width);
      }
    });
  }
  ++changes_;
  if (strong || !releases_.empty()) {
    ForEachThread(accesses.threads, [&](int thread) {
      SyncWrite(warp, thread, Address(warp, buffer, accesses.offsets[thread]), place.order,
                place.scope, /*read_too=*/false);
    });
    if (strong) warp.knowledge.Advance();
  }
  Measure(accesses, place.alignment, /*store=*/true);
}

}  // namespace ingot::kernel::simulator
