// ingot run: inputs in, results out.
#include <algorithm>
#include <chrono>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "compiler/tools/command_line.h"
#include "compiler/tools/compare.h"
#include "compiler/tools/compile_options.h"
#include "compiler/tools/model.h"
#include "compiler/tools/random_inputs.h"
#include "compiler/tools/stages.h"
#include "compiler/tools/values.h"
#include "ir/base/status.h"

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
    kDonateOption,
    {"inputs", "F,...", "a.npz, w.safetensors, or one .npy a parameter"},
    {"random-inputs", "[=SEED]", "pseudo-random inputs"},
    {"outputs", "DIR", "write out0.npy, out1.npy, ... there"},
    {"expect", "F.npz", "compare with out0, out1, ... and fail beyond the tolerance of each type"},
    {"tolerances", "FILE",
     "tolerances of single models and results, for --expect and --compare-with"},
    {"compare-with", "T", "compare with another target's results"},
    {"iterations", "N", "run N times and print the median time"},
    {"verify", "", "check the hash of every weight of an .ingot file before it runs"},
    {"profile", "", "print the time of each command"},
    {"dump-to", "DIR", "numbered texts of every stage, and the time of each phase"},
};

absl::StatusOr<std::vector<Literal>> GetInputs(const CommandLine& line,
                                               const std::vector<runtime::Input>& inputs) {
  if (line.Has("inputs") && line.Has("random-inputs")) {
    return UsageError("--inputs and --random-inputs exclude one another");
  }
  if (line.Has("inputs")) return ReadInputs(line.Get("inputs"), inputs);
  if (line.Has("random-inputs") || inputs.empty()) {
    INGOT_ASSIGN_OR_RETURN(const int64_t seed, line.GetInteger("random-inputs", 0, 0));
    return RandomInputs(static_cast<uint64_t>(seed), inputs);
  }
  return UsageError(absl::StrFormat(
      "the model takes %d inputs: give --inputs=FILE or --random-inputs", inputs.size()));
}

absl::Status PrintMedianTime(Runner& runner, absl::Span<const Literal> inputs, int64_t iterations) {
  std::vector<double> times;
  for (int64_t i = 0; i < iterations; ++i) {
    const auto start = std::chrono::steady_clock::now();
    INGOT_RETURN_IF_ERROR(runner.Run(inputs).status());
    times.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
            .count());
  }
  std::sort(times.begin(), times.end());
  absl::FPrintF(stderr, "median of %d runs: %.3f ms (copies of inputs and results included)\n",
                iterations, times[times.size() / 2]);
  return absl::OkStatus();
}

absl::Status PrintProfile(Runner& runner, absl::Span<const Literal> inputs) {
  if (runner.executable() == nullptr)
    return UsageError("--profile needs a compiled target, not the interpreter");
  runtime::Profile profile;
  INGOT_RETURN_IF_ERROR(runner.executable()->Run(inputs, &profile).status());
  int64_t total = 0;
  for (const runtime::CommandTime& time : profile) total += time.nanoseconds;
  std::stable_sort(profile.begin(), profile.end(),
                   [](const auto& a, const auto& b) { return a.nanoseconds > b.nanoseconds; });
  absl::PrintF("%-40s %12s %6s %10s %10s\n", "command", "us", "%", "GB/s", "GFLOP/s");
  for (const runtime::CommandTime& time : profile) {
    const double ns = static_cast<double>(std::max<int64_t>(time.nanoseconds, 1));
    absl::PrintF("%-40s %12.2f %6.1f %10.2f %10.2f\n", time.command->label, ns / 1e3,
                 100.0 * ns / static_cast<double>(std::max<int64_t>(total, 1)),
                 static_cast<double>(time.command->bytes) / ns,
                 static_cast<double>(time.command->flops) / ns);
  }
  return absl::OkStatus();
}

absl::Status CompareWith(const std::string& path, const std::string& target,
                         const CompileOptions& options, absl::Span<const Literal> inputs,
                         absl::Span<const Literal> results, const Tolerances& tolerances) {
  INGOT_ASSIGN_OR_RETURN(Model model, LoadModel(path));
  INGOT_ASSIGN_OR_RETURN(const auto runner, MakeRunner(std::move(model), target, options));
  INGOT_ASSIGN_OR_RETURN(const std::vector<Literal> expected, runner->Run(inputs));
  return PrintComparison(results, expected, tolerances, ModelName(path));
}

absl::Status RunRun(const CommandLine& line) {
  INGOT_ASSIGN_OR_RETURN(const std::string path, OnePath(line, "a model or an .ingot file"));
  INGOT_ASSIGN_OR_RETURN(const int64_t iterations, line.GetInteger("iterations", 0, 1));
  INGOT_ASSIGN_OR_RETURN(const Tolerances tolerances, ReadTolerances(line));
  INGOT_ASSIGN_OR_RETURN(const CompileOptions asked, ReadCompileOptions(line));
  INGOT_ASSIGN_OR_RETURN(Model model, LoadModel(path, line.Has("verify")));
  Dump dump(line.Get("dump-to"));
  CompileOptions options = asked;
  dump.Attach(options);
  auto runner = MakeRunner(std::move(model), line.Get("target"), options);
  INGOT_RETURN_IF_ERROR(dump.Write(runner.ok() ? (*runner)->compilation() : nullptr));
  INGOT_RETURN_IF_ERROR(runner.status());
  INGOT_ASSIGN_OR_RETURN(const std::vector<Literal> inputs, GetInputs(line, (*runner)->inputs()));
  INGOT_ASSIGN_OR_RETURN(const std::vector<Literal> results, (*runner)->Run(inputs));
  if (line.Has("outputs")) INGOT_RETURN_IF_ERROR(WriteOutputs(line.Get("outputs"), results));
  if (iterations > 0) INGOT_RETURN_IF_ERROR(PrintMedianTime(**runner, inputs, iterations));
  if (line.Has("profile")) INGOT_RETURN_IF_ERROR(PrintProfile(**runner, inputs));
  if (line.Has("compare-with")) {
    INGOT_RETURN_IF_ERROR(
        CompareWith(path, line.Get("compare-with"), asked, inputs, results, tolerances));
  }
  if (line.Has("expect")) {
    INGOT_ASSIGN_OR_RETURN(const std::vector<Literal> expected,
                           ReadExpected(line.Get("expect"), results));
    return PrintComparison(results, expected, tolerances, ModelName(path));
  }
  if (!line.Has("outputs") && !line.Has("compare-with")) PrintResults(results);
  return absl::OkStatus();
}

}  // namespace

const Verb kRunVerb = {"run", "MODEL|FILE.ingot", "runs a model, or a compiled file", kOptions,
                       RunRun};

}  // namespace ingot::tools
