// mbarriers: phases of arrivals and bytes, and who waits for them.
//
// A phase completes when no arrival and no byte is missing; what its arrivals released, and what
// copies for it wrote, is known to whoever sees that it is complete.  A wait that is not over holds
// its warp until the phase completes, or now and then answers no, as the instruction may.
#include <algorithm>
#include <bit>

#include "absl/strings/str_cat.h"
#include "compiler/kernel/simulator/machine.h"

namespace ingot::kernel::simulator {
namespace {

constexpr int kMbarrierBytes = 8;
constexpr int64_t kMostBytes = (int64_t{1} << 20) - 1;

}  // namespace

void Machine::ForEachMbarrier(Warp& warp, const Step& step, int number, bool write, bool strong,
                              absl::FunctionRef<void(int lane, int64_t place)> use) {
  const MemoryPlace& place = code_.places[step.extra + number];
  const int lanes = std::max(1, kMbarrierBytes / buffers_[place.buffer].element_bytes);
  const Accesses accesses = Resolve(warp, step, place, lanes, kMbarrierBytes);
  CheckAccess(warp, step, accesses, {step.op->id, write, strong, MemoryScope::kCluster});
  for (uint32_t threads = accesses.threads; threads != 0; threads &= threads - 1) {
    const int lane = std::countr_zero(threads);
    use(lane, accesses.buffer->shared_offset + accesses.offsets[lane]);
  }
}

Mbarrier* Machine::FindMbarrier(BlockState& block, const Warp& warp, const Step& step, int lane,
                                int64_t place) {
  const auto found = block.mbarriers.find(place);
  if (found != block.mbarriers.end()) return &found->second;
  AddFault(FaultKind::kBarrier, step.op,
           absl::StrCat(Who(warp, lane), " names byte ", place, " of the shared memory of ",
                        geometry_.BlockName(block.number),
                        ", where no mbarrier is: mbarrier_init has to come first"));
  return nullptr;
}

void Machine::InitMbarriers(Warp& warp, const Step& step, int arrivals) {
  ForEachMbarrier(warp, step, 0, /*write=*/true, /*strong=*/false, [&](int lane, int64_t place) {
    const auto [it, is_new] = warp.block->mbarriers.try_emplace(place);
    if (!is_new) {
      AddFault(FaultKind::kBarrier, step.op,
               absl::StrCat(Who(warp, lane), " initialises an mbarrier that is one already; ",
                            "mbarrier_inval has to come between"));
      return;
    }
    Mbarrier& bar = it->second;
    bar.arrivals = bar.pending = arrivals;
    bar.engine = next_engine_++;
    bar.made = warp.knowledge.Now(lane);
  });
}

void Machine::InvalidateMbarriers(Warp& warp, const Step& step) {
  ForEachMbarrier(warp, step, 0, /*write=*/true, /*strong=*/false, [&](int lane, int64_t place) {
    if (FindMbarrier(*warp.block, warp, step, lane, place) != nullptr) {
      warp.block->mbarriers.erase(place);
    }
  });
}

void Machine::ExpectBytes(BlockState& block, const Warp& warp, const Step& step, int lane,
                          int64_t place, int64_t bytes) {
  Mbarrier* const bar = FindMbarrier(block, warp, step, lane, place);
  if (bar == nullptr) return;
  bar->bytes += bytes;
  if (bar->bytes > kMostBytes) {
    AddFault(FaultKind::kBarrier, step.op,
             absl::StrCat(Who(warp, lane), " makes an mbarrier expect ", bar->bytes,
                          " bytes, more than ", kMostBytes));
  }
  CompleteIfDone(block, place, *bar);
}

void Machine::ArriveAt(BlockState& block, Warp& warp, const Step& step, int lane, int64_t place) {
  Mbarrier* const bar = FindMbarrier(block, warp, step, lane, place);
  if (bar == nullptr) return;
  if (bar->pending == 0) {
    AddFault(FaultKind::kBarrier, step.op,
             absl::StrCat(Who(warp, lane), " arrives at an mbarrier whose phase ", bar->phase,
                          " has all of its ", bar->arrivals, " arrivals, and waits for ",
                          bar->bytes, " bytes"));
    return;
  }
  --bar->pending;
  if (options_.check && !sampling_) {
    const bool remote = &block != warp.block;
    SharedTold& arriving = remote ? bar->arriving_remote : bar->arriving;
    arriving = Join(arriving, warp.knowledge.Publish(lane, MemoryScope::kCluster).told);
  }
  CompleteIfDone(block, place, *bar);
}

void Machine::CompleteIfDone(BlockState& block, int64_t place, Mbarrier& bar) {
  if (bar.pending != 0 || bar.bytes != 0) return;
  for (const BulkCopy& copy : copies_) {
    const bool is_for_it = copy.kind == BulkCopy::Kind::kLoad && copy.block == &block &&
                           copy.mbarrier == place && copy.phase == bar.phase;
    if (!is_for_it) continue;
    AddFault(FaultKind::kCopyInFlight, copy.op,
             absl::StrCat("phase ", bar.phase, " of its mbarrier completes while ", copy.bytes,
                          " bytes of it are under way; the phase has to expect them too"));
  }
  if (options_.check && !sampling_) {
    auto bytes = std::make_shared<Told>();
    bytes->threads[Epoch{bar.engine, 0, 0}.thread()] = bar.phase + 1;
    bar.told = Join(Join(bar.told, bar.arriving), std::move(bytes));
    bar.told_remote = Join(bar.told_remote, bar.arriving_remote);
    bar.arriving = bar.arriving_remote = nullptr;
  }
  ++bar.phase;
  bar.pending = bar.arrivals;
  ++changes_;
  for (const auto& warp : block.warps) {
    if (warp->state != WarpState::kAtMbarrier) continue;
    const bool waits = std::any_of(warp->awaited.begin(), warp->awaited.end(),
                                   [&](const auto& awaited) { return awaited.first == place; });
    if (waits) MakeReady(*warp);
  }
}

void Machine::MakeReady(Warp& warp) {
  warp.state = WarpState::kReady;
  ready_.push_back(&warp);
}

void Machine::TryWait(Warp& warp, const Step& step, MemoryScope scope) {
  const auto* const parities = reinterpret_cast<const uint32_t*>(At(warp, step.b));
  uint32_t complete = 0;
  warp.awaited.clear();
  ForEachMbarrier(warp, step, 0, /*write=*/false, /*strong=*/true, [&](int lane, int64_t place) {
    const Mbarrier* const bar = FindMbarrier(*warp.block, warp, step, lane, place);
    if (bar == nullptr) {
      complete |= uint32_t{1} << lane;  // a fault already
      return;
    }
    const uint32_t parity = parities[lane] & 1;
    if ((bar->phase & 1) == parity) {
      warp.awaited.emplace_back(place, parity);
      return;
    }
    complete |= uint32_t{1} << lane;
    warp.knowledge.Learn(lane, bar->told);
    if (scope >= MemoryScope::kCluster) warp.knowledge.Learn(lane, bar->told_remote);
  });
  warp.waits = step.op;
  const bool answers_no = warp.gives_up || (options_.seed != 0 && random_() % 4 == 0);
  if (complete == 0 && !warp.awaited.empty() && !answers_no) {
    warp.state = WarpState::kAtMbarrier;
    return;
  }
  warp.gives_up = false;
  warp.polled = true;
  if (complete != 0 && warp.in_flight.bytes != 0) Use(warp);
  uint8_t* const out = Out(warp, step.out);
  for (int lane = 0; lane < kWarpSize; ++lane) out[lane] = complete >> lane & 1;
}

bool Machine::WakeWaiting() {
  if (woken_at_ == changes_) return false;
  woken_at_ = changes_;
  bool any = false;
  for (const auto& block : resident_) {
    for (const auto& warp : block->warps) {
      if (warp->state != WarpState::kAtMbarrier) continue;
      warp->gives_up = true;
      MakeReady(*warp);
      any = true;
    }
  }
  return any;
}

std::string Machine::AwaitedText(const Warp& warp) const {
  std::string text;
  for (const auto& [place, parity] : warp.awaited) {
    const auto found = warp.block->mbarriers.find(place);
    if (found == warp.block->mbarriers.end()) continue;
    const Mbarrier& bar = found->second;
    absl::StrAppend(&text, " waits for the phase of parity ", parity, " of the mbarrier at byte ",
                    place, " of shared memory: in phase ", bar.phase, ", ", bar.pending, " of ",
                    bar.arrivals, " arrivals and ", bar.bytes, " bytes are missing (",
                    OperationName(warp.waits->id), ")");
    break;  // the others are like it, mostly
  }
  return text;
}

// ----- The rows.

void IntrinsicRows::MbarrierInit() {
  machine_.InitMbarriers(warp_, step_, static_cast<int>(Immediate(0)));
}
void IntrinsicRows::MbarrierInval() { machine_.InvalidateMbarriers(warp_, step_); }

void IntrinsicRows::FenceMbarrierInit() {
  machine_.FenceProxy(warp_, warp_.block->mbarrier_fences);
}

void IntrinsicRows::MbarrierArrive() {
  machine_.ForEachMbarrier(
      warp_, step_, 0, /*write=*/true, /*strong=*/true,
      [&](int lane, int64_t place) { machine_.ArriveAt(*warp_.block, warp_, step_, lane, place); });
  warp_.knowledge.Advance();
}

void IntrinsicRows::MbarrierExpect() {
  const auto* const bytes = reinterpret_cast<const uint32_t*>(machine_.At(warp_, step_.b));
  machine_.ForEachMbarrier(
      warp_, step_, 0, /*write=*/true, /*strong=*/true, [&](int lane, int64_t place) {
        machine_.ExpectBytes(*warp_.block, warp_, step_, lane, place, bytes[lane]);
      });
}

void IntrinsicRows::MbarrierArriveExpect() {
  const auto* const bytes = reinterpret_cast<const uint32_t*>(machine_.At(warp_, step_.b));
  machine_.ForEachMbarrier(
      warp_, step_, 0, /*write=*/true, /*strong=*/true, [&](int lane, int64_t place) {
        machine_.ExpectBytes(*warp_.block, warp_, step_, lane, place, bytes[lane]);
        machine_.ArriveAt(*warp_.block, warp_, step_, lane, place);
      });
  warp_.knowledge.Advance();
}

void IntrinsicRows::MbarrierArriveRemote() {
  const auto* const ranks = reinterpret_cast<const uint32_t*>(machine_.At(warp_, step_.b));
  machine_.ForEachRemote(warp_, step_, ranks);
  warp_.knowledge.Advance();
}

void IntrinsicRows::MbarrierTryWait() { machine_.TryWait(warp_, step_, MemoryScope::kBlock); }
void IntrinsicRows::MbarrierTryWaitCluster() {
  machine_.TryWait(warp_, step_, MemoryScope::kCluster);
}

}  // namespace ingot::kernel::simulator
