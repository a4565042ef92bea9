#include "compiler/kernel/simulator/shadow.h"

#include <algorithm>
#include <bit>

namespace ingot::kernel::simulator {
namespace {

// Readers of one granule that are kept; a kernel in which more warps read what another writes is
// told of one of these.
constexpr size_t kMostReaders = 64;

}  // namespace

Shadow::Shadow(int64_t bytes, int granule)
    : granule_shift_(std::countr_zero(static_cast<unsigned>(granule))),
      pages_((((bytes + granule - 1) >> granule_shift_) + kPageCells - 1) / kPageCells) {}

bool ProxyFences::Covers(const Epoch& write, const Knowledge& knowledge, int lane) const {
  const auto found = clocks_.find(write.thread());
  if (found == clocks_.end()) return false;
  const auto fence = std::lower_bound(found->second.begin(), found->second.end(), write.clock);
  return fence != found->second.end() && knowledge.Knows({write.warp, *fence, write.lane}, lane);
}

void Shadow::Clear() {
  for (int32_t page : used_) pages_[page] = nullptr;
  used_.clear();
  more_.clear();
}

Shadow::Cell* Shadow::Page(int64_t cell) {
  std::unique_ptr<Cell[]>& page = pages_[cell / kPageCells];
  if (page == nullptr) {
    page = std::make_unique<Cell[]>(kPageCells);
    used_.push_back(static_cast<int32_t>(cell / kPageCells));
  }
  return page.get();
}

// Two strong accesses that include one another do not race, whatever their order.
bool Shadow::Exempt(const Knowledge& knowledge, const Claim& claim, bool strong, MemoryScope scope,
                    uint32_t warp) const {
  return claim.strong && strong && knowledge.Reach(claim.scope, scope, warp);
}

bool Shadow::ConflictsWithWrite(const Knowledge& knowledge, int lane, const Cell& cell,
                                const Claim& claim, Conflict& conflict) const {
  const Epoch epoch = {cell.warp, cell.clock, cell.lane};
  if (!cell.in_flight) {
    if (knowledge.Knows(epoch, lane)) {
      const bool fenced =
          claim.fences == nullptr || cell.async || claim.fences->Covers(epoch, knowledge, lane);
      if (fenced) return false;
      conflict = {epoch, cell.operation, true};
      conflict.proxy = true;
      return true;
    }
    if (cell.warp < kFirstEngine && Exempt(knowledge, claim, cell.strong, cell.scope, cell.warp)) {
      return false;
    }
    // Reductions of the engine do not race among one another.
    if (cell.warp >= kFirstEngine && claim.strong && cell.strong) return false;
  }
  conflict = {epoch, cell.operation, true, cell.in_flight, claim.strong && cell.strong};
  return true;
}

bool Shadow::ConflictsWithReader(const Knowledge& knowledge, int lane, const Reader& reader,
                                 const Claim& claim, Conflict& conflict) const {
  if (knowledge.WarpKnows(reader.warp, reader.clock)) return false;
  if (reader.warp < kFirstEngine &&
      Exempt(knowledge, claim, reader.strong, reader.scope, reader.warp)) {
    return false;
  }
  for (uint32_t lanes = reader.lanes; lanes != 0; lanes &= lanes - 1) {
    const Epoch epoch = {reader.warp, reader.clock, static_cast<uint8_t>(std::countr_zero(lanes))};
    if (knowledge.Knows(epoch, lane)) continue;
    conflict = {epoch, reader.operation, false, false, claim.strong && reader.strong};
    return true;
  }
  return false;
}

void Shadow::AddReader(const Knowledge& knowledge, int lane, int64_t number, Cell& cell,
                       const Claim& claim) {
  const bool async = claim.fences != nullptr;
  const Epoch epoch = async ? claim.engine : knowledge.Now(lane);
  const Reader now = {epoch.warp,      epoch.clock,  uint32_t{1} << epoch.lane,
                      claim.operation, claim.strong, claim.scope};
  // Whoever has to be ordered after the new reader is ordered after an old one that this thread
  // knows of; threads of one warp at one time share an entry.
  const auto takes = [&](Reader& reader) {
    if (reader.clock == 0 || knowledge.WarpKnows(reader.warp, reader.clock) ||
        (reader.warp == now.warp && reader.lanes == now.lanes)) {
      reader = now;
      return true;
    }
    if (reader.warp != now.warp || reader.clock != now.clock || reader.strong != now.strong) {
      return false;
    }
    reader.lanes |= now.lanes;
    return true;
  };
  if (takes(cell.reader)) return;
  std::vector<Reader>& more = more_[number];
  cell.more_readers = true;
  for (Reader& reader : more) {
    if (takes(reader)) return;
  }
  if (more.size() < kMostReaders) more.push_back(now);
}

bool Shadow::Access(const Knowledge& knowledge, int lane, int64_t offset, int bytes,
                    const Claim& claim, Conflict& conflict) {
  bool conflicts = false;
  const int64_t end = (offset + bytes - 1) >> granule_shift_;
  for (int64_t number = offset >> granule_shift_; number <= end; ++number) {
    Cell& cell = Page(number)[number % kPageCells];
    if (cell.clock != 0 && !conflicts) {
      conflicts = ConflictsWithWrite(knowledge, lane, cell, claim, conflict);
    }
    if (!claim.write) {
      AddReader(knowledge, lane, number, cell, claim);
      continue;
    }
    if (cell.reader.clock != 0 && !conflicts) {
      conflicts = ConflictsWithReader(knowledge, lane, cell.reader, claim, conflict);
    }
    if (cell.more_readers) {
      for (const Reader& reader : more_[number]) {
        if (conflicts) break;
        conflicts = ConflictsWithReader(knowledge, lane, reader, claim, conflict);
      }
      more_.erase(number);
    }
    const bool async = claim.fences != nullptr;
    const Epoch now = async ? claim.engine : knowledge.Now(lane);
    cell = {now.warp,
            now.clock,
            claim.operation,
            now.lane,
            claim.strong,
            /*in_flight=*/false,
            async,
            claim.scope,
            /*more_readers=*/false,
            Reader()};
  }
  return conflicts;
}

bool Shadow::BeginCopy(const Knowledge& knowledge, int lane, int64_t offset, int bytes,
                       int32_t operation, Conflict& conflict) {
  const Claim claim = {operation, /*write=*/true, false, MemoryScope::kSystem};
  const bool conflicts = Access(knowledge, lane, offset, bytes, claim, conflict);
  const int64_t end = (offset + bytes - 1) >> granule_shift_;
  for (int64_t number = offset >> granule_shift_; number <= end; ++number) {
    Page(number)[number % kPageCells].in_flight = true;
  }
  return conflicts;
}

void Shadow::EndCopy(const Knowledge& knowledge, int lane, int64_t offset, int bytes) {
  const int64_t end = (offset + bytes - 1) >> granule_shift_;
  for (int64_t number = offset >> granule_shift_; number <= end; ++number) {
    Cell& cell = Page(number)[number % kPageCells];
    // Somebody else's write in between has been reported, and stays.
    if (!cell.in_flight || cell.warp != knowledge.warp() || cell.lane != lane) continue;
    cell.in_flight = false;
    cell.clock = knowledge.clock();
  }
}

}  // namespace ingot::kernel::simulator
