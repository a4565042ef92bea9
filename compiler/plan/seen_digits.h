// Which f32 values may be computed with fewer right digits, because nobody can tell.
#ifndef INGOT_COMPILER_PLAN_SEEN_DIGITS_H_
#define INGOT_COMPILER_PLAN_SEEN_DIGITS_H_

#include <cstdint>
#include <vector>

#include "compiler/plan/value_numbers.h"
#include "ir/module.h"

namespace ingot::plan {

// Ids of instructions of a fusion, ascending.
struct SeenDigits {
  // Their value may be a few units in the last place off.
  std::vector<int64_t> loose;
  // Their value is seen only after it has been rounded to bf16 or f16.
  std::vector<int64_t> narrow;
  // Their value, between -1 and 1, is seen only after 1 has been added, or only as what it differs
  // from 1 by, and then is narrow: digits of the value below those of 1 are lost there.
  std::vector<int64_t> plus_one, minus_one;
  bool operator==(const SeenDigits&) const = default;
};

// For each group of `members`, those of its first computation, of f32, for whose op an expansion
// with fewer digits exists: exponential, logistic, tanh, rsqrt, divide.
//
// A value is *unsettled* where the order of a sum shows in its last digits: float sums of at least
// 256 terms, whose order is the plan's, sums of such values, and what is a product or a quotient of
// one.  What
// an op on them adds to that is not seen.  A value is loose if it is unsettled, or if each of its
// uses is a term of such a sum, a factor or divisor beside an unsettled value, or an op that hands
// a relative error on (a product, a quotient, a root, abs, negate, select, data movement) whose own
// value is loose.  It is narrow if each use is a conversion to bf16 or f16, such an op whose value
// is narrow, or a term of a sum that is narrow where no term is negative, so that no digits cancel.
// A tanh is *plus one* if each of its uses adds 1 to it (or subtracts it from -1), *minus one* if
// each subtracts 1 or subtracts it from 1, and the sum is narrow.
// What a kernel stores or adds shows all digits, unless it is unsettled; what is compared, rounded
// to an integer or otherwise told apart shows them in any case.  A square, which doubles a relative
// error, hands none on.
//
// As with excess precision, a value is one in all kernels that compute it (ValueNumbers): two of
// them never see two values of one instruction.  `members` are of the whole program.  Linear in its
// size.
std::vector<SeenDigits> FindSeenDigits(const FusionMembers& members);

// The multiply whose products `reduce`, a sum of at least 256 real floats, may add without rounding
// them first: the sum is its only reader, and both have the type in which sums are accumulated.
// Null: there is none.
const Instruction* UnroundedProduct(const Instruction& reduce);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_SEEN_DIGITS_H_
