#include "tests/ir/infer/infer_testing.h"

#include "ir/text/parser.h"

namespace ingot {

Shape ShapeFromText(absl::string_view text) {
  const absl::StatusOr<Shape> shape = ParseShape(text);
  EXPECT_TRUE(shape.ok()) << shape.status();
  return shape.value_or(Shape());
}

Computation* Signatures::Of(const std::vector<std::string>& parameters, const std::string& result) {
  Computation* computation = module_.AddComputation("callee");
  for (size_t i = 0; i < parameters.size(); ++i) {
    computation->AddParameter(i, ShapeFromText(parameters[i]));
  }
  computation->set_root(computation->Add(Opcode::kCustomCall, ShapeFromText(result), {}));
  return computation;
}

Computation* Signatures::Reducer(const std::string& type) { return Of({type, type}, type); }

Computation* Signatures::Unfinished() { return module_.AddComputation("unfinished"); }

std::string Infer(Opcode opcode, const std::vector<std::string>& operands,
                  std::optional<Attributes> attributes, const Called& called,
                  const std::string& stated) {
  std::vector<Shape> shapes;
  for (const std::string& operand : operands) shapes.push_back(ShapeFromText(operand));
  std::vector<const Shape*> pointers;
  for (const Shape& shape : shapes) pointers.push_back(&shape);
  const Shape result = stated.empty() ? Shape() : ShapeFromText(stated);
  const absl::StatusOr<Shape> inferred =
      InferShape(opcode, pointers, attributes.value_or(DefaultAttributes(opcode)), called,
                 stated.empty() ? nullptr : &result);
  return inferred.ok() ? inferred->ToString() : std::string(inferred.status().message());
}

}  // namespace ingot
