// Geometry: where a block lies in its grid, and how warps are numbered through the launch.
#ifndef INGOT_COMPILER_KERNEL_SIMULATOR_GEOMETRY_H_
#define INGOT_COMPILER_KERNEL_SIMULATOR_GEOMETRY_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "compiler/kernel/kernel.h"

namespace ingot::kernel::simulator {

// A host kernel is a grid of blocks of 32 threads, one a task.
class Geometry {
 public:
  explicit Geometry(const Kernel& kernel);

  // As many blocks in all as `most` allows, fewer along x, by whole clusters; one cluster at least.
  void LimitBlocks(int64_t most);

  bool is_host() const { return host_; }
  const std::array<int64_t, 3>& grid() const { return grid_; }
  int64_t blocks() const { return grid_[0] * grid_[1] * grid_[2]; }
  int threads() const { return block_[0] * block_[1] * block_[2]; }  // of a block
  int warps() const { return (threads() + kWarpSize - 1) / kWarpSize; }
  // Threads of a warp, as a mask: the last one may have fewer than 32.
  uint32_t LanesOf(int64_t block, int warp) const;

  std::array<int64_t, 3> BlockAt(int64_t block) const;
  std::array<int, 3> ThreadAt(int thread) const;
  int64_t ClusterOf(int64_t block) const;
  int RankInCluster(int64_t block) const;  // x first

  // "thread 33 of block 0", "thread (1,2,0) of block (0,3,0)", "task 5".
  std::string ThreadName(int64_t block, int thread) const;
  std::string BlockName(int64_t block) const;

 private:
  bool host_;
  int64_t tasks_;
  std::array<int64_t, 3> grid_;
  std::array<int, 3> block_;
  std::array<int, 3> cluster_;
};

}  // namespace ingot::kernel::simulator

#endif  // INGOT_COMPILER_KERNEL_SIMULATOR_GEOMETRY_H_
