// How an IterationSpace is made.
#ifndef INGOT_IR_ANALYSIS_ITERATION_SPACE_BUILDER_H_
#define INGOT_IR_ANALYSIS_ITERATION_SPACE_BUILDER_H_

#include <cstdint>
#include <vector>

#include "ir/analysis/atoms.h"
#include "ir/analysis/edge_relation.h"
#include "ir/analysis/iteration_space.h"

namespace ingot {

// Algorithm:
// 1. Each dimension of each value, but those of size 1, is an atom.
// 2. Each edge unites the atoms of the dimensions that its relation pairs, or of whole values whose
//    numbers it keeps.  Where all of the operand's agree, the edge is in space.
// 3. A reshape that is not in space is compared with earlier values of the same elements and the
//    same dimensions, and takes such a value as its source.
// 4. Leaves that follow each other wherever either stands become one class, unless an edge that is
//    not in space tells them apart.
class IterationSpaceBuilder {
 public:
  IterationSpaceBuilder(const FusionGraph& graph, IterationSpace& space)
      : graph_(graph), space_(space) {}
  void Build();

 private:
  // A dimension of a value has a slot; so have those of size 1, whose atom is kNone.
  int SlotOf(int value, int64_t dimension) const {
    return space_.first_dimension_[value] + static_cast<int>(dimension);
  }
  int RankOf(int value) const {
    return space_.first_dimension_[value + 1] - space_.first_dimension_[value];
  }
  absl::Span<const int> LeavesOf(int slot) const {
    return absl::MakeConstSpan(leaves_).subspan(first_leaf_[slot],
                                                first_leaf_[slot + 1] - first_leaf_[slot]);
  }
  absl::Span<const int> LeavesOfValue(int value) const {
    const int first = first_leaf_[space_.first_dimension_[value]];
    const int limit = first_leaf_[space_.first_dimension_[value + 1]];
    return absl::MakeConstSpan(leaves_).subspan(first, limit - first);
  }

  void MakeAtoms();
  std::vector<int> EdgesInOrder();
  void UniteEdge(int edge);
  bool UniteSlots(int a, int b);
  bool UnitePairs(const FusionEdge& edge);
  bool UniteNumbers(const FusionEdge& edge);
  void CancelReshapes();
  void ExpandLeaves();
  void LinkLeaves();
  void CutBoundaries();
  void CutAround(int slot);
  void CutNumbers(const FusionEdge& edge);
  void CutPairs(const FusionEdge& edge);
  void NumberClasses();
  void NumberClassesOf(int value);
  void ListParts();
  void MarkReduced();

  const FusionGraph& graph_;
  IterationSpace& space_;
  AtomTable atoms_;
  EdgeRelation relation_;
  std::vector<int> slot_atoms_;
  std::vector<int64_t> elements_;           // of each value
  std::vector<int> reshapes_not_in_space_;  // edges
  std::vector<int> leaves_;                 // of all slots
  std::vector<int> first_leaf_;             // of each slot, and one past the last
  // By leaf: what follows and precedes it wherever it stands, or kNone.
  std::vector<int> next_, previous_;
  std::vector<int> leaf_class_;
  std::vector<int64_t> leaf_stride_;  // within its class
  std::vector<int> list_a_, list_b_;  // storage, used again
};

}  // namespace ingot

#endif  // INGOT_IR_ANALYSIS_ITERATION_SPACE_BUILDER_H_
