#include "passes/pass_manager.h"

#include <chrono>
#include <memory>

#include "absl/strings/str_cat.h"
#include "ir/base/status.h"
#include "ir/verifier/verifier.h"

namespace ingot {
namespace {

int64_t CountInstructions(const Module& module) {
  int64_t count = 0;
  for (const Computation* computation : module.computations()) {
    count += static_cast<int64_t>(computation->instructions().size());
  }
  return count;
}

// Runs one pass and what belongs around it.
absl::StatusOr<PassRun> RunOne(Module& module, const Pass& pass, const PassContext& context,
                               const PassManagerOptions& options) {
  std::unique_ptr<Module> before = options.on_failure ? module.Clone() : nullptr;
  const auto fail = [&](const absl::Status& status, absl::string_view what) {
    if (before != nullptr) options.on_failure(pass.name, *before);
    return Annotate(status, what, pass.name);
  };
  const auto start = std::chrono::steady_clock::now();
  const absl::StatusOr<bool> changed = pass.run(module, context);
  if (!changed.ok()) return fail(changed.status(), "pass ");
  if (*changed) module.Normalize();
  const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
  if (*changed && options.verify_each) {
    if (absl::Status status = Verify(module); !status.ok()) {
      return fail(absl::InternalError(status.message()), "the module does not verify after pass ");
    }
  }
  if (*changed && options.after_change) options.after_change(pass.name, module);
  return PassRun{pass.name, *changed, time.count(), CountInstructions(module)};
}

// Appends to `runs`; stops after options.until.
absl::Status RunPhase(Module& module, const Phase& phase, const PassContext& context,
                      const PassManagerOptions& options, std::vector<PassRun>& runs) {
  bool changed_any = false, stop = false;
  for (int round = 0; round < (phase.until_stable ? kMaxRounds : 1) && !stop; ++round) {
    bool changed = false;
    for (absl::string_view name : phase.passes) {
      INGOT_ASSIGN_OR_RETURN(const Pass* pass, FindPass(name));
      INGOT_ASSIGN_OR_RETURN(PassRun run, RunOne(module, *pass, context, options));
      runs.push_back(run);
      changed |= run.changed;
      stop = name == options.until;
      if (stop) break;
    }
    changed_any |= changed;
    if (!changed) break;
  }
  if (!changed_any || options.verify_each) return absl::OkStatus();
  const absl::Status status = Verify(module);
  if (status.ok()) return status;
  return absl::InternalError(
      absl::StrCat("the module does not verify after phase ", phase.name,
                   "; `ingot opt` says after which pass: ", status.message()));
}

}  // namespace

absl::StatusOr<std::vector<PassRun>> RunPasses(Module& module, absl::Span<const Pass* const> passes,
                                               const PassContext& context,
                                               const PassManagerOptions& options) {
  std::vector<PassRun> runs;
  module.Normalize();
  for (const Pass* pass : passes) {
    INGOT_ASSIGN_OR_RETURN(PassRun run, RunOne(module, *pass, context, options));
    runs.push_back(run);
    if (pass->name == options.until) break;
  }
  return runs;
}

absl::StatusOr<std::vector<PassRun>> RunPipeline(Module& module, const PassContext& context,
                                                 const PassManagerOptions& options) {
  std::vector<PassRun> runs;
  module.Normalize();
  for (const Phase& phase : DefaultPipeline()) {
    INGOT_RETURN_IF_ERROR(RunPhase(module, phase, context, options, runs));
    if (!runs.empty() && runs.back().pass == options.until) break;
  }
  return runs;
}

}  // namespace ingot
