// ingot compile: a model to an .ingot file.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "compiler/tools/command_line.h"
#include "compiler/tools/compile_options.h"
#include "compiler/tools/model.h"
#include "compiler/tools/stages.h"
#include "ir/base/status.h"
#include "runtime/ingot_file.h"

namespace ingot::tools {
namespace {

constexpr Option kOptions[] = {
    {kOutputOption.name, kOutputOption.value, "the file to write (also -o FILE)"},
    {"target", "T,...",
     "what to compile for (default: the card that is here, else host); of several, each device "
     "runs "
     "what fits it best, and later cards the newest PTX"},
    kFusionOption,
    kNumericsOption,
    kCodegenOption,
    kPlansOption,
    kTunedOption,
    kDonateOption,
    {"dump-to", "DIR", "numbered texts of every stage, and the time of each phase"},
    {"time", "", "print the time of each phase, and the arena, to standard error"},
};

// The target whose PTX later cards are given: the newest one that is not for its own cards alone.
// Null where there is none, or no other target beside it.
const Target* TargetOfPtx(absl::Span<const Target* const> targets) {
  const Target* newest = nullptr;
  if (targets.size() == 1) return newest;
  for (const Target* target : targets) {
    if (target->platform != Platform::kCuda || target->simulated || target->specific) continue;
    if (newest == nullptr || target->capability > newest->capability) newest = target;
  }
  return newest;
}

absl::Status RunCompile(const CommandLine& line) {
  INGOT_ASSIGN_OR_RETURN(const std::string path, OnePath(line, "a model"));
  const std::string output = line.Get(kOutputOption.name);
  if (output.empty()) return UsageError("compile needs -o FILE");
  INGOT_ASSIGN_OR_RETURN(const CompileOptions asked, ReadCompileOptions(line));
  INGOT_ASSIGN_OR_RETURN(const std::vector<const Target*> targets,
                         CompileTargets(TargetName(line)));
  INGOT_ASSIGN_OR_RETURN(const std::unique_ptr<Module> module, LoadModule(path));
  const std::string dumps = line.Get("dump-to");
  const Target* const target_of_ptx = TargetOfPtx(targets);
  std::vector<std::shared_ptr<const runtime::Program>> programs;
  std::vector<const runtime::Program*> pointers;
  for (const Target* target : targets) {
    const bool one_folder = dumps.empty() || targets.size() == 1;
    Dump dump(one_folder ? dumps : absl::StrCat(dumps, "/", target->name));
    CompileOptions options = asked;
    options.keep_ptx = target == target_of_ptx;
    dump.Attach(options);
    const absl::StatusOr<Compilation> compilation = Compile(*module, *target, options);
    INGOT_RETURN_IF_ERROR(dump.Write(compilation.ok() ? &*compilation : nullptr));
    if (!compilation.ok()) {
      return targets.size() == 1 ? compilation.status()
                                 : Annotate(compilation.status(), target->name);
    }
    if (line.Has("time")) {
      if (targets.size() > 1) absl::FPrintF(stderr, "%s\n", target->name);
      absl::FPrintF(stderr, "%s", TimesText(*compilation));
    }
    programs.push_back(compilation->program);
    pointers.push_back(programs.back().get());
  }
  return runtime::SavePrograms(pointers, output);
}

}  // namespace

const Verb kCompileVerb = {"compile", "MODEL -o FILE.ingot", "compiles ahead of time into one file",
                           kOptions, RunCompile};

}  // namespace ingot::tools
