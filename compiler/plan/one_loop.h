// Fusions that no tile computes and one loop does.
#ifndef INGOT_COMPILER_PLAN_ONE_LOOP_H_
#define INGOT_COMPILER_PLAN_ONE_LOOP_H_

#include "ir/analysis/fusion_info.h"
#include "ir/base/target.h"

namespace ingot::plan {

// Whether a loop computes all results, which have one shape, in one kernel, though arrays are read
// at other indices than the results': slices of what it reads; on GPUs pads, concatenates and
// slices of computed values too, where vectors along memory stay whole and the operations are few
// more than each value takes once.  What is read at several indices is computed at each of them.
bool IsOneLoop(const FusionInfo& info, const Target& target);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_ONE_LOOP_H_
