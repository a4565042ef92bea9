// What a fusion must compute and move.
#ifndef INGOT_COMPILER_PLAN_COST_H_
#define INGOT_COMPILER_PLAN_COST_H_

#include <cstdint>

#include "ir/module.h"

namespace ingot::plan {

// Operations of one instruction over its whole result, an elementwise op counting as one.
// Saturates.
int64_t FlopsOf(const Instruction& instruction);

// Bytes of parameters, each read once (of those that only slices read: the slices), and of results.
int64_t BytesOf(const Computation& fusion);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_COST_H_
