// What a LibraryCall command computes: plain data, in the canonical form that math libraries take.
#ifndef INGOT_RUNTIME_LIBRARY_CALL_H_
#define INGOT_RUNTIME_LIBRARY_CALL_H_

#include <array>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ir/base/element_type.h"

namespace ingot::runtime {

// output[b, m, n] = sum over k of lhs[b, m, k] * rhs[b, k, n].  Strides are in elements and
// positive; a dimension of size 1 may have any stride.  Narrow floats are accumulated in f32.
// Inputs of the command: lhs, rhs.
struct DotCall {
  ElementType lhs_type = ElementType::kF32;
  ElementType rhs_type = ElementType::kF32;
  ElementType output_type = ElementType::kF32;
  int64_t batch = 1, m = 1, n = 1, k = 1;
  std::array<int64_t, 3> lhs_strides{};     // b, m, k
  std::array<int64_t, 3> rhs_strides{};     // b, k, n
  std::array<int64_t, 3> output_strides{};  // b, m, n
  bool operator==(const DotCall&) const = default;
};

// output[b, o, y...] = sum over i, w... of input[b, g*I/G + i, y*stride + w*dilation - low...] *
// filter[o, i, w...], where g = o / (O/G) is o's group; the input is 0 outside its bounds (`low`
// elements before, `high` after in each dimension; either may be negative).  One to three spatial
// dimensions.  Strides are in elements, of batch, channel, spatial...; and of output channel, input
// channel, spatial... for the filter.  Inputs of the command: input, filter.
struct ConvolutionCall {
  ElementType input_type = ElementType::kF32;
  ElementType filter_type = ElementType::kF32;
  ElementType output_type = ElementType::kF32;
  int64_t batch = 1;
  int64_t groups = 1;
  int64_t input_channels = 1;   // I: of all groups
  int64_t output_channels = 1;  // O: of all groups
  std::vector<int64_t> input_spatial, filter_spatial, output_spatial;
  std::vector<int64_t> input_strides, filter_strides, output_strides;
  std::vector<int64_t> window_strides, window_dilation, padding_low, padding_high;
  bool operator==(const ConvolutionCall&) const = default;
};

using LibraryOperation = std::variant<DotCall, ConvolutionCall>;

// "dot", "convolution".
absl::string_view LibraryOperationName(const LibraryOperation& operation);

// One line: "dot f32 b=1 m=64 n=10 k=128 lhs{8192,128,1} rhs{1280,10,1} out{640,10,1}".
std::string ToString(const LibraryOperation& operation);

// The bytes from the first to the end of the last element of each input, in the command's order,
// and of the output after them.  An error when a size or stride is negative, the ranks disagree, or
// a span overflows 2^62.
absl::StatusOr<std::vector<int64_t>> OperandSpans(const LibraryOperation& operation);

// Whether the host's provider (oneDNN) computes this operation where it is installed.  A pure
// function of the operation, so a compiler on any machine may ask it; it emits a LibraryCall with a
// fallback where the answer is yes, and plain kernels where it is no.
bool LibraryCallSupported(const LibraryOperation& operation);

}  // namespace ingot::runtime

#endif  // INGOT_RUNTIME_LIBRARY_CALL_H_
