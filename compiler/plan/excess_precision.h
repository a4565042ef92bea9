// Which bf16 and f16 values may stay in f32 inside a kernel, because nobody can tell.
#ifndef INGOT_COMPILER_PLAN_EXCESS_PRECISION_H_
#define INGOT_COMPILER_PLAN_EXCESS_PRECISION_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "ir/module.h"

namespace ingot::plan {

// Computations that become kernels together: equal (SameComputation), compiled once.
using EqualFusions = std::vector<const Computation*>;

// For each element of `groups`, the ids of the instructions of its first computation whose rounding
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
// `module` is the whole program, each fusion with one caller.  Linear in its size.
std::vector<std::vector<int64_t>> FindUnrounded(const Module& module,
                                                absl::Span<const EqualFusions> groups);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_EXCESS_PRECISION_H_
