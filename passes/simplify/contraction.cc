#include <algorithm>
#include <numeric>
#include <utility>

#include "ir/analysis/op_facts.h"
#include "passes/simplify/simplify.h"

namespace ingot {
namespace {

bool IsDense(const Instruction& dot) {
  return dot.operand_count() == 2 && dot.attributes<DotAttributes>().sparsity.text.empty();
}

// The dimensions of an operand before it was transposed.
std::vector<int64_t> Before(const Instruction& transpose, const std::vector<int64_t>& dimensions) {
  std::vector<int64_t> before;
  for (int64_t d : dimensions) before.push_back(transpose.dimensions()[d]);
  return before;
}

// Whether to step through the dimensions in this order is to step through memory by one stride.
bool LieTogether(const Shape& shape, const std::vector<int64_t>& dimensions) {
  int64_t next = -1;  // where the next dimension is to be
  for (int64_t d : dimensions) {
    if (shape.dimension(d) == 1) continue;
    while (next >= 0 && next < d && shape.dimension(next) == 1) ++next;
    if (next >= 0 && d != next) return false;
    next = d + 1;
  }
  return true;
}

// dot(transpose(x), y), dot(x, transpose(y))  →  dot(x, y) with other dimension numbers, where the
// dimensions that are left stay in order, and those of one kind lie together, as libraries have
// them.  Products are added in the same order.
Instruction* DotOfTranspose(Instruction* dot) {
  if (!IsDense(*dot)) return nullptr;
  DotAttributes attributes = dot->attributes<DotAttributes>();
  std::vector<Instruction*> operands = dot->operands();
  bool changed = false;
  for (int side : {0, 1}) {
    const Instruction& transpose = *operands[side];
    if (transpose.opcode() != Opcode::kTranspose) continue;
    std::vector<int64_t>& batch = side == 0 ? attributes.lhs_batch_dims : attributes.rhs_batch_dims;
    std::vector<int64_t>& contracting =
        side == 0 ? attributes.lhs_contracting_dims : attributes.rhs_contracting_dims;
    const Shape& shape = transpose.operand(0)->shape();
    const std::vector<int64_t> new_batch = Before(transpose, batch);
    const std::vector<int64_t> new_contracting = Before(transpose, contracting);
    const std::vector<int64_t> new_free =
        Before(transpose, FreeDimensions(transpose.shape(), batch, contracting));
    if (!std::is_sorted(new_free.begin(), new_free.end()) || !LieTogether(shape, new_batch) ||
        !LieTogether(shape, new_contracting) || !LieTogether(shape, new_free)) {
      continue;
    }
    batch = new_batch;
    contracting = new_contracting;
    operands[side] = operands[side]->operand(0);
    changed = true;
  }
  if (!changed) return nullptr;
  return dot->parent()->Add(Opcode::kDot, dot->shape(), std::move(operands), std::move(attributes),
                            dot->name());
}

// transpose(dot(x, y)), where it has the two sides change places and nobody else asks for the dot
//   →  dot(y, x): a product is the same both ways, and they are added in one order
Instruction* TransposeOfDot(Instruction* transpose) {
  const Instruction& dot = *transpose->operand(0);
  if (dot.opcode() != Opcode::kDot || !IsDense(dot) || dot.users().size() != 1) return nullptr;
  if (!dot.control_predecessors().empty()) return nullptr;
  DotAttributes attributes = dot.attributes<DotAttributes>();
  const auto batch = static_cast<int64_t>(attributes.lhs_batch_dims.size());
  const std::vector<int64_t> lhs_free = FreeDimensions(
      dot.operand(0)->shape(), attributes.lhs_batch_dims, attributes.lhs_contracting_dims);
  std::vector<int64_t> swapped(transpose->dimensions().size());
  std::iota(swapped.begin(), swapped.end(), 0);
  std::rotate(swapped.begin() + batch,
              swapped.begin() + batch + static_cast<int64_t>(lhs_free.size()), swapped.end());
  if (transpose->dimensions() != swapped) return nullptr;
  std::swap(attributes.lhs_batch_dims, attributes.rhs_batch_dims);
  std::swap(attributes.lhs_contracting_dims, attributes.rhs_contracting_dims);
  std::reverse(attributes.operand_precision.begin(), attributes.operand_precision.end());
  return transpose->parent()->Add(Opcode::kDot, transpose->shape(),
                                  {dot.operands()[1], dot.operands()[0]}, std::move(attributes),
                                  dot.name());
}

constexpr SimplifyRule kRules[] = {
    {Opcode::kDot, "dot-of-transpose", DotOfTranspose},
    {Opcode::kTranspose, "transpose-of-dot", TransposeOfDot},
};

}  // namespace

absl::Span<const SimplifyRule> ContractionRules() { return kRules; }

}  // namespace ingot
