#include "compiler/plan/lane_walk.h"

#include <algorithm>
#include <utility>

#include "compiler/plan/analysis.h"

namespace ingot::plan {
namespace {

bool IsContiguous(const Shape& shape, const Lanes& lanes) {
  if (lanes.flat()) return true;
  return lanes.stride * RowMajorStrides(shape.dimensions())[lanes.dim] == 1;
}

}  // namespace

LaneWalk::LaneWalk(const Computation& fusion) {
  for (size_t i = 0; i < fusion.instructions().size(); ++i) {
    number_[fusion.instructions()[i]] = i;
  }
  widths_.assign(fusion.instructions().size(), 1);
}

bool LaneWalk::Vectorizes(const Instruction& instruction, const Lanes& lanes) {
  if (lanes.count == 1) return true;
  std::vector<std::pair<const Instruction*, Lanes>> pending = {{&instruction, lanes}};
  while (!pending.empty()) {
    const auto [next, read] = pending.back();
    pending.pop_back();
    if (read.count == 1 || !MarkSeen(*next, read)) continue;
    if (IsComplex(Leaves(next->shape())[0].element_type())) return false;
    if (next->opcode() == Opcode::kParameter && !IsContiguous(next->shape(), read)) return false;
    const std::optional<std::vector<Lanes>> operands = OperandLanes(*next, read);
    if (!operands.has_value()) return false;
    widths_[number_[next]] = std::max(widths_[number_[next]], read.count);
    for (size_t k = 0; k < operands->size(); ++k) {
      pending.emplace_back(next->operand(static_cast<int64_t>(k)), (*operands)[k]);
    }
  }
  return true;
}

bool LaneWalk::MarkSeen(const Instruction& instruction, const Lanes& lanes) {
  std::vector<Lanes>& seen = seen_[&instruction];
  if (std::find(seen.begin(), seen.end(), lanes) != seen.end()) return false;
  seen.push_back(lanes);
  return true;
}

}  // namespace ingot::plan
