// Bulk copies, of runs of bytes and of boxes of tensor maps, by the copy engine.
//
// A copy reads its source and writes its destination at any time from its start to the end that it
// is waited for by, and copies end in any order: here as late as can be where the seed is 0, else
// at any time.  Its accesses are by the async proxy, at the time when it ends (clocks.h: engines):
// what threads wrote before has to be fenced by the writer, and known to the thread that begins the
// copy.
#include <algorithm>
#include <bit>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "compiler/kernel/arithmetic.h"
#include "compiler/kernel/simulator/machine.h"
#include "compiler/kernel/simulator/tensor_box.h"

namespace ingot::kernel::simulator {
namespace {

constexpr int kBulkAlignment = 16;   // of addresses and sizes
constexpr int kTileAlignment = 128;  // of a box in shared memory

bool IsLoad(const BulkCopy& copy) { return copy.kind == BulkCopy::Kind::kLoad; }

// The lines of a run of bytes.
std::vector<Line> LinesOfRun(int64_t shared, int64_t global, int64_t bytes) {
  std::vector<Line> lines;
  for (int64_t i = 0; i < bytes; i += kBulkAlignment) {
    lines.push_back(
        {static_cast<int32_t>(shared + i), kBulkAlignment, 0, kBulkAlignment, global + i});
  }
  return lines;
}

}  // namespace

void Machine::FenceProxy(Warp& warp, ProxyFences& fences) {
  if (!options_.check) return;
  for (uint32_t threads = warp.active; threads != 0; threads &= threads - 1) {
    fences.Add(warp.knowledge.Now(std::countr_zero(threads)));
  }
  warp.knowledge.Advance();
}

// ----- Beginnings.

void Machine::BeginRun(Warp& warp, const Step& step, BulkCopy::Kind kind) {
  // bulk_load: to shared, from global, bytes, mbarrier; bulk_store: to global, from shared, bytes.
  const bool loads = kind == BulkCopy::Kind::kLoad;
  const auto* const wanted = reinterpret_cast<const uint32_t*>(At(warp, OperandPlace(step, 2)));
  const uint32_t active = warp.active;
  for (uint32_t threads = active; threads != 0; threads &= threads - 1) {
    const int lane = std::countr_zero(threads);
    const uint32_t bytes = wanted[lane];
    if (bytes % kBulkAlignment != 0 || bytes > (uint32_t{1} << 24)) {
      AddFault(FaultKind::kMisaligned, step.op,
               absl::StrCat(Who(warp, lane), " copies ", bytes, " bytes, expected a multiple of ",
                            kBulkAlignment, " up to 2^24"));
      continue;
    }
    if (bytes == 0) continue;
    // One thread at a time: sizes may differ.
    warp.active = uint32_t{1} << lane;
    const auto resolve = [&](int number) {
      const MemoryPlace& place = code_.places[step.extra + number];
      const int width = buffers_[place.buffer].element_bytes;
      return Resolve(warp, step, place, std::max(1, static_cast<int>(bytes) / width),
                     kBulkAlignment);
    };
    const Accesses shared = resolve(loads ? 0 : 1), global = resolve(loads ? 1 : 0);
    warp.active = active;
    if (shared.threads == 0 || global.threads == 0) continue;
    BulkCopy copy;
    copy.kind = kind;
    copy.block = warp.block;
    copy.buffer = code_.places[step.extra + (loads ? 1 : 0)].buffer;
    copy.element = buffers_[copy.buffer].buffer->element;
    copy.lines = LinesOfRun(shared.buffer->shared_offset + shared.offsets[lane],
                            global.offsets[lane], bytes);
    Begin(warp, step, lane, *shared.buffer, std::move(copy));
  }
}

std::vector<int32_t> Machine::Coordinates(const Warp& warp, const Step& step, int rank,
                                          int lane) const {
  std::vector<int32_t> coordinates;
  const int first = static_cast<int>(step.op->operands.size()) - rank;
  for (int i = 0; i < rank; ++i) {
    const Place place = OperandPlace(step, first + i);
    coordinates.push_back(reinterpret_cast<const int32_t*>(At(warp, place))[lane]);
  }
  return coordinates;
}

// An im2col map's, which stand before the coordinates.
std::vector<int32_t> Machine::OffsetsOf(const Warp& warp, const Step& step, const TensorMap& map,
                                        int lane) const {
  std::vector<int32_t> offsets;
  if (!map.is_im2col()) return offsets;
  const int count = map.rank() - 2;
  const int first = static_cast<int>(step.op->operands.size()) - map.rank() - count;
  for (int i = 0; i < count; ++i) {
    const Place place = OperandPlace(step, first + i);
    offsets.push_back(reinterpret_cast<const uint16_t*>(At(warp, place))[lane]);
  }
  return offsets;
}

void Machine::BeginBox(Warp& warp, const Step& step, BulkCopy::Kind kind,
                       const uint16_t* multicast) {
  const auto& call = step.op->Get<IntrinsicAttributes>();
  const TensorMap& map = call.maps[0]->recipe;
  const MemoryPlace& tile = code_.places[step.extra];
  const int width = buffers_[tile.buffer].element_bytes;
  const Accesses accesses = Resolve(
      warp, step, tile, static_cast<int>((map.BoxBytes() + width - 1) / width), kTileAlignment);
  for (uint32_t threads = accesses.threads; threads != 0; threads &= threads - 1) {
    const int lane = std::countr_zero(threads);
    const std::vector<int32_t> at = Coordinates(warp, step, map.rank(), lane);
    // Not in the PTX ISA: elsewhere an H200 traps with an illegal instruction.
    if (int64_t{at[0]} * ByteWidth(map.element_type) % kBulkAlignment != 0) {
      AddFault(FaultKind::kMisaligned, step.op,
               absl::StrCat(Who(warp, lane), " copies a box from element ", at[0],
                            " of its rows on, expected a multiple of ", kBulkAlignment, " bytes"));
      continue;
    }
    const std::vector<int32_t> offsets = OffsetsOf(warp, step, map, lane);
    const auto far = std::find_if(offsets.begin(), offsets.end(),
                                  [&](int32_t offset) { return offset > map.MostOffset(); });
    if (far != offsets.end()) {
      AddFault(FaultKind::kOutOfBounds, step.op,
               absl::StrCat(Who(warp, lane), " reads ", *far, " from its pixels, expected at most ",
                            map.MostOffset()));
      continue;
    }
    BulkCopy copy;
    copy.kind = kind;
    copy.buffer = code_.places[step.extra + call.buffers.size()].buffer;
    copy.element = map.element_type;
    copy.fill = FillOf(map);
    copy.rounds_to_tf32 = map.rounds_to_tf32;
    copy.lines =
        LinesOfBox(map, at, offsets, accesses.buffer->shared_offset + accesses.offsets[lane]);
    if (multicast == nullptr) {
      copy.block = warp.block;
      Begin(warp, step, lane, *accesses.buffer, std::move(copy));
      continue;
    }
    for (uint32_t blocks = multicast[lane]; blocks != 0; blocks &= blocks - 1) {
      BulkCopy one = copy;
      one.block = BlockOfCluster(warp, step, lane, std::countr_zero(blocks));
      if (one.block != nullptr) Begin(warp, step, lane, *accesses.buffer, std::move(one));
    }
  }
}

void Machine::Begin(Warp& warp, const Step& step, int lane, const BoundBuffer& tile,
                    BulkCopy copy) {
  copy.op = step.op;
  copy.warp = warp.index;
  copy.lane = lane;
  copy.issuer = warp.block->number;
  for (const Line& line : copy.lines) copy.bytes += line.bytes;
  Epoch done;
  if (IsLoad(copy)) {
    const auto& call = step.op->Get<IntrinsicAttributes>();
    const int number = static_cast<int>(call.buffers.size()) - 1;  // the mbarrier stands last
    if (!NameMbarrier(warp, step, lane, number, copy)) return;
    const Mbarrier& bar = copy.block->mbarriers.at(copy.mbarrier);
    done = {bar.engine, bar.phase + 1, 0};
  } else {
    if (warp.bulk_engines[lane] == 0) {
      warp.bulk_engines[lane] = next_engine_;
      next_engine_ += 2;
    }
    done = {warp.bulk_engines[lane], static_cast<uint32_t>(warp.bulk_groups[lane]) + 1, 0};
  }
  for (const Line& line : copy.lines) {
    if (!CheckLine(warp, step, lane, tile, copy, line, done)) break;
  }
  MeasureLines(warp, copy);
  copies_.push_back(std::move(copy));
  ++changes_;
  if (options_.seed != 0 && random_() % 4 == 0) RunEngine(copies_.size() - 1);
}

// The mbarrier of a load, in the block that it writes.
bool Machine::NameMbarrier(Warp& warp, const Step& step, int lane, int number, BulkCopy& copy) {
  const MemoryPlace& place = code_.places[step.extra + number];
  const uint32_t active = std::exchange(warp.active, uint32_t{1} << lane);
  const Accesses accesses =
      Resolve(warp, step, place, std::max(1, 8 / buffers_[place.buffer].element_bytes), 8);
  warp.active = active;
  if (accesses.threads == 0) return false;
  copy.mbarrier = accesses.buffer->shared_offset + accesses.offsets[lane];
  const Mbarrier* const bar = FindMbarrier(*copy.block, warp, step, lane, copy.mbarrier);
  if (bar == nullptr) return false;
  copy.phase = bar->phase;
  const bool fenced = copy.block->fences.Covers(bar->made, warp.knowledge, lane) ||
                      copy.block->mbarrier_fences.Covers(bar->made, warp.knowledge, lane);
  if (options_.check && !sampling_ && copy.block == warp.block && !fenced) {
    AddFault(FaultKind::kRace, step.op,
             absl::StrCat(Who(warp, lane), " has bytes counted by an mbarrier whose ",
                          "initialisation the copy engine may not see; fence_mbarrier_init and a ",
                          "barrier would order them"));
  }
  return true;
}

// Claims for one line, on both sides.  False after a fault.
bool Machine::CheckLine(Warp& warp, const Step& step, int lane, const BoundBuffer& tile,
                        const BulkCopy& copy, const Line& line, const Epoch& done) {
  if (!options_.check) return true;
  const bool loads = IsLoad(copy);
  Claim claim;
  claim.operation = step.op->id;
  claim.write = loads;
  claim.fences = &copy.block->fences;
  claim.engine = done;
  Conflict conflict;
  if (copy.block->shadow != nullptr && !sampling_ &&
      copy.block->shadow->Access(warp.knowledge, lane, line.shared, line.bytes, claim, conflict)) {
    ReportConflict(warp, step, tile, lane, line.shared - tile.shared_offset, claim, conflict);
    return false;
  }
  if (!loads) {
    CheckWritten(warp, step, tile, lane, line.shared - tile.shared_offset, line.bytes);
  }
  if (line.taken == 0) return true;
  BoundBuffer& global = buffers_[copy.buffer];
  claim.write = !loads;
  claim.strong = copy.kind == BulkCopy::Kind::kReduceAdd;
  claim.fences = &global_fences_;
  if (!loads) ++claim.engine.warp;  // writes end later than reads
  if (global.shadow != nullptr &&
      global.shadow->Access(warp.knowledge, lane, global.shadow_offset + line.global, line.taken,
                            claim, conflict)) {
    ReportConflict(warp, step, global, lane, line.global, claim, conflict);
    return false;
  }
  const bool reads = copy.kind != BulkCopy::Kind::kStore;
  if (reads) CheckWritten(warp, step, global, lane, line.global, line.taken);
  return true;
}

// Lines are accesses of one thread each, of its buffer's elements.
void Machine::MeasureLines(Warp& warp, const BulkCopy& copy) {
  if (!options_.measure) return;
  BoundBuffer& buffer = buffers_[copy.buffer];
  WarpAccess access;
  access.bytes = kBulkAlignment;
  int count = 0;
  const auto flush = [&] {
    if (count == 0) return;
    access.threads = count == kWarpSize ? ~uint32_t{0} : (uint32_t{1} << count) - 1;
    CountGlobal(access, IsLoad(copy) ? buffer.loads : buffer.stores,
                IsLoad(copy) ? buffer.loaded : buffer.stored);
    count = 0;
  };
  for (const Line& line : copy.lines) {
    // The map counts whole lines where they lie so; ragged ends go byte by byte.
    const bool whole = line.taken == kBulkAlignment && line.global % kBulkAlignment == 0;
    const int piece = whole ? kBulkAlignment : 1;
    for (int i = 0; i < line.taken; i += piece) {
      if (access.bytes != piece) flush();
      access.bytes = piece;
      access.offsets[count++] = line.global + i;
      if (count == kWarpSize) flush();
    }
  }
  flush();
  if (IsLoad(copy)) warp.in_flight.bytes += copy.bytes;
}

// ----- Ends.

uint8_t* Machine::GlobalAddress(const BulkCopy& copy, int64_t offset) const {
  const BoundBuffer& buffer = buffers_[copy.buffer];
  return buffer.pages != nullptr ? buffer.pages->At(offset) : buffer.data + offset;
}

void Machine::EndLoad(const BulkCopy& copy) {
  const int width = ByteWidth(copy.element);
  for (const Line& line : copy.lines) {
    uint8_t* const to = copy.block->shared.data() + line.shared;
    for (int i = 0; i < line.bytes; i += width) std::memcpy(to + i, &copy.fill, width);
    for (int i = 0; i < line.taken; i += width) {
      std::memcpy(to + line.skip + i, GlobalAddress(copy, line.global + i), width);
    }
    for (int i = 0; copy.rounds_to_tf32 && i < line.bytes; i += width) {
      uint32_t bits;
      std::memcpy(&bits, to + i, sizeof(bits));
      bits = RoundedToTf32(bits);
      std::memcpy(to + i, &bits, sizeof(bits));
    }
    MarkShared(*copy.block, line.shared, line.bytes);
  }
  const auto found = copy.block->mbarriers.find(copy.mbarrier);
  if (found == copy.block->mbarriers.end()) return;
  found->second.bytes -= copy.bytes;
  CompleteIfDone(*copy.block, copy.mbarrier, found->second);
}

void Machine::ReadSource(BulkCopy& copy) {
  if (copy.has_read) return;
  copy.has_read = true;
  for (const Line& line : copy.lines) {
    const uint8_t* const from = copy.block->shared.data() + line.shared + line.skip;
    copy.source.insert(copy.source.end(), from, from + line.taken);
  }
}

void Machine::EndStore(BulkCopy& copy) {
  ReadSource(copy);
  const int width = ByteWidth(copy.element);
  const uint8_t* from = copy.source.data();
  const BoundBuffer& buffer = buffers_[copy.buffer];
  for (const Line& line : copy.lines) {
    for (int i = 0; i < line.taken; i += width, from += width) {
      uint8_t* const to = GlobalAddress(copy, line.global + i);
      uint64_t value = 0, old = 0;
      std::memcpy(&value, from, width);
      std::memcpy(&old, to, width);
      if (copy.kind == BulkCopy::Kind::kReduceAdd) {
        value = EvaluateLane(Opcode::kAdd, copy.element, {old, value});
      }
      std::memcpy(to, &value, width);
    }
    if (options_.check && buffer.written != nullptr && line.taken > 0) {
      std::memset(buffer.written + line.global, 1, line.taken);
    }
  }
}

// What was written last as which allocation: the one that has the byte.
void Machine::MarkShared(BlockState& block, int64_t offset, int bytes) {
  if (!options_.check) return;
  const BoundBuffer* const buffer = SharedBufferAt(offset);
  if (buffer != nullptr) std::memset(block.shared_written.data() + offset, Mark(*buffer), bytes);
}

const BoundBuffer* Machine::SharedBufferAt(int64_t offset) const {
  for (size_t i = code_.global_buffers; i < buffers_.size(); ++i) {
    const BoundBuffer& buffer = buffers_[i];
    const int64_t end = buffer.shared_offset + buffer.count * buffer.element_bytes;
    if (offset >= buffer.shared_offset && offset < end) return &buffer;
  }
  return nullptr;
}

// Takes copy `number` a step on: a store may only read its source.
void Machine::RunEngine(size_t number) {
  BulkCopy& copy = copies_[number];
  ++changes_;
  if (!IsLoad(copy) && !copy.has_read && options_.seed != 0 && random_() % 2 == 0) {
    ReadSource(copy);
    return;
  }
  const BulkCopy ended = std::move(copy);
  copies_.erase(copies_.begin() + static_cast<int64_t>(number));
  if (IsLoad(ended)) {
    EndLoad(ended);
  } else {
    BulkCopy store = ended;
    EndStore(store);
  }
}

bool Machine::RunEngineWhereStuck() {
  // Stores hold nobody up: whoever waits for them makes them end.
  for (size_t i = copies_.size(); i-- > 0;) {
    if (!IsLoad(copies_[i])) continue;
    RunEngine(options_.seed == 0 ? i : RandomLoad());
    return true;
  }
  return false;
}

size_t Machine::RandomLoad() {
  std::vector<size_t> loads;
  for (size_t i = 0; i < copies_.size(); ++i) {
    if (IsLoad(copies_[i])) loads.push_back(i);
  }
  return loads[random_() % loads.size()];
}

// ----- Bulk groups.

bool Machine::IsOf(const BulkCopy& copy, const Warp& warp, int lane) const {
  return !IsLoad(copy) && copy.block == warp.block && copy.warp == warp.index && copy.lane == lane;
}

void Machine::CommitBulk(Warp& warp) {
  for (uint32_t threads = warp.active; threads != 0; threads &= threads - 1) {
    const int lane = std::countr_zero(threads);
    for (BulkCopy& copy : copies_) {
      if (IsOf(copy, warp, lane) && copy.group < 0) copy.group = warp.bulk_groups[lane];
    }
    ++warp.bulk_groups[lane];
  }
}

void Machine::WaitForBulk(Warp& warp, int most_in_flight, bool reads_only) {
  for (uint32_t threads = warp.active; threads != 0; threads &= threads - 1) {
    const int lane = std::countr_zero(threads);
    const int32_t limit = warp.bulk_groups[lane] - most_in_flight;
    for (size_t i = 0; i < copies_.size();) {
      BulkCopy& copy = copies_[i];
      if (!IsOf(copy, warp, lane) || copy.group < 0 || copy.group >= limit) {
        ++i;
        continue;
      }
      if (reads_only) {
        ReadSource(copy);
        ++i;
        continue;
      }
      EndStore(copy);
      copies_.erase(copies_.begin() + static_cast<int64_t>(i));
    }
    if (limit <= 0 || warp.bulk_engines[lane] == 0) continue;
    auto told = std::make_shared<Told>();
    const uint32_t engine = warp.bulk_engines[lane];
    told->threads[Epoch{engine, 0, 0}.thread()] = static_cast<uint32_t>(limit);
    if (!reads_only) told->threads[Epoch{engine + 1, 0, 0}.thread()] = static_cast<uint32_t>(limit);
    warp.knowledge.Learn(lane, std::move(told));
  }
  ++changes_;
}

// At the end of a warp: its shared memory may go to another block.
void Machine::EndBulk(Warp& warp) {
  for (const BulkCopy& copy : copies_) {
    if (IsLoad(copy) || copy.block != warp.block || copy.warp != warp.index || copy.has_read) {
      continue;
    }
    AddFault(FaultKind::kCopyInFlight, copy.op,
             absl::StrCat(Who(warp, copy.lane), " ends with a bulk copy whose source may not have ",
                          "been read: bulk_commit and bulk_wait_read have to follow it"));
    return;
  }
}

void Machine::EndBulk(BlockState& block) {
  for (size_t i = 0; i < copies_.size();) {
    BulkCopy& copy = copies_[i];
    if (copy.block != &block) {
      ++i;
      continue;
    }
    if (IsLoad(copy)) {
      AddFault(FaultKind::kCopyInFlight, copy.op,
               absl::StrCat(geometry_.BlockName(block.number), " ends while ", copy.bytes,
                            " bytes of a bulk copy to its shared memory are under way; wait for ",
                            "their mbarrier"));
    } else {
      EndStore(copy);
    }
    copies_.erase(copies_.begin() + static_cast<int64_t>(i));
  }
}

// ----- The rows.

void IntrinsicRows::BulkLoad() { machine_.BeginRun(warp_, step_, BulkCopy::Kind::kLoad); }
void IntrinsicRows::BulkStore() { machine_.BeginRun(warp_, step_, BulkCopy::Kind::kStore); }
void IntrinsicRows::BulkReduceAddF32() {
  machine_.BeginRun(warp_, step_, BulkCopy::Kind::kReduceAdd);
}
void IntrinsicRows::TensorLoad() {
  machine_.BeginBox(warp_, step_, BulkCopy::Kind::kLoad, nullptr);
}
void IntrinsicRows::TensorLoadHint() { TensorLoad(); }
void IntrinsicRows::TensorLoadMulticast() {
  // Operands: two places, the mask, offsets, coordinates.
  const Place mask = machine_.OperandPlace(step_, 2);
  machine_.BeginBox(warp_, step_, BulkCopy::Kind::kLoad,
                    reinterpret_cast<const uint16_t*>(machine_.At(warp_, mask)));
}
void IntrinsicRows::TensorLoadIm2col3d() { TensorLoad(); }
void IntrinsicRows::TensorLoadIm2col4d() { TensorLoad(); }
void IntrinsicRows::TensorLoadIm2col5d() { TensorLoad(); }
void IntrinsicRows::TensorLoadIm2colMulticast3d() { TensorLoadMulticast(); }
void IntrinsicRows::TensorLoadIm2colMulticast4d() { TensorLoadMulticast(); }
void IntrinsicRows::TensorLoadIm2colMulticast5d() { TensorLoadMulticast(); }
void IntrinsicRows::TensorStore() {
  machine_.BeginBox(warp_, step_, BulkCopy::Kind::kStore, nullptr);
}
void IntrinsicRows::TensorReduceAdd() {
  machine_.BeginBox(warp_, step_, BulkCopy::Kind::kReduceAdd, nullptr);
}
void IntrinsicRows::BulkCommit() { machine_.CommitBulk(warp_); }
void IntrinsicRows::BulkWait() {
  machine_.WaitForBulk(warp_, static_cast<int>(Immediate(0)), /*reads_only=*/false);
}
void IntrinsicRows::BulkWaitRead() {
  machine_.WaitForBulk(warp_, static_cast<int>(Immediate(0)), /*reads_only=*/true);
}
void IntrinsicRows::PrefetchMap() {}
void IntrinsicRows::PrefetchTensor() {}

void IntrinsicRows::SharedAddress() {
  const MemoryPlace& place = machine_.code_.places[step_.extra];
  const Machine::Accesses accesses = machine_.Resolve(warp_, step_, place, 1, 1);
  auto* const out = reinterpret_cast<uint32_t*>(machine_.Out(warp_, step_.out));
  for (int lane = 0; lane < kWarpSize; ++lane) {
    out[lane] = static_cast<uint32_t>(accesses.buffer->shared_offset + accesses.offsets[lane]);
  }
}

void IntrinsicRows::FenceProxyAsyncShared() { machine_.FenceProxy(warp_, warp_.block->fences); }
void IntrinsicRows::FenceProxyAsyncGlobal() { machine_.FenceProxy(warp_, machine_.global_fences_); }

}  // namespace ingot::kernel::simulator
