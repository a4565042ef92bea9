// What one evaluation carries: its options, its threads, and what it has compiled.  Also the
// functions of the op kinds, which evaluator.cc's one switch calls.
#ifndef INGOT_IR_EVALUATOR_CONTEXT_H_
#define INGOT_IR_EVALUATOR_CONTEXT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "ir/evaluator/evaluator.h"
#include "ir/evaluator/scalar_program.h"
#include "ir/module.h"
#include "ir/op_table.h"

namespace ingot::evaluator {

class Context {
 public:
  explicit Context(const EvaluatorOptions& options) : options_(options) {}

  // Evaluates a computation; consumes the inputs, so that a value that nobody else holds can be
  // changed in place.
  absl::StatusOr<Literal> Run(const Computation& computation, std::vector<Literal> inputs);

  // DeadlineExceeded or Cancelled, when it is time.
  absl::Status CheckInterrupt() const;

  // Calls work(begin, end) for pieces of [0, count) on the threads of the process's pool.  Items
  // cost about `cost` element operations each: small work stays on this thread.  When it is time to
  // stop, pieces are left out: Run sees to it that nobody uses what came of that.
  void ParallelFor(int64_t count, int64_t cost,
                   const std::function<void(int64_t begin, int64_t end)>& work);

  // OK when c128 numbers, so many, fit this machine's memory: before a std::vector takes it.
  static absl::Status CheckScratch(int64_t count);

  // The key of a generator of random numbers that no other call of this evaluation gets.
  uint64_t NextRandomKey() { return random_key_++; }

  // The compiled form of a computation that is applied to scalars.
  absl::StatusOr<const ScalarProgram*> ProgramOf(const Computation& computation);

 private:
  // A computation as a list of values, with the values that die after each.
  struct Plan {
    struct Step {
      const Instruction* instruction;
      std::vector<int> operands;
      std::vector<bool> is_last_use;  // of each operand, its last occurrence in this step
    };
    std::vector<Step> steps;
    int root;
  };
  const Plan& PlanOf(const Computation& computation);

  const EvaluatorOptions& options_;
  int depth_ = 0;
  uint64_t random_key_ = 0;
  absl::flat_hash_map<const Computation*, std::unique_ptr<Plan>> plans_;
  absl::flat_hash_map<const Computation*, std::unique_ptr<absl::StatusOr<ScalarProgram>>> programs_;
};

// One function for each OpKind.  `operands` are the instruction's; they may be moved from.
using Operands = std::vector<Literal>;
absl::StatusOr<Literal> EvaluateElementwise(const Instruction&, Operands&, Context&);
absl::StatusOr<Literal> EvaluateDataMovement(const Instruction&, Operands&, Context&);
absl::StatusOr<Literal> EvaluateReduction(const Instruction&, Operands&, Context&);
absl::StatusOr<Literal> EvaluateContraction(const Instruction&, Operands&, Context&);
absl::StatusOr<Literal> EvaluateIndexing(const Instruction&, Operands&, Context&);
absl::StatusOr<Literal> EvaluateSorting(const Instruction&, Operands&, Context&);
absl::StatusOr<Literal> EvaluateRandom(const Instruction&, Operands&, Context&);
absl::StatusOr<Literal> EvaluateLinearAlgebra(const Instruction&, Operands&, Context&);
absl::StatusOr<Literal> EvaluateStructure(const Instruction&, Operands&, Context&);
absl::StatusOr<Literal> EvaluateControlFlow(const Instruction&, Operands&, Context&);
absl::StatusOr<Literal> EvaluateCollective(const Instruction&, Operands&, Context&);
absl::StatusOr<Literal> EvaluateExternal(const Instruction&, Operands&, Context&);

// Each of them is a table of the kind's ops (ir/op_table.h).
using Row = OpRow<absl::StatusOr<Literal>(const Instruction&, Operands&, Context&)>;

// Unimplemented, naming the op.
absl::Status NotEvaluated(const Instruction& instruction);
// The row of an op that the evaluator does not do.
absl::StatusOr<Literal> Refuse(const Instruction& instruction, Operands&, Context&);

}  // namespace ingot::evaluator

#endif  // INGOT_IR_EVALUATOR_CONTEXT_H_
