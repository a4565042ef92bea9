// ingot tune: measures the plans that there are to choose from, and writes those that win into a
// tuning table.
#include <algorithm>
#include <cmath>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "compiler/cache/version.h"
#include "compiler/plan/plan_table.h"
#include "compiler/tools/command_line.h"
#include "compiler/tools/compile_options.h"
#include "compiler/tools/model.h"
#include "compiler/tools/tune_fusion.h"
#include "compiler/tools/tuning_file.h"
#include "ir/base/status.h"
#include "nlohmann/json.hpp"

namespace ingot::tools {
namespace {

constexpr Option kOptions[] = {
    {"output", "FILE", "the table: what it has stays, and is not measured again (also -o FILE)"},
    {"target", "T",
     "host, cuda, or a row of `ingot targets` (default: the card that is here, else host); of "
     "sim:T "
     "the simulator's predictions are the times"},
    {"fusions", "products|all", "products: those with a dot or a convolution (default)"},
    {"gain", "P", "a plan is written if it is at least so many percent faster (default 3)"},
    {"seconds", "S", "time for each turn of each candidate (default 0.1)"},
    {"again", "", "measure what the file has, too"},
    kNumericsOption,
    kCodegenOption,
    {"json", "FILE", "write every candidate there with its plan, predicted and measured time"},
};

absl::StatusOr<FusionKinds> ReadKinds(const CommandLine& line) {
  const std::string kinds = line.Get("fusions", "products");
  if (kinds == "products") return FusionKinds::kProducts;
  if (kinds == "all") return FusionKinds::kAll;
  return UsageError(absl::StrCat("--fusions=", kinds, ": there is products, all"));
}

// The distinct fusions of all models, by key.
absl::StatusOr<std::vector<FusionToTune>> FusionsOf(absl::Span<const std::string> paths,
                                                    const Target& target,
                                                    const CompileOptions& options,
                                                    FusionKinds kinds) {
  std::vector<FusionToTune> all;
  std::set<std::string> keys;
  for (const std::string& path : paths) {
    INGOT_ASSIGN_OR_RETURN(const std::unique_ptr<Module> module, LoadModule(path));
    auto found = FindFusions(*module, target, options, kinds);
    INGOT_RETURN_IF_ERROR(Annotate(found.status(), path));
    for (FusionToTune& fusion : *found) {
      if (keys.insert(fusion.key).second) all.push_back(std::move(fusion));
    }
  }
  return all;
}

// What the file says of a fusion whose candidates became `candidates`.
TunedFusion Summarise(const FusionToTune& fusion, absl::Span<const Candidate> candidates,
                      const Target& target, int64_t gain) {
  const size_t best = FastestOf(candidates);
  TunedFusion tuned;
  tuned.key = fusion.key;
  tuned.description = fusion.description;
  tuned.candidates = static_cast<int64_t>(candidates.size());
  for (const Candidate& candidate : candidates) {
    tuned.wrong += candidate.is_wrong;
    if (candidate.measured_us <= 0) continue;
    ++tuned.measured;
    tuned.near += IsNear(candidate);
  }
  tuned.best_us = candidates[best].measured_us;
  tuned.best_predicted_us = candidates[best].predicted_us;
  tuned.chosen_us = candidates[0].measured_us;
  tuned.chosen_predicted_us = candidates[0].predicted_us;
  if (best != 0 && 100 * tuned.chosen_us >= static_cast<double>(100 + gain) * tuned.best_us) {
    tuned.entry = EntryText(fusion.plans[best], fusion.fusion(), target, fusion.name);
  }
  return tuned;
}

std::string Counted(int64_t count, absl::string_view what) {
  return absl::StrCat(count, " ", what, count == 1 ? "" : "s");
}

void PrintProgress(size_t number, size_t count, const TunedFusion& tuned) {
  absl::FPrintF(stderr, "%d of %d  %s  %s  best %.4g us  chosen %.4g us (%.2f)\n", number, count,
                tuned.description, Counted(tuned.candidates, "candidate"), tuned.best_us,
                tuned.chosen_us, tuned.chosen_us / tuned.best_us);
}

// The plan in one line.
std::string PlanLine(const FusionToTune& fusion, size_t number, const Target& target) {
  const std::string text = EntryText(fusion.plans[number], fusion.fusion(), target, fusion.name);
  std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
  for (absl::string_view& line : lines) line = line.substr(0, line.find("//"));
  const std::vector<std::string> words =
      absl::StrSplit(absl::StrJoin(lines, " "), ' ', absl::SkipEmpty());
  return absl::StrJoin(words, " ");
}

void WarnOfFaults(const FusionToTune& fusion, absl::Span<const Candidate> candidates,
                  const Target& target) {
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (candidates[i].fault.empty()) continue;
    absl::FPrintF(stderr, "warning: %s: candidate %d of %d %s and is not taken: %s; it is %s\n",
                  fusion.description, i + 1, candidates.size(),
                  candidates[i].is_wrong ? "is wrong" : "does not run", candidates[i].fault,
                  PlanLine(fusion, i, target));
  }
}

nlohmann::json FusionJson(const FusionToTune& fusion, absl::Span<const Candidate> candidates,
                          const Target& target) {
  nlohmann::json all = nlohmann::json::array();
  for (size_t i = 0; i < candidates.size(); ++i) {
    const Candidate& candidate = candidates[i];
    all.push_back({{"plan", EntryText(fusion.plans[i], fusion.fusion(), target, fusion.name)},
                   {"predicted_us", candidate.predicted_us},
                   {"measured_us", candidate.measured_us},
                   {"checked", candidate.is_checked},
                   {"wrong", candidate.is_wrong},
                   {"fault", candidate.fault}});
  }
  return {{"key", fusion.key},
          {"fusion", fusion.description},
          {"name", fusion.name},
          {"best", FastestOf(candidates)},
          {"candidates", all}};
}

// The report of --json; what an earlier run wrote of a fusion stays there.
class Report {
 public:
  static absl::StatusOr<Report> Open(const CommandLine& line, const TuningHeader& header) {
    Report report(line.Get("json"));
    report.all_ = {{"target", header.target},
                   {"card", header.card},
                   {"options", header.options},
                   {"fusions", nlohmann::json::array()}};
    if (report.path_.empty()) return report;
    const absl::StatusOr<std::string> text = ReadFile(report.path_);
    if (absl::IsNotFound(text.status())) return report;
    INGOT_RETURN_IF_ERROR(text.status());
    const nlohmann::json before =
        nlohmann::json::parse(*text, /*callback=*/nullptr, /*allow_exceptions=*/false);
    const bool is_report = before.is_object() && before.contains("fusions") &&
                           before["fusions"].is_array() && before.contains("card");
    if (!is_report || before["card"] != report.all_["card"]) {
      return InvalidArgument(report.path_, ": this is no report that `ingot tune` wrote on ",
                             header.card, "; give another file, or remove it");
    }
    for (const nlohmann::json& fusion : before["fusions"]) {
      if (fusion.is_object() && fusion.contains("key")) report.all_["fusions"].push_back(fusion);
    }
    return report;
  }

  absl::Status Add(nlohmann::json fusion) {
    if (path_.empty()) return absl::OkStatus();
    nlohmann::json& fusions = all_["fusions"];
    const auto same =
        std::find_if(fusions.begin(), fusions.end(),
                     [&](const nlohmann::json& other) { return other["key"] == fusion["key"]; });
    if (same != fusions.end()) {
      *same = std::move(fusion);
    } else {
      fusions.push_back(std::move(fusion));
    }
    return Write();
  }

  absl::Status Write() const {
    if (path_.empty()) return absl::OkStatus();
    return WriteFile(path_,
                     all_.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  }

 private:
  explicit Report(std::string path) : path_(std::move(path)) {}

  std::string path_;  // empty: none is asked for
  nlohmann::json all_;
};

void PrintSummary(absl::Span<const TunedFusion> fusions, size_t kept, const TuningHeader& header,
                  int64_t gain) {
  int64_t good = 0, entries = 0, single = 0, candidates = 0, measured = 0, near = 0, wrong = 0;
  bool predicts = false;  // a planner for a host does not
  double logarithms = 0;
  for (const TunedFusion& fusion : fusions) {
    const double ratio = fusion.chosen_us / fusion.best_us;
    good += ratio <= 1.1;
    entries += !fusion.entry.empty();
    single += fusion.candidates == 1;
    logarithms += std::log(ratio);
    candidates += fusion.candidates;
    measured += fusion.measured;
    near += fusion.near;
    wrong += fusion.wrong;
    predicts |= fusion.best_predicted_us > 0;
  }
  const auto count = static_cast<int64_t>(fusions.size());
  const auto row = [](absl::string_view what, const std::string& figure) {
    absl::PrintF("%-48s %s\n", what, figure);
  };
  row("card", header.card);
  row("fusions", absl::StrCat(count, kept > 0 ? absl::StrCat(", ", kept, " of them before") : ""));
  if (count == 0) return;
  row("chosen plan within 10 % of the best", absl::StrCat(good, " of ", count));
  row("chosen / best, geometric mean",
      absl::StrFormat("%.3f", std::exp(logarithms / static_cast<double>(count))));
  row(absl::StrCat("a plan is at least ", gain, " % faster, and written"),
      absl::StrCat(entries, " of ", count));
  if (predicts) row("predictions within 15 % of the clock", absl::StrCat(near, " of ", measured));
  row("candidates measured", absl::StrCat(measured, " of ", candidates));
  row("candidates with wrong results", absl::StrCat(wrong));
  if (single > 0) row("nothing to choose from", absl::StrCat(single, " of ", count));
}

absl::StatusOr<TuningHeader> HeaderOf(const TuningBench& bench) {
  const Target& target = *bench.target;
  return TuningHeader{
      .target = std::string(plan::TableTarget(target)),
      .card = target.simulated ? absl::StrCat(target.card->name, ", simulated")
                               : bench.device->properties().name,
      .options = OptionsText(bench.options.fusion, bench.options.numerics, bench.options.codegen,
                             /*plans=*/nullptr, bench.options.tuned),
      .compiler = cache::CompilerVersion()};
}

absl::Status RunTune(const CommandLine& line) {
  if (line.positional().empty()) return UsageError("tune needs models");
  if (line.Get("output").empty()) return UsageError("tune needs a file to write: -o FILE");
  const std::string name = TargetName(line);
  if (name == "interpreter") {
    return UsageError("tune needs a compiled target, not the interpreter");
  }
  INGOT_ASSIGN_OR_RETURN(const FusionKinds kinds, ReadKinds(line));
  INGOT_ASSIGN_OR_RETURN(const int64_t gain, line.GetInteger("gain", 3, 0));
  TuningBench bench;
  INGOT_ASSIGN_OR_RETURN(bench.seconds, line.GetSeconds("seconds", 0.1));
  INGOT_ASSIGN_OR_RETURN(bench.options, ReadCompileOptions(line));
  INGOT_ASSIGN_OR_RETURN(bench.target, CompileTarget(name));
  const auto device = OpenDevice(PlatformName(*bench.target));
  INGOT_RETURN_IF_ERROR(Annotate(device.status(), "tune measures on ", bench.target->name));
  bench.device = device->get();
  INGOT_ASSIGN_OR_RETURN(const TuningHeader header, HeaderOf(bench));
  std::string note;
  INGOT_ASSIGN_OR_RETURN(TuningFile file, TuningFile::Open(line.Get("output"), header, note));
  if (!note.empty()) absl::FPrintF(stderr, "warning: %s\n", note);
  INGOT_ASSIGN_OR_RETURN(Report report, Report::Open(line, header));
  INGOT_ASSIGN_OR_RETURN(std::vector<FusionToTune> fusions,
                         FusionsOf(line.positional(), *bench.target, bench.options, kinds));
  if (fusions.empty() && kinds == FusionKinds::kProducts) {
    absl::FPrintF(stderr, "warning: there are no products; --fusions=all takes the rest too\n");
  }
  // What cannot be written is said before anything is measured.
  INGOT_RETURN_IF_ERROR(file.Write());
  INGOT_RETURN_IF_ERROR(report.Write());
  std::vector<TunedFusion> all;
  size_t kept = 0, failed = 0;
  for (size_t i = 0; i < fusions.size(); ++i) {
    const TunedFusion* before = file.Find(fusions[i].key);
    if (before != nullptr && !line.Has("again")) {
      all.push_back(*before);
      ++kept;
      continue;
    }
    const auto candidates = MeasureCandidates(fusions[i], bench);
    if (!candidates.ok()) {
      ++failed;
      absl::FPrintF(stderr, "warning: %s is not measured: %s\n", fusions[i].description,
                    std::string(candidates.status().message()));
      continue;
    }
    WarnOfFaults(fusions[i], *candidates, *bench.target);
    TunedFusion tuned = Summarise(fusions[i], *candidates, *bench.target, gain);
    PrintProgress(i + 1, fusions.size(), tuned);
    all.push_back(tuned);
    file.Put(std::move(tuned));
    INGOT_RETURN_IF_ERROR(file.Write());
    INGOT_RETURN_IF_ERROR(report.Add(FusionJson(fusions[i], *candidates, *bench.target)));
    fusions[i].module.reset();
  }
  PrintSummary(all, kept, header, gain);
  if (failed == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(failed, " of ", Counted(fusions.size(), "fusion"),
                                          " could not be measured: see the warnings"));
}

}  // namespace

const Verb kTuneVerb = {"tune", "MODEL... -o FILE", "measures plans, and writes those that win",
                        kOptions, RunTune};

}  // namespace ingot::tools
