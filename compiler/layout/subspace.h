// Vectors over GF(2) as the bits of a word, and the subspaces that they span.
#ifndef INGOT_COMPILER_LAYOUT_SUBSPACE_H_
#define INGOT_COMPILER_LAYOUT_SUBSPACE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/types/span.h"

namespace ingot::layout {

// The span of the vectors that were added.
class Subspace {
 public:
  Subspace() = default;
  explicit Subspace(absl::Span<const uint64_t> vectors);

  // True where `vector` was not in it.
  bool Add(uint64_t vector);
  bool Contains(uint64_t vector) const { return Reduce(vector).rest == 0; }
  // Which of the vectors that enlarged it, in the order of their adding, sum to `vector`: bit i is
  // basis()[i].  nullopt where it is not in it.
  std::optional<uint64_t> Solve(uint64_t vector) const;

  int dimension() const { return static_cast<int>(basis_.size()); }
  // The vectors that enlarged it.
  const std::vector<uint64_t>& basis() const { return basis_; }

 private:
  struct Row {
    uint64_t vector;  // its highest bit is in no other row's
    uint64_t sum;     // of which vectors of the basis it is the sum
  };
  struct Reduced {
    uint64_t rest;
    uint64_t sum;
  };
  Reduced Reduce(uint64_t vector) const;

  std::vector<Row> rows_;
  std::vector<uint64_t> basis_;
};

Subspace Intersection(const Subspace& a, const Subspace& b);

// A subspace of all vectors of `bits` bits that has only 0 in common with either, of the largest
// dimension.  Both have the same dimension.
//
// With I the intersection and x_i, y_i what extends I to a and b: the x_i + y_i, and what extends
// a + b to the whole space.
Subspace CommonComplement(const Subspace& a, const Subspace& b, int bits);

}  // namespace ingot::layout

#endif  // INGOT_COMPILER_LAYOUT_SUBSPACE_H_
