// Reductions that depend on one another and are computed in one pass.
//
// Σ exp(x - max) needs the maximum of all x before its first term.  A rule says how partial results
// of the two are made and put together without it: relative to a reference that is known at the
// time, such as the maximum so far, and how a partial result is made one of another reference.  A
// pair of partial results and the way to merge two of them is a monoid; Milakov and Gimelshein,
// "Online normalizer calculation for softmax", 2018, and Chan, Golub and LeVeque, "Updating
// formulae and a pairwise algorithm for computing sample variances", 1979, are the two best known.
#ifndef INGOT_COMPILER_PLAN_JOINS_H_
#define INGOT_COMPILER_PLAN_JOINS_H_

#include <cstdint>
#include <vector>

#include "ir/analysis/fusion_info.h"

namespace ingot::plan {

// The rules.  x is what the base reduces, or another type's or shape's form of it; G is a function
// of the base's result that is one value for all that is reduced.
//
// exponentials: the base is a maximum; the sum of exp(s · (x - G)), or of their negatives, s
// positive
//   and constant; or of a choice between the term and 0 that the maximum makes too.  G is the base,
//   or another value where that is larger or the base is not finite.  The reference r is the
//   maximum so far; from r to r': times exp(s · (r - r')).
// squares: the base is a sum; the sum of (x - G)².  The reference is the mean; for n terms, from m
//   to m': plus n · (m - m')².
// ties: the base is a maximum or minimum; reduces a value where x = G, and elsewhere the constant
//   that changes nothing.  The reference is the base so far; for another one: the constant.
#define INGOT_PLAN_JOIN_RULES(X)   \
  X(kExponentials, "exponentials") \
  X(kSquares, "squares")           \
  X(kTies, "ties")

enum class JoinRule : uint8_t {
#define INGOT_ENUMERATOR(enumerator, name) enumerator,
  INGOT_PLAN_JOIN_RULES(INGOT_ENUMERATOR)
#undef INGOT_ENUMERATOR
};

// By value numbers of FusionInfo's graph.
struct Join {
  JoinRule rule = JoinRule::kExponentials;
  int reduction = 0;   // that is computed in the pass of
  int base = 0;        // this one
  int reference = 0;   // the operand G, which the reference stands for
  double scale = 1;    // kExponentials: s
  int otherwise = -1;  // kTies: the scalar constant; -1: zero
};

// What can be joined, in topological order: all of it together, or none.  Reductions of one op on
// one operand, of real numbers.
std::vector<Join> FindJoins(const FusionInfo& info);

bool IsReduction(const FusionInfo& info, int value);

// The bases whose partial results are joined by how many elements they are of, each once.
std::vector<int> CountedBases(const std::vector<Join>& joins);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_JOINS_H_
