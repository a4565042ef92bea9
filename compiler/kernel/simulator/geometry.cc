#include "compiler/kernel/simulator/geometry.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace ingot::kernel::simulator {
namespace {

template <typename T>
std::string Position(const std::array<T, 3>& at, bool one_axis) {
  if (one_axis) return absl::StrCat(at[0]);
  return absl::StrCat("(", absl::StrJoin(at, ","), ")");
}

}  // namespace

Geometry::Geometry(const Kernel& kernel)
    : host_(kernel.IsHost()),
      tasks_(kernel.launch().tasks),
      grid_(kernel.launch().grid),
      block_(kernel.launch().block),
      cluster_(kernel.launch().cluster) {
  if (!host_) return;
  grid_ = {(tasks_ + kWarpSize - 1) / kWarpSize, 1, 1};
  block_ = {kWarpSize, 1, 1};
}

void Geometry::LimitBlocks(int64_t most) {
  const int64_t fitting = most / (grid_[1] * grid_[2]) / cluster_[0] * cluster_[0];
  grid_[0] = std::min(grid_[0], std::max<int64_t>(fitting, cluster_[0]));
}

uint32_t Geometry::LanesOf(int64_t block, int warp) const {
  int64_t lanes = threads() - int64_t{warp} * kWarpSize;
  if (host_) lanes = tasks_ - block * kWarpSize;
  return lanes >= kWarpSize ? ~uint32_t{0} : (uint32_t{1} << lanes) - 1;
}

std::array<int64_t, 3> Geometry::BlockAt(int64_t block) const {
  return {block % grid_[0], block / grid_[0] % grid_[1], block / (grid_[0] * grid_[1])};
}

std::array<int, 3> Geometry::ThreadAt(int thread) const {
  return {thread % block_[0], thread / block_[0] % block_[1], thread / (block_[0] * block_[1])};
}

int64_t Geometry::ClusterOf(int64_t block) const {
  const std::array<int64_t, 3> at = BlockAt(block);
  const int64_t columns = grid_[0] / cluster_[0], rows = grid_[1] / cluster_[1];
  return (at[2] / cluster_[2] * rows + at[1] / cluster_[1]) * columns + at[0] / cluster_[0];
}

int Geometry::RankInCluster(int64_t block) const {
  const std::array<int64_t, 3> at = BlockAt(block);
  return static_cast<int>((at[2] % cluster_[2] * cluster_[1] + at[1] % cluster_[1]) * cluster_[0] +
                          at[0] % cluster_[0]);
}

std::string Geometry::ThreadName(int64_t block, int thread) const {
  if (host_) return absl::StrCat("task ", block * kWarpSize + thread);
  return absl::StrCat("thread ", Position(ThreadAt(thread), block_[1] == 1 && block_[2] == 1),
                      " of ", BlockName(block));
}

std::string Geometry::BlockName(int64_t block) const {
  return absl::StrCat("block ", Position(BlockAt(block), grid_[1] == 1 && grid_[2] == 1));
}

}  // namespace ingot::kernel::simulator
