#include "compiler/lower/tile_places.h"

#include <utility>

#include "compiler/kernel/kernel.h"
#include "compiler/plan/tile_deal.h"
#include "compiler/plan/tile_packed.h"
#include "ir/base/integers.h"

namespace ingot::lower {

using kernel::Value;

TilePlaces::TilePlaces(IndexMath& math, const plan::TilePlan& plan, const plan::KernelPlan& kernel,
                       bool is_task)
    : math_(math), plan_(plan), is_task_(is_task) {
  const size_t classes = plan.classes.size();
  lane_.assign(classes, nullptr);
  warp_.assign(classes, nullptr);
  block_.assign(classes, nullptr);
  trip_.assign(classes, math_.Const(0));
  register_.assign(classes, nullptr);
  lane_masks_.assign(classes, 0);
  inside_.assign(classes, is_task);
  kernel::Builder& b = math_.b();
  const Value lane = is_task ? math_.Const(0) : math_.Convert(b.LaneId());
  const Value warp = is_task ? math_.Const(0) : math_.Convert(b.WarpId());
  const Value block = math_.Convert(is_task ? b.TaskId() : b.BlockId());
  const int64_t blocks = is_task ? kernel.tasks : kernel.blocks;
  int64_t lanes_below = 1, warps_below = 1, blocks_below = 1;
  for (int c : plan.order) {
    const plan::TileClass& tile = plan.classes[c];
    lane_masks_[c] = lanes_below;
    lane_[c] = Digit(lane, lanes_below, tile.lanes, kernel::kWarpSize);
    warp_[c] = Digit(warp, warps_below, tile.warps, kernel.block_threads / kernel::kWarpSize);
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
  if (c == plan_.packed) {
    // The warps' and the registers' rows are between those of two lanes, and behind all lanes'.
    const int64_t stride = plan::PackedStride(plan_);
    const Value number = math_.Add(warp_[c], int64_t{r} * tile.warps);
    const Value among_lanes = b.Add(math_.Mul(lane_[c], stride), math_.Rem(number, stride));
    return b.Add(among_lanes, math_.Mul(math_.Div(number, stride), stride * tile.lanes));
  }
  const Value at = b.Add(lane_[c], math_.Mul(warp_[c], tile.lanes));
  const int64_t extent = int64_t{1} * tile.lanes * tile.warps;
  return register_[c] != nullptr ? b.Add(at, math_.Mul(register_[c], extent))
                                 : math_.Add(at, r * extent);
}

Value TilePlaces::Local(int c, int r) const {
  return math_.Mul(VectorOfBlock(c, r), plan_.classes[c].vector);
}

Value TilePlaces::Coordinate(int c, int r) const {
  return math_.Mul(Vector(c, r), plan_.classes[c].vector);
}

Value TilePlaces::Vector(int c, int r) const {
  kernel::Builder& b = math_.b();
  const plan::TileClass& tile = plan_.classes[c];
  const int64_t extent = int64_t{1} * tile.lanes * tile.warps * tile.registers;
  if (c == plan_.spread) {
    const Value of_block = b.Add(warp_[c], math_.Mul(trip_[c], tile.warps));
    return b.Add(block_[c], math_.Mul(of_block, tile.blocks));
  }
  const bool inside = HasTripsInside(c);
  const int64_t block_extent = inside ? extent * tile.loop : extent;
  const int64_t trip_extent = inside ? extent : extent * tile.blocks;
  Value at = b.Add(VectorOfBlock(c, r), math_.Mul(block_[c], block_extent));
  return b.Add(at, math_.Mul(trip_[c], trip_extent));
}

Value TilePlaces::FirstOfBlock(int c) const {
  return math_.Mul(block_[c], plan_.classes[c].block_extent());
}

Value TilePlaces::EndOfTrips(int c) const {
  const plan::TileClass& tile = plan_.classes[c];
  const int64_t extent = int64_t{1} * tile.vector * tile.registers;
  // Of boxes the last is not whole, of rows it is.
  const int64_t all = tile.registers > 1 ? CeilDiv(tile.size, extent) : tile.size / extent;
  if (!is_task_ || tile.loop * tile.blocks == all) return math_.Const(tile.loop);
  const Value left = math_.b().Sub(math_.Const(all), math_.Mul(block_[c], tile.loop));
  return math_.b().Min(left, math_.Const(tile.loop));
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
  if (c == plan_.packed) return all > tile.size;
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
