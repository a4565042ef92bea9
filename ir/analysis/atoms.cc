#include "ir/analysis/atoms.h"

#include <algorithm>
#include <utility>

#include "ir/base/check.h"

namespace ingot {

int AtomTable::Add(int64_t size) {
  const int atom = count();
  atoms_.push_back({.size = size, .parent = atom, .met = {}});
  return atom;
}

void AtomTable::Meet(absl::Span<const int> atoms) {
  for (size_t i = 0; i < atoms.size(); ++i) {
    for (size_t j = i + 1; j < atoms.size(); ++j) MeetPair(atoms[i], atoms[j]);
  }
}

void AtomTable::MeetPair(int a, int b) {
  if (!met_.insert(Key(a, b)).second) return;
  atoms_[a].met.push_back(b);
  atoms_[b].met.push_back(a);
}

int AtomTable::Find(int atom) {
  while (atoms_[atom].parent != atom) {
    atoms_[atom].parent = atoms_[atoms_[atom].parent].parent;
    atom = atoms_[atom].parent;
  }
  return atom;
}

void AtomTable::Expand(int atom, std::vector<int>& leaves) {
  atom = Find(atom);
  if (atoms_[atom].outer < 0) {
    leaves.push_back(atom);
    return;
  }
  // At most 62 deep: every split halves the size at least.
  Expand(atoms_[atom].outer, leaves);
  Expand(atoms_[atom].inner, leaves);
}

bool AtomTable::Unite(int a, int b) {
  if (HaveMet(a, b)) return false;
  if (atoms_[a].met.size() < atoms_[b].met.size()) std::swap(a, b);
  ++steps_;
  atoms_[b].parent = a;
  const std::vector<int> met = std::move(atoms_[b].met);
  atoms_[b].met.clear();
  for (int other : met) {
    ++steps_;
    other = Find(other);
    // The other's list already names b, which is now a.
    if (atoms_[other].outer < 0 && met_.insert(Key(a, other)).second) {
      atoms_[a].met.push_back(other);
    }
  }
  return true;
}

void AtomTable::Split(int atom, int64_t inner_size) {
  ++steps_;
  const int outer = Add(atoms_[atom].size / inner_size);
  const int inner = Add(inner_size);
  atoms_[atom].outer = outer;
  atoms_[atom].inner = inner;
  MeetPair(outer, inner);
  const std::vector<int> met = std::move(atoms_[atom].met);
  atoms_[atom].met.clear();
  for (int other : met) {
    ++steps_;
    other = Find(other);
    if (atoms_[other].outer >= 0) continue;
    MeetPair(outer, other);
    MeetPair(inner, other);
  }
}

bool AtomTable::Unify(absl::Span<const int> a, absl::Span<const int> b) {
  leaves_a_.clear();
  leaves_b_.clear();
  for (int atom : a) Expand(atom, leaves_a_);
  for (int atom : b) Expand(atom, leaves_b_);
  if (leaves_a_ == leaves_b_) return true;
  const auto is_empty = [&](int atom) { return size(atom) == 0; };
  if (std::any_of(leaves_a_.begin(), leaves_a_.end(), is_empty) ||
      std::any_of(leaves_b_.begin(), leaves_b_.end(), is_empty)) {
    // Without elements, numbers say nothing: only single coordinates can be equal.
    return a.size() == 1 && b.size() == 1 && leaves_a_.size() == 1 && leaves_b_.size() == 1 &&
           size(leaves_a_[0]) == size(leaves_b_[0]) && Unite(leaves_a_[0], leaves_b_[0]);
  }
  // From the innermost on, segments of both lists with equal products.
  size_t i = leaves_a_.size();
  size_t j = leaves_b_.size();
  bool same = true;
  while (i > 0 && j > 0) {
    const size_t end_a = i;
    const size_t end_b = j;
    int64_t product_a = size(leaves_a_[--i]);
    int64_t product_b = size(leaves_b_[--j]);
    bool divides = true;
    while (product_a != product_b) {
      const bool a_is_smaller = product_a < product_b;
      divides &= a_is_smaller ? product_b % product_a == 0 : product_a % product_b == 0;
      if (a_is_smaller ? i == 0 : j == 0) return false;
      int64_t& product = a_is_smaller ? product_a : product_b;
      const int next = a_is_smaller ? leaves_a_[--i] : leaves_b_[--j];
      if (__builtin_mul_overflow(product, size(next), &product)) return false;
    }
    same &= divides && UnifySegment(absl::MakeConstSpan(leaves_a_).subspan(i, end_a - i),
                                    absl::MakeConstSpan(leaves_b_).subspan(j, end_b - j));
  }
  return same && i == 0 && j == 0;
}

bool AtomTable::UnifySegment(absl::Span<const int> a, absl::Span<const int> b) {
  open_a_.assign(a.begin(), a.end());
  open_b_.assign(b.begin(), b.end());
  // A split of one list's atom may split the other's, or one further out: so the innermost leaf is
  // looked for each time.
  const auto innermost = [&](std::vector<int>& open) {
    open.back() = Find(open.back());
    while (atoms_[open.back()].outer >= 0) {
      const Atom& split = atoms_[open.back()];
      const int inner = split.inner;
      open.back() = split.outer;
      open.push_back(Find(inner));
    }
    return open.back();
  };
  bool same = true;
  while (!open_a_.empty()) {
    INGOT_CHECK(!open_b_.empty()) << "segments of different size";
    const int leaf_a = innermost(open_a_);
    const int leaf_b = innermost(open_b_);
    if (size(leaf_a) > size(leaf_b)) {
      Split(leaf_a, size(leaf_b));
    } else if (size(leaf_a) < size(leaf_b)) {
      Split(leaf_b, size(leaf_a));
    } else {
      same &= leaf_a == leaf_b || Unite(leaf_a, leaf_b);
      open_a_.pop_back();
      open_b_.pop_back();
    }
  }
  return same;
}

}  // namespace ingot
