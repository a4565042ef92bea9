#include "compiler/machine/occupancy.h"

#include <gtest/gtest.h>

namespace ingot::machine {
namespace {

// An H200: 64 warps, 32 blocks, 65,536 registers and 228 KB of shared memory a multiprocessor.
Occupancy OnH200(int threads, int registers, int64_t shared_bytes) {
  return OccupancyOf({threads, registers, shared_bytes}, **FindTarget("sm_90a"));
}

void ExpectBlocks(const Occupancy& occupancy, int blocks, int warps, OccupancyLimit limit) {
  EXPECT_EQ(occupancy.blocks, blocks);
  EXPECT_EQ(occupancy.warps, warps);
  EXPECT_EQ(NameOf(occupancy.limit), NameOf(limit));
}

TEST(Occupancy, Threads) {
  ExpectBlocks(OnH200(256, 32, 0), 8, 64, OccupancyLimit::kThreads);
  ExpectBlocks(OnH200(1024, 32, 0), 2, 64, OccupancyLimit::kThreads);
  // 100 threads are 4 warps.
  ExpectBlocks(OnH200(100, 16, 0), 16, 64, OccupancyLimit::kThreads);
  // 22 warps: two blocks, and 20 warps of the 64 are left over.
  ExpectBlocks(OnH200(704, 32, 0), 2, 44, OccupancyLimit::kThreads);
}

TEST(Occupancy, Blocks) { ExpectBlocks(OnH200(32, 16, 0), 32, 32, OccupancyLimit::kBlocks); }

TEST(Occupancy, Registers) {
  // 33 × 32 = 1,056, rounded up to 1,280: 16,384 / 1,280 = 12 warps a scheduler, 48 in all.
  ExpectBlocks(OnH200(256, 33, 0), 6, 48, OccupancyLimit::kRegisters);
  // 40 × 32 = 1,280 is the same unit; 41 is the next: 10 warps a scheduler.
  ExpectBlocks(OnH200(256, 40, 0), 6, 48, OccupancyLimit::kRegisters);
  ExpectBlocks(OnH200(256, 41, 0), 5, 40, OccupancyLimit::kRegisters);
  // 255 registers: 8,192 a warp, 2 warps a scheduler.
  ExpectBlocks(OnH200(128, 255, 0), 2, 8, OccupancyLimit::kRegisters);
  // 9 warps of 168 registers (5,376): 3 a scheduler are 12, one block.
  ExpectBlocks(OnH200(288, 168, 0), 1, 9, OccupancyLimit::kRegisters);
}

TEST(Occupancy, SharedBytes) {
  // 16 KB and the system's 1 KB: 228 / 17 = 13.4.
  ExpectBlocks(OnH200(128, 32, 16 * 1024), 13, 52, OccupancyLimit::kSharedBytes);
  // The most that a block may have: 227 + 1 KB.
  ExpectBlocks(OnH200(128, 32, 227 * 1024), 1, 4, OccupancyLimit::kSharedBytes);
  // 113 KB: 2 × 114 = 228.  A byte more is a unit of 128 more.
  ExpectBlocks(OnH200(128, 32, 113 * 1024), 2, 8, OccupancyLimit::kSharedBytes);
  ExpectBlocks(OnH200(128, 32, 113 * 1024 + 1), 1, 4, OccupancyLimit::kSharedBytes);
}

TEST(Occupancy, NotOneBlockFits) {
  ExpectBlocks(OnH200(1025, 16, 0), 0, 0, OccupancyLimit::kThreads);
  ExpectBlocks(OnH200(1024, 65, 0), 0, 0, OccupancyLimit::kRegisters);
  ExpectBlocks(OnH200(32, 256, 0), 0, 0, OccupancyLimit::kRegisters);
  ExpectBlocks(OnH200(32, 16, 227 * 1024 + 1), 0, 0, OccupancyLimit::kSharedBytes);
}

TEST(Occupancy, OtherCards) {
  const Target& a40 = **FindTarget("sm_86");
  ExpectBlocks(OccupancyOf({256, 32, 0}, a40), 6, 48, OccupancyLimit::kThreads);
  ExpectBlocks(OccupancyOf({64, 32, 0}, a40), 16, 32, OccupancyLimit::kBlocks);
}

}  // namespace
}  // namespace ingot::machine
