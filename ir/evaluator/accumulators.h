// Accumulators: a block of results that elements are combined into, by the computation that reduce
// and reduce-window apply.
#ifndef INGOT_IR_EVALUATOR_ACCUMULATORS_H_
#define INGOT_IR_EVALUATOR_ACCUMULATORS_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "ir/evaluator/scalar_program.h"
#include "ir/literal.h"

namespace ingot::evaluator {

// For one thread.  Elements of the inputs and results are numbered as they lie in memory.
class Accumulators {
 public:
  virtual ~Accumulators() = default;
  // The first `count` ≤ kBlock accumulators hold the initial values.
  virtual void Start(int64_t count) = 0;
  // accumulator[first + j] = f(accumulator[first + j], inputs[offset + j * stride]), 0 ≤ j < count
  virtual void Add(int64_t first, int64_t count, int64_t offset, int64_t stride) = 0;
  // accumulator[0] takes inputs[offset + j], 0 ≤ j < count, in some fixed order.
  virtual void AddRun(int64_t offset, int64_t count) = 0;
  // results[offset + j] = accumulator[j], 0 ≤ j < count
  virtual void Store(int64_t count, int64_t offset) = 0;
};

// Accumulators for `program`, (accumulators..., elements...) → accumulators.  A single add,
// multiply, maximum, minimum, and, or, xor works in f64, s64 or c128 and rounds at Store;
// everything else rounds to its types at every step.  The literals must outlive the value;
// `results` are written to, at places that threads do not share.
std::unique_ptr<Accumulators> MakeAccumulators(const ScalarProgram& program,
                                               absl::Span<const Literal> inputs,
                                               absl::Span<const Literal> initial,
                                               absl::Span<std::byte* const> results);

}  // namespace ingot::evaluator

#endif  // INGOT_IR_EVALUATOR_ACCUMULATORS_H_
