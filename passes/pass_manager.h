// The pass manager: the only place that normalizes, verifies, times, dumps and repeats passes.
#ifndef INGOT_PASSES_PASS_MANAGER_H_
#define INGOT_PASSES_PASS_MANAGER_H_

#include <functional>
#include <vector>

#include "passes/pass.h"

namespace ingot {

// One run of one pass.
struct PassRun {
  absl::string_view pass;
  bool changed = false;
  double milliseconds = 0;   // the pass and the normalization after it
  int64_t instructions = 0;  // in the module afterwards
};

struct PassManagerOptions {
  // Verify after each pass that changed something; otherwise after each phase of the pipeline that
  // did, as a verification takes as long as most passes.
  bool verify_each = true;
  // Called after each run that changed something, with the pass's name; for dumps.
  std::function<void(absl::string_view pass, const Module& module)> after_change;
  // Called when a pass fails or leaves a module that does not verify, with a copy of the module
  // that went into it. Unset: no copies are kept.
  std::function<void(absl::string_view pass, const Module& before)> on_failure;
  // Stop after the first run of this pass; empty: run everything.
  absl::string_view until;
};

// Runs the given passes once each, in order.  The error names the pass.
absl::StatusOr<std::vector<PassRun>> RunPasses(Module& module, absl::Span<const Pass* const> passes,
                                               const PassContext& context,
                                               const PassManagerOptions& options = {});

// Runs DefaultPipeline().
absl::StatusOr<std::vector<PassRun>> RunPipeline(Module& module, const PassContext& context,
                                                 const PassManagerOptions& options = {});

}  // namespace ingot

#endif  // INGOT_PASSES_PASS_MANAGER_H_
