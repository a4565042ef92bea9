// The command line: `ingot VERB ARGUMENT... --name=value...`.
#ifndef INGOT_COMPILER_TOOLS_COMMAND_LINE_H_
#define INGOT_COMPILER_TOOLS_COMMAND_LINE_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace ingot::tools {

// An option that a verb takes.
struct Option {
  absl::string_view name;  // without the dashes
  absl::string_view
      value;  // what stands after `=` in the usage text; empty: a switch; "[=X]": may be left out
  absl::string_view help;
};

// The option of every verb that writes one file; `-o FILE` is another way to say it.
inline constexpr Option kOutputOption = {
    "output", "FILE", "write there (also -o FILE); without it to standard output"};

class CommandLine {
 public:
  // InvalidArgument for an option that is not listed (naming the nearest), a value missing or too
  // many.
  static absl::StatusOr<CommandLine> Parse(absl::Span<const char* const> arguments,
                                           absl::Span<const Option> options);

  const std::vector<std::string>& positional() const { return positional_; }
  bool Has(absl::string_view name) const { return values_.count(std::string(name)) > 0; }
  // The option's value, or `otherwise`.
  std::string Get(absl::string_view name, absl::string_view otherwise = "") const;
  // A whole number of at least `minimum`.
  absl::StatusOr<int64_t> GetInteger(absl::string_view name, int64_t otherwise,
                                     int64_t minimum) const;
  // A number of seconds, more than none; `0.2` is one.
  absl::StatusOr<double> GetSeconds(absl::string_view name, double otherwise) const;

 private:
  std::vector<std::string> positional_;
  std::map<std::string, std::string> values_;
};

// A verb of the command.
struct Verb {
  absl::string_view name;
  absl::string_view usage;  // positional arguments
  absl::string_view summary;
  absl::Span<const Option> options;
  absl::Status (*run)(const CommandLine& line);
};

// Every verb, in the order of the usage text.
absl::Span<const Verb> AllVerbs();

// Each in the file of its name.
extern const Verb kRunVerb, kCompileVerb, kOptVerb, kEmitVerb, kCheckVerb, kBenchVerb, kTuneVerb,
    kTargetsVerb;

// A status that main turns into exit status 2: the command line itself is wrong.
absl::Status UsageError(absl::string_view message);
bool IsUsageError(const absl::Status& status);

}  // namespace ingot::tools

#endif  // INGOT_COMPILER_TOOLS_COMMAND_LINE_H_
