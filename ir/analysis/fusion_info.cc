#include "ir/analysis/fusion_info.h"

#include <algorithm>
#include <utility>

#include "ir/analysis/fusion_cost.h"

namespace ingot {

FusionInfo::FusionInfo(FusionView view)
    : graph_(std::move(view)),
      space_(graph_),
      uses_(graph_, space_),
      levels_(graph_.value_count(), 0),
      cost_(CostOf(graph_, uses_)) {
  for (int v = graph_.input_count(); v < graph_.value_count(); ++v) {
    bool in_space = true;
    for (const FusionEdge& edge : graph_.EdgesOf(v)) {
      levels_[v] = std::max(levels_[v], levels_[edge.operand]);
      const int number = graph_.FirstEdgeOf(v) + edge.operand_number;
      in_space &= space_.AccessOf(number).access == Access::kInSpace;
    }
    const Accumulation accumulation = AccumulationOf(graph_.value(v));
    if (accumulation == Accumulation::kNone) continue;
    const bool opaque = accumulation == Accumulation::kOpaque;
    std::vector<int> classes = opaque ? std::vector<int>{} : space_.EndedBy(v);
    in_space = in_space && !opaque;
    // It combines one element with the initial value.
    if (in_space && classes.empty()) continue;
    reductions_.push_back({.value = v,
                           .opaque = opaque,
                           .in_space = in_space,
                           .classes = std::move(classes),
                           .level = ++levels_[v]});
  }
}

}  // namespace ingot
