// ingot emit: one stage's text, of a model or of kernels in their own text.
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "compiler/codegen/codegen.h"
#include "compiler/codegen/cuda/cuda_codegen.h"
#include "compiler/kernel/text.h"
#include "compiler/kernel/verifier.h"
#include "compiler/tools/command_line.h"
#include "compiler/tools/compile_options.h"
#include "compiler/tools/model.h"
#include "compiler/tools/stages.h"
#include "ir/base/status.h"

namespace ingot::tools {
namespace {

constexpr Option kOptions[] = {
    {"stage", "S", "hlo, optimized, plan, kernel, llvm, cuda, asm (or ptx), program"},
    {"target", "T", "what to compile for (default: the card that is here, else host)"},
    kFusionOption,
    kNumericsOption,
    kCodegenOption,
    kPlansOption,
    kTunedOption,
    kDonateOption,
    kOutputOption,
    {"kernel", "NAME", "only texts of this kernel, for plan and kernel"},
    {"candidates", "", "for plan: all plans that there are to choose from, with predicted costs"},
};

absl::StatusOr<Stage> ParseStage(const std::string& name) {
  std::string names;
  for (const StageInfo& info : AllStages()) {
    if (info.name == name || (info.stage == Stage::kAssembly && name == "ptx")) return info.stage;
    absl::StrAppend(&names, names.empty() ? "" : ", ", info.name);
  }
  return UsageError(absl::StrCat("--stage=", name, ": the stages are ", names));
}

// The later stages of a text of kernels, which begins with the first of them.
bool IsKernels(absl::string_view text) {
  return absl::StartsWith(absl::StripLeadingAsciiWhitespace(text), "kernel @");
}

absl::StatusOr<std::string> TextOfKernels(const std::string& path, absl::string_view text,
                                          Stage stage, const Target& target) {
  INGOT_ASSIGN_OR_RETURN(kernel::KernelModule kernels, kernel::ParseKernels(text, path));
  INGOT_RETURN_IF_ERROR(Annotate(kernel::VerifyModule(kernels, &target), path));
  std::string shown;
  switch (stage) {
    case Stage::kKernel:
      shown = kernels.ToString();
      break;
    case Stage::kCuda: {
      INGOT_ASSIGN_OR_RETURN(codegen::CudaSource source, codegen::RenderCuda(kernels, target));
      shown = std::move(source.text);
      break;
    }
    case Stage::kLlvm:
    case Stage::kAssembly: {
      INGOT_ASSIGN_OR_RETURN(codegen::GeneratedModule generated,
                             codegen::Generate(kernels, target, {.keep_texts = true}));
      shown = stage == Stage::kLlvm ? std::move(generated.llvm) : std::move(generated.assembly);
      break;
    }
    case Stage::kHlo:
    case Stage::kOptimized:
    case Stage::kPlan:
    case Stage::kProgram:
      return InvalidArgument(path, ": of kernels there are the stages kernel, llvm, cuda and asm");
  }
  return shown;
}

// A compiled file has one stage left.
absl::StatusOr<std::string> TextOfPrograms(const std::string& path,
                                           absl::Span<const runtime::Program> programs,
                                           Stage stage) {
  if (stage != Stage::kProgram) {
    return InvalidArgument(path, ": of a compiled file there is the stage program");
  }
  std::string text;
  for (const runtime::Program& program : programs) {
    absl::StrAppend(&text, text.empty() ? "" : "\n", runtime::ToString(program));
  }
  return text;
}

absl::Status RunEmit(const CommandLine& line) {
  INGOT_ASSIGN_OR_RETURN(const std::string path, OnePath(line, "a model"));
  INGOT_ASSIGN_OR_RETURN(const Stage stage, ParseStage(line.Get("stage")));
  if (line.Has("candidates") && stage != Stage::kPlan) {
    return UsageError("--candidates goes with --stage=plan");
  }
  INGOT_ASSIGN_OR_RETURN(CompileOptions options, ReadCompileOptions(line));
  INGOT_ASSIGN_OR_RETURN(const Target* target, CompileTarget(TargetName(line)));
  INGOT_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  if (IsKernels(text)) {
    INGOT_ASSIGN_OR_RETURN(const std::string kernels, TextOfKernels(path, text, stage, *target));
    return WriteText(line, kernels);
  }
  INGOT_ASSIGN_OR_RETURN(const Model model, LoadModel(path));
  if (model.module == nullptr) {
    INGOT_ASSIGN_OR_RETURN(const std::string program, TextOfPrograms(path, model.programs, stage));
    return WriteText(line, program);
  }
  const std::string kernel = line.Get("kernel");
  int shown = 0;
  std::string all;
  options.stages = {stage};
  options.candidates = line.Has("candidates");
  options.observer = [&](Stage, absl::string_view name, const std::string& text) {
    if (!kernel.empty() && name != kernel) return;
    if (stage == Stage::kHlo && name != "input") return;
    absl::StrAppend(&all, shown++ > 0 ? "\n" : "", text);
  };
  if (stage == Stage::kCuda && target->platform != Platform::kCuda) {
    return InvalidArgument(target->name, " is not a GPU: there is no CUDA C++");
  }
  INGOT_ASSIGN_OR_RETURN(const Compilation compilation, Compile(*model.module, *target, options));
  if (stage == Stage::kCuda || stage == Stage::kAssembly) {
    std::string reports;
    for (const codegen::KernelReport& report : compilation.reports) {
      const std::string text = report.ToString();
      absl::StrAppend(
          &reports, "// ",
          absl::StrReplaceAll(absl::StripTrailingAsciiWhitespace(text), {{"\n", "\n// "}}), "\n");
    }
    all = reports + all;
  }
  const bool has_code = compilation.kernels > 0 && !target->simulated;
  if (stage == Stage::kLlvm && all.empty() && has_code) {
    return InvalidArgument("there is no LLVM IR: NVRTC makes the code for ", target->name);
  }
  if (shown == 0 && !kernel.empty()) return InvalidArgument(path, ": no kernel is called ", kernel);
  return WriteText(line, all);
}

}  // namespace

const Verb kEmitVerb = {"emit", "MODEL|KERNELS|FILE.ingot --stage=S",
                        "prints the text of one stage", kOptions, RunEmit};

}  // namespace ingot::tools
