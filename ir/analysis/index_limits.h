// Which inputs of a module are indices, and of how many places.
#ifndef INGOT_IR_ANALYSIS_INDEX_LIMITS_H_
#define INGOT_IR_ANALYSIS_INDEX_LIMITS_H_

#include <cstdint>
#include <vector>

#include "ir/module.h"

namespace ingot {

// For each parameter of the entry the number n of places that its elements are indices of, so that
// 0 to n - 1 are in bounds everywhere; 0 where nothing says so, and for tuples.  Indices are what
// gathers, scatters and dynamic slices start at, and what is compared for equality with an iota,
// also behind what only moves, converts, selects or clamps them, and in computations that are
// called.  Linear in the size of the module.
std::vector<int64_t> IndexLimits(const Module& module);

}  // namespace ingot

#endif  // INGOT_IR_ANALYSIS_INDEX_LIMITS_H_
