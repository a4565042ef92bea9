#include "compiler/lower/tile_places.h"

#include <utility>

#include "compiler/kernel/kernel.h"

namespace ingot::lower {

using kernel::Value;

TilePlaces::TilePlaces(IndexMath& math, const plan::TilePlan& plan, int64_t block_threads,
                       int64_t blocks)
    : math_(math), plan_(plan) {
  const size_t classes = plan.classes.size();
  lane_.assign(classes, nullptr);
  warp_.assign(classes, nullptr);
  block_.assign(classes, nullptr);
  trip_.assign(classes, math_.Const(0));
  register_.assign(classes, nullptr);
  lane_masks_.assign(classes, 0);
  inside_.assign(classes, false);
  const Value lane = math_.Convert(math_.b().LaneId());
  const Value warp = math_.Convert(math_.b().WarpId());
  const Value block = math_.Convert(math_.b().BlockId());
  int64_t lanes_below = 1, warps_below = 1, blocks_below = 1;
  for (int c : plan.order) {
    const plan::TileClass& tile = plan.classes[c];
    lane_masks_[c] = lanes_below;
    lane_[c] = Digit(lane, lanes_below, tile.lanes, kernel::kWarpSize);
    warp_[c] = Digit(warp, warps_below, tile.warps, block_threads / kernel::kWarpSize);
    block_[c] = Digit(block, blocks_below, tile.blocks, blocks);
    lanes_below *= tile.lanes;
    warps_below *= tile.warps;
    blocks_below *= tile.blocks;
  }
}

// (number floordiv below) mod size, of a number less than `all`.
Value TilePlaces::Digit(Value number, int64_t below, int64_t size, int64_t all) const {
  if (size == 1) return math_.Const(0);
  const Value digit = math_.Div(number, below);
  return below * size == all ? digit : math_.Rem(digit, size);
}

Value TilePlaces::VectorOfBlock(int c, int r) const {
  kernel::Builder& b = math_.b();
  const plan::TileClass& tile = plan_.classes[c];
  const Value at = b.Add(lane_[c], math_.Mul(warp_[c], tile.lanes));
  const int64_t extent = int64_t{1} * tile.lanes * tile.warps;
  return register_[c] != nullptr ? b.Add(at, math_.Mul(register_[c], extent))
                                 : math_.Add(at, r * extent);
}

Value TilePlaces::Local(int c, int r) const {
  return math_.Mul(VectorOfBlock(c, r), plan_.classes[c].vector);
}

Value TilePlaces::Coordinate(int c, int r) const {
  kernel::Builder& b = math_.b();
  const plan::TileClass& tile = plan_.classes[c];
  int64_t extent = int64_t{1} * tile.lanes * tile.warps * tile.registers;
  const bool inside = c == plan_.gathered;  // the trips are inside the block's part
  Value at = b.Add(VectorOfBlock(c, r), math_.Mul(inside ? trip_[c] : block_[c], extent));
  extent *= inside ? tile.loop : tile.blocks;
  at = b.Add(at, math_.Mul(inside ? block_[c] : trip_[c], extent));
  return math_.Mul(at, tile.vector);
}

Value TilePlaces::FirstOfBlock(int c) const {
  return math_.Mul(block_[c], plan_.classes[c].block_extent());
}

int TilePlaces::Registers(int c) const {
  return register_[c] != nullptr ? 1 : plan_.classes[c].registers;
}

bool TilePlaces::IsMasked(int c, int r) const {
  if (inside_[c]) return false;
  const plan::TileClass& tile = plan_.classes[c];
  if (register_[c] != nullptr) r = tile.registers - 1;
  const int64_t register_extent = int64_t{1} * tile.vector * tile.lanes * tile.warps;
  // Of the last block and trip.
  const int64_t all = tile.block_extent() * tile.blocks;
  return all - (tile.registers - 1 - r) * register_extent > tile.size;
}

Value TilePlaces::Inside(int c, int r) const {
  if (!IsMasked(c, r)) return nullptr;
  return math_.b().Lt(Coordinate(c, r), math_.Const(plan_.classes[c].size));
}

Value TilePlaces::IsFirst(int c, Value condition) const {
  kernel::Builder& b = math_.b();
  const plan::TileClass& tile = plan_.classes[c];
  for (const auto& [digit, size] :
       {std::pair<Value, int64_t>{lane_[c], tile.lanes}, {warp_[c], tile.warps}}) {
    if (size > 1) condition = b.And(condition, b.Eq(digit, math_.Const(0)));
  }
  return condition;
}

}  // namespace ingot::lower
