// What is emitted before the values that ask for it.
#ifndef INGOT_COMPILER_LOWER_TILE_FRONTIER_H_
#define INGOT_COMPILER_LOWER_TILE_FRONTIER_H_

#include <functional>
#include <vector>

#include "ir/analysis/fusion_info.h"

namespace ingot::lower {

// The first values for which `is_ahead` holds on the ways down from `values` in space, not through
// reductions of the fusion; ascending.
std::vector<int> Frontier(const FusionInfo& info, std::vector<int> values,
                          const std::function<bool(int)>& is_ahead);

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_TILE_FRONTIER_H_
