// The text form of a layout.
#include <algorithm>
#include <bit>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "compiler/layout/layout.h"
#include "ir/base/status.h"

namespace ingot::layout {
namespace {

// "(1,2)": one index an output.
std::string ImageText(uint64_t image, absl::Span<const Dimension> outputs) {
  std::vector<uint64_t> indices;
  for (const Dimension& output : outputs) {
    indices.push_back(image & ((uint64_t{1} << output.bits) - 1));
    image >>= output.bits;
  }
  return absl::StrCat("(", absl::StrJoin(indices, ","), ")");
}

// An input as it is written: the images need the outputs, which come last.
struct InputText {
  std::string name;
  std::vector<std::vector<uint64_t>> images;
};

class Parser {
 public:
  explicit Parser(absl::string_view text) : text_(text) {}

  absl::StatusOr<Layout> Parse() {
    std::vector<InputText> inputs;
    if (!Take("->")) {
      do {
        INGOT_ASSIGN_OR_RETURN(inputs.emplace_back(), ParseInput());
      } while (Take(";"));
      INGOT_RETURN_IF_ERROR(Expect("->"));
    }
    INGOT_ASSIGN_OR_RETURN(std::vector<Dimension> outputs, ParseOutputs());
    if (Skip(); at_ != text_.size()) return Error("expected the end");
    return Assemble(inputs, std::move(outputs));
  }

 private:
  void Skip() {
    while (at_ < text_.size() && absl::ascii_isspace(text_[at_])) ++at_;
  }
  bool Take(absl::string_view token) {
    Skip();
    if (text_.substr(at_, token.size()) != token) return false;
    at_ += token.size();
    return true;
  }
  absl::Status Expect(absl::string_view token) {
    return Take(token) ? absl::OkStatus() : Error(absl::StrCat("expected ", token));
  }
  absl::Status Error(absl::string_view what) const {
    return InvalidArgument("layout: character ", at_ + 1, ": ", what);
  }

  absl::StatusOr<std::string> ParseName() {
    Skip();
    const size_t begin = at_;
    while (at_ < text_.size() && (absl::ascii_isalnum(text_[at_]) || text_[at_] == '_')) ++at_;
    if (at_ == begin) return Error("expected a name");
    return std::string(text_.substr(begin, at_ - begin));
  }

  absl::StatusOr<uint64_t> ParseNumber() {
    Skip();
    const size_t begin = at_;
    uint64_t number = 0;
    while (at_ < text_.size() && absl::ascii_isdigit(text_[at_])) {
      if (number >> 59 != 0) return Error("the number is too large");
      number = number * 10 + (text_[at_++] - '0');
    }
    if (at_ == begin) return Error("expected a number");
    return number;
  }

  absl::StatusOr<InputText> ParseInput() {
    InputText input;
    INGOT_ASSIGN_OR_RETURN(input.name, ParseName());
    INGOT_RETURN_IF_ERROR(Expect(":"));
    while (Take("(")) {
      std::vector<uint64_t>& image = input.images.emplace_back();
      if (Take(")")) continue;
      do {
        INGOT_ASSIGN_OR_RETURN(image.emplace_back(), ParseNumber());
      } while (Take(","));
      INGOT_RETURN_IF_ERROR(Expect(")"));
    }
    return input;
  }

  absl::StatusOr<std::vector<Dimension>> ParseOutputs() {
    std::vector<Dimension> outputs;
    if (Skip(); at_ == text_.size()) return outputs;
    do {
      INGOT_ASSIGN_OR_RETURN(std::string name, ParseName());
      INGOT_RETURN_IF_ERROR(Expect(":"));
      INGOT_ASSIGN_OR_RETURN(const uint64_t size, ParseNumber());
      if (!std::has_single_bit(size)) return Error("the size is not a power of two");
      outputs.push_back({std::move(name), std::countr_zero(size)});
    } while (Take(","));
    return outputs;
  }

  static absl::Status CheckSide(absl::Span<const Dimension> dimensions) {
    int bits = 0;
    for (size_t i = 0; i < dimensions.size(); ++i) {
      bits += dimensions[i].bits;
      for (size_t k = 0; k < i; ++k) {
        if (dimensions[i].name == dimensions[k].name) {
          return InvalidArgument("layout: ", dimensions[i].name, " is there twice");
        }
      }
    }
    if (bits <= kMaxBits) return absl::OkStatus();
    return InvalidArgument("layout: ", bits, " bits, at most ", kMaxBits);
  }

  static absl::StatusOr<Layout> Assemble(absl::Span<const InputText> inputs,
                                         std::vector<Dimension> outputs) {
    std::vector<Dimension> dimensions;
    for (const InputText& input : inputs) {
      dimensions.push_back({input.name, static_cast<int>(input.images.size())});
    }
    INGOT_RETURN_IF_ERROR(CheckSide(dimensions));
    INGOT_RETURN_IF_ERROR(CheckSide(outputs));
    std::vector<uint64_t> images;
    for (const InputText& input : inputs) {
      for (const std::vector<uint64_t>& indices : input.images) {
        if (indices.size() != outputs.size()) {
          return InvalidArgument("layout: ", input.name, ": an image of ", indices.size(),
                                 " indices, expected ", outputs.size());
        }
        uint64_t image = 0;
        int first = 0;
        for (size_t i = 0; i < indices.size(); ++i) {
          if ((indices[i] >> outputs[i].bits) != 0) {
            return InvalidArgument("layout: ", input.name, ": ", indices[i], " is outside ",
                                   outputs[i].name);
          }
          image |= indices[i] << first;
          first += outputs[i].bits;
        }
        images.push_back(image);
      }
    }
    return Layout(std::move(dimensions), std::move(outputs), std::move(images));
  }

  absl::string_view text_;
  size_t at_ = 0;
};

}  // namespace

std::string ToString(const Layout& layout) {
  std::vector<std::string> inputs, outputs;
  for (const Dimension& input : layout.inputs()) {
    std::string& text = inputs.emplace_back(absl::StrCat(input.name, ":"));
    for (uint64_t image : layout.ImagesOf(input.name)) {
      absl::StrAppend(&text, " ", ImageText(image, layout.outputs()));
    }
  }
  for (const Dimension& output : layout.outputs()) {
    outputs.push_back(absl::StrCat(output.name, ": ", uint64_t{1} << output.bits));
  }
  return absl::StrCat(absl::StrJoin(inputs, "; "), inputs.empty() ? "-> " : " -> ",
                      absl::StrJoin(outputs, ", "));
}

absl::StatusOr<Layout> ParseLayout(absl::string_view text) { return Parser(text).Parse(); }

}  // namespace ingot::layout
