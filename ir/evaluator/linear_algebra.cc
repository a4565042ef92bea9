// Linear algebra.
#include "ir/evaluator/context.h"

namespace ingot::evaluator {

absl::StatusOr<Literal> EvaluateLinearAlgebra(const Instruction& instruction, Operands&, Context&) {
  return NotEvaluated(instruction);
}

}  // namespace ingot::evaluator
