// The evaluator: what every op means, on every element type.  It is the oracle that compiled code
// is compared with: code as short as its formula, and only as fast as tests need.
//
// Numerics.  f32 and f64 arithmetic is native; elementary functions and all complex arithmetic are
// computed in f64 and rounded once.  Floats narrower than f32 are computed in f32 (or f64) and
// rounded once for each op.  Dots, convolutions, and reductions by a single op accumulate floats in
// f64 and are rounded once; a reducer of several ops rounds after each.  Results do not depend on
// the number of threads.
#ifndef INGOT_IR_EVALUATOR_EVALUATOR_H_
#define INGOT_IR_EVALUATOR_EVALUATOR_H_

#include <atomic>
#include <chrono>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "ir/literal.h"
#include "ir/module.h"

namespace ingot {

struct EvaluatorOptions {
  // Threads that work on one op; 0: as many as the machine has cores.
  int threads = 0;
  // Past it, evaluation stops with DeadlineExceeded.
  std::optional<std::chrono::steady_clock::time_point> deadline;
  // When it becomes true, evaluation stops with Cancelled.
  const std::atomic<bool>* cancelled = nullptr;
};

// The result of the entry computation: an array, or a tuple.  `module` is one that the verifier
// lets pass; inputs are the entry's parameters by number, of their shapes (layouts are ignored),
// else InvalidArgument.  Unimplemented names an op that is not evaluated; ResourceExhausted a value
// that is larger than memory.  Intermediate values are freed after their last use.
absl::StatusOr<Literal> Evaluate(const Module& module, absl::Span<const Literal> inputs,
                                 const EvaluatorOptions& options = {});
absl::StatusOr<Literal> EvaluateComputation(const Computation& computation,
                                            absl::Span<const Literal> inputs,
                                            const EvaluatorOptions& options = {});

// The arrays of a value: itself, or the leaves of a tuple in order.  Tokens are left out.
std::vector<Literal> Leaves(const Literal& value);

}  // namespace ingot

#endif  // INGOT_IR_EVALUATOR_EVALUATOR_H_
