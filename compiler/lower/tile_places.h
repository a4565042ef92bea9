// Where a thread of a tile kernel stands: its coordinates in the iteration space.
#ifndef INGOT_COMPILER_LOWER_TILE_PLACES_H_
#define INGOT_COMPILER_LOWER_TILE_PLACES_H_

#include <cstdint>
#include <vector>

#include "compiler/kernel/builder.h"
#include "compiler/lower/index.h"
#include "compiler/plan/plan.h"

namespace ingot::lower {

// A coordinate of a class is a number of several digits, as plan::TileClass says: the element of a
// vector, the lane, the warp, the register, the trip of the loop, and the block, lowest first.
class TilePlaces {
 public:
  // Emits the digits that are this thread's, or this task's.
  TilePlaces(IndexMath& math, const plan::TilePlan& plan, const plan::KernelPlan& kernel,
             bool is_task);

  // The digits of class `c`.
  kernel::Value lane(int c) const { return lane_[c]; }
  kernel::Value warp(int c) const { return warp_[c]; }
  kernel::Value block(int c) const { return block_[c]; }
  kernel::Value trip(int c) const { return trip_[c]; }
  // The loop over the class's trips is at `trip`.
  void SetTrip(int c, kernel::Value trip) { trip_[c] = trip; }
  // The register of class `c` is the number `r` of a loop, whatever Coordinate is told; null: not.
  void SetRegister(int c, kernel::Value r) { register_[c] = r; }
  // Registers of the class that are walked one by one: 1 where they are a loop's.
  int Registers(int c) const;
  // Until told otherwise: all places that are walked lie in the space along class `c`.
  void SetInside(int c, bool inside) { inside_[c] = inside; }
  bool IsInside(int c) const { return inside_[c]; }
  // Past the last trip of the class's loop that this thread takes.
  kernel::Value EndOfTrips(int c) const;
  // Lanes of the warp whose digits of `c` differ by a power of two differ by so many times this.
  int64_t LaneMask(int c) const { return lane_masks_[c]; }

  // Coordinate of register `r` of class `c`, of element 0 of its vector; it may be beyond the space
  // where the register is masked.
  kernel::Value Coordinate(int c, int r) const;
  // The number of that vector.
  kernel::Value Vector(int c, int r) const;
  bool IsMasked(int c, int r) const;
  // The first coordinate of the block along a class whose trips, if there are some, are inside the
  // block's part.
  kernel::Value FirstOfBlock(int c) const;
  // The coordinate among those of the block; classes do not loop.
  kernel::Value Local(int c, int r) const;
  // Whether register `r` of the class lies in the space; null where it always does.
  kernel::Value Inside(int c, int r) const;
  // `condition`, and this thread's lane and warp of class `c` are the first.
  kernel::Value IsFirst(int c, kernel::Value condition) const;

 private:
  // Whether the trips are inside the block's part, as registers are, and not around it.
  bool HasTripsInside(int c) const { return is_task_ || c == plan_.gathered; }
  // The number of a vector among those of the block.
  kernel::Value VectorOfBlock(int c, int r) const;
  kernel::Value Digit(kernel::Value number, int64_t below, int64_t size, int64_t all) const;

  IndexMath& math_;
  const plan::TilePlan& plan_;
  const bool is_task_;
  std::vector<kernel::Value> lane_, warp_, block_, trip_, register_;  // by class
  std::vector<int64_t> lane_masks_;                                   // by class
  std::vector<bool> inside_;                                          // by class
};

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_TILE_PLACES_H_
