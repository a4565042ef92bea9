// Windows: operations each of whose elements is made of a box of its operand's.
#ifndef INGOT_IR_ANALYSIS_WINDOWS_H_
#define INGOT_IR_ANALYSIS_WINDOWS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "ir/instruction.h"

namespace ingot {

// A reduce-window, or a convolution each of whose features is made of one feature of
// its input (a depthwise one), weights aside.
struct WindowView {
  int64_t inputs = 1;  // operands of which elements are taken
  // For each dimension of the result, the box along it, and the dimension of the inputs that it
  // lies in.
  std::vector<WindowDimension> dimensions;
  std::vector<int64_t> operand_dimension;
  // Of a convolution: for each dimension of the result, that of the weights along the box, or -1;
  // and the dimensions of the weights that are features.
  std::vector<int64_t> weight_dimension;
  int64_t weight_output_feature = -1;
  int64_t weight_input_feature = -1;

  bool has_weights() const { return weight_output_feature >= 0; }
};

// nullopt: it is no window.
std::optional<WindowView> WindowOf(const Instruction& instruction);

// Of the results of a window, which have one size: the first one's shape.
const Shape& WindowShape(const Instruction& window);

// Whether each feature of a convolution's result is made of one feature of its input, the one of
// the same number.
bool IsDepthwise(const Instruction& convolution);

// Whether a convolution is the gradient of a depthwise one's weights: each feature of the result is
// made of one entry of the input's batch dimension, the one of the same number, and of one feature
// of the kernel operand.
bool IsDepthwiseGradient(const Instruction& convolution);

}  // namespace ingot

#endif  // INGOT_IR_ANALYSIS_WINDOWS_H_
