// Which sums take a product without rounding it first.
#ifndef INGOT_COMPILER_PLAN_CONTRACTIONS_H_
#define INGOT_COMPILER_PLAN_CONTRACTIONS_H_

#include <cstdint>
#include <vector>

#include "compiler/plan/value_numbers.h"
#include "ir/module.h"

namespace ingot::plan {

// The multiply, an operand of `sum`, that a step of a polynomial adds to a coefficient: both are of
// f32, the sum (an add or a subtract) is the product's only user, and its other operand is made of
// constants, by select at the most.  Sums of other values stay as they are: x * x - y * y is to be
// zero where x is y.  Null: there is none.
const Instruction* ProductOfStep(const Instruction& sum);

// For each group of `members`, the ids of such sums of its first computation that may be one
// multiply-add, ascending.  Reductions beside them change nothing: passes over a row hand on the
// sum, or what its factors are made of, for nobody else asks for the product.
//
// As with excess precision, a value is one in all kernels that compute it: a sum is contracted in
// all of them or in none, and its product is nowhere stored nor used otherwise.  `members` are of
// the whole program.  Linear in its size.
std::vector<std::vector<int64_t>> FindContractions(const FusionMembers& members);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_CONTRACTIONS_H_
