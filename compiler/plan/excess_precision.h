// Which bf16 and f16 values may stay in f32 inside a kernel, because nobody can tell.
#ifndef INGOT_COMPILER_PLAN_EXCESS_PRECISION_H_
#define INGOT_COMPILER_PLAN_EXCESS_PRECISION_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "compiler/plan/value_numbers.h"
#include "ir/base/target.h"
#include "ir/module.h"

namespace ingot::plan {

// For each group of `members`, the ids of the instructions of its first computation whose rounding
// may be left out, ascending.
//
// An instruction is rounded if a kernel of the program stores its value, or if a use of it reaches,
// through data movement, select, clamp, min, max, abs or negate, something that tells values apart:
// a compare, floor, ceil, a rounding, sign, remainder, reduce-precision, a conversion to its own
// type, to an integer or to a float of fewer than 16 bits, a reduction other than sums and
// products, or any op that is neither elementwise nor moves data.  Such an instruction is rounded
// for all its uses, in all kernels that compute it, so that no two of them see two values of one
// instruction.  Values are taken for one where their ops, shapes and operands are the same; what
// is taken for one without need is rounded more often, never less.
//
// Where a group's roundings, one for each element of each such instruction, are fewer than
// `least_roundings`, nothing of it is left out: there is no time to be won, and the results stay
// those of the interpreter.
//
// `members` are of the whole program, each fusion with one caller.  Linear in its size.
std::vector<std::vector<int64_t>> FindUnrounded(const FusionMembers& members,
                                                int64_t least_roundings);

// The roundings that `target`, a GPU, does in 200 ns, a tenth of the time of a short kernel.
int64_t LeastRoundings(const Target& target);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_EXCESS_PRECISION_H_
