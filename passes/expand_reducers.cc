#include "passes/expand_reducers.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "ir/analysis/op_facts.h"
#include "passes/fusion_util.h"
#include "passes/inline_body.h"

namespace ingot {
namespace {

bool IsExpanded(const Instruction& instruction) {
  if (instruction.opcode() != Opcode::kReduce || instruction.operand_count() != 2) return false;
  const Shape& operand = instruction.operand(0)->shape();
  if (operand.HasDynamicDimension() || CodeSize(instruction) <= kMostCodeOfReducer) return false;
  if (operand.ElementCount() == 0) return false;  // the loop would slice an empty array
  const Computation& reducer = *instruction.to_apply();
  const ElementType type = operand.element_type();
  const auto has_type = [&](const Instruction* value) {
    return value->shape().IsScalar() && value->shape().element_type() == type;
  };
  return IsElementwiseBody(reducer) && has_type(reducer.root()) &&
         has_type(reducer.parameters()[0]) && has_type(reducer.parameters()[1]);
}

// The operand of a reduce with the reduced elements, row-major, as its first dimension, before the
// dimensions of the result.
Instruction* ReducedFirst(Computation& computation, const Instruction& reduce, int64_t reduced) {
  Instruction* x = reduce.operand(0);
  std::vector<int64_t> permutation = reduce.dimensions();
  std::sort(permutation.begin(), permutation.end());
  for (int64_t d = 0; d < x->shape().rank(); ++d) {
    const std::vector<int64_t>& dimensions = reduce.dimensions();
    if (std::find(dimensions.begin(), dimensions.end(), d) == dimensions.end()) {
      permutation.push_back(d);
    }
  }
  const ElementType type = x->shape().element_type();
  x = TransposeOf(x, std::move(permutation));
  std::vector<int64_t> sizes = {reduced};
  sizes.insert(sizes.end(), reduce.shape().dimensions().begin(), reduce.shape().dimensions().end());
  if (x->shape().dimensions() == sizes) return x;
  return computation.Add(Opcode::kReshape, Shape::ArrayWithDefaultLayout(type, std::move(sizes)),
                         {x});
}

// Element `number` of a loop's state.
Instruction* Element(Computation& computation, Instruction* state, int64_t number) {
  return computation.Add(Opcode::kGetTupleElement, state->shape().tuple_shapes()[number], {state},
                         TupleIndexAttributes{number});
}

Computation* Condition(Module& module, const Shape& state_shape, int64_t trips) {
  Computation* condition = module.AddComputation("reduce_condition");
  Instruction* state = condition->AddParameter(0, state_shape, "state");
  Instruction* i = Element(*condition, state, 0);
  Instruction* end =
      condition->AddConstant(Literal::ScalarInteger(i->shape().element_type(), trips));
  condition->set_root(condition->Add(Opcode::kCompare,
                                     Shape::ArrayWithDefaultLayout(ElementType::kPred, {}),
                                     {i, end}, CompareAttributes{ComparisonDirection::kLt}));
  return condition;
}

Computation* Body(Module& module, const Shape& state_shape, const Computation& reducer) {
  Computation* body = module.AddComputation("reduce_body");
  Instruction* state = body->AddParameter(0, state_shape, "state");
  Instruction* i = Element(*body, state, 0);
  Instruction* sum = Element(*body, state, 1);
  Instruction* x = Element(*body, state, 2);
  const ElementType index_type = i->shape().element_type();
  std::vector<Instruction*> slice_operands = {x, i};
  Instruction* zero = body->AddConstant(Literal::ScalarInteger(index_type, 0));
  slice_operands.resize(1 + x->shape().rank(), zero);
  std::vector<int64_t> sizes = x->shape().dimensions();
  sizes[0] = 1;
  Instruction* slice = body->Add(Opcode::kDynamicSlice,
                                 Shape::ArrayWithDefaultLayout(x->shape().element_type(), sizes),
                                 std::move(slice_operands), DynamicSliceAttributes{sizes});
  Instruction* element = body->Add(Opcode::kReshape, sum->shape(), {slice});
  Instruction* next = InlineBody(*body, reducer, {sum, element}, &sum->shape().dimensions());
  Instruction* one = body->AddConstant(Literal::ScalarInteger(index_type, 1));
  Instruction* next_i = body->Add(Opcode::kAdd, i->shape(), {i, one});
  body->set_root(body->Add(Opcode::kTuple, state_shape, {next_i, next, x}));
  return body;
}

Instruction* Expand(Module& module, Computation& computation, const Instruction& reduce) {
  int64_t trips = 1;
  for (int64_t d : reduce.dimensions()) trips *= reduce.operand(0)->shape().dimension(d);
  const ElementType index_type =
      trips < std::numeric_limits<int32_t>::max() ? ElementType::kS32 : ElementType::kS64;
  Instruction* i = computation.AddConstant(Literal::ScalarInteger(index_type, 0));
  Instruction* sum = reduce.operand(1);
  if (!reduce.shape().IsScalar()) {
    sum = computation.Add(Opcode::kBroadcast, reduce.shape(), {sum}, DimensionsAttributes{});
  }
  Instruction* x = ReducedFirst(computation, reduce, trips);
  const Shape state_shape = Shape::Tuple({i->shape(), sum->shape(), x->shape()});
  Instruction* state = computation.Add(Opcode::kTuple, state_shape, {i, sum, x});
  Instruction* loop = computation.Add(Opcode::kWhile, state_shape, {state}, reduce.name());
  loop->set_called_computations(
      {Condition(module, state_shape, trips), Body(module, state_shape, *reduce.to_apply())});
  loop->mutable_annotations().metadata = reduce.annotations().metadata;
  return Element(computation, loop, 1);
}

}  // namespace

absl::StatusOr<bool> ExpandReducers(Module& module, const PassContext&) {
  return ReplaceEach(module, [&](Computation& computation, const Instruction& instruction) {
    return IsExpanded(instruction) ? Expand(module, computation, instruction) : nullptr;
  });
}

}  // namespace ingot
