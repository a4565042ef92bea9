#include "compiler/layout/subspace.h"

#include <bit>

#include "ir/base/check.h"

namespace ingot::layout {

Subspace::Subspace(absl::Span<const uint64_t> vectors) {
  for (uint64_t vector : vectors) Add(vector);
}

Subspace::Reduced Subspace::Reduce(uint64_t vector) const {
  Reduced reduced{vector, 0};
  for (const Row& row : rows_) {
    if ((reduced.rest & std::bit_floor(row.vector)) == 0) continue;
    reduced.rest ^= row.vector;
    reduced.sum ^= row.sum;
  }
  return reduced;
}

bool Subspace::Add(uint64_t vector) {
  const Reduced reduced = Reduce(vector);
  if (reduced.rest == 0) return false;
  const Row added{reduced.rest, reduced.sum ^ (uint64_t{1} << basis_.size())};
  for (Row& row : rows_) {
    if ((row.vector & std::bit_floor(added.vector)) == 0) continue;
    row.vector ^= added.vector;
    row.sum ^= added.sum;
  }
  rows_.push_back(added);
  basis_.push_back(vector);
  return true;
}

std::optional<uint64_t> Subspace::Solve(uint64_t vector) const {
  const Reduced reduced = Reduce(vector);
  if (reduced.rest != 0) return std::nullopt;
  return reduced.sum;
}

// A vector of b that depends on a and b's earlier ones is a sum of both: its part in b is common.
Subspace Intersection(const Subspace& a, const Subspace& b) {
  Subspace both = a;
  Subspace common;
  std::vector<uint64_t> in_b(a.dimension(), 0);  // of both's basis, the part in b
  for (uint64_t vector : b.basis()) {
    const std::optional<uint64_t> sum = both.Solve(vector);
    if (!sum.has_value()) {
      both.Add(vector);
      in_b.push_back(vector);
      continue;
    }
    uint64_t part = vector;
    for (int i = 0; i < both.dimension(); ++i) {
      if ((*sum >> i) & 1) part ^= in_b[i];
    }
    common.Add(part);
  }
  return common;
}

Subspace CommonComplement(const Subspace& a, const Subspace& b, int bits) {
  INGOT_CHECK(a.dimension() == b.dimension())
      << "subspaces of dimensions " << a.dimension() << " and " << b.dimension();
  const Subspace common = Intersection(a, b);
  const auto extend = [&](const Subspace& whole) {
    Subspace grown = common;
    std::vector<uint64_t> added;
    for (uint64_t vector : whole.basis()) {
      if (grown.Add(vector)) added.push_back(vector);
    }
    return added;
  };
  const std::vector<uint64_t> of_a = extend(a);
  const std::vector<uint64_t> of_b = extend(b);
  Subspace complement, all = a;
  for (size_t i = 0; i < of_a.size(); ++i) {
    complement.Add(of_a[i] ^ of_b[i]);
    all.Add(of_b[i]);
  }
  for (int bit = 0; bit < bits; ++bit) {
    const uint64_t unit = uint64_t{1} << bit;
    if (all.Add(unit)) complement.Add(unit);
  }
  return complement;
}

}  // namespace ingot::layout
