#include "ir/text/attribute_parser.h"

#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "ir/base/status.h"
#include "ir/opcode.h"
#include "ir/text/called_roles.h"
#include "ir/text/enum_names.h"
#include "ir/text/nearest.h"
#include "ir/text/shape_parser.h"

namespace ingot::text {
namespace {

// ---- one function for each type of field

absl::Status ReadValue(Lexer& lexer, absl::string_view name, int64_t& value) {
  INGOT_ASSIGN_OR_RETURN(value, lexer.Integer(name));
  return absl::OkStatus();
}

absl::Status ReadValue(Lexer& lexer, absl::string_view name, bool& value) {
  INGOT_ASSIGN_OR_RETURN(value, lexer.Bool(name));
  return absl::OkStatus();
}

absl::Status ReadValue(Lexer& lexer, absl::string_view name, double& value) {
  const size_t start = lexer.Position();
  const absl::string_view text = lexer.Number();
  if (absl::SimpleAtod(text, &value)) return absl::OkStatus();
  return lexer.ErrorAt(start, name, " is not a number: '", text.substr(0, 40), "'");
}

absl::Status ReadValue(Lexer& lexer, absl::string_view name, std::string& value) {
  INGOT_ASSIGN_OR_RETURN(value, lexer.String(name));
  return absl::OkStatus();
}

absl::Status ReadValue(Lexer& lexer, absl::string_view name, Verbatim& value) {
  INGOT_ASSIGN_OR_RETURN(const absl::string_view text, lexer.Verbatim(name));
  value.text = std::string(text);
  return absl::OkStatus();
}

template <typename E, std::enable_if_t<std::is_enum_v<E>, int> = 0>
absl::Status ReadValue(Lexer& lexer, absl::string_view name, E& value) {
  const size_t start = lexer.Position();
  INGOT_ASSIGN_OR_RETURN(const absl::string_view label, lexer.Label(name));
  const std::optional<E> found = EnumFromName<E>(label);
  if (!found.has_value()) {
    return lexer.ErrorAt(start, "unknown ", name, " '", label.substr(0, 40), "', expected one of ",
                         absl::StripPrefix(absl::StrJoin(kEnumNames<E>, ", "), ", "));
  }
  value = *found;
  return absl::OkStatus();
}

// {[start:limit:stride], ...}
absl::Status ReadValue(Lexer& lexer, absl::string_view name, SliceDimensions& dimensions) {
  INGOT_RETURN_IF_ERROR(lexer.Expect("{", "before the ranges of a slice"));
  dimensions.clear();
  if (lexer.Consume("}")) return absl::OkStatus();
  do {
    SliceDimension dimension;
    INGOT_RETURN_IF_ERROR(lexer.Expect("[", "before the range of a slice"));
    INGOT_RETURN_IF_ERROR(ReadValue(lexer, name, dimension.start));
    INGOT_RETURN_IF_ERROR(lexer.Expect(":", "in the range of a slice"));
    INGOT_RETURN_IF_ERROR(ReadValue(lexer, name, dimension.limit));
    if (lexer.Consume(":")) INGOT_RETURN_IF_ERROR(ReadValue(lexer, name, dimension.stride));
    INGOT_RETURN_IF_ERROR(lexer.Expect("]", "after the range of a slice"));
    dimensions.push_back(dimension);
  } while (lexer.Consume(","));
  return lexer.Expect("}", "after the ranges of a slice");
}

// "3x3", "1_1x0_2": the dimensions of a label, each of `least` to `most` numbers.
absl::StatusOr<std::vector<std::vector<int64_t>>> ReadByX(Lexer& lexer, absl::string_view name,
                                                          size_t least, size_t most) {
  const size_t start = lexer.Position();
  INGOT_ASSIGN_OR_RETURN(const absl::string_view label, lexer.Label(name));
  std::vector<std::vector<int64_t>> result;
  for (absl::string_view dimension : absl::StrSplit(label, 'x')) {
    std::vector<int64_t> numbers;
    for (absl::string_view text : absl::StrSplit(dimension, '_')) {
      int64_t number;
      if (!absl::SimpleAtoi(text, &number)) {
        return lexer.ErrorAt(start, "bad ", name, " '", label.substr(0, 40), "'");
      }
      numbers.push_back(number);
    }
    if (numbers.size() < least || numbers.size() > most) {
      return lexer.ErrorAt(start, "a dimension of ", name, " has ", numbers.size(), " numbers in '",
                           label.substr(0, 40), "'");
    }
    if (result.size() == kMaxRank) {
      return lexer.ErrorAt(start, name, " has more than ", kMaxRank, " dimensions");
    }
    result.push_back(std::move(numbers));
  }
  return result;
}

// low_high[_interior] of each dimension.  Of a scalar there is nothing.
absl::Status ReadValue(Lexer& lexer, absl::string_view name, Padding& padding) {
  padding.clear();
  const char c = lexer.Peek();
  if (c != '-' && !(c >= '0' && c <= '9')) return absl::OkStatus();
  INGOT_ASSIGN_OR_RETURN(const auto dimensions, ReadByX(lexer, name, 2, 3));
  for (const std::vector<int64_t>& d : dimensions) {
    padding.push_back({d[0], d[1], d.size() == 3 ? d[2] : 0});
  }
  return absl::OkStatus();
}

// Sets what one entry of window={...} says of each dimension.
absl::Status SetWindowEntry(const Lexer& lexer, size_t start, absl::string_view key,
                            const std::vector<std::vector<int64_t>>& values, Window& window) {
  if (window.dimensions.empty()) window.dimensions.resize(values.size());
  if (window.dimensions.size() != values.size()) {
    return lexer.ErrorAt(start, key, " has ", values.size(), " dimensions, the window ",
                         window.dimensions.size());
  }
  for (size_t i = 0; i < values.size(); ++i) {
    WindowDimension& dimension = window.dimensions[i];
    const int64_t value = values[i][0];
    if (key == "size") {
      dimension.size = value;
    } else if (key == "stride") {
      dimension.stride = value;
    } else if (key == "pad") {
      dimension.padding_low = value;
      dimension.padding_high = values[i][1];
    } else if (key == "lhs_dilate") {
      dimension.base_dilation = value;
    } else if (key == "rhs_dilate") {
      dimension.window_dilation = value;
    } else if (key == "rhs_reversal") {
      dimension.reversal = value != 0;
    } else {
      return lexer.ErrorAt(start, "a window has no '", key, "'");
    }
  }
  return absl::OkStatus();
}

// {size=3x3 stride=2x2 pad=1_1x1_1 ...}
absl::Status ReadValue(Lexer& lexer, absl::string_view, Window& window) {
  INGOT_RETURN_IF_ERROR(lexer.Expect("{", "before a window"));
  while (!lexer.Consume("}")) {
    const size_t start = lexer.Position();
    INGOT_ASSIGN_OR_RETURN(const absl::string_view key, lexer.Name("a property of the window"));
    INGOT_RETURN_IF_ERROR(lexer.Expect("=", "in a window"));
    const size_t numbers = key == "pad" ? 2 : 1;
    INGOT_ASSIGN_OR_RETURN(const auto values, ReadByX(lexer, key, numbers, numbers));
    INGOT_RETURN_IF_ERROR(SetWindowEntry(lexer, start, key, values, window));
  }
  return absl::OkStatus();
}

absl::Status ReadValue(Lexer& lexer, absl::string_view, ConvolutionDimensions& dimensions) {
  INGOT_ASSIGN_OR_RETURN(dimensions, ReadDimLabels(lexer));
  return absl::OkStatus();
}

// ---- what is made of those

template <typename T>
absl::Status ReadValue(Lexer& lexer, absl::string_view name, std::optional<T>& value) {
  value.emplace();
  return ReadValue(lexer, name, *value);
}

// {1,2,3}
template <typename T>
absl::Status ReadValue(Lexer& lexer, absl::string_view name, std::vector<T>& values) {
  INGOT_RETURN_IF_ERROR(lexer.Expect("{", absl::StrCat("before the values of ", name)));
  values.clear();
  if (lexer.Consume("}")) return absl::OkStatus();
  do {
    T value{};
    INGOT_RETURN_IF_ERROR(ReadValue(lexer, name, value));
    values.push_back(std::move(value));
  } while (lexer.Consume(","));
  return lexer.Expect("}", absl::StrCat("after the values of ", name));
}

// Calls one visitor on the field with a given index.
template <typename Function>
struct AtIndex {
  int index;
  Function function;
  int next = 0;
  void operator()(const char* name, auto& value, Field field) {
    if (next++ == index) function(name, value, field);
  }
};
template <typename Function>
AtIndex(int, Function) -> AtIndex<Function>;

// One part of dim_labels, "b01f": where its two letters and each of the digits stand.
struct LabelPart {
  int64_t first = -1;
  int64_t second = -1;
  std::vector<int64_t> spatial;
};

std::optional<LabelPart> ParsePart(absl::string_view part, char first, char second) {
  LabelPart result;
  result.spatial.assign(part.size() < 2 ? 0 : part.size() - 2, -1);
  for (size_t i = 0; i < part.size(); ++i) {
    const char c = part[i];
    const size_t digit = static_cast<size_t>(c - '0');
    int64_t* place = c == first                      ? &result.first
                     : c == second                   ? &result.second
                     : c < '0' || c > '9'            ? nullptr
                     : digit < result.spatial.size() ? &result.spatial[digit]
                                                     : nullptr;
    if (place == nullptr || *place != -1) return std::nullopt;
    *place = static_cast<int64_t>(i);
  }
  if (result.first == -1 || result.second == -1) return std::nullopt;
  return result;
}

}  // namespace

absl::StatusOr<ConvolutionDimensions> ReadDimLabels(Lexer& lexer) {
  const size_t start = lexer.Position();
  INGOT_ASSIGN_OR_RETURN(const absl::string_view label, lexer.Label("dim_labels"));
  const std::vector<absl::string_view> sides = absl::StrSplit(label, "->");
  const std::vector<absl::string_view> left = absl::StrSplit(sides[0], '_');
  std::optional<LabelPart> input, kernel, output;
  if (sides.size() == 2 && left.size() == 2) {
    input = ParsePart(left[0], 'b', 'f');
    kernel = ParsePart(left[1], 'i', 'o');
    output = ParsePart(sides[1], 'b', 'f');
  }
  if (!input.has_value() || !kernel.has_value() || !output.has_value() ||
      input->spatial.size() != kernel->spatial.size() ||
      input->spatial.size() != output->spatial.size()) {
    return lexer.ErrorAt(start, "bad dim_labels '", label.substr(0, 40),
                         "', expected the like of b01f_01io->b01f");
  }
  return ConvolutionDimensions{input->first,  input->second,  std::move(input->spatial),
                               kernel->first, kernel->second, std::move(kernel->spatial),
                               output->first, output->second, std::move(output->spatial)};
}

int FieldReader::IndexOf(absl::string_view name) const {
  int index = -1;
  int next = 0;
  std::visit(
      [&](const auto& attributes) {
        attributes.VisitFields(attributes, [&](const char* field, const auto&, Field) {
          if (name == field) index = next;
          ++next;
        });
      },
      attributes_);
  return index;
}

absl::Status FieldReader::Read(Lexer& lexer, int index) {
  seen_ |= uint64_t{1} << index;
  absl::Status status;
  const auto read = [&](const char* name, auto& value, Field) {
    status = ReadValue(lexer, name, value);
  };
  std::visit(
      [&](auto& attributes) {
        attributes.VisitFields(attributes, AtIndex{index, read});
      },
      attributes_);
  return status;
}

std::string FieldReader::MissingField() const {
  std::string missing;
  int next = 0;
  std::visit(
      [&](const auto& attributes) {
        attributes.VisitFields(attributes, [&](const char* name, const auto&, Field field) {
          const bool seen = (seen_ >> next++) & 1;
          if (field == Field::kRequired && !seen && missing.empty()) missing = name;
        });
      },
      attributes_);
  return missing;
}

bool IsAttributeOfSomeOpcode(absl::string_view name) {
  static const auto& names = *[] {
    auto* set = new absl::flat_hash_set<std::string>();
    for (int i = 0; i < kOpcodeCount; ++i) {
      const Attributes attributes = DefaultAttributes(static_cast<Opcode>(i));
      std::visit(
          [&](const auto& value) {
            value.VisitFields(value,
                              [&](const char* field, const auto&, Field) { set->insert(field); });
          },
          attributes);
    }
    for (const CalledAttribute& called : kCalledAttributes) set->insert(std::string(called.name));
    // XLA takes this one anywhere.
    set->erase("parameter_replication");
    return set;
  }();
  return names.contains(name);
}

}  // namespace ingot::text
