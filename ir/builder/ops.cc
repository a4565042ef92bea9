// The ops of builder.h that call no computation.
#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "ir/base/status.h"
#include "ir/builder/builder.h"

namespace ingot {
namespace {

// The builder of the first value that has one; null where none has.
GraphBuilder* BuilderOf(Values values) {
  for (Value value : values) {
    if (value.builder() != nullptr) return value.builder();
  }
  return nullptr;
}

Value Apply(Opcode opcode, Values operands, std::optional<Attributes> attributes = std::nullopt,
            const Shape* stated = nullptr) {
  GraphBuilder* builder = BuilderOf(operands);
  if (builder == nullptr) return Value();
  return builder->Apply(opcode, operands, std::move(attributes), {}, stated);
}

// As Apply to an array of `type` whose sizes follow from the operands.
Value ApplyTo(ElementType type, Opcode opcode, Values operands,
              std::optional<Attributes> attributes = std::nullopt) {
  const Shape stated = Shape::Scalar(type);
  return Apply(opcode, operands, std::move(attributes), &stated);
}

}  // namespace

Value Elementwise(Opcode opcode, std::vector<Term> operands, std::optional<Attributes> attributes) {
  // The operand that numbers take their type from, and that scalars are broadcast to.  Select's
  // predicate gives no type.
  const Term* like = nullptr;
  for (size_t i = opcode == Opcode::kSelect ? 1 : 0; i < operands.size(); ++i) {
    if (operands[i].value.builder() == nullptr) continue;  // a number, or no value at all
    if (like == nullptr || like->value.shape().IsScalar()) like = &operands[i];
  }
  if (like == nullptr && opcode == Opcode::kSelect) {
    return operands[0].value.builder() == nullptr
               ? Value()
               : operands[0].value.builder()->Fail(
                     InvalidArgument("select: one of the two choices has to be a value"));
  }
  if (like == nullptr || like->value.builder() == nullptr) return Value();
  GraphBuilder& builder = *like->value.builder();
  const ElementType type = like->value.element_type();
  const Value largest =
      opcode == Opcode::kSelect && like->value.shape().IsScalar() ? operands[0].value : like->value;
  std::vector<Value> values;
  for (const Term& operand : operands) {
    Value value =
        operand.number.has_value() ? builder.Constant(type, *operand.number) : operand.value;
    if (value.shape().IsScalar() && largest.shape().IsArray() && !largest.shape().IsScalar()) {
      value = Broadcast(value, largest.shape().dimensions(), {});
    }
    values.push_back(value);
  }
  return builder.Apply(opcode, values, std::move(attributes));
}

Value Compare(Term x, Term y, ComparisonDirection direction) {
  CompareAttributes attributes;
  attributes.direction = direction;
  return Elementwise(Opcode::kCompare, {x, y}, attributes);
}

Value Select(Value predicate, Term on_true, Term on_false) {
  return Elementwise(Opcode::kSelect, {predicate, on_true, on_false});
}

Value Clamp(Term low, Value x, Term high) { return Elementwise(Opcode::kClamp, {low, x, high}); }

Value Convert(Value x, ElementType type) { return ApplyTo(type, Opcode::kConvert, {x}); }

Value BitcastConvert(Value x, ElementType type) {
  return ApplyTo(type, Opcode::kBitcastConvert, {x});
}

Value ReducePrecision(Value x, int64_t exponent_bits, int64_t mantissa_bits) {
  return Apply(Opcode::kReducePrecision, {x},
               ReducePrecisionAttributes{exponent_bits, mantissa_bits});
}

Value Broadcast(Value x, std::vector<int64_t> sizes, std::vector<int64_t> dimensions) {
  const Shape stated = Shape::Array(x.element_type(), std::move(sizes));
  return Apply(Opcode::kBroadcast, {x}, DimensionsAttributes{std::move(dimensions)}, &stated);
}

Value BroadcastOver(Value x, Value like, absl::Span<const int64_t> dimensions) {
  std::vector<int64_t> kept;
  for (int64_t d = 0; d < like.shape().rank(); ++d) {
    if (std::find(dimensions.begin(), dimensions.end(), d) == dimensions.end()) kept.push_back(d);
  }
  return Broadcast(x, like.shape().dimensions(), std::move(kept));
}

Value Concatenate(Values operands, int64_t dimension) {
  return Apply(Opcode::kConcatenate, operands, DimensionsAttributes{{dimension}});
}

Value Pad(Value x, Term value, Padding padding) {
  if (x.builder() == nullptr) return Value();
  const Value filler = value.number.has_value()
                           ? x.builder()->Constant(x.element_type(), *value.number)
                           : value.value;
  return Apply(Opcode::kPad, {x, filler}, PadAttributes{std::move(padding)});
}

Value Reshape(Value x, std::vector<int64_t> sizes) {
  const Shape stated = Shape::Array(x.element_type(), std::move(sizes));
  return Apply(Opcode::kReshape, {x}, ReshapeAttributes{}, &stated);
}

Value Reverse(Value x, std::vector<int64_t> dimensions) {
  return Apply(Opcode::kReverse, {x}, DimensionsAttributes{std::move(dimensions)});
}

Value Slice(Value x, SliceDimensions slice) {
  return Apply(Opcode::kSlice, {x}, SliceAttributes{std::move(slice)});
}

Value Transpose(Value x, std::vector<int64_t> permutation) {
  return Apply(Opcode::kTranspose, {x}, DimensionsAttributes{std::move(permutation)});
}

Value Dot(Value lhs, Value rhs, DotAttributes attributes, std::optional<ElementType> type) {
  if (type.has_value()) return ApplyTo(*type, Opcode::kDot, {lhs, rhs}, std::move(attributes));
  return Apply(Opcode::kDot, {lhs, rhs}, std::move(attributes));
}

Value MatMul(Value lhs, Value rhs, std::optional<ElementType> type) {
  const int64_t rank = rhs.shape().rank();
  const int64_t lhs_rank = lhs.shape().rank();
  DotAttributes attributes;
  attributes.lhs_contracting_dims = {lhs_rank - 1};
  attributes.rhs_contracting_dims = {std::max<int64_t>(rank - 2, 0)};
  if (rank > 2) {
    attributes.lhs_batch_dims.resize(rank - 2);
    std::iota(attributes.lhs_batch_dims.begin(), attributes.lhs_batch_dims.end(), 0);
    attributes.rhs_batch_dims = attributes.lhs_batch_dims;
  }
  return Dot(lhs, rhs, std::move(attributes), type);
}

Value Convolution(Value input, Value kernel, ConvolutionAttributes attributes,
                  std::optional<ElementType> type) {
  if (type.has_value()) {
    return ApplyTo(*type, Opcode::kConvolution, {input, kernel}, std::move(attributes));
  }
  return Apply(Opcode::kConvolution, {input, kernel}, std::move(attributes));
}

Value ConvolutionNhwc(Value input, Value kernel, absl::Span<const int64_t> strides,
                      absl::Span<const std::pair<int64_t, int64_t>> padding,
                      int64_t feature_group_count) {
  if (input.builder() == nullptr) return Value();
  const int64_t spatial = static_cast<int64_t>(strides.size());
  if (padding.size() != strides.size()) {
    return input.builder()->Fail(InvalidArgument("convolution: ", padding.size(), " paddings for ",
                                                 strides.size(), " strides"));
  }
  ConvolutionAttributes attributes;
  ConvolutionDimensions& labels = attributes.dim_labels;
  labels.input_feature = labels.output_feature = spatial + 1;
  labels.kernel_input_feature = spatial;
  labels.kernel_output_feature = spatial + 1;
  for (int64_t i = 0; i < spatial; ++i) {
    WindowDimension window;
    window.size = kernel.dimension(i);
    window.stride = strides[i];
    window.padding_low = padding[i].first;
    window.padding_high = padding[i].second;
    attributes.window.dimensions.push_back(window);
    labels.input_spatial.push_back(i + 1);
    labels.kernel_spatial.push_back(i);
    labels.output_spatial.push_back(i + 1);
  }
  attributes.feature_group_count = feature_group_count;
  return Convolution(input, kernel, std::move(attributes));
}

Value DynamicSlice(Value x, Values starts, std::vector<int64_t> sizes) {
  std::vector<Value> operands = {x};
  operands.insert(operands.end(), starts.begin(), starts.end());
  return Apply(Opcode::kDynamicSlice, operands, DynamicSliceAttributes{std::move(sizes)});
}

Value DynamicUpdateSlice(Value x, Value update, Values starts) {
  std::vector<Value> operands = {x, update};
  operands.insert(operands.end(), starts.begin(), starts.end());
  return Apply(Opcode::kDynamicUpdateSlice, operands);
}

Value Gather(Value x, Value indices, GatherAttributes attributes) {
  return Apply(Opcode::kGather, {x, indices}, std::move(attributes));
}

std::pair<Value, Value> RngBitGenerator(Value state, ElementType type, std::vector<int64_t> sizes,
                                        RngAlgorithm algorithm) {
  const Shape stated = Shape::Tuple({state.shape(), Shape::Array(type, std::move(sizes))});
  const Value both =
      Apply(Opcode::kRngBitGenerator, {state}, RngBitGeneratorAttributes{algorithm}, &stated);
  return {GetTupleElement(both, 0), GetTupleElement(both, 1)};
}

Value Cholesky(Value a, bool lower) {
  return Apply(Opcode::kCholesky, {a}, CholeskyAttributes{lower});
}

Value TriangularSolve(Value a, Value b, bool left_side, bool lower, bool unit_diagonal,
                      TransposeA transpose_a) {
  return Apply(Opcode::kTriangularSolve, {a, b},
               TriangularSolveAttributes{left_side, lower, unit_diagonal, transpose_a});
}

Value Fft(Value x, FftType type, std::vector<int64_t> lengths) {
  return Apply(Opcode::kFft, {x}, FftAttributes{type, std::move(lengths)});
}

Value Tuple(Values elements) { return Apply(Opcode::kTuple, elements); }

Value GetTupleElement(Value tuple, int64_t index) {
  return Apply(Opcode::kGetTupleElement, {tuple}, TupleIndexAttributes{index});
}

}  // namespace ingot
