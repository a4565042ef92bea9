// FusionUses: the distinct ways in which each value of a fusion is asked for.
#ifndef INGOT_IR_ANALYSIS_FUSION_USES_H_
#define INGOT_IR_ANALYSIS_FUSION_USES_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "ir/analysis/iteration_space.h"

namespace ingot {

// A value is asked for elsewhere than at the points of the space.
struct BoundaryUse {
  // Who asks, and through which operand.  Where only data movement stands between the two, this is
  // the member above it, and the map goes through it.
  int consumer;
  int operand_number;
  // From the consumer's index (a reduction's as ElementMapOf says) to the value's, simplified;
  // nullopt where the index is data or where an element needs many.
  std::optional<IndexMap> map;
  // Elements asked for, each time counted.  Saturates.
  int64_t elements;
};

struct ValueUses {
  // Elements asked for at the points of the space, as an operand or as a result; 0: not so.
  int64_t in_space_elements = 0;
  // Distinct: uses by one map from the same classes are one.
  std::vector<BoundaryUse> boundary;

  bool in_space() const { return in_space_elements > 0; }
  // More than one: the value is held, or computed (an input: read) several times.
  int count() const { return (in_space() ? 1 : 0) + static_cast<int>(boundary.size()); }
};

class FusionUses {
 public:
  FusionUses(const FusionGraph& graph, const IterationSpace& space);

  const ValueUses& Of(int value) const { return uses_[value]; }
  // Different elements of the value that are asked for at all, at most as many as it has; 0 for
  // what nobody needs.  An estimate where only parts are asked for: parts in space are taken to be
  // the same, those of different boundary uses to be different.
  int64_t ElementsNeeded(int value) const { return needed_[value]; }
  // Edges followed, uses passed on and uses compared: what building's time is proportional to.
  int64_t steps() const { return steps_; }

 private:
  friend class UseCollector;
  std::vector<ValueUses> uses_;
  std::vector<int64_t> needed_;
  int64_t steps_ = 0;
};

}  // namespace ingot

#endif  // INGOT_IR_ANALYSIS_FUSION_USES_H_
