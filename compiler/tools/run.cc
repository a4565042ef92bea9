// ingot run: inputs in, results out.
#include <algorithm>
#include <chrono>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "compiler/tools/arena_text.h"
#include "compiler/tools/command_line.h"
#include "compiler/tools/compare.h"
#include "compiler/tools/compile_options.h"
#include "compiler/tools/model.h"
#include "compiler/tools/profile.h"
#include "compiler/tools/random_inputs.h"
#include "compiler/tools/stages.h"
#include "compiler/tools/timing.h"
#include "compiler/tools/values.h"
#include "ir/base/status.h"
#include "ir/base/target.h"

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
    kDonateOption,
    {"inputs", "F,...", "a.npz, w.safetensors, or one .npy a parameter"},
    {"random-inputs", "[=SEED]", "pseudo-random inputs"},
    {"save-inputs", "DIR", "write in0.npy, in1.npy, ... there, for another program to run on"},
    {"outputs", "DIR", "write out0.npy, out1.npy, ... there"},
    {"expect", "F.npz", "compare with out0, out1, ... and fail beyond the tolerance of each type"},
    {"tolerances", "FILE",
     "tolerances of single models and results, for --expect and --compare-with"},
    {"compare-with", "T", "compare with another target's results"},
    {"iterations", "N", "run N times and print the median time"},
    {"verify", "", "check the hash of every weight of an .ingot file before it runs"},
    {"profile", "", "print the time of each command beside its floor, and what memory is for"},
    {"trace", "FILE", "write the commands on a time line, for Perfetto or chrome://tracing"},
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

// What a profile of these runs is read against.
absl::StatusOr<ProfileContext> ContextOf(runtime::Executor& executor, const BoundRun& run) {
  runtime::Device* const device = executor.device();
  ProfileContext context;
  context.device = device->properties().name;
  // The simulator's times are those of its own work.
  if (device->properties().platform == "sim") return context;
  INGOT_ASSIGN_OR_RETURN(context.copy_bytes_per_us, CopyBandwidth(device));
  const auto target = FindTarget(device->properties().architecture);
  if (target.ok() && (*target)->card != nullptr) {
    context.operations_per_us = (*target)->card->bf16_tflops * 1e6;
  }
  // These runs are what makes caches and pages warm too.
  int64_t runs;
  INGOT_ASSIGN_OR_RETURN(context.run_us, MedianRun(executor, run, /*seconds=*/0.2, &runs));
  return context;
}

// As --profile and --trace ask.
absl::Status WriteProfile(const CommandLine& line, Runner& runner,
                          absl::Span<const Literal> inputs) {
  if (runner.executable() == nullptr) {
    return UsageError("--profile and --trace need a compiled target, not the interpreter");
  }
  runtime::Executor& executor = runner.executable()->executor();
  INGOT_ASSIGN_OR_RETURN(const BoundRun run, Bind(executor, inputs));
  INGOT_ASSIGN_OR_RETURN(const ProfileContext context, ContextOf(executor, run));
  runtime::Profile profile;
  INGOT_RETURN_IF_ERROR(executor.Run(run.inputs, run.outputs, {.profile = &profile}));
  if (line.Has("trace")) {
    INGOT_RETURN_IF_ERROR(WriteFile(line.Get("trace"), TraceJson(profile, context).dump(1) + "\n"));
  }
  if (!line.Has("profile")) return absl::OkStatus();
  absl::PrintF("%s", ProfileText(profile, context));
  if (runner.compilation() != nullptr) {
    absl::PrintF("%s", ArenaText(runner.compilation()->arena));
  } else {
    absl::PrintF("  arena of %d bytes\n", runner.executable()->program().arena_size);
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
  if (line.Has("save-inputs")) {
    INGOT_RETURN_IF_ERROR(WriteNumbered(line.Get("save-inputs"), "in", inputs));
  }
  INGOT_ASSIGN_OR_RETURN(const std::vector<Literal> results, (*runner)->Run(inputs));
  if (line.Has("outputs"))
    INGOT_RETURN_IF_ERROR(WriteNumbered(line.Get("outputs"), "out", results));
  if (iterations > 0) INGOT_RETURN_IF_ERROR(PrintMedianTime(**runner, inputs, iterations));
  if (line.Has("profile") || line.Has("trace")) {
    INGOT_RETURN_IF_ERROR(WriteProfile(line, **runner, inputs));
  }
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
