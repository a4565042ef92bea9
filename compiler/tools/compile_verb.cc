// ingot compile: a model to an .ingot file.
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
    {"target", "T", "what to compile for (default: the card that is here, else host)"},
    kFusionOption,
    kNumericsOption,
    kPlansOption,
    kDonateOption,
    {"dump-to", "DIR", "numbered texts of every stage, and the time of each phase"},
    {"time", "", "print the time of each phase, and the arena, to standard error"},
};

absl::Status RunCompile(const CommandLine& line) {
  INGOT_ASSIGN_OR_RETURN(const std::string path, OnePath(line, "a model"));
  const std::string output = line.Get(kOutputOption.name);
  if (output.empty()) return UsageError("compile needs -o FILE");
  INGOT_ASSIGN_OR_RETURN(CompileOptions options, ReadCompileOptions(line));
  INGOT_ASSIGN_OR_RETURN(const Target* target, CompileTarget(line.Get("target", DefaultTarget())));
  INGOT_ASSIGN_OR_RETURN(const std::unique_ptr<Module> module, LoadModule(path));
  Dump dump(line.Get("dump-to"));
  dump.Attach(options);
  const absl::StatusOr<Compilation> compilation = Compile(*module, *target, options);
  INGOT_RETURN_IF_ERROR(dump.Write(compilation.ok() ? &*compilation : nullptr));
  INGOT_RETURN_IF_ERROR(compilation.status());
  if (line.Has("time")) absl::FPrintF(stderr, "%s", TimesText(*compilation));
  return runtime::SaveIngot(*compilation->program, output);
}

}  // namespace

const Verb kCompileVerb = {"compile", "MODEL -o FILE.ingot", "compiles ahead of time into one file",
                           kOptions, RunCompile};

}  // namespace ingot::tools
