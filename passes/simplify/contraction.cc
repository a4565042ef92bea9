#include <algorithm>
#include <utility>

#include "passes/simplify/simplify.h"

namespace ingot {
namespace {

// One operand of a dot: its dimensions that are no batch and not contracted, ascending.
std::vector<int64_t> FreeDimensions(const Shape& operand, const std::vector<int64_t>& batch,
                                    const std::vector<int64_t>& contracting) {
  const auto has = [](const std::vector<int64_t>& list, int64_t d) {
    return std::find(list.begin(), list.end(), d) != list.end();
  };
  std::vector<int64_t> free;
  for (int64_t d = 0; d < operand.rank(); ++d) {
    if (!has(batch, d) && !has(contracting, d)) free.push_back(d);
  }
  return free;
}

bool IsDense(const Instruction& dot) {
  return dot.operand_count() == 2 && dot.attributes<DotAttributes>().sparsity.text.empty();
}

// The dimensions of an operand before it was transposed.
std::vector<int64_t> Before(const Instruction& transpose, const std::vector<int64_t>& dimensions) {
  std::vector<int64_t> before;
  for (int64_t d : dimensions) before.push_back(transpose.dimensions()[d]);
  return before;
}

// dot(transpose(x), y), dot(x, transpose(y))  →  dot(x, y) with other dimension numbers, where the
// dimensions that are left stay in order.  Products are added in the same order.
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
    const std::vector<int64_t> free =
        Before(transpose, FreeDimensions(transpose.shape(), batch, contracting));
    if (!std::is_sorted(free.begin(), free.end())) continue;
    batch = Before(transpose, batch);
    contracting = Before(transpose, contracting);
    operands[side] = operands[side]->operand(0);
    changed = true;
  }
  if (!changed) return nullptr;
  return dot->parent()->Add(Opcode::kDot, dot->shape(), std::move(operands), std::move(attributes),
                            dot->name());
}

// transpose(dot(x, y))  →  dot(x, y) or dot(y, x) with batch dimensions in another order, where
// nobody else asks for the dot.  A product is the same both ways, and they are added in one order.
Instruction* TransposeOfDot(Instruction* transpose) {
  const Instruction& dot = *transpose->operand(0);
  if (dot.opcode() != Opcode::kDot || !IsDense(dot) || dot.users().size() != 1) return nullptr;
  if (!dot.control_predecessors().empty()) return nullptr;
  DotAttributes attributes = dot.attributes<DotAttributes>();
  const std::vector<int64_t>& order = transpose->dimensions();
  const auto batch = static_cast<int64_t>(attributes.lhs_batch_dims.size());
  const int64_t rank = dot.shape().rank();
  const auto lhs_end = batch + static_cast<int64_t>(FreeDimensions(dot.operand(0)->shape(),
                                                                   attributes.lhs_batch_dims,
                                                                   attributes.lhs_contracting_dims)
                                                        .size());
  // The result's dimensions behind those of the batch, as they are, or with the two sides swapped.
  std::vector<int64_t> same, swapped;
  for (int64_t d = batch; d < rank; ++d) same.push_back(d);
  for (int64_t d = lhs_end; d < rank; ++d) swapped.push_back(d);
  for (int64_t d = batch; d < lhs_end; ++d) swapped.push_back(d);
  const std::vector<int64_t> free(order.begin() + batch, order.end());
  const bool swaps = free != same;
  if (swaps && free != swapped) return nullptr;
  const DotAttributes& old = dot.attributes<DotAttributes>();
  for (int64_t i = 0; i < batch; ++i) {
    attributes.lhs_batch_dims[i] = old.lhs_batch_dims[order[i]];
    attributes.rhs_batch_dims[i] = old.rhs_batch_dims[order[i]];
  }
  std::vector<Instruction*> operands = dot.operands();
  if (swaps) {
    std::swap(operands[0], operands[1]);
    std::swap(attributes.lhs_batch_dims, attributes.rhs_batch_dims);
    std::swap(attributes.lhs_contracting_dims, attributes.rhs_contracting_dims);
    std::reverse(attributes.operand_precision.begin(), attributes.operand_precision.end());
  }
  return transpose->parent()->Add(Opcode::kDot, transpose->shape(), std::move(operands),
                                  std::move(attributes), dot.name());
}

constexpr SimplifyRule kRules[] = {
    {Opcode::kDot, "dot-of-transpose", DotOfTranspose},
    {Opcode::kTranspose, "transpose-of-dot", TransposeOfDot},
};

}  // namespace

absl::Span<const SimplifyRule> ContractionRules() { return kRules; }

}  // namespace ingot
