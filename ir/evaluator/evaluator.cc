#include "ir/evaluator/evaluator.h"

#include <algorithm>
#include <utility>

#include "ir/base/integers.h"
#include "ir/base/status.h"
#include "ir/base/worker_pool.h"
#include "ir/evaluator/context.h"

namespace ingot::evaluator {
namespace {

// Below this many element operations, waking threads costs more than they save.
constexpr int64_t kWorthThreads = int64_t{1} << 16;
// More than one, so that threads end together, and so that a deadline is not missed by much.
constexpr int64_t kPiecesPerThread = 8;
constexpr int64_t kLongestPiece = int64_t{1} << 24;

int ThreadCount(const EvaluatorOptions& options) {
  return options.threads > 0 ? options.threads : WorkerPool::DefaultThreads();
}

}  // namespace

// ---- Context

absl::Status Context::CheckInterrupt() const {
  if (options_.cancelled != nullptr && options_.cancelled->load()) {
    return absl::CancelledError("evaluation was cancelled");
  }
  if (options_.deadline.has_value() && std::chrono::steady_clock::now() > *options_.deadline) {
    return absl::DeadlineExceededError("evaluation ran past its deadline");
  }
  return absl::OkStatus();
}

absl::Status Context::CheckScratch(int64_t count) {
  return Literal::Zeros(Shape::Array(ElementType::kC128, {count})).status();
}

void Context::ParallelFor(int64_t count, int64_t cost,
                          const std::function<void(int64_t, int64_t)>& work) {
  if (count <= 0) return;
  if (count == 1 || count < kWorthThreads / std::max<int64_t>(cost, 1)) return work(0, count);
  const int threads = ThreadCount(options_);
  const int64_t short_enough = kLongestPiece / std::max<int64_t>(cost, 1);
  const int64_t grain =
      std::max<int64_t>(1, std::min(short_enough, count / (threads * kPiecesPerThread)));
  WorkerPool::OfProcess().ParallelFor(CeilDiv(count, grain), threads, [&](int64_t piece) {
    // Whoever called will ask again, and drop what is not done.
    if (CheckInterrupt().ok()) work(piece * grain, std::min(count, (piece + 1) * grain));
  });
}

absl::StatusOr<const ScalarProgram*> Context::ProgramOf(const Computation& computation) {
  std::unique_ptr<absl::StatusOr<ScalarProgram>>& program = programs_[&computation];
  if (program == nullptr) {
    program = std::make_unique<absl::StatusOr<ScalarProgram>>(ScalarProgram::Of(computation));
  }
  if (!program->ok()) return program->status();
  return &**program;
}

const Context::Plan& Context::PlanOf(const Computation& computation) {
  std::unique_ptr<Plan>& plan = plans_[&computation];
  if (plan != nullptr) return *plan;
  plan = std::make_unique<Plan>();
  absl::flat_hash_map<const Instruction*, int> numbers;
  for (const Instruction* instruction : computation.instructions()) {
    Plan::Step step{instruction, {}, {}};
    for (const Instruction* operand : instruction->operands()) {
      step.operands.push_back(numbers.at(operand));
    }
    step.is_last_use.resize(step.operands.size(), false);
    numbers[instruction] = static_cast<int>(plan->steps.size());
    plan->steps.push_back(std::move(step));
  }
  plan->root = numbers.at(computation.root());
  std::vector<bool> used(plan->steps.size(), false);
  used[plan->root] = true;
  for (size_t s = plan->steps.size(); s-- > 0;) {
    Plan::Step& step = plan->steps[s];
    for (size_t i = step.operands.size(); i-- > 0;) {
      step.is_last_use[i] = !used[step.operands[i]];
      used[step.operands[i]] = true;
    }
  }
  return *plan;
}

namespace {

// The one switch over the kinds.
absl::StatusOr<Literal> EvaluateInstruction(const Instruction& instruction, Operands& operands,
                                            Context& context) {
  switch (instruction.kind()) {
    case OpKind::kElementwise:
      return EvaluateElementwise(instruction, operands, context);
    case OpKind::kDataMovement:
      return EvaluateDataMovement(instruction, operands, context);
    case OpKind::kReduction:
      return EvaluateReduction(instruction, operands, context);
    case OpKind::kContraction:
      return EvaluateContraction(instruction, operands, context);
    case OpKind::kIndexing:
      return EvaluateIndexing(instruction, operands, context);
    case OpKind::kSorting:
      return EvaluateSorting(instruction, operands, context);
    case OpKind::kRandom:
      return EvaluateRandom(instruction, operands, context);
    case OpKind::kLinearAlgebra:
      return EvaluateLinearAlgebra(instruction, operands, context);
    case OpKind::kStructure:
      return EvaluateStructure(instruction, operands, context);
    case OpKind::kControlFlow:
      return EvaluateControlFlow(instruction, operands, context);
    case OpKind::kCollective:
      return EvaluateCollective(instruction, operands, context);
    case OpKind::kExternal:
      return EvaluateExternal(instruction, operands, context);
  }
  return NotEvaluated(instruction);
}

bool HasDynamicSize(const Shape& shape) {
  if (shape.IsArray()) return shape.HasDynamicDimension();
  return std::any_of(shape.tuple_shapes().begin(), shape.tuple_shapes().end(), HasDynamicSize);
}

absl::Status CheckInputs(const Computation& computation, const std::vector<Literal>& inputs) {
  const std::vector<Instruction*>& parameters = computation.parameters();
  if (inputs.size() != parameters.size()) {
    return InvalidArgument(computation.name(), " takes ", parameters.size(), " inputs, not ",
                           inputs.size());
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].is_elided() ||
        !Shape::SameIgnoringLayout(inputs[i].shape(), parameters[i]->shape())) {
      return InvalidArgument(computation.name(), ": input ", i, " is ",
                             inputs[i].is_elided() ? "an elided " : "",
                             inputs[i].shape().ToString(false), "; the parameter is ",
                             parameters[i]->shape().ToString(false));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status NotEvaluated(const Instruction& instruction) {
  return Unimplemented("the evaluator does not do ", OpcodeName(instruction.opcode()));
}

absl::StatusOr<Literal> Refuse(const Instruction& instruction, Operands&, Context&) {
  return NotEvaluated(instruction);
}

absl::StatusOr<Literal> Context::Run(const Computation& computation, std::vector<Literal> inputs) {
  if (depth_ >= kMaxCallDepth) {
    return absl::ResourceExhaustedError(
        absl::StrCat(computation.name(), ": calls nest deeper than ", kMaxCallDepth));
  }
  INGOT_RETURN_IF_ERROR(CheckInputs(computation, inputs));
  const Plan& plan = PlanOf(computation);
  ++depth_;
  std::vector<Literal> values(plan.steps.size());
  absl::Status status;
  for (size_t s = 0; s < plan.steps.size() && status.ok(); ++s) {
    const Plan::Step& step = plan.steps[s];
    const Instruction& instruction = *step.instruction;
    if (instruction.opcode() == Opcode::kParameter) {
      values[s] = std::move(inputs[instruction.parameter_number()]);
      continue;
    }
    if (HasDynamicSize(instruction.shape())) {
      status = Unimplemented(instruction.name(), ": the evaluator does not do dynamic sizes: ",
                             instruction.shape().ToString(false));
      break;
    }
    Operands operands;
    for (size_t i = 0; i < step.operands.size(); ++i) {
      Literal& value = values[step.operands[i]];
      operands.push_back(step.is_last_use[i] ? std::move(value) : value);
    }
    absl::StatusOr<Literal> result = EvaluateInstruction(instruction, operands, *this);
    status = CheckInterrupt();
    if (!status.ok()) break;
    if (!result.ok()) {
      status = Annotate(result.status(), computation.name(), ": ", instruction.name());
      break;
    }
    values[s] = *std::move(result);
  }
  --depth_;
  if (!status.ok()) return status;
  return std::move(values[plan.root]);
}

}  // namespace ingot::evaluator

namespace ingot {

absl::StatusOr<Literal> EvaluateComputation(const Computation& computation,
                                            absl::Span<const Literal> inputs,
                                            const EvaluatorOptions& options) {
  evaluator::Context context(options);
  return context.Run(computation, std::vector<Literal>(inputs.begin(), inputs.end()));
}

absl::StatusOr<Literal> Evaluate(const Module& module, absl::Span<const Literal> inputs,
                                 const EvaluatorOptions& options) {
  if (module.entry() == nullptr) {
    return InvalidArgument("module ", module.name(), " has no entry computation");
  }
  return EvaluateComputation(*module.entry(), inputs, options);
}

std::vector<Literal> Leaves(const Literal& value) {
  if (value.shape().IsArray()) return {value};
  std::vector<Literal> leaves;
  for (const Literal& element : value.tuple()) {
    for (Literal& leaf : Leaves(element)) leaves.push_back(std::move(leaf));
  }
  return leaves;
}

}  // namespace ingot
