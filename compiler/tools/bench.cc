// ingot bench: compile time, run time, and the floor under it; or what a GPU that is not here would
// be asked.
#include <algorithm>
#include <chrono>

#include "absl/strings/str_format.h"
#include "compiler/codegen/cubin/cubin.h"
#include "compiler/codegen/cuda/nvrtc.h"
#include "compiler/tools/arena_text.h"
#include "compiler/tools/command_line.h"
#include "compiler/tools/compile_options.h"
#include "compiler/tools/model.h"
#include "compiler/tools/random_inputs.h"
#include "compiler/tools/simulated_bench.h"
#include "compiler/tools/timing.h"
#include "compiler/tools/work_table.h"
#include "ir/base/status.h"
#include "nlohmann/json.hpp"

namespace ingot::tools {
namespace {

constexpr Option kOptions[] = {
    {"target", "T",
     "host, cuda, or a row of `ingot targets` (default: the card that is here, else host); sim:T "
     "predicts for the GPU T without one"},
    kFusionOption,
    kNumericsOption,
    kCodegenOption,
    kPlansOption,
    kTunedOption,
    kDonateOption,
    {"json", "FILE", "write the results there"},
    {"seconds", "N", "time to spend on each model's runs (default 1)"},
};

struct Measurement {
  std::string name;
  double compile_ms = 0;
  double wall_us = 0;     // of a run in steady state, over device buffers
  double latency_us = 0;  // median of runs that are waited for, from Start to Wait
  double kernels_us = 0;  // sum of the commands' times, run one at a time
  double floor_us = 0;    // bytes of inputs and results over the copy bandwidth
  int64_t launches = 0;
  int64_t kernels = 0;
  int64_t runs = 0;
  program::ArenaUse arena;
};

absl::StatusOr<Measurement> Measure(const std::string& path, const std::string& target,
                                    const CompileOptions& options, double bandwidth,
                                    double seconds) {
  Measurement result;
  result.name = ModelName(path);
  INGOT_ASSIGN_OR_RETURN(Model model, LoadModel(path));
  const Clock::time_point start = Clock::now();
  INGOT_ASSIGN_OR_RETURN(const auto runner, MakeRunner(std::move(model), target, options));
  result.compile_ms = MicrosecondsSince(start) / 1e3;
  if (runner->executable() == nullptr)
    return UsageError("bench needs a compiled target, not the interpreter");
  if (const Compilation* compilation = runner->compilation()) {
    result.launches = compilation->launches;
    result.kernels = compilation->kernels;
    result.arena = compilation->arena;
  }
  runtime::Executor& executor = runner->executable()->executor();
  INGOT_ASSIGN_OR_RETURN(const std::vector<Literal> inputs, RandomInputs(1, runner->inputs()));
  INGOT_ASSIGN_OR_RETURN(const BoundRun run, Bind(executor, inputs));
  INGOT_ASSIGN_OR_RETURN(result.latency_us, MedianRun(executor, run, seconds / 2, &result.runs));
  INGOT_ASSIGN_OR_RETURN(result.wall_us, SteadyRun(executor, run, seconds / 2, result.latency_us));
  runtime::Profile profile;
  runtime::RunOptions run_options;
  run_options.profile = &profile;
  INGOT_RETURN_IF_ERROR(executor.Run(run.inputs, run.outputs, run_options));
  for (const runtime::CommandTime& time : profile)
    result.kernels_us += static_cast<double>(time.nanoseconds) / 1e3;
  int64_t bytes = 0;
  for (const runtime::Input& input : executor.program().inputs) bytes += input.shape.ByteSize();
  for (const runtime::Output& output : executor.program().outputs) bytes += output.shape.ByteSize();
  result.floor_us = static_cast<double>(bytes) / bandwidth;
  return result;
}

// On no card: what kernels ask of one, and the time that follows.
absl::Status RunSimulated(const CommandLine& line, const Target& target) {
  INGOT_ASSIGN_OR_RETURN(const CompileOptions options, ReadCompileOptions(line));
  absl::PrintF("%s: numbers of the %s, copies at %.0f GB/s\n", target.name, target.card->name,
               target.card->copy_gbps);
  if (codegen::FindAssembler().kind == codegen::Assembler::kNone &&
      codegen::Nvrtc::Get() == nullptr) {
    absl::PrintF("no assembler here: registers are not known and do not limit resident blocks\n");
  }
  absl::PrintF("%s", WorkHeader());
  std::vector<ModelWork> models;
  for (const std::string& path : line.positional()) {
    INGOT_ASSIGN_OR_RETURN(const std::unique_ptr<Module> module, LoadModule(path));
    INGOT_ASSIGN_OR_RETURN(ModelWork model,
                           SimulateModel(*module, ModelName(path), target, options));
    absl::PrintF("%s", WorkLines(model, target));
    std::fflush(stdout);
    models.push_back(std::move(model));
  }
  if (!line.Has("json")) return absl::OkStatus();
  const nlohmann::json all = {
      {"device", std::string(target.card->name)},
      {"target", std::string(target.name)},
      {"options", OptionsText(options.fusion, options.numerics, options.codegen,
                              options.plans.get(), options.tuned)},
      {"copy_gb_per_s", target.card->copy_gbps},
      {"models", WorkJson(models, target)}};
  return WriteFile(line.Get("json"), all.dump(1) + "\n");
}

absl::Status RunOnDevice(const CommandLine& line, const std::string& target,
                         absl::string_view platform) {
  INGOT_ASSIGN_OR_RETURN(const double seconds, line.GetSeconds("seconds", 1));
  INGOT_ASSIGN_OR_RETURN(CompileOptions options, ReadCompileOptions(line));
  options.cache = nullptr;  // compile time is measured
  INGOT_ASSIGN_OR_RETURN(const auto device, OpenDevice(platform));
  INGOT_ASSIGN_OR_RETURN(const double bandwidth, CopyBandwidth(device.get()));
  absl::PrintF("%s, copy bandwidth %.1f GB/s\n", device->properties().name, bandwidth / 1e3);
  absl::PrintF("%-28s %10s %9s %8s %12s %12s %12s %12s %8s\n", "model", "compile ms", "launches",
               "kernels", "wall us", "latency us", "commands us", "floor us", "x floor");
  nlohmann::json report = nlohmann::json::array();
  for (const std::string& path : line.positional()) {
    INGOT_ASSIGN_OR_RETURN(const Measurement m, Measure(path, target, options, bandwidth, seconds));
    absl::PrintF("%-28s %10.1f %9d %8d %12.2f %12.2f %12.2f %12.2f %8.2f\n", m.name, m.compile_ms,
                 m.launches, m.kernels, m.wall_us, m.latency_us, m.kernels_us, m.floor_us,
                 m.wall_us / m.floor_us);
    absl::PrintF("%s", ArenaText(m.arena));
    std::fflush(stdout);
    report.push_back({{"model", m.name},
                      {"compile_ms", m.compile_ms},
                      {"launches", m.launches},
                      {"kernels", m.kernels},
                      {"wall_us", m.wall_us},
                      {"latency_us", m.latency_us},
                      {"commands_us", m.kernels_us},
                      {"floor_us", m.floor_us},
                      {"runs", m.runs},
                      {"arena", ArenaJson(m.arena)}});
  }
  if (!line.Has("json")) return absl::OkStatus();
  const nlohmann::json all = {
      {"device", device->properties().name},
      {"target", target},
      {"options", OptionsText(options.fusion, options.numerics, options.codegen,
                              options.plans.get(), options.tuned)},
      {"copy_gb_per_s", bandwidth / 1e3},
      {"models", report}};
  return WriteFile(line.Get("json"), all.dump(1) + "\n");
}

absl::Status RunBench(const CommandLine& line) {
  if (line.positional().empty()) return UsageError("bench needs models");
  const std::string target = TargetName(line);
  if (target == "interpreter")
    return UsageError("bench needs a compiled target, not the interpreter");
  INGOT_ASSIGN_OR_RETURN(const Target* row, CompileTarget(target));
  if (row->simulated) return RunSimulated(line, *row);
  return RunOnDevice(line, target, PlatformName(*row));
}

}  // namespace

const Verb kBenchVerb = {"bench", "MODEL...", "compile time, run time, and the floor under it",
                         kOptions, RunBench};

}  // namespace ingot::tools
