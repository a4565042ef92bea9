// IterationSpace: the dimensions that a fusion iterates over, as classes of its values' dimensions.
//
// Dimensions of producer and consumer that an op carries into each other unchanged are one class.
// A reduction ends classes for its result and opens none, so softmax has two, {rows, columns}.
// nvFuser's IterDomain graph is built on the same idea.
#ifndef INGOT_IR_ANALYSIS_ITERATION_SPACE_H_
#define INGOT_IR_ANALYSIS_ITERATION_SPACE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "ir/analysis/fusion_graph.h"
#include "ir/index_map/index_map.h"

namespace ingot {

// A coordinate of the space.
struct IterationClass {
  int64_t size = 0;      // not 1
  bool reduced = false;  // a reduction of the fusion ends it
};

// Part of a class: its coordinate is (the class's coordinate floordiv stride) mod size.
struct ClassPart {
  int class_number;
  int64_t stride;
  int64_t size;
  bool operator==(const ClassPart&) const = default;
};

// How a consumer asks for an operand.
enum class Access : uint8_t {
  // At a point of the space, the operand's index is made of the point's coordinates.  Where the
  // consumer accumulates, it asks for all coordinates of the classes that it ends.  A pad or
  // concatenate reads an operand at some points only; one that does not move with them, since its
  // dimension is of size 1, is in space.
  kInSpace,
  // Elsewhere: at an index that ElementMapOf states.
  kMapped,
  // Elsewhere: at an index that is data, or at many indices.
  kOpaque,
};

// What is known of an edge of the graph.
struct EdgeAccess {
  Access access;
  // The value whose element is asked for: the edge's operand.  Where a reshape would not be in
  // space and an earlier value has its elements and its dimensions, for reshapes cancel or repeat,
  // it is that one, which the reshape equals.
  int source;
};

// Law, for each point of the space: the index of each value (IndexAt) is one of its indices, each
// of its indices is that of some point, and for each edge in space the consumer's element at its
// index is computed, if from this source at all, from the source's element at its own.
class IterationSpace {
 public:
  // Near linear in values and edges.
  //
  // An edge that would put one class at two places of a value is not in space: in x + transpose(x),
  // the transpose asks for x by a map.  Of the edges that cannot all be in space, those with the
  // larger operands come first; then reshapes come before transposes, and all others before these.
  explicit IterationSpace(const FusionGraph& graph);

  const std::vector<IterationClass>& classes() const { return classes_; }
  // "r0", or "c1" for a class that a reduction ends.
  std::string ClassName(int class_number) const;

  // The classes that make up a value, major to minor: the product of their sizes is the count of
  // its elements, and its row-major number at a point is that of the point's coordinates in these.
  // None stands twice.  Empty for scalars and values without CommonDimensions.
  absl::Span<const int> ClassesOf(int value) const {
    return absl::MakeConstSpan(value_classes_)
        .subspan(first_class_[value], first_class_[value + 1] - first_class_[value]);
  }
  // The parts of classes that make up a dimension, major to minor.  Empty for size 1.
  absl::Span<const ClassPart> PartsOf(int value, int64_t dimension) const {
    const int d = first_dimension_[value] + static_cast<int>(dimension);
    return absl::MakeConstSpan(parts_).subspan(first_part_[d], first_part_[d + 1] - first_part_[d]);
  }
  // The classes that a reduce ends, major to minor in its first operand.
  std::vector<int> EndedBy(int reduce) const;

  // The value's index at a point, which has one coordinate for each class.
  std::vector<int64_t> IndexAt(int value, absl::Span<const int64_t> point) const;
  // The same as a map from the space: coordinate d<n> is class n's.
  IndexMap MapFromSpace(int value) const;

  // By edge number, as in FusionGraph::edges.
  const EdgeAccess& AccessOf(int edge) const { return accesses_[edge]; }

  // Unions, splits and visits of neighbours that building took: what its time is proportional to.
  int64_t steps() const { return steps_; }

 private:
  friend class IterationSpaceBuilder;

  const FusionGraph* graph_;
  std::vector<IterationClass> classes_;
  std::vector<int> value_classes_;
  std::vector<int> first_class_;      // of each value, and one past the last
  std::vector<int> first_dimension_;  // likewise
  std::vector<ClassPart> parts_;
  std::vector<int> first_part_;  // of each dimension of each value, and one past the last
  std::vector<EdgeAccess> accesses_;
  int64_t steps_ = 0;
};

}  // namespace ingot

#endif  // INGOT_IR_ANALYSIS_ITERATION_SPACE_H_
