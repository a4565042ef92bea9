#include "compiler/tools/tune_fusion.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numeric>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "compiler/executable.h"
#include "compiler/fusion_planner.h"
#include "compiler/plan/plan_table.h"
#include "compiler/tools/compare.h"
#include "compiler/tools/random_inputs.h"
#include "compiler/tools/simulated_bench.h"
#include "compiler/tools/timing.h"
#include "ir/base/status.h"
#include "ir/base/worker_pool.h"
#include "ir/verifier/verifier.h"
#include "passes/pass_manager.h"
#include "runtime/executor.h"

namespace ingot::tools {
namespace {

constexpr int kTurns = 3;
// A candidate has one turn only if it then is so many times as slow as the best, and a turn of one
// run if that run is.
constexpr double kBehind = 1.25, kFarBehind = 5;
// Of fusions with more operations and bytes the simulator would take minutes.
constexpr double kMostSimulated = 3e7;

const Instruction* FindProduct(const Computation& fusion) {
  for (const Instruction* instruction : fusion.instructions()) {
    if (instruction->kind() == OpKind::kContraction) return instruction;
  }
  return nullptr;
}

std::string Dimensions(const Shape& shape) {
  return absl::StrCat("[", absl::StrJoin(shape.dimensions(), ","), "]");
}

// "dot bf16[256,512]·[512,256]", "reduce f32[300]": the product, or else the root.
std::string Describe(const Computation& fusion) {
  if (const Instruction* product = FindProduct(fusion)) {
    const Shape& lhs = product->operand(0)->shape();
    return absl::StrCat(OpcodeName(product->opcode()), " ", ElementTypeName(lhs.element_type()),
                        Dimensions(lhs), "·", Dimensions(product->operand(1)->shape()));
  }
  return absl::StrCat(OpcodeName(fusion.root()->opcode()), " ",
                      fusion.root()->shape().ToString(/*with_layout=*/false));
}

absl::StatusOr<std::unique_ptr<Module>> Isolate(const Computation& fusion) {
  auto module = std::make_unique<Module>("tune");
  Computation* body = module->CloneComputation(fusion, fusion.name());
  Computation* entry = module->AddComputation("entry");
  std::vector<Instruction*> parameters;
  for (const Instruction* parameter : fusion.parameters()) {
    parameters.push_back(entry->AddParameter(parameter->parameter_number(), parameter->shape()));
  }
  Instruction* call =
      entry->Add(Opcode::kFusion, body->root()->shape(), std::move(parameters), fusion.name());
  call->set_called_computations({body});
  entry->set_root(call);
  module->set_entry(entry);
  module->Normalize();
  INGOT_RETURN_IF_ERROR(Verify(*module));
  return module;
}

bool IsLoop(const plan::FusionPlan& plan) {
  return std::holds_alternative<plan::StepPlan>(plan.kernels[0].work);
}

// Whether the two make the same kernels.
bool AreAlike(const plan::FusionPlan& a, const plan::FusionPlan& b) {
  return a.kernels == b.kernels && a.scratch == b.scratch && a.joined == b.joined;
}

// What there is to choose from, the chosen plan first and nothing twice.
std::vector<plan::FusionPlan> PlansOf(const Computation& fusion, const Target& target,
                                      const plan::PlanOptions& options) {
  std::vector<plan::FusionPlan> plans = {plan::MakePlan(fusion, target, options)};
  const bool without_loop = FindProduct(fusion) != nullptr && !IsLoop(plans[0]);
  for (plan::FusionPlan& candidate : plan::MakeCandidates(fusion, target, options)) {
    if (without_loop && IsLoop(candidate)) continue;
    const bool is_there = std::any_of(plans.begin(), plans.end(),
                                      [&](const auto& plan) { return AreAlike(plan, candidate); });
    if (!is_there) plans.push_back(std::move(candidate));
  }
  return plans;
}

// The options that compile the fusion with this plan.  `refused` is told why that is not possible.
absl::StatusOr<CompileOptions> OptionsFor(const FusionToTune& fusion, const plan::FusionPlan& plan,
                                          const TuningBench& bench, std::string* refused) {
  CompileOptions options = bench.options;
  options.fused = true;
  options.tuned = nullptr;
  options.cache = nullptr;
  options.threads = 1;
  INGOT_ASSIGN_OR_RETURN(
      plan::PlanTable table,
      plan::PlanTable::Parse(EntryText(plan, fusion.fusion(), *bench.target, fusion.name),
                             "candidate"));
  options.plans = std::make_shared<const plan::PlanTable>(std::move(table));
  options.warning = [refused](const std::string& warning) { *refused = warning; };
  return options;
}

// A candidate, compiled.
struct Compiled {
  std::shared_ptr<const runtime::Program> program;
  double predicted_us = 0;  // of a simulated GPU, by the simulator
};

absl::StatusOr<Compiled> CompileCandidate(const FusionToTune& fusion, const plan::FusionPlan& plan,
                                          const TuningBench& bench) {
  std::string refused;
  INGOT_ASSIGN_OR_RETURN(const CompileOptions options, OptionsFor(fusion, plan, bench, &refused));
  INGOT_ASSIGN_OR_RETURN(const Compilation compilation,
                         Compile(*fusion.module, *bench.target, options));
  if (!refused.empty()) return absl::InternalError(refused);
  Compiled compiled = {compilation.program};
  if (bench.target->simulated) {
    INGOT_ASSIGN_OR_RETURN(const ModelWork work,
                           SimulateModel(*fusion.module, fusion.name, *bench.target, options));
    compiled.predicted_us = FiguresOf(work, *bench.target).predicted_us;
  }
  return compiled;
}

// Runs candidates of one fusion over the same buffers.
class Runs {
 public:
  Runs(const TuningBench& bench, bool tf32) : bench_(bench), tf32_(tf32) {}

  // Makes inputs and results, and runs the chosen plan.
  absl::Status Begin(const Compiled& chosen) {
    INGOT_ASSIGN_OR_RETURN(const auto executor,
                           runtime::Executor::Create(chosen.program, bench_.device));
    INGOT_ASSIGN_OR_RETURN(const std::vector<Literal> inputs,
                           RandomInputs(1, chosen.program->inputs));
    INGOT_ASSIGN_OR_RETURN(run_, Bind(*executor, inputs));
    INGOT_ASSIGN_OR_RETURN(expected_, Results(*executor));
    return absl::OkStatus();
  }

  // What is wrong with the candidate's results; empty: nothing.
  absl::StatusOr<std::string> Check(const Compiled& candidate) {
    INGOT_ASSIGN_OR_RETURN(const auto executor,
                           runtime::Executor::Create(candidate.program, bench_.device));
    INGOT_ASSIGN_OR_RETURN(const std::vector<Literal> results, Results(*executor));
    return FaultOfResults(results, expected_, tf32_);
  }

  // Microseconds of a run.  `best_us`: of the best so far; 0: there is none.
  absl::StatusOr<double> Time(const Compiled& candidate, double best_us) {
    INGOT_ASSIGN_OR_RETURN(const auto executor,
                           runtime::Executor::Create(candidate.program, bench_.device));
    for (int i = 0; i < 2; ++i) {
      const Clock::time_point begin = Clock::now();
      INGOT_RETURN_IF_ERROR(executor->Run(run_.inputs, run_.outputs));
      const double once_us = MicrosecondsSince(begin);
      // A run that is waited for takes some microseconds more.
      constexpr double kWaitMicroseconds = 50;
      if (i > 0 && best_us > 0 && once_us > kFarBehind * best_us + kWaitMicroseconds) {
        return once_us;
      }
    }
    int64_t runs;
    const bool waits = bench_.device->properties().platform == "host";
    INGOT_ASSIGN_OR_RETURN(
        const double latency_us,
        MedianRun(*executor, run_, waits ? bench_.seconds : bench_.seconds / 10, &runs));
    return SteadyRun(*executor, run_, bench_.seconds, latency_us);
  }

 private:
  // Of a run over results that hold what no run leaves there.
  absl::StatusOr<std::vector<Literal>> Results(runtime::Executor& executor) {
    // The inputs' buffers come first.
    const size_t first = run_.inputs.size();
    for (size_t i = first; i < run_.buffers.size(); ++i) {
      const std::vector<uint8_t> junk(run_.buffers[i].shape().ByteSize(), 0xff);
      INGOT_RETURN_IF_ERROR(run_.buffers[i].CopyIn(junk.data()));
    }
    INGOT_RETURN_IF_ERROR(executor.Run(run_.inputs, run_.outputs));
    std::vector<Literal> results;
    for (size_t i = first; i < run_.buffers.size(); ++i) {
      Shape shape = run_.buffers[i].shape();
      shape.set_layout(std::nullopt);
      INGOT_ASSIGN_OR_RETURN(Literal result, Literal::Zeros(shape));
      INGOT_RETURN_IF_ERROR(run_.buffers[i].CopyOut(result.MutableBytes().data()));
      results.push_back(std::move(result));
    }
    return results;
  }

  const TuningBench& bench_;
  const bool tf32_;  // operands of a product are rounded so
  BoundRun run_;
  std::vector<Literal> expected_;
};

// The middle of each candidate's turns.
absl::Status TimeInTurns(const std::vector<absl::StatusOr<Compiled>>& compiled, Runs& runs,
                         std::vector<Candidate>& candidates) {
  std::vector<std::vector<double>> times(candidates.size());
  double best_us = 0;
  for (int turn = 0; turn < kTurns; ++turn) {
    const double behind_us = kBehind * best_us;
    for (size_t i = 0; i < candidates.size(); ++i) {
      Candidate& candidate = candidates[i];
      const bool has_turn = turn == 0 || i == 0 || candidate.measured_us <= behind_us;
      if (!candidate.fault.empty() || !has_turn) continue;
      const absl::StatusOr<double> time = runs.Time(*compiled[i], best_us);
      if (!time.ok() && i == 0) return time.status();
      if (!time.ok()) {
        candidate.fault = std::string(time.status().message());
        candidate.measured_us = 0;
        continue;
      }
      times[i].push_back(*time);
      candidate.measured_us = Median(times[i]);
      best_us = best_us == 0 ? *time : std::min(best_us, *time);
    }
  }
  return absl::OkStatus();
}

double OperationsOf(const plan::FusionPlan& plan) {
  double operations = 0;
  for (const plan::KernelPlan& kernel : plan.kernels) {
    operations += static_cast<double>(kernel.flops) + static_cast<double>(kernel.bytes);
  }
  return operations;
}

bool RoundsToTf32(const plan::FusionPlan& plan) {
  const auto* contraction = std::get_if<plan::ContractionPlan>(&plan.kernels[0].work);
  return contraction != nullptr && contraction->unit == plan::ProductUnit::kTf32;
}

std::string FaultOf(const Literal& result, const Literal& expected, bool tf32) {
  // Of the type's tolerance, which is one of the norm of all.
  constexpr double kElementFactor = 4;
  constexpr double kTf32 = 1e-3;
  if (!Shape::SameIgnoringLayout(result.shape(), expected.shape())) return "has another shape";
  const absl::Span<const std::byte> bytes = result.bytes(), others = expected.bytes();
  if (std::equal(bytes.begin(), bytes.end(), others.begin(), others.end())) return "";
  // Pieces by all threads: results may have a hundred million elements.
  constexpr int64_t kPiece = 1 << 18;
  const int64_t count = expected.size(), pieces = (count + kPiece - 1) / kPiece;
  const auto for_each_piece = [&](const auto& work) {
    WorkerPool::OfProcess().ParallelFor(pieces, WorkerPool::DefaultThreads(), [&](int64_t piece) {
      work(piece, piece * kPiece, std::min(count, (piece + 1) * kPiece));
    });
  };
  std::vector<double> squares(pieces, 0);
  for_each_piece([&](int64_t piece, int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      const double square = std::norm(expected.AsComplex(k));
      if (std::isfinite(square)) squares[piece] += square;
    }
  });
  const double sum = std::accumulate(squares.begin(), squares.end(), 0.0);
  const double mean = std::sqrt(sum / static_cast<double>(count));
  const ElementType type = expected.shape().element_type();
  double tolerance = kElementFactor * Tolerances().Of("", 0, type);
  if (tf32 && IsFloat(type)) tolerance = std::max(tolerance, kElementFactor * kTf32);
  std::vector<int64_t> faults(pieces, count);  // the first of each piece
  for_each_piece([&](int64_t piece, int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end && faults[piece] == count; ++k) {
      const std::complex<double> a = result.AsComplex(k), b = expected.AsComplex(k);
      if (a == b || (std::isnan(std::abs(a)) && std::isnan(std::abs(b)))) continue;
      const double most = tolerance * std::max(mean, std::abs(b));
      if (!std::isfinite(most) || !(std::abs(a - b) <= most)) faults[piece] = k;
    }
  });
  const int64_t first = *std::min_element(faults.begin(), faults.end());
  if (first == count) return "";
  return absl::StrFormat("has %g instead of %g at element %d", result.AsComplex(first).real(),
                         expected.AsComplex(first).real(), first);
}

}  // namespace

const Computation& FusionToTune::fusion() const { return *module->entry()->root()->to_apply(); }

absl::StatusOr<std::vector<FusionToTune>> FindFusions(const Module& model, const Target& target,
                                                      const CompileOptions& options,
                                                      FusionKinds kinds) {
  INGOT_ASSIGN_OR_RETURN(const program::Signature signature,
                         program::SignatureOf(model, options.donated));
  const std::unique_ptr<Module> fused = model.Clone();
  INGOT_RETURN_IF_ERROR(
      RunPipeline(*fused, MakePassContext(target, options.fusion, options.numerics)).status());
  const FusionPlanner planner(*fused, signature, target, options.fusion, options.numerics);
  const std::vector<program::FusionEntry>& entries = planner.fusions().entries();
  std::vector<FusionToTune> found;
  for (size_t i = 0; i < entries.size(); ++i) {
    const Computation& fusion = *entries[i].fusion;
    if (kinds == FusionKinds::kProducts && FindProduct(fusion) == nullptr) continue;
    FusionToTune& one = found.emplace_back();
    one.key = plan::FusionKey(fusion);
    one.name = entries[i].name;
    one.description = Describe(fusion);
    INGOT_ASSIGN_OR_RETURN(one.module, Isolate(fusion));
    one.plans = PlansOf(fusion, target, planner.OptionsFor(static_cast<int64_t>(i)));
  }
  return found;
}

std::string FaultOfResults(absl::Span<const Literal> results, absl::Span<const Literal> expected,
                           bool tf32) {
  if (results.size() != expected.size()) {
    return absl::StrCat(results.size(), " results, not ", expected.size());
  }
  for (size_t i = 0; i < results.size(); ++i) {
    if (const std::string fault = FaultOf(results[i], expected[i], tf32); !fault.empty()) {
      return absl::StrCat("result ", i, " ", fault);
    }
  }
  return "";
}

absl::StatusOr<std::vector<Candidate>> MeasureCandidates(const FusionToTune& fusion,
                                                         const TuningBench& bench) {
  const size_t count = fusion.plans.size();
  std::vector<absl::StatusOr<Compiled>> compiled(count, absl::UnknownError("not compiled"));
  WorkerPool::OfProcess().ParallelFor(
      static_cast<int64_t>(count), WorkerPool::DefaultThreads(),
      [&](int64_t i) { compiled[i] = CompileCandidate(fusion, fusion.plans[i], bench); });
  INGOT_RETURN_IF_ERROR(compiled[0].status());
  std::vector<Candidate> candidates(count);
  const bool simulated = bench.target->simulated;
  const bool checks = !simulated || OperationsOf(fusion.plans[0]) <= kMostSimulated;
  Runs runs(bench, RoundsToTf32(fusion.plans[0]));
  if (checks) INGOT_RETURN_IF_ERROR(runs.Begin(*compiled[0]));
  for (size_t i = 0; i < count; ++i) {
    Candidate& candidate = candidates[i];
    candidate.predicted_us = fusion.plans[i].cost;
    candidate.fault = std::string(compiled[i].status().message());
    if (!candidate.fault.empty()) continue;
    if (simulated) candidate.measured_us = compiled[i]->predicted_us;
    if (!checks) continue;
    const absl::StatusOr<std::string> fault = runs.Check(*compiled[i]);
    candidate.is_wrong = fault.ok() && !fault->empty();
    candidate.is_checked = fault.ok() && fault->empty();
    candidate.fault = fault.ok() ? *fault : std::string(fault.status().message());
    if (i == 0 && !candidate.fault.empty()) {
      return absl::InternalError(absl::StrCat("two runs of one plan differ: ", candidate.fault));
    }
  }
  if (!simulated) INGOT_RETURN_IF_ERROR(TimeInTurns(compiled, runs, candidates));
  return candidates;
}

size_t FastestOf(absl::Span<const Candidate> candidates) {
  size_t best = 0;
  for (size_t i = 1; i < candidates.size(); ++i) {
    const Candidate& candidate = candidates[i];
    if (!candidate.fault.empty() || candidate.measured_us <= 0) continue;
    if (candidate.measured_us < candidates[best].measured_us) best = i;
  }
  return best;
}

bool IsNear(const Candidate& candidate) {
  constexpr double kNear = 0.15;
  return std::abs(candidate.predicted_us - candidate.measured_us) <= kNear * candidate.measured_us;
}

}  // namespace ingot::tools
