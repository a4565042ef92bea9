#include "compiler/tools/command_line.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "ir/text/nearest.h"

namespace ingot::tools {
namespace {

constexpr absl::string_view kUsageError = "ingot/usage-error";

}  // namespace

absl::Status UsageError(absl::string_view message) {
  absl::Status status = absl::InvalidArgumentError(message);
  status.SetPayload(kUsageError, absl::Cord(""));
  return status;
}

bool IsUsageError(const absl::Status& status) { return status.GetPayload(kUsageError).has_value(); }

absl::StatusOr<CommandLine> CommandLine::Parse(absl::Span<const char* const> arguments,
                                               absl::Span<const Option> options) {
  CommandLine line;
  bool only_positional = false;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const absl::string_view argument = arguments[i];
    if (only_positional || argument.size() < 2 || argument.substr(0, 1) != "-") {
      line.positional_.emplace_back(argument);
      continue;
    }
    if (argument == "--") {
      only_positional = true;
      continue;
    }
    const size_t begin = argument.substr(0, 2) == "--" ? 2 : 1;
    const size_t equals = argument.find('=');
    absl::string_view name =
        argument.substr(begin, equals == absl::string_view::npos ? equals : equals - begin);
    if (begin == 1 && name == "o") name = kOutputOption.name;
    const auto option = std::find_if(options.begin(), options.end(),
                                     [&](const Option& o) { return o.name == name; });
    if (option == options.end()) {
      std::vector<absl::string_view> names;
      for (const Option& o : options) names.push_back(o.name);
      const absl::string_view nearest = text::Nearest(name, names);
      return UsageError(
          absl::StrCat("unknown option '", argument, "'",
                       nearest.empty() ? "" : absl::StrCat("; did you mean --", nearest, "?")));
    }
    // A short option's value is the next argument: -o FILE.
    if (begin == 1 && equals == absl::string_view::npos && !option->value.empty() &&
        i + 1 < arguments.size()) {
      line.values_[std::string(name)] = arguments[++i];
      continue;
    }
    const bool has_value = equals != absl::string_view::npos;
    const bool optional = option->value.substr(0, 1) == "[";
    if (option->value.empty() && has_value)
      return UsageError(absl::StrCat("--", name, " takes no value"));
    if (!option->value.empty() && !has_value && !optional) {
      return UsageError(absl::StrCat("--", name, " needs a value: --", name, "=", option->value));
    }
    line.values_[std::string(name)] = has_value ? std::string(argument.substr(equals + 1)) : "";
  }
  return line;
}

std::string CommandLine::Get(absl::string_view name, absl::string_view otherwise) const {
  const auto it = values_.find(std::string(name));
  return it == values_.end() ? std::string(otherwise) : it->second;
}

absl::StatusOr<int64_t> CommandLine::GetInteger(absl::string_view name, int64_t otherwise,
                                                int64_t minimum) const {
  if (!Has(name) || Get(name).empty()) return otherwise;
  int64_t value;
  if (!absl::SimpleAtoi(Get(name), &value) || value < minimum) {
    return UsageError(
        absl::StrCat("--", name, "=", Get(name), " is not a whole number of at least ", minimum));
  }
  return value;
}

absl::StatusOr<double> CommandLine::GetSeconds(absl::string_view name, double otherwise) const {
  if (!Has(name) || Get(name).empty()) return otherwise;
  double value;
  if (!absl::SimpleAtod(Get(name), &value) || !(value > 0 && value <= 86400)) {
    return UsageError(absl::StrCat("--", name, "=", Get(name),
                                   " is not a number of seconds, more than 0 and at most 86400"));
  }
  return value;
}

}  // namespace ingot::tools
