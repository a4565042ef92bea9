// Small graphs, built and evaluated.
#ifndef INGOT_TESTS_IR_EVALUATOR_TESTING_H_
#define INGOT_TESTS_IR_EVALUATOR_TESTING_H_

#include <functional>
#include <vector>

#include "ir/builder/builder.h"
#include "ir/evaluator/evaluator.h"
#include "ir/literal.h"

namespace ingot::test {

// The value of what `body` builds of parameters with these values.  Ends the process, with the
// status, where that cannot be built or evaluated.
using Body = std::function<Value(GraphBuilder&, Values)>;
Literal Evaluated(const Body& body, const std::vector<Literal>& inputs);
// The same, for errors.
absl::StatusOr<Literal> TryEvaluated(const Body& body, const std::vector<Literal>& inputs);

// Arrays, row-major; one dimension where no sizes are given.
Literal Array(ElementType type, std::vector<int64_t> sizes, const std::vector<double>& values);
Literal Doubles(ElementType type, const std::vector<double>& values);
Literal Integers(ElementType type, const std::vector<int64_t>& values);
// Small numbers that differ from element to element, exact in every type: -3 … 3.
Literal Numbers(ElementType type, std::vector<int64_t> sizes, int seed = 0);

// All elements.
std::vector<double> ToDoubles(const Literal& literal);

}  // namespace ingot::test

#endif  // INGOT_TESTS_IR_EVALUATOR_TESTING_H_
