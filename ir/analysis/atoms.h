// AtomTable: parts of dimensions under union and split.
#ifndef INGOT_IR_ANALYSIS_ATOMS_H_
#define INGOT_IR_ANALYSIS_ATOMS_H_

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/types/span.h"

namespace ingot {

// An atom is a coordinate of some size.  Atoms of one size can be united; an atom can be split into
// an outer and an inner one, wherever it stands.  Atoms that have met, because they stand in one
// value, are never united: that is the only conflict there is, and it is kept as the pairs of atoms
// that have met, so that a union is checked in constant time and costs the shorter of two lists.
//
// An atom that is neither united into another nor split is a leaf.
class AtomTable {
 public:
  int Add(int64_t size);
  int count() const { return static_cast<int>(atoms_.size()); }
  int64_t size(int atom) const { return atoms_[atom].size; }

  // These atoms, leaves, stand in one value.
  void Meet(absl::Span<const int> atoms);

  // The atom that stands for this one: itself, or what it was united with.
  int Find(int atom);
  // Appends the leaves that make up the atom, major to minor.
  void Expand(int atom, std::vector<int>& leaves);

  // Makes two lists of atoms, major to minor, whose row-major numbers are equal, the same leaves.
  // Where cumulative sizes differ and one divides the other, the larger atom is split.  False where
  // some of them stay different: neither size divides the other, or the atoms have met.  What can
  // be united is, in either case.
  bool Unify(absl::Span<const int> a, absl::Span<const int> b);

  // Unions, splits, and visits of neighbours so far.
  int64_t steps() const { return steps_; }

 private:
  struct Atom {
    int64_t size;
    int parent;      // itself, unless united into another
    int outer = -1;  // where it is split, its parts
    int inner = -1;
    std::vector<int> met;  // may name atoms that are no leaves any more, and one twice
  };

  bool HaveMet(int a, int b) const { return met_.contains(Key(a, b)); }
  void MeetPair(int a, int b);
  bool Unite(int a, int b);
  void Split(int atom, int64_t inner_size);
  bool UnifySegment(absl::Span<const int> a, absl::Span<const int> b);
  static uint64_t Key(int a, int b) {
    return a < b ? (uint64_t{static_cast<uint32_t>(a)} << 32) | static_cast<uint32_t>(b)
                 : (uint64_t{static_cast<uint32_t>(b)} << 32) | static_cast<uint32_t>(a);
  }

  std::vector<Atom> atoms_;
  absl::flat_hash_set<uint64_t> met_;  // pairs of leaves; of other atoms, what was
  std::vector<int> leaves_a_, leaves_b_, open_a_, open_b_;  // storage, used again
  int64_t steps_ = 0;
};

}  // namespace ingot

#endif  // INGOT_IR_ANALYSIS_ATOMS_H_
