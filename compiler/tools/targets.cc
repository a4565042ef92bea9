// ingot targets: what this machine can compile for, and run.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "compiler/codegen/cubin/cubin.h"
#include "compiler/codegen/cuda/nvrtc.h"
#include "compiler/codegen/llvm/llvm_codegen.h"
#include "compiler/tools/command_line.h"
#include "compiler/tools/model.h"
#include "ir/base/status.h"
#include "ir/base/target.h"
#include "runtime/choice.h"

namespace ingot::tools {
namespace {

// A line for each file: whether it runs here and by which of its programs, or why not.
absl::Status TellOfFiles(absl::Span<const std::string> paths) {
  for (const std::string& path : paths) {
    INGOT_ASSIGN_OR_RETURN(const Model model, LoadModel(path));
    if (model.module != nullptr) {
      return InvalidArgument(path, ": this is a model; a compiled file is wanted");
    }
    std::vector<std::string> architectures;
    for (const runtime::Program& program : model.programs) {
      architectures.push_back(runtime::ArchitectureOf(program));
      const bool ptx = std::any_of(program.modules.begin(), program.modules.end(),
                                   [](const auto& module) { return module.ptx.size() > 0; });
      if (ptx) architectures.back() += " and PTX";
    }
    const auto place = FindPlace(model.programs);
    absl::PrintF("%s (%s): %s\n", path, absl::StrJoin(architectures, ", "),
                 place.ok() ? absl::StrCat("runs here, on ", place->device->properties().name,
                                           ", by the code for ", architectures[place->program])
                            : absl::StrCat("does not run here: ", place.status().message()));
  }
  return absl::OkStatus();
}

absl::Status RunTargets(const CommandLine& line) {
  if (!line.positional().empty()) return TellOfFiles(line.positional());
  const Target* host = HostTarget();
  const auto cuda = OpenDevice("cuda");
  const std::string card = cuda.ok() ? (*cuda)->properties().architecture : "";
  absl::PrintF("%-16s %-8s %s\n", "target", "runs", "");
  absl::PrintF("%-16s %-8s %s\n", "interpreter", "yes", "the evaluator: slow and right");
  for (const Target& target : AllTargets()) {
    if (target.platform == Platform::kHost) {
      const bool runs = host != nullptr && target.vector_bytes <= host->vector_bytes;
      absl::PrintF("%-16s %-8s vectors of %d bytes%s\n", target.name, runs ? "yes" : "no",
                   target.vector_bytes, host == &target ? "; this machine's `host`" : "");
    } else {
      const bool here = target.name == card;
      absl::PrintF("%-16s %-8s %d multiprocessors, %d KB of shared memory a block%s%s\n",
                   target.name, here || target.simulated ? "yes" : "no", target.multiprocessors,
                   target.shared_bytes / 1024,
                   target.simulated || codegen::LlvmKnows(target) ? "" : "; by NVRTC",
                   here ? "; this machine's `cuda`" : "");
    }
  }
  absl::PrintF("\ndefault: %s\n", DefaultTarget());
  absl::PrintF("card: %s\n",
               cuda.ok() ? (*cuda)->properties().name : std::string(cuda.status().message()));
  const codegen::AssemblerInfo assembler = codegen::FindAssembler();
  absl::PrintF("PTX to cubin: %s\n",
               assembler.kind == codegen::Assembler::kNone
                   ? "no assembler here; the driver does it when a program is loaded"
                   : absl::StrCat(assembler.path, " ", assembler.version));
  const codegen::Nvrtc* nvrtc = codegen::Nvrtc::Get();
  absl::PrintF("CUDA C++ to cubin: %s\n", nvrtc == nullptr
                                              ? "no NVRTC here"
                                              : absl::StrCat(nvrtc->path(), " ", nvrtc->Version()));
  return absl::OkStatus();
}

}  // namespace

const Verb kTargetsVerb = {
    "targets", "[FILE.ingot...]", "what this machine can compile for, and run", {}, RunTargets};

}  // namespace ingot::tools
