#include "tests/ir/infer/infer_testing.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace ingot {

Shape ShapeFromText(absl::string_view text) {
  if (text == "token[]") return Shape::Token();
  if (absl::ConsumePrefix(&text, "(")) {
    std::vector<Shape> elements;
    for (absl::string_view part : absl::StrSplit(absl::StripSuffix(text, ")"), ", ")) {
      if (!part.empty()) elements.push_back(ShapeFromText(part));
    }
    return Shape::Tuple(std::move(elements));
  }
  const size_t bracket = text.find('[');
  const std::optional<ElementType> type = ElementTypeFromName(text.substr(0, bracket));
  EXPECT_TRUE(type.has_value()) << text;
  Shape shape = Shape::Array(*type, {});
  std::vector<int64_t> sizes;
  std::vector<int64_t> dynamic;
  for (absl::string_view part :
       absl::StrSplit(absl::StripSuffix(text.substr(bracket + 1), "]"), ',', absl::SkipEmpty())) {
    if (absl::ConsumePrefix(&part, "<=") || part == "?") dynamic.push_back(sizes.size());
    int64_t size = kUnboundedSize;
    EXPECT_TRUE(part == "?" || absl::SimpleAtoi(part, &size)) << part;
    sizes.push_back(size);
  }
  shape = Shape::Array(*type, std::move(sizes));
  for (int64_t d : dynamic) shape.set_dynamic(d, true);
  return shape;
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
