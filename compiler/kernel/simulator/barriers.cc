// Barriers of a block, named or not, and of a cluster.
#include <algorithm>
#include <bit>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "compiler/kernel/simulator/machine.h"

namespace ingot::kernel::simulator {

// Whether the warp may come to barrier `number` of its block by this step.
bool Machine::FitsBarrier(const Warp& warp, const Step& step, int number, int threads) {
  const BarrierState& barrier = warp.block->barriers[number];
  if (barrier.arrived.empty() && barrier.passed_by == 0) return true;
  const std::string who =
      absl::StrCat("warp ", warp.index, " of ", geometry_.BlockName(warp.block->number));
  if (number == 0 && barrier.first != step.op) {
    AddFault(FaultKind::kDivergence, step.op,
             absl::StrCat(who, " is at this barrier, warp ", barrier.arrived[0]->index, " at ",
                          OperationName(barrier.first->id),
                          "; all warps of a block have to come to the same one"));
    return false;
  }
  if (barrier.threads == threads) return true;
  AddFault(FaultKind::kBarrier, step.op,
           absl::StrCat(who, " comes to barrier ", number, " of ", threads, " threads, and by ",
                        OperationName(barrier.first->id), " it has ", barrier.threads,
                        "; all have to name the same number"));
  return false;
}

void Machine::ArriveAtBarrier(Warp& warp, const Step& step, int number, int threads, bool waits) {
  BarrierState& barrier = warp.block->barriers[number];
  if (!FitsBarrier(warp, step, number, threads)) {
    stop_ = true;
    return;
  }
  if (barrier.arrived.empty() && barrier.passed_by == 0) barrier.first = step.op;
  barrier.threads = threads;
  if (waits) {
    barrier.arrived.push_back(&warp);
    warp.state = WarpState::kAtBarrier;
    warp.barrier = number;
    warp.waits = step.op;
  } else {
    barrier.passed_by += std::popcount(warp.whole);
    if (options_.check) barrier.told = Join(barrier.told, warp.knowledge.PublishAll());
    warp.knowledge.Advance();
  }
  if (ArrivedAt(barrier) < threads) return;
  std::vector<Knowledge*> all;
  for (Warp* other : barrier.arrived) {
    all.push_back(&other->knowledge);
    other->state = WarpState::kReady;
    if (other != &warp) ready_.push_back(other);
  }
  if (!all.empty()) Knowledge::SyncWarps(all);
  for (Knowledge* knowledge : all) knowledge->LearnAll(barrier.told);
  barrier = BarrierState();
  ++barriers_;
  ++changes_;
}

int Machine::ArrivedAt(const BarrierState& barrier) {
  int arrived = barrier.passed_by;
  for (const Warp* warp : barrier.arrived) arrived += std::popcount(warp->whole);
  return arrived;
}

// The id of a named barrier, which all threads have to agree on; 0: they do not, or it is none.
int Machine::BarrierNumber(Warp& warp, const Step& step) {
  const auto* const ids = reinterpret_cast<const int32_t*>(At(warp, step.a));
  const int32_t id = ids[std::countr_zero(warp.active)];
  for (uint32_t threads = warp.active; threads != 0; threads &= threads - 1) {
    if (ids[std::countr_zero(threads)] == id && id >= 1 && id < kBarriers) continue;
    AddFault(FaultKind::kBarrier, step.op,
             absl::StrCat(Who(warp, std::countr_zero(threads)), " names barrier ",
                          ids[std::countr_zero(threads)], ", expected one from 1 to ",
                          kBarriers - 1, " that is the same in the warp"));
    stop_ = true;
    return 0;
  }
  return id;
}

// ----- Clusters.

BlockState* Machine::BlockOfCluster(const Warp& warp, const Step& step, int lane, uint32_t rank) {
  const int64_t cluster = geometry_.ClusterOf(warp.block->number);
  for (const auto& block : resident_) {
    const bool is_it = geometry_.ClusterOf(block->number) == cluster &&
                       geometry_.RankInCluster(block->number) == static_cast<int>(rank);
    if (is_it) return block.get();
  }
  AddFault(FaultKind::kOutOfBounds, step.op,
           absl::StrCat(Who(warp, lane), " names block ", rank, " of its cluster, which has ended",
                        ", or is none; a cluster barrier before its end would keep it"));
  return nullptr;
}

void Machine::ForEachRemote(Warp& warp, const Step& step, const uint32_t* ranks) {
  const MemoryPlace& place = code_.places[step.extra];
  const Accesses accesses =
      Resolve(warp, step, place, std::max(1, 8 / buffers_[place.buffer].element_bytes), 8);
  for (uint32_t threads = accesses.threads; threads != 0; threads &= threads - 1) {
    const int lane = std::countr_zero(threads);
    BlockState* const block = BlockOfCluster(warp, step, lane, ranks[lane]);
    if (block == nullptr) continue;
    ArriveAt(*block, warp, step, lane, accesses.buffer->shared_offset + accesses.offsets[lane]);
  }
}

void Machine::ArriveAtCluster(Warp& warp, const Step& step, bool releases) {
  ClusterState& cluster = clusters_[geometry_.ClusterOf(warp.block->number)];
  if (warp.in_cluster_barrier) {
    AddFault(FaultKind::kBarrier, step.op,
             absl::StrCat("warp ", warp.index, " of ", geometry_.BlockName(warp.block->number),
                          " arrives again before it has waited; cluster_wait has to come between"));
    stop_ = true;
    return;
  }
  warp.in_cluster_barrier = true;
  warp.cluster_phase = cluster.phase;
  if (options_.check && releases) {
    cluster.arriving = Join(cluster.arriving, warp.knowledge.PublishAll());
    warp.knowledge.Advance();
  }
  ++cluster.arrived;
  CompleteCluster(geometry_.ClusterOf(warp.block->number));
}

// The barrier of a cluster is complete when each of its warps has arrived or ended.
void Machine::CompleteCluster(int64_t number) {
  ClusterState& cluster = clusters_[number];
  const int all = code_.kernel->launch().cluster_blocks() * geometry_.warps();
  if (cluster.arrived == 0 || cluster.arrived + cluster.ended < all) return;
  cluster.told = Join(cluster.told, cluster.arriving);
  cluster.arriving = nullptr;
  ++cluster.phase;
  cluster.ended += cluster.ended_in_barrier;
  cluster.arrived = cluster.ended_in_barrier = 0;
  ++barriers_;
  ++changes_;
  for (const auto& block : resident_) {
    if (geometry_.ClusterOf(block->number) != number) continue;
    for (const auto& warp : block->warps) {
      if (warp->state == WarpState::kAtCluster) MakeReady(*warp);
    }
  }
}

void Machine::WaitForCluster(Warp& warp, const Step& step) {
  const ClusterState& cluster = clusters_[geometry_.ClusterOf(warp.block->number)];
  if (!warp.in_cluster_barrier) {
    AddFault(FaultKind::kBarrier, step.op,
             absl::StrCat("warp ", warp.index, " of ", geometry_.BlockName(warp.block->number),
                          " waits without having arrived; cluster_arrive has to come first"));
    stop_ = true;
    return;
  }
  if (cluster.phase == warp.cluster_phase) {
    warp.state = WarpState::kAtCluster;
    warp.waits = step.op;
    return;
  }
  warp.in_cluster_barrier = false;
  warp.knowledge.LearnAll(cluster.told);
}

void Machine::LeaveCluster(Warp& warp) {
  const int64_t number = geometry_.ClusterOf(warp.block->number);
  const auto found = clusters_.find(number);
  if (found == clusters_.end()) return;
  ClusterState& cluster = found->second;
  // One that has arrived counts so until the barrier is complete.
  const bool counted = warp.in_cluster_barrier && warp.cluster_phase == cluster.phase;
  ++(counted ? cluster.ended_in_barrier : cluster.ended);
  CompleteCluster(number);
}

// ----- The rows.

void IntrinsicRows::Barrier() {
  machine_.ArriveAtBarrier(warp_, step_, 0, machine_.geometry_.threads(), /*waits=*/true);
}
void IntrinsicRows::BarrierSync() {
  const int number = machine_.BarrierNumber(warp_, step_);
  if (number == 0) return;
  machine_.ArriveAtBarrier(warp_, step_, number, static_cast<int>(Immediate(0)), /*waits=*/true);
}
void IntrinsicRows::BarrierArrive() {
  const int number = machine_.BarrierNumber(warp_, step_);
  if (number == 0) return;
  machine_.ArriveAtBarrier(warp_, step_, number, static_cast<int>(Immediate(0)), /*waits=*/false);
}
void IntrinsicRows::ClusterArrive() { machine_.ArriveAtCluster(warp_, step_, /*releases=*/true); }
void IntrinsicRows::ClusterArriveRelaxed() {
  machine_.ArriveAtCluster(warp_, step_, /*releases=*/false);
}
void IntrinsicRows::ClusterWait() { machine_.WaitForCluster(warp_, step_); }

}  // namespace ingot::kernel::simulator
