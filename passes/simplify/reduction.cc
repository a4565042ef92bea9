#include <algorithm>

#include "passes/inline_body.h"
#include "passes/simplify/simplify.h"

namespace ingot {
namespace {

// reduce(x, init) over dimensions of size 1  →  f(init, reshape(x)), with f the reducer
Instruction* ReduceOfOne(Instruction* reduce) {
  if (reduce->operand_count() != 2 || !IsElementwiseBody(*reduce->to_apply())) return nullptr;
  Instruction* x = reduce->operand(0);
  const std::vector<int64_t>& reduced = reduce->dimensions();
  const bool is_of_one = std::all_of(reduced.begin(), reduced.end(),
                                     [&](int64_t d) { return x->shape().dimension(d) == 1; });
  const ElementType type = x->shape().element_type();
  if (!is_of_one || x->shape().HasDynamicDimension() || reduce->shape().element_type() != type ||
      reduce->operand(1)->shape().element_type() != type) {
    return nullptr;
  }
  Computation& computation = *reduce->parent();
  const Shape& shape = reduce->shape();
  Instruction* init = reduce->operand(1);
  if (!shape.IsScalar()) {
    init = computation.Add(Opcode::kBroadcast, shape, {init}, DimensionsAttributes{});
  }
  Instruction* value = computation.Add(Opcode::kReshape, shape, {x});
  return InlineBody(computation, *reduce->to_apply(), {init, value}, &shape.dimensions());
}

constexpr SimplifyRule kRules[] = {
    {Opcode::kReduce, "reduce-of-one", ReduceOfOne},
};

}  // namespace

absl::Span<const SimplifyRule> ReductionRules() { return kRules; }

}  // namespace ingot
