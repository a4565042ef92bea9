#include "passes/expand_top_k.h"

#include <limits>
#include <utility>
#include <vector>

#include "ir/analysis/sort_order.h"
#include "passes/fusion_util.h"

namespace ingot {
namespace {

Shape ScalarOf(ElementType type) { return Shape::ArrayWithDefaultLayout(type, {}); }

// Of a float: zero for zeros, one NaN for NaNs, else the value; so that total order tells no two
// apart that are equal here.
Instruction* Canonical(Computation& body, Instruction* x) {
  const ElementType type = x->shape().element_type();
  if (!IsFloat(type)) return x;
  const Shape pred = ScalarOf(ElementType::kPred);
  Instruction* zero = body.AddConstant(Literal::Scalar(type, 0));
  Instruction* nan =
      body.AddConstant(Literal::Scalar(type, std::numeric_limits<double>::quiet_NaN()));
  Instruction* is_zero =
      body.Add(Opcode::kCompare, pred, {x, zero}, CompareAttributes{ComparisonDirection::kEq});
  Instruction* is_nan =
      body.Add(Opcode::kCompare, pred, {x, x}, CompareAttributes{ComparisonDirection::kNe});
  Instruction* value = body.Add(Opcode::kSelect, x->shape(), {is_zero, zero, x});
  return body.Add(Opcode::kSelect, x->shape(), {is_nan, nan, value});
}

// Whether the first of two elements stands before the second; parameters 2 and 3 are their places.
Computation* Before(Module& module, ElementType type, bool largest) {
  Computation* body = module.AddComputation("before");
  Instruction* a = body->AddParameter(0, ScalarOf(type), "a");
  Instruction* b = body->AddParameter(1, ScalarOf(type), "b");
  body->AddParameter(2, ScalarOf(ElementType::kS32), "a_place");
  body->AddParameter(3, ScalarOf(ElementType::kS32), "b_place");
  CompareAttributes compare{largest ? ComparisonDirection::kGt : ComparisonDirection::kLt};
  if (IsFloat(type)) compare.order = ComparisonOrder::kTotal;
  Instruction* left = Canonical(*body, a);
  Instruction* right = Canonical(*body, b);
  body->set_root(body->Add(Opcode::kCompare, ScalarOf(ElementType::kPred), {left, right}, compare));
  return body;
}

Instruction* Expand(Module& module, Computation& computation, const Instruction& top) {
  Instruction* x = top.operand(0);
  const int64_t last = x->shape().rank() - 1;
  const Shape shape =
      Shape::ArrayWithDefaultLayout(x->shape().element_type(), x->shape().dimensions());
  const Shape places = Shape::ArrayWithDefaultLayout(ElementType::kS32, shape.dimensions());
  Instruction* iota = computation.Add(Opcode::kIota, places, {}, IotaAttributes{last});
  SortAttributes attributes;
  attributes.dimensions = {last};
  attributes.is_stable = true;
  Instruction* sort = computation.Add(Opcode::kSort, Shape::Tuple({shape, places}), {x, iota},
                                      std::move(attributes), top.name());
  const TopKAttributes& wanted = top.attributes<TopKAttributes>();
  sort->set_called_computations({Before(module, shape.element_type(), wanted.largest)});
  sort->mutable_annotations().metadata = top.annotations().metadata;
  std::vector<Instruction*> results;
  for (int64_t i = 0; i < 2; ++i) {
    Instruction* sorted = computation.Add(Opcode::kGetTupleElement, sort->shape().tuple_shapes()[i],
                                          {sort}, TupleIndexAttributes{i});
    SliceAttributes slice;
    for (int64_t d = 0; d <= last; ++d) {
      slice.slice.push_back({0, d == last ? wanted.k : shape.dimension(d), 1});
    }
    results.push_back(
        computation.Add(Opcode::kSlice, top.shape().tuple_shapes()[i], {sorted}, std::move(slice)));
  }
  return computation.Add(Opcode::kTuple, top.shape(), std::move(results));
}

}  // namespace

absl::StatusOr<bool> ExpandTopK(Module& module, const PassContext& context) {
  const bool has_plans = context.fusion_cost != nullptr && context.target != nullptr;
  return ReplaceEach(module, [&](Computation& computation, const Instruction& instruction) {
    const bool expands = instruction.opcode() == Opcode::kTopK &&
                         !(has_plans && SelectsInBlocks(instruction, *context.target)) &&
                         !IsComplex(instruction.operand(0)->shape().element_type()) &&
                         !instruction.operand(0)->shape().HasDynamicDimension();
    return expands ? Expand(module, computation, instruction) : nullptr;
  });
}

}  // namespace ingot
