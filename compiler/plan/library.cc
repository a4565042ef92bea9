#include "compiler/plan/library.h"

#include "compiler/plan/analysis.h"
#include "ir/analysis/op_facts.h"

namespace ingot::plan {
namespace {

// A group of dimensions of a row-major array as one: its size, and the stride of its fastest
// dimension.  nullopt where stepping through the group in order is not one constant stride.
struct Merged {
  int64_t size = 1;
  int64_t stride = 0;
};
std::optional<Merged> Merge(const Shape& shape, absl::Span<const int64_t> dimensions) {
  const std::vector<int64_t> strides = RowMajorStrides(shape.dimensions());
  Merged merged;
  // From the fastest dimension outwards: each must begin where the ones inside it end.
  for (auto it = dimensions.rbegin(); it != dimensions.rend(); ++it) {
    const int64_t size = shape.dimension(*it);
    if (size == 1) continue;
    if (merged.size == 1) {
      merged.stride = strides[*it];
    } else if (strides[*it] != merged.size * merged.stride) {
      return std::nullopt;
    }
    merged.size *= size;
  }
  if (merged.size == 1) merged.stride = 1;
  return merged;
}

// dot as a batched product of matrices, where each group of dimensions merges into one.
std::optional<runtime::LibraryOperation> MatchDot(const Instruction& dot) {
  const DotAttributes& attributes = dot.attributes<DotAttributes>();
  if (dot.operand_count() != 2 || !attributes.algorithm.text.empty()) return std::nullopt;
  const Shape& lhs = dot.operand(0)->shape();
  const Shape& rhs = dot.operand(1)->shape();
  const auto lhs_free =
      FreeDimensions(lhs, attributes.lhs_batch_dims, attributes.lhs_contracting_dims);
  const auto rhs_free =
      FreeDimensions(rhs, attributes.rhs_batch_dims, attributes.rhs_contracting_dims);
  const auto lhs_batch = Merge(lhs, attributes.lhs_batch_dims), lhs_m = Merge(lhs, lhs_free),
             lhs_k = Merge(lhs, attributes.lhs_contracting_dims);
  const auto rhs_batch = Merge(rhs, attributes.rhs_batch_dims), rhs_n = Merge(rhs, rhs_free),
             rhs_k = Merge(rhs, attributes.rhs_contracting_dims);
  if (!lhs_batch || !lhs_m || !lhs_k || !rhs_batch || !rhs_n || !rhs_k) return std::nullopt;
  runtime::DotCall call;
  call.lhs_type = lhs.element_type();
  call.rhs_type = rhs.element_type();
  call.output_type = dot.shape().element_type();
  call.batch = lhs_batch->size;
  call.m = lhs_m->size;
  call.n = rhs_n->size;
  call.k = lhs_k->size;
  call.lhs_strides = {lhs_batch->stride, lhs_m->stride, lhs_k->stride};
  call.rhs_strides = {rhs_batch->stride, rhs_k->stride, rhs_n->stride};
  call.output_strides = {call.m * call.n, call.n, 1};
  return call;
}

// Strides of the dimensions in the order first, second, spatial...
std::vector<int64_t> StridesInOrder(const Shape& shape, int64_t first, int64_t second,
                                    absl::Span<const int64_t> spatial) {
  const std::vector<int64_t> strides = RowMajorStrides(shape.dimensions());
  std::vector<int64_t> ordered = {strides[first], strides[second]};
  for (int64_t dimension : spatial) ordered.push_back(strides[dimension]);
  return ordered;
}

std::optional<runtime::LibraryOperation> MatchConvolution(const Instruction& convolution) {
  const auto& attributes = convolution.attributes<ConvolutionAttributes>();
  const ConvolutionDimensions& labels = attributes.dim_labels;
  if (attributes.batch_group_count != 1 || attributes.window.dimensions.empty())
    return std::nullopt;
  const Shape& input = convolution.operand(0)->shape();
  const Shape& filter = convolution.operand(1)->shape();
  const Shape& output = convolution.shape();
  runtime::ConvolutionCall call;
  call.input_type = input.element_type();
  call.filter_type = filter.element_type();
  call.output_type = output.element_type();
  call.batch = input.dimension(labels.input_batch);
  call.groups = attributes.feature_group_count;
  call.input_channels = input.dimension(labels.input_feature);
  call.output_channels = output.dimension(labels.output_feature);
  call.input_spatial = SizesOf(input, labels.input_spatial);
  call.filter_spatial = SizesOf(filter, labels.kernel_spatial);
  call.output_spatial = SizesOf(output, labels.output_spatial);
  call.input_strides =
      StridesInOrder(input, labels.input_batch, labels.input_feature, labels.input_spatial);
  call.filter_strides = StridesInOrder(filter, labels.kernel_output_feature,
                                       labels.kernel_input_feature, labels.kernel_spatial);
  call.output_strides =
      StridesInOrder(output, labels.output_batch, labels.output_feature, labels.output_spatial);
  for (const WindowDimension& dimension : attributes.window.dimensions) {
    if (dimension.base_dilation != 1 || dimension.reversal) return std::nullopt;
    call.window_strides.push_back(dimension.stride);
    call.window_dilation.push_back(dimension.window_dilation);
    call.padding_low.push_back(dimension.padding_low);
    call.padding_high.push_back(dimension.padding_high);
  }
  return call;
}

}  // namespace

std::optional<LibraryMatch> MatchLibraryCall(const Computation& fusion) {
  const Instruction& root = *fusion.root();
  const bool convolution = root.opcode() == Opcode::kConvolution;
  if (!convolution && root.opcode() != Opcode::kDot) return std::nullopt;
  LibraryMatch match;
  for (const Instruction* operand : root.operands()) {
    if (operand->opcode() != Opcode::kParameter) return std::nullopt;
    match.parameters.push_back(operand->parameter_number());
  }
  const auto operation = convolution ? MatchConvolution(root) : MatchDot(root);
  if (!operation.has_value() || !runtime::LibraryCallSupported(*operation)) return std::nullopt;
  match.operation = *operation;
  return match;
}

}  // namespace ingot::plan
