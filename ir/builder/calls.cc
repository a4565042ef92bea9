// The ops of builder.h that call computations.
#include <limits>

#include "absl/strings/str_cat.h"
#include "ir/base/float_bits.h"
#include "ir/base/status.h"
#include "ir/builder/builder.h"

namespace ingot {
namespace {

// `count` values that mean nothing, for what is asked to return many.
std::vector<Value> Nothing(size_t count) { return std::vector<Value>(count); }

std::vector<Value> Joined(Values first, Values second) {
  std::vector<Value> all(first.begin(), first.end());
  all.insert(all.end(), second.begin(), second.end());
  return all;
}

std::vector<Shape> ShapesOf(Values values) {
  std::vector<Shape> shapes;
  for (Value value : values) shapes.push_back(value.shape());
  return shapes;
}

// The elements of a tuple, or the one array; `count` of them.
std::vector<Value> Elements(Value result, size_t count) {
  if (!result.ok()) {
    // Keep the builder, so that later ops see its error.
    return std::vector<Value>(count, result);
  }
  if (!result.shape().IsTuple()) return {result};
  std::vector<Value> elements;
  for (size_t i = 0; i < count; ++i) elements.push_back(GetTupleElement(result, i));
  return elements;
}

// Many results as one: their tuple, the only one as it is.
Function Returning(const FunctionOfMany& body) {
  return [&body](Values arguments) {
    const std::vector<Value> results = body(arguments);
    return results.size() == 1 ? results[0] : Tuple(results);
  };
}

// A computation of one parameter, a tuple of `shapes`, whose elements `body` sees.
Computation* DefineOnTuple(GraphBuilder& builder, absl::string_view name,
                           const std::vector<Shape>& shapes, const Function& body) {
  return builder.Define(name, {Shape::Tuple(shapes)}, [&](Values arguments) {
    std::vector<Value> elements;
    for (size_t i = 0; i < shapes.size(); ++i) {
      elements.push_back(GetTupleElement(arguments[0], i));
    }
    return body(elements);
  });
}

Value AsValue(Term term, Value like) {
  if (!term.number.has_value()) return term.value;
  return like.builder()->Constant(like.element_type(), *term.number);
}

// The least (sign < 0) or greatest value of an array's type.
Value Extreme(Value like, int sign) {
  const ElementType type = like.element_type();
  if (type == ElementType::kPred) return like.builder()->Constant(type, sign < 0 ? 0 : 1);
  if (IsInteger(type)) {
    const int bits = BitWidth(type);
    const int64_t top = bits == 64 ? std::numeric_limits<int64_t>::max()
                                   : (int64_t{1} << (bits - (IsSigned(type) ? 1 : 0))) - 1;
    // u64's greatest has all bits set.
    const int64_t greatest = IsUnsigned(type) && bits == 64 ? -1 : top;
    const int64_t least = IsUnsigned(type) ? 0 : -top - 1;
    return like.builder()->Constant(Literal::ScalarInteger(type, sign < 0 ? least : greatest));
  }
  double extreme = sign * std::numeric_limits<double>::infinity();
  if (IsFloat(type) && FormatOf(type).specials != FloatSpecials::kIeee) {
    // Formats without infinity have at most 256 values: the extreme one is looked for.
    extreme = DecodeFloat(FormatOf(type), 0);
    for (uint64_t bits = 1; bits < uint64_t{1} << FormatOf(type).bits; ++bits) {
      const double value = DecodeFloat(FormatOf(type), bits);
      if (value * sign > extreme * sign) extreme = value;
    }
  }
  return like.builder()->Constant(type, extreme);
}

}  // namespace

Value Reduce(Value x, Term initial, std::vector<int64_t> dimensions, Opcode opcode) {
  if (x.builder() == nullptr) return Value();
  Computation* reducer = x.builder()->ScalarComputation(opcode, x.element_type());
  return x.builder()->Apply(Opcode::kReduce, {x, AsValue(initial, x)},
                            DimensionsAttributes{std::move(dimensions)}, {reducer});
}

std::vector<Value> Reduce(Values inputs, Values initial, std::vector<int64_t> dimensions,
                          const FunctionOfMany& reducer) {
  if (inputs.empty() || inputs[0].builder() == nullptr) return Nothing(inputs.size());
  GraphBuilder& builder = *inputs[0].builder();
  std::vector<Shape> scalars = ShapesOf(initial);
  for (Value input : inputs) scalars.push_back(Shape::Scalar(input.element_type()));
  Computation* computation = builder.Define("reducer", scalars, Returning(reducer));
  return Elements(builder.Apply(Opcode::kReduce, Joined(inputs, initial),
                                DimensionsAttributes{std::move(dimensions)}, {computation}),
                  inputs.size());
}

Value ReduceSum(Value x, std::vector<int64_t> dimensions) {
  return Reduce(x, 0, std::move(dimensions), Opcode::kAdd);
}

Value ReduceMax(Value x, std::vector<int64_t> dimensions) {
  if (x.builder() == nullptr) return Value();
  return Reduce(x, Extreme(x, -1), std::move(dimensions), Opcode::kMaximum);
}

Value ReduceMin(Value x, std::vector<int64_t> dimensions) {
  if (x.builder() == nullptr) return Value();
  return Reduce(x, Extreme(x, 1), std::move(dimensions), Opcode::kMinimum);
}

Value ReduceWindow(Value x, Term initial, Window window, Opcode opcode) {
  if (x.builder() == nullptr) return Value();
  Computation* reducer = x.builder()->ScalarComputation(opcode, x.element_type());
  return x.builder()->Apply(Opcode::kReduceWindow, {x, AsValue(initial, x)},
                            WindowAttributes{std::move(window)}, {reducer});
}

Value SelectAndScatterMax(Value x, Value source, Term initial, Window window) {
  if (x.builder() == nullptr) return Value();
  GraphBuilder& builder = *x.builder();
  const Shape scalar = Shape::Scalar(x.element_type());
  Computation* select = builder.Define("greatest", {scalar, scalar}, [](Values arguments) {
    return Compare(arguments[0], arguments[1], ComparisonDirection::kGe);
  });
  Computation* scatter = builder.ScalarComputation(Opcode::kAdd, x.element_type());
  return builder.Apply(Opcode::kSelectAndScatter, {x, source, AsValue(initial, x)},
                       WindowAttributes{std::move(window)}, {select, scatter});
}

std::vector<Value> Scan(Values inputs, Values carries, int64_t dimension, bool is_reverse,
                        const FunctionOfMany& step) {
  if (inputs.empty() || inputs[0].builder() == nullptr) return {};
  GraphBuilder& builder = *inputs[0].builder();
  std::vector<Shape> shapes;
  for (Value input : inputs) {
    std::vector<int64_t> sizes = input.shape().dimensions();
    if (dimension >= 0 && dimension < static_cast<int64_t>(sizes.size())) {
      sizes.erase(sizes.begin() + dimension);
    } else {
      builder.Fail(
          InvalidArgument("scan: dimension ", dimension, " is not in [0, ", sizes.size(), ")"));
    }
    shapes.push_back(Shape::Array(input.element_type(), std::move(sizes)));
  }
  for (Value carry : carries) shapes.push_back(carry.shape());
  size_t results = 0;
  Computation* computation = builder.Define("step", shapes, [&](Values arguments) {
    const std::vector<Value> returned = step(arguments);
    results = returned.size();
    return Tuple(returned);
  });
  ScanAttributes attributes;
  attributes.dimensions = {dimension};
  attributes.is_reverse = is_reverse;
  attributes.num_carries = static_cast<int64_t>(carries.size());
  return Elements(
      builder.Apply(Opcode::kScan, Joined(inputs, carries), std::move(attributes), {computation}),
      results);
}

Value Scatter(Value x, Value indices, Value updates, ScatterAttributes attributes, Opcode opcode) {
  if (x.builder() == nullptr) return Value();
  Computation* combiner = x.builder()->ScalarComputation(opcode, x.element_type());
  return x.builder()->Apply(Opcode::kScatter, {x, indices, updates}, std::move(attributes),
                            {combiner});
}

std::vector<Value> Sort(Values operands, int64_t dimension, const Function& less) {
  if (operands.empty() || operands[0].builder() == nullptr) return Nothing(operands.size());
  GraphBuilder& builder = *operands[0].builder();
  std::vector<Shape> scalars;
  for (Value operand : operands) {
    scalars.insert(scalars.end(), 2, Shape::Scalar(operand.element_type()));
  }
  const Function ascending = [](Values arguments) {
    return Compare(arguments[0], arguments[1], ComparisonDirection::kLt);
  };
  Computation* computation = builder.Define("less", scalars, less ? less : ascending);
  return Elements(builder.Apply(Opcode::kSort, operands,
                                SortAttributes{{dimension}, /*is_stable=*/true}, {computation}),
                  operands.size());
}

Value Call(Values arguments, const Function& body) {
  if (arguments.empty() || arguments[0].builder() == nullptr) return Value();
  GraphBuilder& builder = *arguments[0].builder();
  Computation* computation = builder.Define("called", ShapesOf(arguments), body);
  return builder.Apply(Opcode::kCall, arguments, CallAttributes{}, {computation});
}

std::vector<Value> While(Values state, const Function& condition, const FunctionOfMany& body) {
  if (state.empty() || state[0].builder() == nullptr) return Nothing(state.size());
  GraphBuilder& builder = *state[0].builder();
  const std::vector<Shape> shapes = ShapesOf(state);
  Computation* goes_on = DefineOnTuple(builder, "condition", shapes, condition);
  Computation* step = DefineOnTuple(builder, "body", shapes,
                                    [&](Values arguments) { return Tuple(body(arguments)); });
  return Elements(builder.Apply(Opcode::kWhile, {Tuple(state)}, NoAttributes{}, {goes_on, step}),
                  state.size());
}

Value Conditional(Value selector, Values operands, absl::Span<const Function> branches) {
  if (selector.builder() == nullptr) return Value();
  GraphBuilder& builder = *selector.builder();
  const Value tuple = builder.Apply(Opcode::kTuple, operands);
  std::vector<Value> arguments = {selector};
  std::vector<Computation*> computations;
  for (const Function& branch : branches) {
    computations.push_back(DefineOnTuple(builder, "branch", ShapesOf(operands), branch));
    arguments.push_back(tuple);
  }
  return builder.Apply(Opcode::kConditional, arguments, NoAttributes{}, std::move(computations));
}

}  // namespace ingot
