#include "compiler/machine/occupancy.h"

#include "ir/base/check.h"
#include "ir/base/integers.h"

namespace ingot::machine {
namespace {

constexpr int kWarp = 32;
constexpr int kBlockThreads = 1024;  // at most, on every card

int64_t BlocksByThreads(const BlockResources& block, int64_t warps, const Target& target) {
  return block.threads > kBlockThreads ? 0 : target.threads / kWarp / warps;
}

int64_t BlocksByRegisters(const BlockResources& block, int64_t warps, const Card& card) {
  if (block.registers > card.thread_registers) return 0;
  if (block.registers == 0) return card.blocks;
  const int64_t unit = card.register_unit;
  const int64_t warp_registers = CeilDiv(int64_t{block.registers} * kWarp, unit) * unit;
  // Each scheduler has its share of the registers.
  const int64_t scheduler_warps = card.registers / card.issue_slots / warp_registers;
  return scheduler_warps * card.issue_slots / warps;
}

int64_t BlocksBySharedBytes(const BlockResources& block, const Target& target) {
  if (block.shared_bytes > target.shared_bytes) return 0;
  const Card& card = *target.card;
  const int64_t bytes = block.shared_bytes + card.reserved_shared_bytes;
  return card.shared_bytes / (CeilDiv(bytes, card.shared_unit) * card.shared_unit);
}

}  // namespace

absl::string_view NameOf(OccupancyLimit limit) {
  switch (limit) {
    case OccupancyLimit::kThreads:
      return "threads";
    case OccupancyLimit::kBlocks:
      return "blocks";
    case OccupancyLimit::kRegisters:
      return "registers";
    case OccupancyLimit::kSharedBytes:
      return "shared bytes";
  }
  INGOT_UNREACHABLE();
  return "";
}

Occupancy OccupancyOf(const BlockResources& block, const Target& target) {
  INGOT_CHECK(target.card != nullptr) << target.name << " is not a GPU";
  INGOT_CHECK(block.threads > 0) << "a block without threads";
  const int64_t warps = CeilDiv(block.threads, kWarp);
  int64_t blocks = BlocksByThreads(block, warps, target);
  Occupancy occupancy;
  const auto limit = [&](OccupancyLimit by, int64_t most) {
    if (most >= blocks) return;
    blocks = most;
    occupancy.limit = by;
  };
  limit(OccupancyLimit::kBlocks, target.card->blocks);
  limit(OccupancyLimit::kRegisters, BlocksByRegisters(block, warps, *target.card));
  limit(OccupancyLimit::kSharedBytes, BlocksBySharedBytes(block, target));
  occupancy.blocks = static_cast<int>(blocks);
  occupancy.warps = static_cast<int>(blocks * warps);
  return occupancy;
}

}  // namespace ingot::machine
