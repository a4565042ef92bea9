// What the files of the reduction kind share.
#ifndef INGOT_IR_EVALUATOR_REDUCTION_H_
#define INGOT_IR_EVALUATOR_REDUCTION_H_

#include <cstddef>
#include <vector>

#include "absl/status/statusor.h"
#include "ir/evaluator/context.h"

namespace ingot::evaluator {

// Zeros for an array shape, or for each array of a tuple of them.
absl::StatusOr<std::vector<Literal>> ZeroResults(const Shape& shape);
// The tuple, or the one array.
Literal JoinResults(const Shape& shape, std::vector<Literal> results);
// Where to write each result.
std::vector<std::byte*> TargetsOf(std::vector<Literal>& results);

// window.cc
absl::StatusOr<Literal> ReduceWindow(const Instruction&, Operands&, Context&);
absl::StatusOr<Literal> SelectAndScatter(const Instruction&, Operands&, Context&);

}  // namespace ingot::evaluator

#endif  // INGOT_IR_EVALUATOR_REDUCTION_H_
