// TileRoots: a walk that stores the roots of a tile kernel's fusion.
#ifndef INGOT_COMPILER_LOWER_TILE_ROOTS_H_
#define INGOT_COMPILER_LOWER_TILE_ROOTS_H_

#include <vector>

#include "compiler/lower/tile_gathered.h"
#include "compiler/lower/tile_packed.h"
#include "compiler/lower/tile_walk.h"

namespace ingot::lower {

class TileRoots : public TileWalk {
 protected:
  explicit TileRoots(Frame& frame);

  const Instruction& Root(int root) const { return *info_.graph().view().roots[root]; }
  int ValueOfRoot(int root) const { return info_.graph().NumberOf(Root(root)); }
  // The numbers of the roots of a level.
  std::vector<int> RootsOf(int level) const;

  // Whether this thread stores the element that has the classes `own`: it lies in the space, and no
  // other thread has it too.  Blocks of the classes `apart` have elements of their own.
  // `end`: whether it is an end of an aligned row that this thread has; null for other places.
  kernel::Value IsStored(absl::Span<const int> own, const std::vector<int>& registers,
                         const std::vector<int>& apart, kernel::Value end = nullptr);
  // Roots that are wide, or all narrow.
  void StoreRoots(const std::vector<int>& roots, const std::vector<int>& registers);
  void StoreRoots(const std::vector<int>& roots, const std::vector<int>& registers, int point,
                  kernel::Value end);
  // TilePlan::packed: copies the block's ranges, with barriers around, and provides what the
  // thread's places have of them; and stores the ranges of results.
  void CopyPacked();
  void StorePacked();
  // Behind the last trip: results that the block has gathered.
  void StoreGathered();
  // The leaves of a root at a place; and which result the first of them is.
  Elements EmitRoot(int root, const Index& index);
  int FirstResultOf(int root) const { return first_result_[root]; }

 private:
  void ReadPacked();
  void StoreElements(int root, const std::vector<int>& registers, const Index& index,
                     const Elements& values);

  TilePacked packed_;
  TileGathered gathered_;
  std::vector<int> first_result_;  // of each root, among the fusion's results
};

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_TILE_ROOTS_H_
