// What the verbs read: models, told by their content, and .ingot files.
#ifndef INGOT_COMPILER_TOOLS_MODEL_H_
#define INGOT_COMPILER_TOOLS_MODEL_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "compiler/compile.h"
#include "compiler/executable.h"
#include "compiler/program/program_emitter.h"
#include "compiler/tools/command_line.h"
#include "compiler/tools/compare.h"
#include "ir/literal.h"
#include "ir/module.h"
#include "runtime/device.h"
#include "runtime/program.h"

namespace ingot::tools {

// A file: a graph, or what one was compiled to, a program or several for different targets.  One of
// the two is set.
struct Model {
  std::unique_ptr<Module> module;
  std::vector<runtime::Program> programs;
};

// Reads and verifies.  The format is told by the content: .ingot by its magic, otherwise HLO text.
// Errors begin with the file's name, and line and column for text.
// `verify`: hash every weight of an .ingot file too, not code and metadata alone.
absl::StatusOr<Model> LoadModel(const std::string& path, bool verify = false);
// As LoadModel where only a graph will do.
absl::StatusOr<std::unique_ptr<Module>> LoadModule(const std::string& path);

// The file's name without folders and extension.
std::string ModelName(const std::string& path);

// Whole files.  NotFound, or whatever the system says, with the path.
absl::StatusOr<std::string> ReadFile(const std::string& path);
// Writes beside and renames, so that no half-written file is left.
absl::Status WriteFile(const std::string& path, absl::string_view contents);
// Where --output says, else to standard output.
absl::Status WriteText(const CommandLine& line, absl::string_view text);

// The one positional argument, or a usage error that says what is missing.
absl::StatusOr<std::string> OnePath(const CommandLine& line, absl::string_view what);

// The tolerances of --tolerances=FILE, or by type alone where the option is not given.
absl::StatusOr<Tolerances> ReadTolerances(const CommandLine& line);

// The default target: the card that is here, else the host.
std::string DefaultTarget();
// What --target says.  Only where it says nothing is the default looked for: that opens the card,
// a third of a second.
std::string TargetName(const CommandLine& line);

// A row of the table for --target: a name of the table, "host", or "cuda" for the card that is
// here.
absl::StatusOr<const Target*> CompileTarget(const std::string& name);

// The rows for --target=A,B,...: at least one, none twice.
absl::StatusOr<std::vector<const Target*>> CompileTargets(const std::string& names);

// A device for programs of this target's platform.
absl::StatusOr<std::unique_ptr<runtime::Device>> OpenDevice(absl::string_view platform);

// A device of this machine, and which of the programs is to run on it.
struct Place {
  std::unique_ptr<runtime::Device> device;
  size_t program = 0;
};
// The first platform of the programs' that is here and has a program that fits.  FailedPrecondition
// says of each program why it does not run here.
absl::StatusOr<Place> FindPlace(absl::Span<const runtime::Program> programs);

// Runs a model many times on one target: the evaluator, or a compiled program on a device.  Inputs
// and results are flat lists of arrays.
class Runner {
 public:
  virtual ~Runner() = default;
  virtual absl::StatusOr<std::vector<Literal>> Run(absl::Span<const Literal> inputs) = 0;
  virtual const std::vector<runtime::Input>& inputs() const = 0;
  // Null where nothing was compiled: the evaluator, and programs from files.
  virtual const Compilation* compilation() const { return nullptr; }
  // Null for the evaluator.
  virtual Executable* executable() { return nullptr; }
};

// A runner for a graph (compiled for `target`: "interpreter", "host", "cuda", or a row of the table
// that this machine can run) or for a program from a file.
absl::StatusOr<std::unique_ptr<Runner>> MakeRunner(Model model, const std::string& target,
                                                   const CompileOptions& options);

}  // namespace ingot::tools

#endif  // INGOT_COMPILER_TOOLS_MODEL_H_
