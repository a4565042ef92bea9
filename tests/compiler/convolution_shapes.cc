#include "tests/compiler/convolution_shapes.h"

#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "ir/base/check.h"
#include "tests/paths/paths.h"

namespace ingot::test {

std::vector<ConvolutionShape> ConvolutionShapes() {
  std::ifstream file(RepositoryRoot() + "/tests/compiler/convolution_shapes.txt");
  std::vector<ConvolutionShape> shapes;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    ConvolutionShape s;
    words >> s.batch >> s.extent >> s.input_features >> s.output_features >> s.window >> s.stride >>
        s.padding >> s.groups;
    INGOT_CHECK(!words.fail()) << "convolution_shapes.txt: " << line;
    INGOT_CHECK(s.groups == 1 || (s.groups == s.input_features && s.groups == s.output_features))
        << "convolution_shapes.txt: neither whole nor depthwise: " << line;
    shapes.push_back(s);
  }
  INGOT_CHECK(!shapes.empty()) << "no convolution_shapes.txt in " << RepositoryRoot();
  return shapes;
}

std::string NameOf(const ConvolutionShape& s, ConvolutionPass pass) {
  const char* const name = pass == ConvolutionPass::kForward        ? "forward"
                           : pass == ConvolutionPass::kDataGradient ? "data"
                                                                    : "weights";
  return absl::StrCat(s.batch, "x", s.extent, "x", s.input_features, "_", s.output_features, "_w",
                      s.window, "s", s.stride, "p", s.padding, "g", s.groups, "_", name);
}

std::string HloOf(const ConvolutionShape& s, ConvolutionPass pass) {
  const bool depthwise = s.groups > 1;
  const int64_t out = s.OutputExtent(), spread = (out - 1) * s.stride + 1;
  const auto image = [&](int64_t extent, int64_t features) {
    return absl::StrCat("bf16[", s.batch, ",", extent, ",", extent, ",", features, "]");
  };
  const auto both = [](int64_t a, const char* between) { return absl::StrCat(a, between, a); };
  // `low` and `high` on each side of either dimension.
  const auto padded = [&](int64_t low, int64_t high) {
    return absl::StrCat(" pad=", low, "_", high, "x", low, "_", high);
  };
  const std::string x = image(s.extent, s.input_features), y = image(out, s.output_features);
  const std::string w = absl::StrCat("bf16[", s.output_features, ",", s.window, ",", s.window, ",",
                                     s.input_features / s.groups, "]");
  const std::string groups = depthwise ? absl::StrCat(", feature_group_count=", s.groups) : "";
  std::string left, right, result, window, rest;
  if (pass == ConvolutionPass::kForward) {
    left = x, right = w, result = y;
    window = absl::StrCat("size=", both(s.window, "x"), " stride=", both(s.stride, "x"),
                          padded(s.padding, s.padding));
    rest = absl::StrCat("b01f_o01i->b01f", groups);
  } else if (pass == ConvolutionPass::kDataGradient) {
    left = y, right = w, result = x;
    const int64_t low = s.window - 1 - s.padding;
    window = absl::StrCat("size=", both(s.window, "x"),
                          padded(low, s.extent + s.window - 1 - low - spread),
                          " lhs_dilate=", both(s.stride, "x"), " rhs_reversal=1x1");
    rest = absl::StrCat(depthwise ? "b01f_o01i->b01f" : "b01f_i01o->b01f", groups);
  } else {
    left = x, right = y, result = w;
    window = absl::StrCat("size=", both(out, "x"),
                          padded(s.padding, s.window - 1 + spread - s.extent - s.padding),
                          " rhs_dilate=", both(s.stride, "x"));
    rest = absl::StrCat("f01b_i01o->f01b",
                        depthwise ? absl::StrCat(", batch_group_count=", s.groups) : "");
  }
  return absl::StrCat("HloModule m\nENTRY e {\n  a = ", left, " parameter(0)\n  b = ", right,
                      " parameter(1)\n  ROOT c = ", result, " convolution(a, b), window={", window,
                      "}, dim_labels=", rest, "\n}\n");
}

}  // namespace ingot::test
