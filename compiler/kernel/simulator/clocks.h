// Happens-before, as far as each thread knows it.
//
// Each warp counts: its clock rises whenever it, or one of its threads, tells others what it has
// done (a barrier, warp_sync, a release).  An access is known by its thread and the warp's clock
// when it was made (an epoch).  A thread may rely on an access of another one if it has been told
// of that epoch, directly or through others: by a barrier that both took part in, or by a read of
// what the other one released.  (Vector clocks with epochs: Flanagan and Freund, FastTrack, PLDI
// 2009; the levels of warp, block and rest follow Eizenberg et al., BARRACUDA, PLDI 2017.)
#ifndef INGOT_COMPILER_KERNEL_SIMULATOR_CLOCKS_H_
#define INGOT_COMPILER_KERNEL_SIMULATOR_CLOCKS_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "compiler/kernel/simulator/geometry.h"
#include "compiler/kernel/types.h"

namespace ingot::kernel::simulator {

// Warps are numbered through the grid: block · warps a block + warp (grids that are checked have
// fewer than 2^31 of them).  Threads: warp · 32 + lane.  Numbers from kFirstEngine on are what
// works by itself beside the threads: the bytes that come for one mbarrier, the bulk groups of one
// thread, the products of one warp; it has one lane, and its clock counts phases or groups from 1.
inline constexpr uint32_t kFirstEngine = uint32_t{1} << 31;
struct Epoch {
  uint32_t warp = 0;
  uint32_t clock = 0;  // 0: before everything
  uint8_t lane = 0;
  uint64_t thread() const { return uint64_t{warp} * kWarpSize + lane; }
};

// What somebody has been told: all epochs of a warp, or of one thread, up to a clock.
struct Told {
  absl::flat_hash_map<uint32_t, uint32_t> warps;
  absl::flat_hash_map<uint64_t, uint32_t> threads;

  void Add(const Told& other);
  bool Has(const Epoch& epoch) const;
};
using SharedTold = std::shared_ptr<const Told>;  // null: nothing
SharedTold Join(const SharedTold& a, const SharedTold& b);

// What a release (or a fence, for the writes after it) publishes, and to whom.
struct Release {
  SharedTold told;
  MemoryScope scope = MemoryScope::kGpu;
  int64_t block = 0;
};

// What the threads of one warp know.
class Knowledge {
 public:
  void Start(const Geometry& geometry, int64_t block, int index_in_block);

  int64_t block() const { return block_; }
  int64_t cluster() const { return geometry_->ClusterOf(block_); }
  uint32_t warp() const { return warp_; }
  uint32_t clock() const { return clock_; }
  Epoch Now(int lane) const { return {warp_, clock_, static_cast<uint8_t>(lane)}; }

  // Whether the thread `lane` of this warp may rely on `epoch`.
  bool Knows(const Epoch& epoch, int lane) const {
    if (epoch.warp == warp_) return epoch.lane == lane || epoch.clock <= self_ || Far(epoch, lane);
    const uint32_t index = epoch.warp - first_warp_;
    if (index < in_block_.size() && epoch.clock <= in_block_[index]) return true;
    return Far(epoch, lane);
  }
  // Whether every lane of this warp may rely on every lane of that one at that clock.
  bool WarpKnows(uint32_t warp, uint32_t clock) const {
    if (warp == warp_) return clock <= self_;
    const uint32_t index = warp - first_warp_;
    return index < in_block_.size() && clock <= in_block_[index];
  }

  // warp_sync: what one thread knows, all do.
  void SyncWarp();
  // A barrier of these warps of one block.
  static void SyncWarps(absl::Span<Knowledge* const> warps);
  // What the thread publishes if it releases now; Advance comes after it.
  Release Publish(int lane, MemoryScope scope) const;
  void Advance() { ++clock_; }
  // The thread reads what was released; nothing where the scopes do not reach.
  void Acquire(int lane, const Release& release, MemoryScope scope);
  // The thread is told so, by whatever it has waited for.
  void Learn(int lane, const SharedTold& told);
  // All threads of the warp are.
  void LearnAll(const SharedTold& told) { far_ = Join(far_, told); }
  // What the whole warp publishes; Advance comes after it.
  SharedTold PublishAll();
  // Whether accesses of these scopes, by this warp and by `warp`, include one another's threads.
  bool Reach(MemoryScope scope, MemoryScope other_scope, uint32_t warp) const {
    return ReachBlock(std::min(scope, other_scope), warp / in_block_.size());
  }

 private:
  bool Far(const Epoch& epoch, int lane) const {
    if (far_ != nullptr && far_->Has(epoch)) return true;
    return lanes_ != nullptr && (*lanes_)[lane] != nullptr && (*lanes_)[lane]->Has(epoch);
  }
  void MergeLanes();

  bool ReachBlock(MemoryScope scope, int64_t block) const;

  const Geometry* geometry_ = nullptr;
  int64_t block_ = 0;
  uint32_t warp_ = 0, first_warp_ = 0;
  uint32_t clock_ = 1;
  uint32_t self_ = 0;               // all lanes know what all lanes did up to this clock
  std::vector<uint32_t> in_block_;  // by warp of this block: its clock that all lanes know
  SharedTold far_;                  // besides: what all lanes know
  std::unique_ptr<std::array<SharedTold, kWarpSize>> lanes_;  // what single lanes know
};

}  // namespace ingot::kernel::simulator

#endif  // INGOT_COMPILER_KERNEL_SIMULATOR_CLOCKS_H_
