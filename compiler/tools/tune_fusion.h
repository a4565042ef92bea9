// One fusion of a model by itself: its candidates are compiled, compared and put on the clock.
#ifndef INGOT_COMPILER_TOOLS_TUNE_FUSION_H_
#define INGOT_COMPILER_TOOLS_TUNE_FUSION_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "compiler/compile.h"
#include "compiler/plan/plan.h"
#include "ir/base/target.h"
#include "ir/literal.h"
#include "ir/module.h"
#include "runtime/device.h"

namespace ingot::tools {

// A fusion, and what there is to choose from.
struct FusionToTune {
  std::string key;          // plan::FusionKey
  std::string name;         // in its model
  std::string description;  // "dot bf16[256,512]·[512,256]"
  // Calls the fusion on parameters of its own, and does nothing else; already fused.
  std::unique_ptr<Module> module;
  // Different plans, the one that the compiler chooses without tables first.
  std::vector<plan::FusionPlan> plans;

  const Computation& fusion() const;
};

// Which fusions are tuned.
enum class FusionKinds : uint8_t {
  kProducts,  // those with a dot or a convolution
  kAll,
};

// The distinct fusions of a model, in the order in which they run first.  Of products the universal
// loop is no candidate where there is another plan: it may take seconds.
absl::StatusOr<std::vector<FusionToTune>> FindFusions(const Module& model, const Target& target,
                                                      const CompileOptions& options,
                                                      FusionKinds kinds);

// A plan of FusionToTune::plans, and what became of it.
struct Candidate {
  double predicted_us = 0;  // by the planner; 0: it says nothing
  double measured_us = 0;   // 0: it was not measured
  bool is_checked = false;  // its results are those of the chosen plan
  bool is_wrong = false;    // they are not
  std::string fault;        // why it cannot be taken; empty: it can
};

// Where candidates run, and how long.
struct TuningBench {
  const Target* target = nullptr;
  runtime::Device* device = nullptr;
  CompileOptions options;
  double seconds = 1;  // for each turn of each candidate
};

// Of each plan what became of it, in their order.  Candidates are compiled by all threads, checked
// and timed one after the other, in turns: those that are far behind have one, the others three.  A
// simulated GPU says the predicted time of the kernels, and results are compared where the fusion
// is small.  An error means that the chosen plan cannot be measured.
absl::StatusOr<std::vector<Candidate>> MeasureCandidates(const FusionToTune& fusion,
                                                         const TuningBench& bench);

// What is wrong with results where those of the chosen plan are `expected`; empty: nothing.  Each
// element may differ by a few units of its type's tolerance (Tolerances), of the element or of the
// root mean square of all, whichever is more.  `tf32`: operands of a product are rounded so.
std::string FaultOfResults(absl::Span<const Literal> results, absl::Span<const Literal> expected,
                           bool tf32);

// The number of the fastest that can be taken; of equal ones the first.  Requires: the first was
// measured.
size_t FastestOf(absl::Span<const Candidate> candidates);

// Whether the prediction is within 15 % of the clock.
bool IsNear(const Candidate& candidate);

}  // namespace ingot::tools

#endif  // INGOT_COMPILER_TOOLS_TUNE_FUSION_H_
