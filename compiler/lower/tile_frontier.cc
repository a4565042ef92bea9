#include "compiler/lower/tile_frontier.h"

#include <algorithm>

namespace ingot::lower {

std::vector<int> Frontier(const FusionInfo& info, std::vector<int> values,
                          const std::function<bool(int)>& is_ahead) {
  const FusionGraph& graph = info.graph();
  std::vector<int> found;
  std::vector<bool> seen(graph.value_count(), false);
  for (const Reduction& reduction : info.reductions()) seen[reduction.value] = true;
  while (!values.empty()) {
    const int value = values.back();
    values.pop_back();
    for (int64_t k = 0; k < graph.value(value).operand_count(); ++k) {
      const EdgeAccess& access =
          info.space().AccessOf(graph.FirstEdgeOf(value) + static_cast<int>(k));
      if (access.access != Access::kInSpace || seen[access.source]) continue;
      seen[access.source] = true;
      if (is_ahead(access.source)) {
        found.push_back(access.source);
      } else if (!graph.IsInput(access.source)) {
        values.push_back(access.source);
      }
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace ingot::lower
