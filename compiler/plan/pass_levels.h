// The passes of a tile's walk, and the reductions that lie across it.
#ifndef INGOT_COMPILER_PLAN_PASS_LEVELS_H_
#define INGOT_COMPILER_PLAN_PASS_LEVELS_H_

#include <vector>

#include "absl/status/status.h"
#include "compiler/plan/joins.h"
#include "compiler/plan/plan.h"
#include "ir/analysis/fusion_info.h"

namespace ingot::plan {

// The passes over the space that values wait for.
//
// A walk completes the reductions that end some classes: in each block it has all of what they
// reduce, and what depends on them is computed at the same places.  Reductions that end other
// classes lie *across* the walk: each block accumulates them over all its places and leaves parts,
// which a second kernel puts together.  It also computes what depends on them, the *late* values.
// So the gradients of a layer norm, of its input and of its scale, are one walk along rows, and
// the sums over rows lie across it.
struct PassLevels {
  PassLevels(const FusionInfo& info, const std::vector<Join>& joins);

  // FusionInfo::LevelOf, with joined reductions at the level of their bases.  Late values and the
  // reductions across the walk are at the last level.
  std::vector<int> of;  // by value
  int last = 0;
  // By class: a reduction of the walk ends it.
  std::vector<bool> ended;

  // The level of reductions across the walk; 0: there are none, and the rest is empty.
  int across = 0;
  std::vector<int> shared;  // classes that they end and the walk does not: blocks share them
  std::vector<int> late;    // classes of late values

  bool IsAcross(int reduction) const { return across > 0 && of[reduction] == across; }
  // Whether blocks leave parts of a reduction, where there are parts.
  bool HasParts(int reduction) const { return across == 0 || IsAcross(reduction); }
  // Whether the kernel computes late values.
  bool IsLate(const TilePlan& tile) const { return across > 0 && tile.known_level == across; }
  // Whether the kernel's places have class `c` of its plan as what is reduced.
  bool IsReduced(const TilePlan& tile, int c) const;
  // Whether the value has such a class.
  bool HasReduced(const FusionInfo& info, const TilePlan& tile, int value) const;
  // Whether a reduction of the walk ends a class that the value has.
  bool HasEnded(const FusionInfo& info, int value) const;
};

// FailedPrecondition where one walk and the parts that it leaves do not compute the reductions.
absl::Status CheckAcross(const FusionInfo& info, const PassLevels& levels);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_PASS_LEVELS_H_
