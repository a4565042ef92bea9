#include "ir/analysis/windows.h"

#include <numeric>

#include "ir/module.h"

namespace ingot {

bool IsDepthwise(const Instruction& convolution) {
  if (convolution.opcode() != Opcode::kConvolution) return false;
  const auto& attributes = convolution.attributes<ConvolutionAttributes>();
  const ConvolutionDimensions& labels = attributes.dim_labels;
  const int64_t features = convolution.shape().dimension(labels.output_feature);
  return attributes.batch_group_count == 1 && attributes.feature_group_count == features &&
         convolution.operand(0)->shape().dimension(labels.input_feature) == features;
}

bool IsDepthwiseGradient(const Instruction& convolution) {
  if (convolution.opcode() != Opcode::kConvolution) return false;
  const auto& attributes = convolution.attributes<ConvolutionAttributes>();
  const ConvolutionDimensions& labels = attributes.dim_labels;
  const int64_t features = convolution.shape().dimension(labels.output_feature);
  return features > 1 && attributes.feature_group_count == 1 &&
         attributes.batch_group_count == features &&
         convolution.operand(0)->shape().dimension(labels.input_batch) == features;
}

const Shape& WindowShape(const Instruction& window) {
  return window.shape().IsTuple() ? window.shape().tuple_shapes()[0] : window.shape();
}

std::optional<WindowView> WindowOf(const Instruction& instruction) {
  if (instruction.operand_count() == 0 || !instruction.operand(0)->shape().IsArray() ||
      instruction.operand(0)->shape().rank() == 0) {
    return std::nullopt;
  }
  WindowView view;
  if (instruction.opcode() == Opcode::kReduceWindow && instruction.operand_count() > 0) {
    view.inputs = instruction.operand_count() / 2;
    view.dimensions = instruction.attributes<WindowAttributes>().window.dimensions;
    view.operand_dimension.resize(view.dimensions.size());
    std::iota(view.operand_dimension.begin(), view.operand_dimension.end(), int64_t{0});
    view.weight_dimension.assign(view.dimensions.size(), -1);
    return view;
  }
  if (!IsDepthwise(instruction)) return std::nullopt;
  const auto& attributes = instruction.attributes<ConvolutionAttributes>();
  const ConvolutionDimensions& labels = attributes.dim_labels;
  const int64_t rank = instruction.shape().rank();
  view.dimensions.resize(rank);
  view.operand_dimension.assign(rank, 0);
  view.weight_dimension.assign(rank, -1);
  view.operand_dimension[labels.output_batch] = labels.input_batch;
  view.operand_dimension[labels.output_feature] = labels.input_feature;
  for (size_t s = 0; s < labels.output_spatial.size(); ++s) {
    const int64_t d = labels.output_spatial[s];
    view.dimensions[d] = attributes.window.dimensions[s];
    view.operand_dimension[d] = labels.input_spatial[s];
    view.weight_dimension[d] = labels.kernel_spatial[s];
  }
  view.weight_output_feature = labels.kernel_output_feature;
  view.weight_input_feature = labels.kernel_input_feature;
  return view;
}

}  // namespace ingot
