#include "compiler/kernel/simulator/clocks.h"

namespace ingot::kernel::simulator {
namespace {

template <typename Map>
void AddAll(Map& to, const Map& from) {
  for (const auto& [who, clock] : from) {
    uint32_t& known = to[who];
    known = std::max(known, clock);
  }
}

template <typename Map, typename Key>
bool HasClock(const Map& map, Key key, uint32_t clock) {
  const auto it = map.find(key);
  return it != map.end() && clock <= it->second;
}

}  // namespace

void Told::Add(const Told& other) {
  AddAll(warps, other.warps);
  AddAll(threads, other.threads);
}

bool Told::Has(const Epoch& epoch) const {
  return HasClock(warps, epoch.warp, epoch.clock) || HasClock(threads, epoch.thread(), epoch.clock);
}

SharedTold Join(const SharedTold& a, const SharedTold& b) {
  if (a == nullptr || a == b) return b;
  if (b == nullptr) return a;
  auto both = std::make_shared<Told>(*a);
  both->Add(*b);
  return both;
}

void Knowledge::Start(const Geometry& geometry, int64_t block, int index_in_block) {
  geometry_ = &geometry;
  block_ = block;
  first_warp_ = static_cast<uint32_t>(block * geometry.warps());
  warp_ = first_warp_ + index_in_block;
  clock_ = 1;
  self_ = 0;
  in_block_.assign(geometry.warps(), 0);
  far_ = nullptr;
  lanes_ = nullptr;
}

void Knowledge::MergeLanes() {
  if (lanes_ == nullptr) return;
  for (const SharedTold& lane : *lanes_) far_ = Join(far_, lane);
  lanes_ = nullptr;
}

void Knowledge::SyncWarp() {
  MergeLanes();
  self_ = clock_;
  in_block_[warp_ - first_warp_] = self_;
  Advance();
}

void Knowledge::SyncWarps(absl::Span<Knowledge* const> warps) {
  for (Knowledge* warp : warps) warp->SyncWarp();
  std::vector<uint32_t> all = warps[0]->in_block_;
  SharedTold far;
  for (const Knowledge* warp : warps) {
    for (size_t i = 0; i < all.size(); ++i) all[i] = std::max(all[i], warp->in_block_[i]);
    far = Join(far, warp->far_);
  }
  for (Knowledge* warp : warps) {
    warp->in_block_ = all;
    warp->far_ = far;
  }
}

Release Knowledge::Publish(int lane, MemoryScope scope) const {
  auto told = std::make_shared<Told>();
  if (far_ != nullptr) told->Add(*far_);
  if (lanes_ != nullptr && (*lanes_)[lane] != nullptr) told->Add(*(*lanes_)[lane]);
  for (size_t i = 0; i < in_block_.size(); ++i) {
    if (in_block_[i] == 0) continue;
    uint32_t& known = told->warps[first_warp_ + static_cast<uint32_t>(i)];
    known = std::max(known, in_block_[i]);
  }
  uint32_t& known = told->threads[Now(lane).thread()];
  known = std::max(known, clock_);
  return {std::move(told), scope, block_};
}

bool Knowledge::ReachBlock(MemoryScope scope, int64_t block) const {
  switch (scope) {
    case MemoryScope::kBlock:
      return block == block_;
    case MemoryScope::kCluster:
      return geometry_->ClusterOf(block) == cluster();
    case MemoryScope::kGpu:
    case MemoryScope::kSystem:
      return true;
  }
  return true;
}

void Knowledge::Acquire(int lane, const Release& release, MemoryScope scope) {
  if (!ReachBlock(std::min(scope, release.scope), release.block)) return;
  Learn(lane, release.told);
}

SharedTold Knowledge::PublishAll() {
  SyncWarp();
  return Publish(0, MemoryScope::kSystem).told;
}

void Knowledge::Learn(int lane, const SharedTold& told) {
  if (told == nullptr) return;
  if (lanes_ == nullptr) lanes_ = std::make_unique<std::array<SharedTold, kWarpSize>>();
  (*lanes_)[lane] = Join((*lanes_)[lane], told);
}

}  // namespace ingot::kernel::simulator
