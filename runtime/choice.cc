#include "runtime/choice.h"

#include "absl/strings/str_cat.h"

namespace ingot::runtime {

std::string ArchitectureOf(const Program& program) {
  return program.modules.empty() ? program.platform : program.modules[0].architecture;
}

absl::StatusOr<size_t> ChooseProgram(absl::Span<const Program> programs, const Device& device) {
  std::string refusals;
  int best_fit = -1;
  size_t best = 0;
  for (size_t i = 0; i < programs.size(); ++i) {
    const absl::StatusOr<int> fit = device.Fit(programs[i]);
    if (fit.ok() && *fit > best_fit) {
      best_fit = *fit;
      best = i;
    }
    if (fit.ok()) continue;
    if (programs.size() == 1) return fit.status();
    absl::StrAppend(&refusals, refusals.empty() ? "" : "; ", ArchitectureOf(programs[i]), ": ",
                    fit.status().message());
  }
  if (best_fit >= 0) return best;
  return absl::FailedPreconditionError(
      absl::StrCat("none of the file's ", programs.size(), " programs runs here: ", refusals));
}

}  // namespace ingot::runtime
