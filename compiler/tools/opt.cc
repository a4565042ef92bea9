// ingot opt: text in, text out.
#include <cstdio>

#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "compiler/tools/command_line.h"
#include "compiler/tools/compile_options.h"
#include "compiler/tools/model.h"
#include "ir/base/status.h"
#include "ir/text/printer.h"
#include "passes/fusion_log.h"
#include "passes/pass_manager.h"

namespace ingot::tools {
namespace {

constexpr Option kOptions[] = {
    {"passes", "A,B,...", "run these passes; empty: only parse, verify and print"},
    {"until", "PASS", "run the pipeline up to and including this pass"},
    {"target", "T", "what passes may ask of (default: sm_90a)"},
    kFusionOption,
    kNumericsOption,
    {"explain", "", "instead of the module: which groups fuse left apart or fused, and why"},
    kOutputOption,
    {"time", "", "print the time of each pass to standard error"},
    {"list-passes", "", "print the passes and the pipeline, and stop"},
};

void ListPasses() {
  for (const Pass& pass : AllPasses()) absl::PrintF("%-20s %s\n", pass.name, pass.summary);
  absl::PrintF("\npipeline:\n");
  for (const Phase& phase : DefaultPipeline()) {
    absl::PrintF("  %-10s (%s)\n", phase.name, phase.reason);
    for (absl::string_view name : phase.passes) absl::PrintF("    %s\n", name);
    if (phase.until_stable) absl::PrintF("    ... until nothing changes\n");
  }
}

absl::StatusOr<std::vector<PassRun>> RunAsked(Module& module, const CommandLine& line,
                                              const PassContext& context) {
  PassManagerOptions options;
  const std::string until = line.Get("until");
  if (!until.empty()) INGOT_RETURN_IF_ERROR(FindPass(until).status());
  options.until = until;
  if (!line.Has("passes")) return RunPipeline(module, context, options);
  std::vector<const Pass*> passes;
  for (absl::string_view name : absl::StrSplit(line.Get("passes"), ',', absl::SkipEmpty())) {
    INGOT_ASSIGN_OR_RETURN(const Pass* pass, FindPass(name));
    passes.push_back(pass);
  }
  return RunPasses(module, passes, context, options);
}

absl::Status RunOpt(const CommandLine& line) {
  if (line.Has("list-passes")) {
    ListPasses();
    return absl::OkStatus();
  }
  if (line.Has("passes") && line.Has("until"))
    return UsageError("--passes and --until exclude one another");
  INGOT_ASSIGN_OR_RETURN(const std::string path, OnePath(line, "a model"));
  INGOT_ASSIGN_OR_RETURN(const CompileOptions options, ReadCompileOptions(line));
  INGOT_ASSIGN_OR_RETURN(const Target* target, FindTarget(line.Get("target", "sm_90a")));
  PassContext context = MakePassContext(*target, options.fusion, options.numerics);
  FusionLog log;
  const bool explain = line.Has("explain");
  if (explain) context.fusion_log = &log;
  INGOT_ASSIGN_OR_RETURN(const std::unique_ptr<Module> module, LoadModule(path));
  const bool unchanged = line.Has("passes") && line.Get("passes").empty();
  if (!unchanged) {
    INGOT_ASSIGN_OR_RETURN(const std::vector<PassRun> runs, RunAsked(*module, line, context));
    for (const PassRun& run : runs) {
      if (!line.Has("time")) break;
      absl::FPrintF(stderr, "%-20s %9.3f ms  %7d instructions%s\n", run.pass, run.milliseconds,
                    run.instructions, run.changed ? "" : "  (unchanged)");
    }
  }
  // Every module has an entry, of which fuse logs a part.
  if (explain && log.parts.empty()) {
    return UsageError("--explain: fuse is none of the passes that run; --until=fuse has it");
  }
  const std::string text = explain ? ToString(log) : ToString(*module);
  return WriteText(line, text);
}

}  // namespace

const Verb kOptVerb = {"opt", "MODEL", "runs passes: text in, text out", kOptions, RunOpt};

}  // namespace ingot::tools
