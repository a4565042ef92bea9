#include "ir/analysis/fusion_graph.h"

#include <utility>

#include "ir/base/check.h"

namespace ingot {

FusionGraph::FusionGraph(FusionView view) : view_(std::move(view)) {
  values_ = view_.inputs;
  values_.insert(values_.end(), view_.members.begin(), view_.members.end());
  number_.reserve(values_.size());
  first_edge_.reserve(values_.size() + 1);
  for (int v = 0; v < value_count(); ++v) {
    first_edge_.push_back(static_cast<int>(edges_.size()));
    number_[values_[v]] = v;
    if (IsInput(v)) continue;
    for (int k = 0; k < static_cast<int>(values_[v]->operand_count()); ++k) {
      const int operand = NumberOf(*values_[v]->operand(k));
      INGOT_CHECK(operand >= 0 && operand < v)
          << values_[v]->name() << " stands before its operand " << values_[v]->operand(k)->name();
      edges_.push_back({v, k, operand});
    }
  }
  first_edge_.push_back(static_cast<int>(edges_.size()));
  is_root_.resize(values_.size());
  for (const Instruction* root : view_.roots) is_root_[NumberOf(*root)] = true;
}

int FusionGraph::NumberOf(const Instruction& instruction) const {
  const auto at = number_.find(&instruction);
  return at == number_.end() ? -1 : at->second;
}

}  // namespace ingot
