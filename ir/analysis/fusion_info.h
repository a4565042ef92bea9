// FusionInfo: all that fusion, plans and lowering know of a fusion before anything is decided.
#ifndef INGOT_IR_ANALYSIS_FUSION_INFO_H_
#define INGOT_IR_ANALYSIS_FUSION_INFO_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "ir/analysis/fusion_graph.h"
#include "ir/analysis/fusion_uses.h"
#include "ir/analysis/fusion_view.h"
#include "ir/analysis/iteration_space.h"
#include "ir/analysis/op_facts.h"

namespace ingot {

// A member that accumulates: more than one element, for all that is known.
struct Reduction {
  int value;
  bool opaque;  // Accumulation::kOpaque: it ends no class
  // A reduce whose operands are all asked for in space.  If not, its result lies elsewhere in the
  // space than what it reduces.
  bool in_space;
  std::vector<int> classes;  // that it ends, major to minor in its first operand
  int level;                 // LevelOf(value)
};

// What a fusion moves and computes when each element is read and computed once.  Counts saturate.
struct FusionCost {
  std::vector<int64_t> input_bytes;   // of each input, the bytes of the elements that are needed
  int64_t constant_bytes = 0;         // likewise, of constants that are no scalars
  std::vector<int64_t> result_bytes;  // of each root
  std::array<int64_t, kUnitCount> operations{};  // by Unit
  int operation_count = 0;  // members that compute: neither data movement nor structure
  int depth = 0;            // of these, on the longest path
  // Values alive at once while one element after the other of `members` is computed, data movement
  // being another name for its operand: about the registers that a point needs.
  int live_values = 0;
  int buffers = 0;  // arrays that a kernel is given: inputs, large constants, results

  int64_t bytes_read() const;  // inputs and constants
  int64_t bytes_written() const;
};

class FusionInfo {
 public:
  // Near linear in members and operands.
  explicit FusionInfo(FusionView view);
  FusionInfo(const FusionInfo&) = delete;
  FusionInfo& operator=(const FusionInfo&) = delete;

  const FusionGraph& graph() const { return graph_; }
  const IterationSpace& space() const { return space_; }
  const FusionUses& uses() const { return uses_; }
  const FusionCost& cost() const { return cost_; }

  // In topological order.
  const std::vector<Reduction>& reductions() const { return reductions_; }
  // 0 for a value that depends on no reduction of the fusion.  A reduction's is one more than the
  // greatest of its operands, another value's is the greatest of its operands.
  int LevelOf(int value) const { return levels_[value]; }

 private:
  FusionGraph graph_;
  IterationSpace space_;
  FusionUses uses_;
  std::vector<int> levels_;
  std::vector<Reduction> reductions_;
  FusionCost cost_;
};

// A screen of text for a person: classes, values with their classes, levels and uses, costs.
std::string ToString(const FusionInfo& info);

}  // namespace ingot

#endif  // INGOT_IR_ANALYSIS_FUSION_INFO_H_
