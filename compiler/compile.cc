#include "compiler/compile.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "compiler/code_units.h"
#include "compiler/codegen/codegen.h"
#include "compiler/codegen/cuda/cuda_codegen.h"
#include "compiler/compilation_cache.h"
#include "compiler/fusion_planner.h"
#include "compiler/kernel/verifier.h"
#include "compiler/lower/lower.h"
#include "compiler/plan/plan.h"
#include "compiler/plan/plan_table.h"
#include "compiler/plan/tile_deal.h"
#include "compiler/program/fusion_table.h"
#include "compiler/program/program_emitter.h"
#include "ir/base/status.h"
#include "ir/base/worker_pool.h"
#include "ir/text/printer.h"
#include "passes/pass_manager.h"

namespace ingot {
namespace {

// Calls work(0), …, work(count - 1) on up to `threads` threads; the first error by number is
// returned.
absl::Status ParallelFor(int64_t count, int threads,
                         const std::function<absl::Status(int64_t)>& work) {
  std::vector<absl::Status> statuses(count);
  WorkerPool::OfProcess().ParallelFor(count, threads, [&](int64_t i) { statuses[i] = work(i); });
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

// The kernel's tensor maps, each by the number of the parameter whose address it has.
std::vector<program::MapArgument> MapsOf(const kernel::Kernel& kernel) {
  const std::vector<kernel::Parameter>& parameters = kernel.parameters();
  std::vector<program::MapArgument> maps;
  for (const kernel::Parameter& parameter : parameters) {
    if (parameter.kind != kernel::Parameter::Kind::kTensorMap) continue;
    const auto buffer = std::find_if(
        parameters.begin(), parameters.end(),
        [&](const kernel::Parameter& other) { return other.buffer == parameter.map->buffer; });
    maps.push_back({static_cast<size_t>(buffer - parameters.begin()), parameter.map->recipe});
  }
  return maps;
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
  Compiler(const Target& target, const CompileOptions& options, const CompilationCache& cache)
      : target_(target),
        options_(options),
        cache_(cache),
        threads_(options.threads > 0 ? options.threads : WorkerPool::DefaultThreads()) {}

  absl::StatusOr<Compilation> Run(const Module& source) {
    INGOT_RETURN_IF_ERROR(Phase("clone", [&]() -> absl::Status {
      INGOT_RETURN_IF_ERROR(CheckAppliedComputations(source));
      signature_ = program::SignatureOf(source, options_.donated);
      module_ = source.Clone();
      return signature_.status();
    }));
    if (Wants(Stage::kHlo)) Show(Stage::kHlo, "input", ToString(*module_));
    INGOT_RETURN_IF_ERROR(Phase("passes", [&] { return Optimize(); }));
    if (Wants(Stage::kOptimized)) Show(Stage::kOptimized, "module", ToString(*module_));
    INGOT_RETURN_IF_ERROR(Phase("plan", [&] { return PlanFusions(); }));
    INGOT_RETURN_IF_ERROR(Phase("lower", [&] { return LowerFusions(); }));
    INGOT_RETURN_IF_ERROR(Phase("code generation", [&] { return GenerateCode(); }));
    INGOT_RETURN_IF_ERROR(Phase("program", [&]() -> absl::Status {
      INGOT_ASSIGN_OR_RETURN(emitted_,
                             program::EmitProgram(*module_, *signature_, *fusions_, target_));
      emitted_->program.modules = std::move(modules_);
      emitted_->program.options = OptionsText(options_.fusion, options_.numerics, options_.codegen,
                                              options_.plans.get(), options_.tuned);
      return absl::OkStatus();
    }));
    return Finish();
  }

 private:
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

  absl::Status Optimize() {
    if (options_.fused) return absl::OkStatus();
    PassManagerOptions options;
    options.verify_each = Wants(Stage::kHlo);
    if (Wants(Stage::kHlo)) {
      options.after_change = [&](absl::string_view pass, const Module& module) {
        Show(Stage::kHlo, pass, ToString(module));
      };
      options.on_failure = [&](absl::string_view pass, const Module& before) {
        Show(Stage::kHlo, absl::StrCat("before-failed-", pass), ToString(before));
      };
    }
    return RunPipeline(*module_, MakePassContext(target_, options_.fusion, options_.numerics),
                       options)
        .status();
  }

  void WarnOfRefused(const program::FusionEntry& entry, absl::string_view why) const {
    options_.warning(absl::StrCat(why, "; ", entry.name, " is planned without this entry"));
  }

  // Says so where a table is given and has nothing for this target.
  void WarnOfOtherTargets() const {
    if (options_.plans == nullptr || options_.plans->size() == 0) return;
    if (options_.plans->HasTarget(target_)) return;
    const plan::PlanEntry& first = options_.plans->entries()[0];
    options_.warning(absl::StrCat("the plan from ", first.place, " and all others there are for ",
                                  "other targets (", first.target, "), none is for ",
                                  plan::TableTarget(target_), "; nothing of them is used"));
  }

  absl::Status PlanFusions() {
    planner_.emplace(*module_, *signature_, target_, options_.fusion, options_.numerics);
    fusions_ = &planner_->fusions();
    WarnOfOtherTargets();
    std::vector<program::FusionEntry>& entries = fusions_->entries();
    std::vector<std::vector<std::string>> refused(entries.size());
    INGOT_RETURN_IF_ERROR(
        ParallelFor(static_cast<int64_t>(entries.size()), threads_, [&](int64_t i) -> absl::Status {
          plan::PlanOptions options = planner_->OptionsFor(i);
          options.table = options_.plans.get();
          options.tuned = options_.tuned;
          entries[i].plan = plan::MakePlan(*entries[i].fusion, target_, options, &refused[i]);
          return CheckStop();
        }));
    for (size_t i = 0; i < entries.size(); ++i) {
      for (const std::string& why : refused[i]) WarnOfRefused(entries[i], why);
      fusions_->NameKernels(entries[i]);
    }
    return absl::OkStatus();
  }

  using Kernels = std::vector<std::unique_ptr<kernel::Kernel>>;

  // Each buffer is a pointer.
  absl::Status CheckParameters(const program::FusionEntry& entry) const {
    if (target_.platform != Platform::kCuda) return absl::OkStatus();
    for (const plan::KernelPlan& kernel : entry.plan.kernels) {
      const auto buffers = static_cast<int64_t>(kernel.buffers.size());
      if (8 * buffers <= target_.parameter_bytes()) continue;
      return Unimplemented(buffers, " buffers take ", 8 * buffers, " bytes of parameters; ",
                           target_.name, " allows ", target_.parameter_bytes(),
                           "; give the operation fewer operands and results");
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Kernels> LowerFusion(const program::FusionEntry& entry) const {
    INGOT_RETURN_IF_ERROR(CheckParameters(entry));
    std::vector<std::string> names;
    for (const program::KernelEntry& kernel : entry.kernels) names.push_back(kernel.name);
    INGOT_ASSIGN_OR_RETURN(Kernels kernels,
                           lower::Lower(*entry.fusion, entry.plan, target_, names));
    for (const auto& kernel : kernels) {
      INGOT_RETURN_IF_ERROR(kernel::VerifyKernel(*kernel, &target_));
    }
    return kernels;
  }

  // Lowers the entries of these numbers; a failure is the entry's, in `failures`.
  absl::Status LowerEach(absl::Span<const int64_t> numbers, std::vector<Kernels>& lowered,
                         std::vector<absl::Status>& failures) const {
    const std::vector<program::FusionEntry>& entries = fusions_->entries();
    return ParallelFor(static_cast<int64_t>(numbers.size()), threads_, [&](int64_t n) {
      const int64_t i = numbers[n];
      absl::StatusOr<Kernels> kernels = LowerFusion(entries[i]);
      failures[i] = kernels.status();
      if (kernels.ok()) lowered[i] = *std::move(kernels);
      return CheckStop();
    });
  }

  absl::Status LowerFusions() {
    std::vector<program::FusionEntry>& entries = fusions_->entries();
    std::vector<Kernels> lowered(entries.size());
    std::vector<absl::Status> failures(entries.size());
    std::vector<int64_t> numbers(entries.size());
    std::iota(numbers.begin(), numbers.end(), 0);
    INGOT_RETURN_IF_ERROR(LowerEach(numbers, lowered, failures));
    // A plan of a table that cannot be written gives way to the one that there is without tables.
    std::erase_if(numbers, [&](int64_t i) { return failures[i].ok(); });
    std::vector<int64_t> again;
    for (int64_t i : numbers) {
      if (options_.plans == nullptr && options_.tuned == nullptr) break;
      plan::PlanOptions options = planner_->OptionsFor(i);
      plan::FusionPlan own = plan::MakePlan(*entries[i].fusion, target_, options);
      if (entries[i].plan == own) continue;
      options.tuned = options_.tuned;
      if (entries[i].plan != plan::MakePlan(*entries[i].fusion, target_, options)) {
        WarnOfRefused(entries[i], absl::StrCat("the plan ", entries[i].plan.reason, ": ",
                                               failures[i].message()));
      }
      entries[i].plan = std::move(own);
      fusions_->NameKernels(entries[i]);
      again.push_back(i);
    }
    INGOT_RETURN_IF_ERROR(LowerEach(again, lowered, failures));
    // What a tile kernel cannot be written for is done by the loop, and the plan says so.
    std::erase_if(numbers, [&](int64_t i) {
      return failures[i].ok() || entries[i].plan.kernels[0].skeleton != plan::Skeleton::kTile;
    });
    for (int64_t i : numbers) {
      plan::PlanOptions options = planner_->OptionsFor(i);
      options.tiles = false;
      entries[i].plan = plan::MakePlan(*entries[i].fusion, target_, options);
      entries[i].plan.reason = absl::StrCat("no tile: ", failures[i].message());
      fusions_->NameKernels(entries[i]);
    }
    INGOT_RETURN_IF_ERROR(LowerEach(numbers, lowered, failures));
    for (size_t i = 0; i < entries.size(); ++i) {
      if (!failures[i].ok()) return Annotate(failures[i], "kernel ", entries[i].name);
    }
    CodeUnits units(target_);
    for (size_t i = 0; i < entries.size(); ++i) {
      if (Wants(Stage::kPlan)) {
        Show(Stage::kPlan, entries[i].name, PlanText(static_cast<int64_t>(i)));
      }
      for (size_t k = 0; k < lowered[i].size(); ++k) {
        entries[i].kernels[k].launch = lowered[i][k]->launch();
        entries[i].kernels[k].maps = MapsOf(*lowered[i][k]);
        if (Wants(Stage::kKernel)) {
          Show(Stage::kKernel, entries[i].kernels[k].name, lowered[i][k]->ToString());
        }
        units.Add(std::move(lowered[i][k]), entries[i].kernels[k]);
      }
    }
    units_ = units.Finish();
    return absl::OkStatus();
  }

  // The entry of a table that the plan is, or those of all candidates.
  std::string PlanText(int64_t i) const {
    const program::FusionEntry& entry = fusions_->entries()[i];
    if (!options_.candidates) {
      return plan::EntryText(entry.plan, *entry.fusion, target_, entry.name);
    }
    const std::vector<plan::FusionPlan> candidates =
        plan::MakeCandidates(*entry.fusion, target_, planner_->OptionsFor(i));
    std::string text;
    for (size_t n = 0; n < candidates.size(); ++n) {
      const double cost = candidates[n].cost;
      absl::StrAppend(&text, text.empty() ? "" : "\n", "// candidate ", n + 1, " of ",
                      candidates.size(), cost > 0 ? absl::StrCat(", predicted ", cost, " us") : "",
                      "\n", plan::EntryText(candidates[n], *entry.fusion, target_, entry.name));
    }
    return text;
  }

  // Lowers the kernel's wish for resident blocks, to half at the most, if it spills because of it.
  // One block's registers are limited by its threads, whatever the wish.
  bool LiftLimitOfSpills(kernel::Kernel& kernel, const codegen::KernelReport& report) const {
    kernel::Launch& launch = kernel.launch();
    if (launch.min_blocks <= 1 || !report.spills()) return false;
    const int64_t registers =
        std::max<int64_t>(1, report.registers + report.spill_store_bytes / plan::kRegisterBytes);
    const int64_t fitting = target_.card->registers / (registers * launch.block_threads());
    launch.min_blocks = static_cast<int>(std::min<int64_t>(launch.min_blocks / 2, fitting));
    return true;
  }

  // Code for these units, as one module called `name`.  Kernels that spill because of a wish for
  // resident blocks follow in modules of their own, with smaller wishes, and nothing launches their
  // first code: to assemble their neighbours again would take longer.
  absl::StatusOr<std::vector<CodeOfUnits>> GenerateUnits(const std::vector<int64_t>& numbers,
                                                         const std::string& name) {
    kernel::KernelModule kernels;
    for (int64_t i : numbers) kernels.kernels.push_back(std::move(units_[i].kernel));
    const std::optional<cache::Key> key = cache_.KeyOf(kernels);
    std::optional<std::vector<CodeOfUnits>> all = cache_.FindCode(key);
    if (!all.has_value()) {
      INGOT_ASSIGN_OR_RETURN(all, GenerateUntilFitting(std::move(kernels)));
      cache_.Keep(key, *all);
    }
    for (size_t n = 0; n < all->size(); ++n) {
      CodeOfUnits& one = (*all)[n];
      one.module.code.name = n == 0 ? name : absl::StrCat(name, "_again_", n);
      for (int64_t& unit : one.units) unit = numbers[unit];
    }
    return *std::move(all);
  }

  absl::StatusOr<std::vector<CodeOfUnits>> GenerateUntilFitting(kernel::KernelModule kernels) {
    static constexpr codegen::Assembler kNvrtc[] = {codegen::Assembler::kNvrtc};
    codegen::GenerateOptions options;
    options.keep_texts = Wants(Stage::kLlvm) || Wants(Stage::kAssembly);
    options.keep_ptx = options_.keep_ptx;
    if (options_.codegen == Codegen::kCuda) options.assemblers = kNvrtc;
    std::vector<CodeOfUnits> all;
    std::vector<int64_t> units(kernels.kernels.size());
    std::iota(units.begin(), units.end(), 0);
    while (!units.empty()) {
      INGOT_RETURN_IF_ERROR(CheckStop());
      INGOT_ASSIGN_OR_RETURN(codegen::GeneratedModule module,
                             codegen::Generate(kernels, target_, options));
      std::vector<int64_t> again;
      kernel::KernelModule rest;
      for (size_t k = 0; k < module.reports.size(); ++k) {
        if (!LiftLimitOfSpills(*kernels.kernels[k], module.reports[k])) continue;
        again.push_back(units[k]);
        rest.kernels.push_back(std::move(kernels.kernels[k]));
      }
      all.push_back({std::exchange(units, std::move(again)), std::move(module)});
      kernels = std::move(rest);
    }
    return all;
  }

  // All kernels as one source, by the renderer that is for reading.
  absl::Status ShowCuda() {
    kernel::KernelModule kernels;
    for (CodeUnit& unit : units_) kernels.kernels.push_back(std::move(unit.kernel));
    const absl::StatusOr<codegen::CudaSource> source = codegen::RenderCuda(kernels, target_);
    for (size_t i = 0; i < units_.size(); ++i) units_[i].kernel = std::move(kernels.kernels[i]);
    INGOT_RETURN_IF_ERROR(source.status());
    Show(Stage::kCuda, "kernels", source->text);
    return absl::OkStatus();
  }

  absl::Status GenerateCode() {
    if (Wants(Stage::kCuda) && target_.platform == Platform::kCuda) {
      INGOT_RETURN_IF_ERROR(ShowCuda());
    }
    const std::vector<std::vector<int64_t>> shares = ShareOut(units_);
    std::vector<std::vector<CodeOfUnits>> generated(shares.size());
    INGOT_RETURN_IF_ERROR(
        ParallelFor(static_cast<int64_t>(shares.size()), threads_, [&](int64_t m) -> absl::Status {
          INGOT_ASSIGN_OR_RETURN(generated[m],
                                 GenerateUnits(shares[m], absl::StrCat("module_", m)));
          return absl::OkStatus();
        }));
    for (std::vector<CodeOfUnits>& modules : generated) {
      for (CodeOfUnits& one : modules) TakeModule(one);
    }
    for (const CodeUnit& unit : units_) {
      for (const std::string& name : unit.names) {
        if (!unit.report.has_value()) break;
        result_.reports.push_back(*unit.report);
        result_.reports.back().kernel = name;
      }
    }
    return absl::OkStatus();
  }

  // Launches of the units run the code of this module, until a later one is taken.
  void TakeModule(CodeOfUnits& generated) {
    codegen::GeneratedModule& module = generated.module;
    if (Wants(Stage::kLlvm)) Show(Stage::kLlvm, module.code.name, module.llvm);
    if (Wants(Stage::kAssembly)) Show(Stage::kAssembly, module.code.name, module.assembly);
    for (size_t k = 0; k < generated.units.size(); ++k) {
      CodeUnit& unit = units_[generated.units[k]];
      for (program::KernelEntry* entry : unit.entries) {
        entry->name = module.entries[k];
        entry->launch.dynamic_shared_bytes = module.dynamic_shared_bytes[k];
        entry->module = static_cast<int32_t>(modules_.size());
      }
      if (!module.reports.empty()) unit.report = std::move(module.reports[k]);
    }
    modules_.push_back(std::move(module.code));
  }

  absl::StatusOr<Compilation> Finish() {
    result_.launches = CountLaunches(emitted_->program.commands);
    result_.kernels = static_cast<int64_t>(units_.size());
    result_.arena = std::move(emitted_->arena);
    if (Wants(Stage::kProgram))
      Show(Stage::kProgram, "program", runtime::ToString(emitted_->program));
    result_.program = std::make_shared<runtime::Program>(std::move(emitted_->program));
    return std::move(result_);
  }

  const Target& target_;
  const CompileOptions& options_;
  const CompilationCache& cache_;
  const int threads_;
  absl::StatusOr<program::Signature> signature_;
  std::unique_ptr<Module> module_;
  std::optional<FusionPlanner> planner_;
  program::FusionTable* fusions_ = nullptr;  // the planner's
  std::vector<CodeUnit> units_;
  std::vector<runtime::CodeModule> modules_;
  std::optional<program::EmittedProgram> emitted_;
  Compilation result_;
};

}  // namespace

absl::StatusOr<Compilation> Compile(const Module& module, const Target& target,
                                    const CompileOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const CompilationCache cache(target, options);
  const std::optional<cache::Key> key = options.fused ? std::nullopt : cache.KeyOf(module);
  std::optional<Compilation> found = cache.FindCompilation(key);
  const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
  const PhaseTime phase = {"cache", time.count()};
  if (found.has_value()) {
    found->phases.push_back(phase);
    return *std::move(found);
  }
  // A compilation that warns is not kept: who compiles it again is to be warned again.
  bool warned = false;
  CompileOptions noted = options;
  noted.warning = [&](const std::string& warning) {
    warned = true;
    if (options.warning != nullptr) options.warning(warning);
  };
  INGOT_ASSIGN_OR_RETURN(Compilation compilation, Compiler(target, noted, cache).Run(module));
  if (!warned) cache.Keep(key, compilation);
  if (key.has_value()) compilation.phases.insert(compilation.phases.begin(), phase);
  return compilation;
}

}  // namespace ingot
