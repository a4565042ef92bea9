// LaneWalk: from results to parameters with the lanes of each read.
#ifndef INGOT_COMPILER_PLAN_LANE_WALK_H_
#define INGOT_COMPILER_PLAN_LANE_WALK_H_

#include <cstddef>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "compiler/plan/lanes.h"
#include "ir/module.h"

namespace ingot::plan {

class LaneWalk {
 public:
  explicit LaneWalk(const Computation& fusion);

  // Whether every element that `lanes` of `instruction` need is had a vector at a time, or once for
  // all lanes.
  bool Vectorizes(const Instruction& instruction, const Lanes& lanes);

  // The widest vector of each instruction that was asked for, by its place in the computation.
  const std::vector<int>& widths() const { return widths_; }

 private:
  bool MarkSeen(const Instruction& instruction, const Lanes& lanes);

  absl::flat_hash_map<const Instruction*, size_t> number_;
  absl::flat_hash_map<const Instruction*, std::vector<Lanes>> seen_;
  std::vector<int> widths_;
};

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_LANE_WALK_H_
