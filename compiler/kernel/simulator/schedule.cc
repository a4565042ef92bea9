// Which block and which warp runs next, barriers, and who can never go on.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "compiler/kernel/arithmetic.h"
#include "compiler/kernel/simulator/machine.h"
#include "ir/base/status.h"

namespace ingot::kernel::simulator {
namespace {

constexpr int kMostQuantum = 128;          // steps of a warp in one go
constexpr int64_t kLongQuantum = 1 << 16;  // of one that meets no other
constexpr int kMostResident = 32;          // blocks of a multiprocessor
constexpr int64_t kReservedShared = 1024;  // bytes a block, besides its own
constexpr int kSampleBlocks = 64;
// Times around a polling loop, with nothing changed, after which a warp only waits.
constexpr int64_t kIdleRounds = 256;
// The same in a sample, where what it waits for may not run at all.
constexpr int64_t kSampleIdleRounds = 4;
// Blocks at once of kernels that meet in atomics but never wait for one another.
constexpr int kMeetingBlocks = 4;

}  // namespace

Machine::Machine(const Code& code, Memory& memory, const Options& options)
    : code_(code),
      options_(options),
      geometry_(*code.kernel),
      buffers_(memory.buffers()),
      shared_bytes_(memory.shared_bytes() + code.kernel->launch().dynamic_shared_bytes),
      shared_granule_(memory.shared_granule()),
      constants_(code.constants),
      random_(options.seed),
      sampling_(options.sample_thread_operations > 0),
      run_to_end_(!code.synchronizes_warps),
      executed_(code.steps.size(), 0) {
  if (code.kernel->launch().resident) geometry_.LimitBlocks(ResidentBlocks());
  report_.kernel = code.kernel->name();
  report_.blocks = geometry_.blocks();
}

int64_t Machine::ResidentBlocks() const {
  const Target* const target = options_.target;
  const int64_t threads = target == nullptr ? 2048 : target->threads;
  int64_t a_multiprocessor = std::min<int64_t>(kMostResident, threads / (geometry_.warps() * 32));
  if (target != nullptr && shared_bytes_ > 0) {
    a_multiprocessor =
        std::min<int64_t>(a_multiprocessor, (target->shared_bytes + kReservedShared) /
                                                (shared_bytes_ + kReservedShared));
  }
  const int64_t multiprocessors = target == nullptr ? 132 : target->multiprocessors;
  return std::max<int64_t>(1, a_multiprocessor) * multiprocessors;
}

std::vector<int64_t> Machine::BlocksInOrder() {
  std::vector<int64_t> blocks(geometry_.blocks());
  std::iota(blocks.begin(), blocks.end(), 0);
  // The machine may start blocks in any order, those of a cluster together.
  if (options_.seed != 0) std::shuffle(blocks.begin(), blocks.end(), random_);
  if (code_.kernel->launch().cluster_blocks() > 1) {
    absl::flat_hash_map<int64_t, int64_t> rank;
    for (int64_t block : blocks) {
      rank.try_emplace(geometry_.ClusterOf(block), static_cast<int64_t>(rank.size()));
    }
    std::stable_sort(blocks.begin(), blocks.end(), [&](int64_t a, int64_t b) {
      return rank.at(geometry_.ClusterOf(a)) < rank.at(geometry_.ClusterOf(b));
    });
  }
  return blocks;
}

absl::StatusOr<Report> Machine::Run(absl::Span<const Argument> arguments) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (code_.scalars[i] == kNowhere) continue;
    const Type type = code_.kernel->parameters()[i].value->type;
    const uint64_t bits = TruncateBits(type.element, arguments[i].bits);
    const int width = ByteWidth(type.element);
    for (int thread = 0; thread < kWarpSize; ++thread) {
      std::memcpy(&constants_[~code_.scalars[i] + thread * width], &bits, width);
    }
  }
  const int64_t resident = ResidentBlocks();
  const Launch& launch = code_.kernel->launch();
  if (launch.cooperative && geometry_.blocks() > resident) {
    return InvalidArgument("@", report_.kernel, ": a cooperative launch of ", geometry_.blocks(),
                           " blocks, of which ", resident, " are resident at once");
  }
  if (sampling_) {
    RunSample();
  } else {
    int64_t at_once = launch.cluster_blocks();
    if (code_.meets_other_blocks) at_once = kMeetingBlocks * launch.cluster_blocks();
    if (code_.waits_for_others || launch.cooperative) at_once = resident;
    RunBlocks(BlocksInOrder(), static_cast<int>(at_once));
    FillReport(geometry_.blocks());
  }
  INGOT_RETURN_IF_ERROR(CheckBudget());
  return std::move(report_);
}

absl::Status Machine::CheckBudget() const {
  if (thread_operations_ <= options_.most_thread_operations) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(
      "@", report_.kernel, ": more than ", options_.most_thread_operations, " thread operations"));
}

// The first cluster says what one costs; the last runs last, as the one that others wait for.
void Machine::RunSample() {
  const int64_t blocks = geometry_.blocks();
  // The blocks of a cluster run together, and once: what they left of its barrier is not reset.
  const int64_t clusters = blocks / code_.kernel->launch().cluster_blocks();
  const auto run_cluster = [&](int64_t number) {
    std::vector<int64_t> together;
    if (clusters == blocks) {
      together = {number};
    } else {
      for (int64_t block = 0; block < blocks; ++block) {
        if (geometry_.ClusterOf(block) == number) together.push_back(block);
      }
    }
    RunBlocks(together, static_cast<int>(together.size()));
    return static_cast<int64_t>(together.size());
  };
  int64_t run = run_cluster(0);
  const int64_t affordable =
      options_.sample_thread_operations / std::max<int64_t>(1, thread_operations_);
  const int64_t count = std::clamp<int64_t>(affordable, 2, kSampleBlocks);
  const int64_t samples = std::min(clusters, count);
  for (int64_t i = 1; i < samples && !stop_; ++i) {
    if (i + 1 == samples) AddTickets(run);
    // Spread evenly, not at equal distances: those could always meet the same place of a pattern.
    const int64_t number = i * (clusters - 1) / (samples - 1);
    run += run_cluster(number);
  }
  FillReport(run);
}

// What the blocks that do not run would have added to counters, if those that ran are like them.
void Machine::AddTickets(int64_t blocks_run) {
  for (auto& [address, ticket] : tickets_) {
    if (ticket.sum % blocks_run != 0) continue;
    const int64_t last = code_.kernel->launch().cluster_blocks();
    const int64_t others = (geometry_.blocks() - blocks_run - last) * (ticket.sum / blocks_run);
    const ElementType element = ticket.buffer->buffer->element;
    uint8_t* const place = const_cast<uint8_t*>(address);
    uint64_t bits = 0;
    std::memcpy(&bits, place, ByteWidth(element));
    bits = IntegerBits(element, IntegerValue(element, bits) + others);
    std::memcpy(place, &bits, ByteWidth(element));
  }
}

void Machine::RunBlocks(absl::Span<const int64_t> blocks, int resident) {
  // The blocks of a cluster start together, and stand together in the order.
  const size_t together = static_cast<size_t>(code_.kernel->launch().cluster_blocks());
  size_t next = 0;
  while (!stop_) {
    while (next < blocks.size() &&
           static_cast<int>(resident_.size() + together) <= std::max<int>(resident, together)) {
      for (size_t i = 0; i < together && next < blocks.size(); ++i) StartBlock(blocks[next++]);
    }
    if (options_.seed != 0 && !copies_.empty() && random_() % 8 == 0) {
      RunEngine(random_() % copies_.size());
    }
    if (ready_.empty()) {
      if (resident_.empty()) break;
      if (!HelpStuck()) ReportStuck();
      continue;
    }
    const size_t chosen = ready_.size() == 1 ? 0 : random_() % ready_.size();
    Warp& warp = *ready_[chosen];
    RunWarp(warp, run_to_end_ ? kLongQuantum : 1 + static_cast<int64_t>(random_() % kMostQuantum));
    if (thread_operations_ > options_.most_thread_operations) stop_ = true;
    if (warp.state == WarpState::kReady) continue;
    ready_[chosen] = ready_.back();  // what RunWarp made ready stands at the end
    ready_.pop_back();
    BlockState& block = *warp.block;
    if (block.ended == static_cast<int>(block.warps.size())) EndBlock(block);
  }
}

void Machine::StartBlock(int64_t number) {
  std::unique_ptr<BlockState> block;
  if (idle_.empty()) {
    block = std::make_unique<BlockState>();
    block->shared.resize(shared_bytes_);
    block->shared_written.resize(shared_bytes_);
    if (options_.check && shared_bytes_ > 0) {
      block->shadow = std::make_unique<Shadow>(shared_bytes_, shared_granule_);
    }
    for (int i = 0; i < geometry_.warps(); ++i) {
      block->warps.push_back(std::make_unique<Warp>());
      Warp& warp = *block->warps.back();
      warp.block = block.get();
      warp.index = i;
      warp.registers.resize(code_.register_bytes);
      if (options_.measure) warp.in_flight.loaded.resize(code_.register_bytes / 32);
    }
  } else {
    block = std::move(idle_.back());
    idle_.pop_back();
  }
  block->number = number;
  block->ended = 0;
  for (BarrierState& barrier : block->barriers) barrier = BarrierState();
  block->mbarriers.clear();
  block->fences.Clear();
  block->mbarrier_fences.Clear();
  std::fill(block->shared_written.begin(), block->shared_written.end(), 0);
  // What a block finds in shared memory is nothing to rely on.
  std::fill(block->shared.begin(), block->shared.end(), static_cast<uint8_t>(0xa5));
  if (block->shadow != nullptr) block->shadow->Clear();
  for (int i = 0; i < geometry_.warps(); ++i) StartWarp(*block, i);
  resident_.push_back(std::move(block));
}

void Machine::StartWarp(BlockState& block, int index) {
  Warp& warp = *block.warps[index];
  warp.state = WarpState::kReady;
  warp.pc = 0;
  warp.whole = warp.active = geometry_.LanesOf(block.number, index);
  warp.frames.clear();
  warp.knowledge.Start(geometry_, sampling_ ? 0 : block.number, index);
  warp.fences.clear();
  warp.seen.clear();
  warp.copies.clear();
  warp.groups.fill(0);
  warp.in_flight.bytes = warp.in_flight.total = 0;
  warp.in_flight.weighted = 0;
  warp.polled = false;
  warp.idle = 0;
  warp.waits = nullptr;
  warp.awaited.clear();
  warp.gives_up = false;
  warp.bulk_groups.fill(0);
  warp.bulk_engines.fill(0);
  warp.products.clear();
  warp.product_groups = 0;
  warp.product_engine = 0;
  warp.accumulators.assign(code_.fragments.size(), Accumulator());
  warp.in_cluster_barrier = false;
  const std::array<int64_t, 3> block_at = geometry_.BlockAt(block.number);
  for (const Code::Id& id : code_.ids) {
    const int axis = id.op->Get<IdAttributes>().axis;
    for (int lane = 0; lane < kWarpSize; ++lane) {
      const int thread = std::min(index * kWarpSize + lane, geometry_.threads() - 1);
      int64_t value = 0;
      if (id.op->opcode == Opcode::kBlock) value = block_at[axis];
      if (id.op->opcode == Opcode::kBlocks) value = geometry_.grid()[axis];
      if (id.op->opcode == Opcode::kClusterBlock) value = geometry_.RankInCluster(block.number);
      if (id.op->opcode == Opcode::kThread) value = geometry_.ThreadAt(thread)[axis];
      if (id.op->opcode == Opcode::kLane) value = lane;
      if (id.op->opcode == Opcode::kWarp) value = index;
      if (id.op->opcode == Opcode::kTask) value = block.number * kWarpSize + lane;
      const int width = ByteWidth(id.op->type.element);
      std::memcpy(Out(warp, id.place) + lane * width, &value, width);
    }
  }
  ready_.push_back(&warp);
}

void Machine::EndWarp(Warp& warp) {
  if (options_.check) {
    EndCopies(warp);
    EndBulk(warp);
    EndProducts(warp);
  }
  if (warp.in_flight.bytes != 0) Use(warp);
  warp.state = WarpState::kEnded;
  ++warp.block->ended;
  ++changes_;
  LeaveCluster(warp);
}

void Machine::EndBlock(BlockState& block) {
  EndBulk(block);
  for (const auto& warp : block.warps) {
    const InFlight& flight = warp->in_flight;
    if (flight.total > 0) in_flight_sum_ += flight.weighted / static_cast<double>(flight.total);
  }
  if (!releases_.empty() && !block.shared.empty()) {
    const uint8_t* const begin = block.shared.data();
    absl::erase_if(releases_, [&](const auto& entry) {
      return entry.first >= begin && entry.first < begin + block.shared.size();
    });
  }
  const auto mine = std::find_if(resident_.begin(), resident_.end(),
                                 [&](const auto& other) { return other.get() == &block; });
  ++blocks_ended_;
  idle_.push_back(std::move(*mine));
  resident_.erase(mine);
}

bool Machine::GoesIdle(Warp& warp) {
  warp.polled = false;
  if (warp.changes != changes_) {
    warp.changes = changes_;
    warp.idle = 0;
  }
  ++warp.idle;
  if (sampling_) return warp.idle > kSampleIdleRounds;
  if (warp.idle < kIdleRounds) return false;
  for (const Warp* other : ready_) {
    if (other->changes != changes_ || other->idle < kIdleRounds) return false;
  }
  if (!HelpStuck()) ReportStuck();
  return false;
}

// " waits at …", " polls by …"
std::string Machine::WaitText(const Warp& warp) const {
  const std::string by = absl::StrCat(" (", OperationName(warp.waits->id), ")");
  switch (warp.state) {
    case WarpState::kAtBarrier: {
      const BarrierState& barrier = warp.block->barriers[warp.barrier];
      return absl::StrCat(" waits at barrier ", warp.barrier, " for ", barrier.threads,
                          " threads, of which ", ArrivedAt(barrier), " have come", by);
    }
    case WarpState::kAtMbarrier:
      return AwaitedText(warp);
    case WarpState::kAtCluster:
      return absl::StrCat(" waits for its cluster", by);
    case WarpState::kReady:
    case WarpState::kEnded:
      break;
  }
  return absl::StrCat(" polls by ", OperationName(warp.waits->id),
                      ", and nobody writes there any more");
}

void Machine::ReportStuck() {
  stop_ = true;
  constexpr size_t kMostNamed = 8;
  std::vector<std::string> who;
  const Operation* op = nullptr;
  bool ended = false;
  for (const auto& block : resident_) {
    for (const auto& warp : block->warps) {
      if (warp->state == WarpState::kEnded) continue;
      if (op == nullptr) op = warp->waits;
      if (warp->state == WarpState::kAtBarrier) ended |= warp->barrier == 0 && block->ended > 0;
      if (who.size() > kMostNamed) continue;
      std::string what =
          absl::StrCat("warp ", warp->index, " of ", geometry_.BlockName(block->number));
      absl::StrAppend(&what, WaitText(*warp));
      who.push_back(std::move(what));
    }
    if (block->ended > 0 && who.size() <= kMostNamed) {
      who.push_back(absl::StrCat(block->ended, " warps of ", geometry_.BlockName(block->number),
                                 " have ended"));
    }
  }
  if (who.size() > kMostNamed) {
    who.resize(kMostNamed);
    who.push_back("…");
  }
  const int64_t waiting =
      geometry_.blocks() - static_cast<int64_t>(resident_.size()) - blocks_ended_;
  if (waiting > 0 && !sampling_) {
    who.push_back(absl::StrCat(waiting, " blocks can begin only when others end"));
  }
  AddFault(ended ? FaultKind::kDivergence : FaultKind::kDeadlock, op, absl::StrJoin(who, "; "));
}

void Machine::FillReport(int64_t blocks_run) {
  const double scale = static_cast<double>(geometry_.blocks()) / static_cast<double>(blocks_run);
  const auto scaled = [&](int64_t count) { return std::llround(count * scale); };
  const auto add = [&](const GlobalAccesses& from, const TouchMap& touched, GlobalAccesses& to) {
    to.instructions += scaled(from.instructions);
    to.sectors += scaled(from.sectors);
    to.useful_bytes += scaled(from.useful_bytes);
    to.unique_bytes += touched.count();
    to.unique_sectors += touched.sectors();
  };
  report_.blocks_run = blocks_run;
  Counters& counters = report_.counters;
  counters.thread_operations = scaled(thread_operations_);
  for (size_t i = 0; i < executed_.size(); ++i) {
    for (int unit = 0; unit < kUnitCount; ++unit) {
      counters.instructions[unit] += scaled(executed_[i] * code_.costs[i][unit]);
    }
  }
  for (int i = 0; i < code_.global_buffers; ++i) {
    const BoundBuffer& buffer = buffers_[i];
    if (buffer.buffer == nullptr) continue;
    BufferAccesses& accesses = counters.buffers.emplace_back();
    accesses.name = buffer.buffer->name;
    add(buffer.loads, buffer.loaded, accesses.loads);
    add(buffer.stores, buffer.stored, accesses.stores);
    add(buffer.loads, buffer.loaded, counters.loads);
    add(buffer.stores, buffer.stored, counters.stores);
  }
  counters.shared_instructions = scaled(shared_instructions_);
  counters.shared_passes = scaled(shared_passes_);
  counters.shared_least_passes = scaled(shared_least_);
  counters.barriers = scaled(barriers_);
  counters.bytes_in_flight = in_flight_sum_ / static_cast<double>(blocks_run);
}

}  // namespace ingot::kernel::simulator
