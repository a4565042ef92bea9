#include "runtime/library_call.h"

#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"
#include "ir/base/shape.h"
#include "ir/base/status.h"

namespace ingot::runtime {
namespace {

// Bytes from the first to the end of the last element.
absl::StatusOr<int64_t> Span(absl::string_view operand, ElementType type,
                             absl::Span<const int64_t> sizes, absl::Span<const int64_t> strides) {
  constexpr int64_t kLimit = int64_t{1} << 62;
  int64_t last = 0;  // index of the last element
  bool empty = false;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] < 0 || strides[i] < 0) {
      return InvalidArgument(operand, ": dimension ", i, " has size ", sizes[i], " and stride ",
                             strides[i]);
    }
    if (sizes[i] == 0) empty = true;
    if (sizes[i] <= 1 || strides[i] == 0) continue;
    if (strides[i] > (kLimit - last) / (sizes[i] - 1)) {
      return InvalidArgument(operand, ": the span overflows 2^62 elements");
    }
    last += strides[i] * (sizes[i] - 1);
  }
  if (empty) return 0;
  if (last >= kLimit / ByteWidth(type)) {
    return InvalidArgument(operand, ": the span overflows 2^62 bytes");
  }
  return (last + 1) * ByteWidth(type);
}

absl::StatusOr<std::vector<int64_t>> Spans(const DotCall& dot) {
  INGOT_ASSIGN_OR_RETURN(int64_t lhs,
                         Span("lhs", dot.lhs_type, {dot.batch, dot.m, dot.k}, dot.lhs_strides));
  INGOT_ASSIGN_OR_RETURN(int64_t rhs,
                         Span("rhs", dot.rhs_type, {dot.batch, dot.k, dot.n}, dot.rhs_strides));
  INGOT_ASSIGN_OR_RETURN(int64_t output, Span("output", dot.output_type, {dot.batch, dot.m, dot.n},
                                              dot.output_strides));
  return std::vector<int64_t>{lhs, rhs, output};
}

std::vector<int64_t> WithLeading(int64_t first, int64_t second,
                                 const std::vector<int64_t>& spatial) {
  std::vector<int64_t> sizes = {first, second};
  sizes.insert(sizes.end(), spatial.begin(), spatial.end());
  return sizes;
}

absl::Status CheckWindow(const ConvolutionCall& conv) {
  const size_t rank = conv.input_spatial.size();
  if (rank < 1 || rank > 3) return InvalidArgument(rank, " spatial dimensions, not 1 to 3");
  for (size_t size :
       {conv.filter_spatial.size(), conv.output_spatial.size(), conv.window_strides.size(),
        conv.window_dilation.size(), conv.padding_low.size(), conv.padding_high.size()}) {
    if (size != rank) return InvalidArgument("ranks ", rank, " and ", size, " disagree");
  }
  for (size_t size :
       {conv.input_strides.size(), conv.filter_strides.size(), conv.output_strides.size()}) {
    if (size != rank + 2) return InvalidArgument("ranks ", rank + 2, " and ", size, " disagree");
  }
  if (conv.groups < 1 || conv.input_channels % conv.groups != 0 ||
      conv.output_channels % conv.groups != 0) {
    return InvalidArgument(conv.groups, " groups do not divide ", conv.input_channels,
                           " input and ", conv.output_channels, " output channels");
  }
  constexpr int64_t kLimit = std::numeric_limits<int32_t>::max();
  for (size_t i = 0; i < rank; ++i) {
    // Within 32 bits nothing below overflows, and no library takes more.
    for (int64_t value : {conv.input_spatial[i], conv.filter_spatial[i], conv.output_spatial[i],
                          conv.window_strides[i], conv.window_dilation[i], conv.padding_low[i],
                          conv.padding_high[i]}) {
      if (value > kLimit || value < -kLimit) {
        return InvalidArgument("spatial dimension ", i, ": ", value, " does not fit 32 bits");
      }
    }
    if (conv.window_strides[i] < 1 || conv.window_dilation[i] < 1 || conv.filter_spatial[i] < 1) {
      return InvalidArgument("spatial dimension ", i, ": filter ", conv.filter_spatial[i],
                             ", stride ", conv.window_strides[i], ", dilation ",
                             conv.window_dilation[i]);
    }
    const int64_t padded = conv.input_spatial[i] + conv.padding_low[i] + conv.padding_high[i];
    const int64_t window = (conv.filter_spatial[i] - 1) * conv.window_dilation[i] + 1;
    const int64_t positions = padded < window ? 0 : (padded - window) / conv.window_strides[i] + 1;
    if (conv.output_spatial[i] != positions) {
      return InvalidArgument("spatial dimension ", i, ": the window has ", positions,
                             " positions, the output ", conv.output_spatial[i]);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<int64_t>> Spans(const ConvolutionCall& conv) {
  INGOT_RETURN_IF_ERROR(CheckWindow(conv));
  INGOT_ASSIGN_OR_RETURN(
      int64_t input,
      Span("input", conv.input_type,
           WithLeading(conv.batch, conv.input_channels, conv.input_spatial), conv.input_strides));
  INGOT_ASSIGN_OR_RETURN(int64_t filter,
                         Span("filter", conv.filter_type,
                              WithLeading(conv.output_channels, conv.input_channels / conv.groups,
                                          conv.filter_spatial),
                              conv.filter_strides));
  INGOT_ASSIGN_OR_RETURN(int64_t output,
                         Span("output", conv.output_type,
                              WithLeading(conv.batch, conv.output_channels, conv.output_spatial),
                              conv.output_strides));
  return std::vector<int64_t>{input, filter, output};
}

// Elements may not share an address in an output.
bool Injective(absl::Span<const int64_t> sizes, absl::Span<const int64_t> strides) {
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] > 1 && strides[i] == 0) return false;
  }
  return true;
}

bool Supported(const DotCall& dot) {
  const bool f32 = dot.lhs_type == ElementType::kF32 && dot.rhs_type == ElementType::kF32 &&
                   dot.output_type == ElementType::kF32;
  const bool bf16 = dot.lhs_type == ElementType::kBF16 && dot.rhs_type == ElementType::kBF16 &&
                    (dot.output_type == ElementType::kF32 || dot.output_type == ElementType::kBF16);
  // oneDNN's matmul wants one of a matrix's two strides to be 1; a broadcast operand (stride 0) is
  // outside its contract.
  const auto matrix = [](int64_t rows, int64_t columns, const std::array<int64_t, 3>& strides) {
    return strides[1] > 0 && strides[2] > 0 &&
           (strides[1] == 1 || strides[2] == 1 || rows == 1 || columns == 1);
  };
  return (f32 || bf16) && dot.batch > 0 && dot.m > 0 && dot.n > 0 && dot.k > 0 &&
         matrix(dot.m, dot.k, dot.lhs_strides) && matrix(dot.k, dot.n, dot.rhs_strides) &&
         matrix(dot.m, dot.n, dot.output_strides) && (dot.batch == 1 || dot.lhs_strides[0] > 0) &&
         (dot.batch == 1 || dot.rhs_strides[0] > 0) &&
         Injective({dot.batch, dot.m, dot.n}, dot.output_strides);
}

bool Supported(const ConvolutionCall& conv) {
  for (size_t i = 0; i < conv.output_spatial.size(); ++i) {
    if (conv.output_spatial[i] < 1 || conv.input_spatial[i] < 1) return false;
    if (conv.padding_low[i] < 0 || conv.padding_high[i] < 0) return false;
  }
  for (const std::vector<int64_t>* strides :
       {&conv.input_strides, &conv.filter_strides, &conv.output_strides}) {
    for (int64_t stride : *strides) {
      if (stride < 1) return false;
    }
  }
  return conv.input_type == ElementType::kF32 && conv.filter_type == ElementType::kF32 &&
         conv.output_type == ElementType::kF32 && conv.batch > 0 && conv.input_channels > 0 &&
         conv.output_channels > 0;
}

std::string Text(const DotCall& dot) {
  const auto types =
      dot.lhs_type == dot.output_type && dot.rhs_type == dot.output_type
          ? std::string(ElementTypeName(dot.output_type))
          : absl::StrCat(ElementTypeName(dot.lhs_type), "*", ElementTypeName(dot.rhs_type), "->",
                         ElementTypeName(dot.output_type));
  return absl::StrCat("dot ", types, " b=", dot.batch, " m=", dot.m, " n=", dot.n, " k=", dot.k,
                      " lhs{", absl::StrJoin(dot.lhs_strides, ","), "} rhs{",
                      absl::StrJoin(dot.rhs_strides, ","), "} out{",
                      absl::StrJoin(dot.output_strides, ","), "}");
}

std::string Text(const ConvolutionCall& conv) {
  return absl::StrCat("convolution ", ElementTypeName(conv.output_type), " n=", conv.batch,
                      " i=", conv.input_channels, " o=", conv.output_channels,
                      " groups=", conv.groups, " in=", absl::StrJoin(conv.input_spatial, "x"),
                      " window=", absl::StrJoin(conv.filter_spatial, "x"),
                      " out=", absl::StrJoin(conv.output_spatial, "x"),
                      " stride=", absl::StrJoin(conv.window_strides, "x"),
                      " dilation=", absl::StrJoin(conv.window_dilation, "x"),
                      " pad=", absl::StrJoin(conv.padding_low, "x"), "_",
                      absl::StrJoin(conv.padding_high, "x"), " in{",
                      absl::StrJoin(conv.input_strides, ","), "} filter{",
                      absl::StrJoin(conv.filter_strides, ","), "} out{",
                      absl::StrJoin(conv.output_strides, ","), "}");
}

struct Name {
  absl::string_view operator()(const DotCall&) const { return "dot"; }
  absl::string_view operator()(const ConvolutionCall&) const { return "convolution"; }
};

}  // namespace

absl::string_view LibraryOperationName(const LibraryOperation& operation) {
  return std::visit(Name{}, operation);
}

std::string ToString(const LibraryOperation& operation) {
  return std::visit([](const auto& call) { return Text(call); }, operation);
}

absl::StatusOr<std::vector<int64_t>> OperandSpans(const LibraryOperation& operation) {
  return std::visit([](const auto& call) { return Spans(call); }, operation);
}

bool LibraryCallSupported(const LibraryOperation& operation) {
  return OperandSpans(operation).ok() &&
         std::visit([](const auto& call) { return Supported(call); }, operation);
}

}  // namespace ingot::runtime
