// ingot check: models beside their inputs and expected outputs.
#include <algorithm>
#include <filesystem>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "compiler/tools/command_line.h"
#include "compiler/tools/compare.h"
#include "compiler/tools/compile_options.h"
#include "compiler/tools/model.h"
#include "compiler/tools/values.h"
#include "ir/base/status.h"
#include "nlohmann/json.hpp"

namespace ingot::tools {
namespace {

constexpr Option kOptions[] = {
    {"target", "T",
     "interpreter, host, cuda, or a row of `ingot targets` (default: the card that is here, else "
     "host)"},
    kFusionOption,
    kNumericsOption,
    kCodegenOption,
    kPlansOption,
    kTunedOption,
    {"tolerances", "FILE", "tolerances of single models and results"},
    {"json", "FILE", "write the results there"},
};

struct CaseResult {
  std::string path;
  absl::Status status;  // why it could not be run
  Comparison worst;     // of all its outputs: the nearest to its tolerance, or the furthest beyond
  bool passed = false;
};

// The models named, and those of the directories named: files X.hlo that have an X.npz beside them.
absl::StatusOr<std::vector<std::string>> FindCases(absl::Span<const std::string> paths) {
  std::vector<std::string> cases;
  for (const std::string& path : paths) {
    std::error_code error;
    if (!std::filesystem::is_directory(path, error)) {
      cases.push_back(path);
      continue;
    }
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path, error)) {
      std::filesystem::path beside = entry.path();
      beside.replace_extension(".npz");
      if (entry.path().extension() == ".hlo" && std::filesystem::exists(beside, error)) {
        found.push_back(entry.path().string());
      }
    }
    if (error) return InvalidArgument(path, ": ", error.message());
    std::sort(found.begin(), found.end());
    cases.insert(cases.end(), found.begin(), found.end());
  }
  if (cases.empty())
    return InvalidArgument("no model with an .npz beside it in ", absl::StrJoin(paths, ", "));
  return cases;
}

absl::Status RunCase(const std::string& target, const CompileOptions& options,
                     const Tolerances& tolerances, CaseResult& result) {
  const std::string values = std::filesystem::path(result.path).replace_extension(".npz").string();
  INGOT_ASSIGN_OR_RETURN(Model model, LoadModel(result.path));
  INGOT_ASSIGN_OR_RETURN(const auto runner, MakeRunner(std::move(model), target, options));
  INGOT_ASSIGN_OR_RETURN(const std::vector<Literal> inputs, ReadInputs(values, runner->inputs()));
  INGOT_ASSIGN_OR_RETURN(const std::vector<Literal> outputs, runner->Run(inputs));
  INGOT_ASSIGN_OR_RETURN(const std::vector<Literal> expected, ReadExpected(values, outputs));
  INGOT_ASSIGN_OR_RETURN(const auto comparisons,
                         Compare(outputs, expected, tolerances, ModelName(result.path)));
  const auto excess = [](const Comparison& c) {
    return c.tolerance > 0 ? c.distance / c.tolerance : c.distance;
  };
  result.passed = true;
  for (const Comparison& comparison : comparisons) {
    result.passed &= comparison.ok();
    if (excess(comparison) >= excess(result.worst)) result.worst = comparison;
  }
  return absl::OkStatus();
}

absl::Status WriteJson(const std::string& path, const std::string& target,
                       absl::Span<const CaseResult> results) {
  nlohmann::json cases = nlohmann::json::array();
  for (const CaseResult& result : results) {
    cases.push_back({{"path", result.path},
                     {"passed", result.passed},
                     {"error", result.worst.distance},
                     {"tolerance", result.worst.tolerance},
                     {"message", std::string(result.status.message())}});
  }
  const nlohmann::json report = {{"target", target}, {"cases", cases}};
  return WriteFile(path,
                   report.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

absl::Status RunCheck(const CommandLine& line) {
  if (line.positional().empty()) return UsageError("check needs models or directories");
  const std::string target = TargetName(line);
  INGOT_ASSIGN_OR_RETURN(const CompileOptions options, ReadCompileOptions(line));
  INGOT_ASSIGN_OR_RETURN(const Tolerances tolerances, ReadTolerances(line));
  INGOT_ASSIGN_OR_RETURN(const std::vector<std::string> paths, FindCases(line.positional()));
  std::vector<CaseResult> results;
  int64_t failed = 0;
  for (const std::string& path : paths) {
    CaseResult result;
    result.path = path;
    result.status = RunCase(target, options, tolerances, result);
    const std::string name = ModelName(path);
    if (!result.status.ok()) {
      absl::PrintF("FAILED  %-28s %s\n", name, std::string(result.status.message()));
    } else {
      absl::PrintF("%-7s %-28s error %9.2e  tolerance %8.1e\n", result.passed ? "ok" : "WRONG",
                   name, result.worst.distance, result.worst.tolerance);
    }
    failed += !result.passed;
    results.push_back(std::move(result));
  }
  absl::PrintF("%d passed, %d failed on %s\n", static_cast<int64_t>(results.size()) - failed,
               failed, target);
  if (line.Has("json")) INGOT_RETURN_IF_ERROR(WriteJson(line.Get("json"), target, results));
  if (failed == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrFormat("%d of %d models failed", failed, results.size()));
}

}  // namespace

const Verb kCheckVerb = {"check", "PATH...", "runs models against the values beside them", kOptions,
                         RunCheck};

}  // namespace ingot::tools
