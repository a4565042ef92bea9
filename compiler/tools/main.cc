// The `ingot` command.
#include <malloc.h>

#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "compiler/tools/command_line.h"
#include "ir/text/nearest.h"

namespace ingot::tools {
namespace {

std::string OptionText(const Option& option) {
  if (option.value.empty()) return absl::StrCat("--", option.name);
  if (option.value[0] == '[') return absl::StrCat("--", option.name, option.value);
  return absl::StrCat("--", option.name, "=", option.value);
}

void PrintUsage(std::FILE* to) {
  absl::FPrintF(to, "ingot: compiles model graphs for NVIDIA GPUs and CPUs\n\n");
  for (const Verb& verb : AllVerbs()) {
    absl::FPrintF(to, "  ingot %-8s %-24s %s\n", verb.name, verb.usage, verb.summary);
  }
  absl::FPrintF(to, "\n`ingot VERB --help` lists a verb's options.\n");
}

void PrintVerbUsage(const Verb& verb) {
  absl::PrintF("usage: ingot %s %s\n%s\n\n", verb.name, verb.usage, verb.summary);
  for (const Option& option : verb.options)
    absl::PrintF("  %-28s %s\n", OptionText(option), option.help);
}

// Runs the command and returns its exit status: 0, 1 for an error, 2 for a wrong command line.
int Main(absl::Span<const char* const> arguments) {
  // Whole lines, so that none of standard error's comes to stand inside of one.
  std::setvbuf(stdout, nullptr, _IOLBF, 1 << 16);
  if (arguments.empty()) {
    PrintUsage(stderr);
    return 2;
  }
  const absl::string_view name = arguments[0];
  if (name == "--help" || name == "-h" || name == "help") {
    PrintUsage(stdout);
    return 0;
  }
  std::vector<absl::string_view> names;
  for (const Verb& verb : AllVerbs()) {
    names.push_back(verb.name);
    if (verb.name != name) continue;
    for (absl::string_view argument : arguments.subspan(1)) {
      if (argument == "--help") {
        PrintVerbUsage(verb);
        return 0;
      }
    }
    const absl::StatusOr<CommandLine> line = CommandLine::Parse(arguments.subspan(1), verb.options);
    const absl::Status status = line.ok() ? verb.run(*line) : line.status();
    if (status.ok()) return 0;
    absl::FPrintF(stderr, "error: %s\n", std::string(status.message()));
    return IsUsageError(status) ? 2 : 1;
  }
  const absl::string_view nearest = text::Nearest(name, names);
  absl::FPrintF(
      stderr, "error: unknown verb '%s'%s\n", name,
      nearest.empty() ? "; see ingot --help" : absl::StrCat("; did you mean ", nearest, "?"));
  return 2;
}

}  // namespace
}  // namespace ingot::tools

int main(int count, char** arguments) {
  // Compilations free and ask for the same memory again and again: the system's pages stay.
  constexpr int kKeptBytes = 64 << 20, kMappedBytes = 32 << 20;
  mallopt(M_TOP_PAD, kKeptBytes);
  mallopt(M_TRIM_THRESHOLD, 2 * kKeptBytes);
  mallopt(M_MMAP_THRESHOLD, kMappedBytes);
  return ingot::tools::Main(
      absl::Span<const char* const>(arguments + 1, count > 0 ? count - 1 : 0));
}
