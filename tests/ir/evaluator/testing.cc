#include "tests/ir/evaluator/testing.h"

#include <utility>

#include "ir/base/check.h"
#include "ir/base/status.h"

namespace ingot::test {

absl::StatusOr<Literal> TryEvaluated(const Body& body, const std::vector<Literal>& inputs) {
  GraphBuilder builder("test");
  std::vector<Value> parameters;
  for (const Literal& input : inputs) parameters.push_back(builder.Parameter(input.shape()));
  const Value root = body(builder, parameters);
  INGOT_ASSIGN_OR_RETURN(const std::unique_ptr<Module> module, builder.Build(root));
  return Evaluate(*module, inputs);
}

Literal Evaluated(const Body& body, const std::vector<Literal>& inputs) {
  absl::StatusOr<Literal> result = TryEvaluated(body, inputs);
  INGOT_CHECK(result.ok()) << result.status().ToString();
  return *std::move(result);
}

Literal Array(ElementType type, std::vector<int64_t> sizes, const std::vector<double>& values) {
  Literal literal = Literal::Zeros(Shape::Array(type, std::move(sizes))).value();
  INGOT_CHECK(literal.size() == static_cast<int64_t>(values.size())) << values.size();
  for (size_t i = 0; i < values.size(); ++i) literal.SetDouble(i, values[i]);
  return literal;
}

Literal Doubles(ElementType type, const std::vector<double>& values) {
  return Array(type, {static_cast<int64_t>(values.size())}, values);
}

Literal Integers(ElementType type, const std::vector<int64_t>& values) {
  Literal literal =
      Literal::Zeros(Shape::Array(type, {static_cast<int64_t>(values.size())})).value();
  for (size_t i = 0; i < values.size(); ++i) literal.SetInteger(i, values[i]);
  return literal;
}

Literal Numbers(ElementType type, std::vector<int64_t> sizes, int seed) {
  Literal literal = Literal::Zeros(Shape::Array(type, std::move(sizes))).value();
  for (int64_t i = 0; i < literal.size(); ++i) {
    literal.SetDouble(i, static_cast<double>((i * 5 + i / 7 + seed * 3 + 1) % 7 - 3));
  }
  return literal;
}

std::vector<double> ToDoubles(const Literal& literal) {
  std::vector<double> values;
  for (int64_t i = 0; i < literal.size(); ++i) values.push_back(literal.AsDouble(i));
  return values;
}

}  // namespace ingot::test
