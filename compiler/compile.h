// Compile: a module becomes a Program for one target.
#ifndef INGOT_COMPILER_COMPILE_H_
#define INGOT_COMPILER_COMPILE_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "compiler/cache/store.h"
#include "compiler/codegen/cubin/report.h"
#include "compiler/options.h"
#include "compiler/plan/plan_table.h"
#include "compiler/plan/tuned_plans.h"
#include "compiler/program/arena_use.h"
#include "ir/base/numerics.h"
#include "ir/base/target.h"
#include "ir/module.h"
#include "runtime/program.h"

namespace ingot {

// The texts that compilation can show, in the order in which they come to be.
enum class Stage : uint8_t {
  kHlo,        // the module as it was given, and after each pass that changed it
  kOptimized,  // the module that kernels are made from
  kPlan,       // what was decided for each kernel
  kKernel,     // kernel IR
  kLlvm,       // LLVM IR as it leaves our renderer
  kCuda,       // CUDA C++ of every kernel, one source; of GPUs, whatever makes their code
  kAssembly,   // PTX, or the host's assembly
  kProgram,    // buffers and commands
};

struct CompileOptions {
  // These five decide the program, and Program::options records them.
  FusionMode fusion = FusionMode::kCost;
  Numerics numerics = Numerics::kDefault;
  Codegen codegen = Codegen::kLlvm;
  std::shared_ptr<const plan::PlanTable> plans;  // that go before those that are chosen; null: none
  // Plans that go behind those of `plans`, before those that are chosen; null: none.  An entry that
  // cannot be used is not, and nothing is said of it.
  const plan::TunedPlans* tuned = &plan::TunedPlans::Shipped();
  // The module is one that the passes have made for this target (Stage::kOptimized): they are left
  // out, and nothing is looked for in the cache or kept there.
  bool fused = false;
  // Machine code for a card has its PTX beside it, for later cards.
  bool keep_ptx = false;
  // Inputs whose memory the caller gives away, by number, besides those that the module says.
  std::vector<int64_t> donated;
  // Called with a line for each entry of `plans` that is for a fusion of the module and cannot be
  // used, and is not: where it stands, which fusion, and why; and with one if all entries are for
  // other targets.
  std::function<void(const std::string& warning)> warning;
  // Stage::kPlan shows all plans that there are to choose from, not the one that was taken.
  bool candidates = false;
  // Called for each text of a stage in `stages`: the stage, what the text is of
  // ("fuse", a kernel's name, …), and the text.  Calls do not overlap; their order does
  // not depend on the number of threads.
  std::function<void(Stage stage, absl::string_view name, const std::string& text)> observer;
  std::vector<Stage> stages;
  // That compilation may use of the process's pool (ir/base/worker_pool.h), the caller's own among
  // them; 0: as many as the machine has cores.
  int threads = 0;
  // Where compiled code is looked for and kept (compilation_cache.h); null: nowhere.
  std::shared_ptr<const cache::Store> cache;
  // Compilation gives up with DeadlineExceeded after this time, and with Cancelled once
  // `*cancelled` is true.
  std::optional<std::chrono::steady_clock::time_point> deadline;
  const std::atomic<bool>* cancelled = nullptr;
};

// Wall time of one phase.
struct PhaseTime {
  std::string name;
  double milliseconds = 0;
};

struct Compilation {
  std::shared_ptr<const runtime::Program> program;
  std::vector<PhaseTime> phases;  // in order; they add up to about the whole
  int64_t launches = 0;           // kernel launches in the program
  int64_t kernels = 0;            // distinct kernels
  program::ArenaUse arena;
  // What the assembler said of each kernel, those that share one code too; for GPUs only.
  std::vector<codegen::KernelReport> reports;
};

// Compiles a verified module.  The module itself is not changed.  Thread-safe and reentrant.
// Errors: Unimplemented names the instruction that cannot be compiled; Cancelled; DeadlineExceeded;
// Internal for our own faults that were caught, with the pass or kernel.
absl::StatusOr<Compilation> Compile(const Module& module, const Target& target,
                                    const CompileOptions& options = {});

}  // namespace ingot

#endif  // INGOT_COMPILER_COMPILE_H_
