// FusionGraph: a fusion's values and the edges between them, by dense numbers.
#ifndef INGOT_IR_ANALYSIS_FUSION_GRAPH_H_
#define INGOT_IR_ANALYSIS_FUSION_GRAPH_H_

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "ir/analysis/fusion_view.h"

namespace ingot {

// A member reads one of its operands.
struct FusionEdge {
  int consumer;        // the member
  int operand_number;  // which of its operands
  int operand;         // that operand's value number
};

// Values are numbered from 0: the inputs first, then the members; an operand's number is less than
// its consumer's.
class FusionGraph {
 public:
  explicit FusionGraph(FusionView view);

  const FusionView& view() const { return view_; }
  int input_count() const { return static_cast<int>(view_.inputs.size()); }
  int value_count() const { return static_cast<int>(values_.size()); }
  bool IsInput(int value) const { return value < input_count(); }
  bool IsRoot(int value) const { return is_root_[value]; }
  const Instruction& value(int number) const { return *values_[number]; }
  // -1 for an instruction that is no value of the fusion.
  int NumberOf(const Instruction& instruction) const;

  // The edges of all members, by consumer and operand number.
  const std::vector<FusionEdge>& edges() const { return edges_; }
  // The number of the consumer's first edge; its operand k's edge is k further.  An input has none.
  int FirstEdgeOf(int consumer) const { return first_edge_[consumer]; }
  absl::Span<const FusionEdge> EdgesOf(int consumer) const {
    return absl::MakeConstSpan(edges_).subspan(first_edge_[consumer],
                                               first_edge_[consumer + 1] - first_edge_[consumer]);
  }

 private:
  FusionView view_;
  std::vector<const Instruction*> values_;
  std::vector<bool> is_root_;
  absl::flat_hash_map<const Instruction*, int> number_;
  std::vector<FusionEdge> edges_;
  std::vector<int> first_edge_;  // of each value, and one past the last
};

}  // namespace ingot

#endif  // INGOT_IR_ANALYSIS_FUSION_GRAPH_H_
