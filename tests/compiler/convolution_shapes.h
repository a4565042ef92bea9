// The convolutions of convolution_shapes.txt, and modules of them.
#ifndef INGOT_TESTS_COMPILER_CONVOLUTION_SHAPES_H_
#define INGOT_TESTS_COMPILER_CONVOLUTION_SHAPES_H_

#include <cstdint>
#include <string>
#include <vector>

namespace ingot::test {

enum class ConvolutionPass { kForward, kDataGradient, kWeightGradient };

// A convolution of images as high as wide.  Groups are 1, or as many as features: depthwise.
struct ConvolutionShape {
  int64_t batch = 1, extent = 1, input_features = 1, output_features = 1;
  int64_t window = 1, stride = 1, padding = 0, groups = 1;
  int64_t OutputExtent() const { return (extent + 2 * padding - window) / stride + 1; }
};

// In the file's order.  A line that is none ends the process.
std::vector<ConvolutionShape> ConvolutionShapes();

// "64x56x64_256_w1s1p0g1_forward": batch, extent, features, window, stride, padding, groups.
std::string NameOf(const ConvolutionShape& shape, ConvolutionPass pass);

// A module of one convolution in bf16, as HLO text.  Features come last in images, and in weights
// those of the input do: o, row, column, i.
std::string HloOf(const ConvolutionShape& shape, ConvolutionPass pass);

}  // namespace ingot::test

#endif  // INGOT_TESTS_COMPILER_CONVOLUTION_SHAPES_H_
