#include "compiler/compile.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "compiler/codegen/codegen.h"
#include "compiler/lower/lower.h"
#include "compiler/plan/plan.h"
#include "compiler/program/emitter.h"
#include "ir/base/status.h"
#include "ir/text/printer.h"
#include "passes/pass_manager.h"

namespace ingot {
namespace {

// Calls work(0), …, work(count - 1) on up to `threads` threads; the first error by number is
// returned.
absl::Status ParallelFor(int64_t count, int threads,
                         const std::function<absl::Status(int64_t)>& work) {
  std::vector<absl::Status> statuses(count);
  std::atomic<int64_t> next{0};
  const auto run = [&] {
    for (int64_t i = next++; i < count; i = next++) statuses[i] = work(i);
  };
  std::vector<std::thread> helpers;
  for (int64_t i = 1; i < std::min<int64_t>(threads, count); ++i) helpers.emplace_back(run);
  run();
  for (std::thread& helper : helpers) helper.join();
  for (const absl::Status& status : statuses) INGOT_RETURN_IF_ERROR(status);
  return absl::OkStatus();
}

// The instruction with a side effect in `computation` or in what it calls; null where none is.
const Instruction* FindSideEffect(const Computation& computation) {
  for (const Instruction* instruction : computation.instructions()) {
    if (!instruction->HasSideEffect()) continue;
    for (const Computation* called : instruction->called_computations()) {
      if (const Instruction* inner = FindSideEffect(*called)) return inner;
    }
    return instruction;
  }
  return nullptr;
}

// Kernels apply reducers, comparators and the like as often and in whatever order they please, so
// nothing in them may be seen from outside.
absl::Status CheckAppliedComputations(const Module& module) {
  for (const Computation* computation : module.computations()) {
    for (const Instruction* instruction : computation->instructions()) {
      // Calls, loops, branches and fusions run theirs in order.
      if (instruction->kind() == OpKind::kControlFlow) continue;
      for (const Computation* applied : instruction->called_computations()) {
        const Instruction* effect = FindSideEffect(*applied);
        if (effect == nullptr) continue;
        return Unimplemented(effect->name(), ": ", OpcodeName(effect->opcode()),
                             " in a computation that ", instruction->name(), ", a ",
                             OpcodeName(instruction->opcode()), ", applies to elements");
      }
    }
  }
  return absl::OkStatus();
}

int64_t CountLaunches(const std::vector<runtime::Command>& commands) {
  int64_t count = 0;
  for (const runtime::Command& command : commands) {
    if (std::holds_alternative<runtime::Launch>(command.operation)) ++count;
    if (const auto* loop = std::get_if<runtime::While>(&command.operation)) {
      count += CountLaunches(loop->condition) + CountLaunches(loop->body);
    }
    if (const auto* conditional = std::get_if<runtime::Conditional>(&command.operation)) {
      for (const auto& branch : conditional->branches) count += CountLaunches(branch);
    }
  }
  return count;
}

// One compilation, phase by phase.
class Compiler {
 public:
  Compiler(const Target& target, const CompileOptions& options)
      : target_(target),
        options_(options),
        threads_(options.threads > 0 ? options.threads
                                     : std::max(1u, std::thread::hardware_concurrency())) {}

  absl::StatusOr<Compilation> Run(const Module& source) {
    INGOT_RETURN_IF_ERROR(Phase("clone", [&]() -> absl::Status {
      INGOT_RETURN_IF_ERROR(CheckAppliedComputations(source));
      signature_ = program::SignatureOf(source);
      module_ = source.Clone();
      return signature_.status();
    }));
    if (Wants(Stage::kHlo)) Show(Stage::kHlo, "input", ToString(*module_));
    INGOT_RETURN_IF_ERROR(Phase("passes", [&] { return Optimize(); }));
    if (Wants(Stage::kOptimized)) Show(Stage::kOptimized, "module", ToString(*module_));
    INGOT_RETURN_IF_ERROR(Phase("plan and buffers", [&]() -> absl::Status {
      INGOT_ASSIGN_OR_RETURN(emitted_, program::EmitProgram(*module_, *signature_, target_));
      return absl::OkStatus();
    }));
    INGOT_RETURN_IF_ERROR(Phase("lower", [&] { return LowerKernels(); }));
    INGOT_RETURN_IF_ERROR(Phase("code generation", [&] { return GenerateCode(); }));
    return Finish();
  }

 private:
  using Entries = std::vector<program::KernelEntry>;

  template <typename Work>
  absl::Status Phase(absl::string_view name, const Work& work) {
    INGOT_RETURN_IF_ERROR(CheckStop());
    const auto start = std::chrono::steady_clock::now();
    const absl::Status status = work();
    const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
    result_.phases.push_back({std::string(name), time.count()});
    return status;
  }

  absl::Status CheckStop() const {
    if (options_.cancelled != nullptr && *options_.cancelled)
      return absl::CancelledError("compilation was cancelled");
    if (options_.deadline.has_value() && std::chrono::steady_clock::now() > *options_.deadline) {
      return absl::DeadlineExceededError("compilation took longer than its deadline");
    }
    return absl::OkStatus();
  }

  bool Wants(Stage stage) const {
    return options_.observer != nullptr && std::find(options_.stages.begin(), options_.stages.end(),
                                                     stage) != options_.stages.end();
  }
  void Show(Stage stage, absl::string_view name, const std::string& text) const {
    options_.observer(stage, name, text);
  }

  const Entries& entries() const { return emitted_->kernels.entries(); }

  absl::Status Optimize() {
    PassManagerOptions options;
    if (Wants(Stage::kHlo)) {
      options.after_change = [&](absl::string_view pass, const Module& module) {
        Show(Stage::kHlo, pass, ToString(module));
      };
      options.on_failure = [&](absl::string_view pass, const Module& before) {
        Show(Stage::kHlo, absl::StrCat("before-failed-", pass), ToString(before));
      };
    }
    PassContext context;
    context.target = &target_;
    return RunPipeline(*module_, context, options).status();
  }

  absl::Status LowerKernels() {
    kernels_.resize(entries().size());
    INGOT_RETURN_IF_ERROR(ParallelFor(
        static_cast<int64_t>(entries().size()), threads_, [&](int64_t i) -> absl::Status {
          INGOT_RETURN_IF_ERROR(CheckStop());
          const program::KernelEntry& entry = entries()[i];
          auto lowered = lower::Lower(*entry.fusion, entry.plan, target_, entry.name);
          if (!lowered.ok()) return Annotate(lowered.status(), "kernel ", entry.name);
          kernels_[i] = std::move(lowered->kernel);
          return absl::OkStatus();
        }));
    for (size_t i = 0; i < kernels_.size(); ++i) {
      if (Wants(Stage::kPlan)) {
        Show(Stage::kPlan, entries()[i].name,
             plan::ToString(entries()[i].plan, *entries()[i].fusion));
      }
      if (Wants(Stage::kKernel)) Show(Stage::kKernel, entries()[i].name, kernels_[i]->ToString());
    }
    for (const auto& kernel : kernels_) launches_.push_back(kernel->launch());
    return absl::OkStatus();
  }

  absl::Status GenerateCode() {
    const int64_t count = static_cast<int64_t>(kernels_.size());
    const int64_t modules = (count + program::kKernelsPerModule - 1) / program::kKernelsPerModule;
    std::vector<codegen::GeneratedModule> generated(modules);
    const bool keep_texts = Wants(Stage::kLlvm) || Wants(Stage::kAssembly);
    INGOT_RETURN_IF_ERROR(ParallelFor(modules, threads_, [&](int64_t m) -> absl::Status {
      INGOT_RETURN_IF_ERROR(CheckStop());
      kernel::KernelModule kernels;
      const int64_t end = std::min(count, (m + 1) * program::kKernelsPerModule);
      for (int64_t i = m * program::kKernelsPerModule; i < end; ++i)
        kernels.kernels.push_back(std::move(kernels_[i]));
      INGOT_ASSIGN_OR_RETURN(
          generated[m],
          codegen::Generate(kernels, target_, absl::StrCat("module_", m), keep_texts));
      return absl::OkStatus();
    }));
    size_t next = 0;
    for (codegen::GeneratedModule& module : generated) {
      if (Wants(Stage::kLlvm)) Show(Stage::kLlvm, module.code.name, module.llvm);
      if (Wants(Stage::kAssembly)) Show(Stage::kAssembly, module.code.name, module.assembly);
      for (int64_t bytes : module.dynamic_shared_bytes)
        launches_[next++].dynamic_shared_bytes = bytes;
      emitted_->program.modules.push_back(std::move(module.code));
    }
    program::SetLaunchShapes(launches_, emitted_->kernels, emitted_->program.commands);
    return absl::OkStatus();
  }

  absl::StatusOr<Compilation> Finish() {
    result_.launches = CountLaunches(emitted_->program.commands);
    result_.kernels = static_cast<int64_t>(entries().size());
    result_.arena_lower_bound = emitted_->arena_lower_bound;
    if (Wants(Stage::kProgram))
      Show(Stage::kProgram, "program", runtime::ToString(emitted_->program));
    result_.program = std::make_shared<runtime::Program>(std::move(emitted_->program));
    return std::move(result_);
  }

  const Target& target_;
  const CompileOptions& options_;
  const int threads_;
  absl::StatusOr<program::Signature> signature_;
  std::unique_ptr<Module> module_;
  std::optional<program::EmittedProgram> emitted_;
  std::vector<std::unique_ptr<kernel::Kernel>> kernels_;
  std::vector<kernel::Launch> launches_;  // of each kernel
  Compilation result_;
};

}  // namespace

absl::StatusOr<Compilation> Compile(const Module& module, const Target& target,
                                    const CompileOptions& options) {
  return Compiler(target, options).Run(module);
}

}  // namespace ingot
