#include "compiler/plan/scatter_space.h"

#include <algorithm>
#include <optional>

#include "ir/analysis/op_facts.h"
#include "ir/base/integers.h"

namespace ingot::plan {
namespace {

bool Has(const std::vector<int64_t>& list, int64_t value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

bool IsAtomicOp(Opcode op) {
  return op == Opcode::kAdd || op == Opcode::kMaximum || op == Opcode::kMinimum ||
         op == Opcode::kAnd || op == Opcode::kOr || op == Opcode::kXor;
}

bool IsAtomicType(ElementType type) { return IsInteger(type) && BitWidth(type) >= 32; }

// What a leaf of the combiner makes of the old value and the update of operand `i`.
std::optional<Opcode> OpOf(const Computation& body, const Instruction& leaf, size_t i) {
  const size_t count = body.parameters().size() / 2;
  const Instruction* old = body.parameters()[i];
  const Instruction* update = body.parameters()[count + i];
  if (&leaf == update) return Opcode::kParameter;
  if (leaf.operand_count() != 2 || !HasFact(leaf.opcode(), kCommutative)) return std::nullopt;
  const bool both = (leaf.operand(0) == old && leaf.operand(1) == update) ||
                    (leaf.operand(0) == update && leaf.operand(1) == old);
  return both ? std::optional<Opcode>(leaf.opcode()) : std::nullopt;
}

}  // namespace

ScatterSpace ScatterSpaceOf(const Instruction& scatter) {
  ScatterSpace space;
  space.dims = ScatterDimensionsOf(scatter);
  const ScatterAttributes& attributes = scatter.attributes<ScatterAttributes>();
  const Shape& operand = scatter.operand(0)->shape();
  for (int64_t d = 0; d < operand.rank(); ++d) {
    if (Has(space.dims.scattered, d) || Has(attributes.input_batching_dims, d)) {
      space.row_dims.push_back(d);
      space.row_sizes.push_back(operand.dimension(d));
      space.rows = SaturatingMultiply(space.rows, operand.dimension(d));
    } else {
      space.column_dims.push_back(d);
      space.column_sizes.push_back(space.dims.window[d]);
      space.columns = SaturatingMultiply(space.columns, space.dims.window[d]);
    }
  }
  space.update_sizes = space.dims.batch;
  for (int64_t d : space.dims.scattered) space.update_sizes.push_back(space.dims.window[d]);
  for (int64_t size : space.update_sizes) space.updates = SaturatingMultiply(space.updates, size);
  return space;
}

ScatterCombiner ScatterCombinerOf(const Instruction& scatter) {
  ScatterCombiner combiner;
  const size_t count = scatter.operand_count() / 2;
  const Computation& body = *scatter.to_apply();
  const Instruction& root = *body.root();
  const bool is_tuple = root.opcode() == Opcode::kTuple;
  combiner.regroups = combiner.is_atomic = true;
  for (size_t i = 0; i < count; ++i) {
    const std::optional<Opcode> op = OpOf(body, is_tuple ? *root.operand(i) : root, i);
    if (!op.has_value()) {
      combiner.ops.clear();
      combiner.regroups = combiner.is_atomic = false;
      break;
    }
    combiner.ops.push_back(*op);
    const ElementType type = scatter.operand(i)->shape().element_type();
    const bool selects =
        *op == Opcode::kMaximum || *op == Opcode::kMinimum || *op == Opcode::kParameter;
    const bool is_rounded = !IsInteger(type) && type != ElementType::kPred && BitWidth(type) < 32;
    combiner.regroups = combiner.regroups && (selects || !is_rounded);
    combiner.is_atomic = combiner.is_atomic && IsAtomicOp(*op) && IsAtomicType(type);
  }
  const ScatterAttributes& attributes = scatter.attributes<ScatterAttributes>();
  const ScatterDimensions dims = ScatterDimensionsOf(scatter);
  const bool are_rows = std::all_of(dims.scattered.begin(), dims.scattered.end(),
                                    [&](int64_t d) { return dims.window[d] == 1; });
  combiner.is_unique = (attributes.unique_indices && are_rows) || Product(dims.batch) == 1;
  if (combiner.is_unique) combiner.is_atomic = false;
  return combiner;
}

}  // namespace ingot::plan
