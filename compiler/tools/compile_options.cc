#include "compiler/tools/compile_options.h"

#include "absl/strings/str_cat.h"

namespace ingot::tools {
namespace {

template <typename Value>
absl::Status Read(const CommandLine& line, absl::string_view option,
                  absl::StatusOr<Value> (*find)(absl::string_view), Value& value) {
  if (!line.Has(option)) return absl::OkStatus();
  const absl::StatusOr<Value> found = find(line.Get(option));
  if (!found.ok()) return UsageError(absl::StrCat("--", option, ": ", found.status().message()));
  value = *found;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<CompileOptions> ReadCompileOptions(const CommandLine& line) {
  CompileOptions options;
  absl::Status status = Read(line, kFusionOption.name, FindFusionMode, options.fusion);
  status.Update(Read(line, kNumericsOption.name, FindNumerics, options.numerics));
  if (!status.ok()) return status;
  return options;
}

}  // namespace ingot::tools
