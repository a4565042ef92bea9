// How a FusionCost is counted.
#ifndef INGOT_IR_ANALYSIS_FUSION_COST_H_
#define INGOT_IR_ANALYSIS_FUSION_COST_H_

#include "ir/analysis/fusion_info.h"

namespace ingot {

FusionCost CostOf(const FusionGraph& graph, const FusionUses& uses);

}  // namespace ingot

#endif  // INGOT_IR_ANALYSIS_FUSION_COST_H_
