#include "compiler/lower/contraction_space.h"

#include "compiler/plan/analysis.h"
#include "ir/base/check.h"

namespace ingot::lower {

using kernel::Value;

ProductSpace::ProductSpace(Frame& frame, const plan::ProductFusion& product)
    : frame_(frame), product_(product), results_(plan::ResultsOf(frame.fusion)) {
  const std::vector<Instruction*>& instructions = frame.fusion.instructions();
  for (size_t i = 0; i < instructions.size(); ++i) number_[instructions[i]] = i;
  frame.context.tile = this;
}

const Instruction* ProductSpace::SourceOf(const Instruction& consumer, int64_t operand) const {
  const Instruction* source = consumer.operand(operand);
  if (consumer.parent() != &frame_.fusion || !Of(*source).has_value()) return nullptr;
  return source;
}

Index ProductSpace::IndexAt(const Instruction& instruction, int point) {
  const plan::ProductValue& value = *Of(instruction);
  Index index;
  for (const IndexExpr& expr : value.place.results) {
    index.dims.push_back(frame_.context.math.Emit(expr, points_[point]));
  }
  index.lane = value.lanes;
  index.point = point;
  return index;
}

ProductSpace::Results ProductSpace::Make(Value b, Value m, Value n, Value sums,
                                         const MatrixElements& elements) {
  ElementEmitter& e = frame_.emitter;
  const Instruction& product = *product_.product.instruction;
  const int point = static_cast<int>(points_.size());
  points_.emplace_back();
  for (const IndexExpr& expr : product_.product.output.results) {
    points_[point].push_back(frame_.context.math.Emit(expr, {b, m, n}));
  }
  Element element{sums, nullptr};
  if (!frame_.context.IsUnrounded(product)) {
    element = e.Convert(element, product_.product.sum_type(), product.shape().element_type());
  }
  e.Provide(product, IndexAt(product, point), 0, element);
  if (elements.parameter != nullptr) {
    Index at = IndexAt(*elements.consumer, point);
    at.point = -1;
    at.linear_align = 1;
    e.Provide(*elements.parameter, at, 0, {elements.values, nullptr});
  }
  Results made{point, {}};
  for (const Instruction* result : results_) {
    made.values.push_back(e.Emit(*result, IndexAt(*result, point)));
  }
  return made;
}

void ProductSpace::Store(Value b, Value m, Value n, Value sums) {
  const Results made = Make(b, m, n, sums);
  for (size_t i = 0; i < results_.size(); ++i) {
    frame_.emitter.Store(frame_.memory.results[i], results_[i]->shape(),
                         IndexAt(*results_[i], made.point), made.values[i]);
  }
}

}  // namespace ingot::lower
