#include "ir/builder/builder.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ir/base/status.h"
#include "ir/infer/infer.h"
#include "ir/verifier/verifier.h"

namespace ingot {
const Shape& Value::shape() const {
  static const Shape& none = *new Shape();
  return ok() ? instruction_->shape() : none;
}

ElementType Value::element_type() const {
  return shape().IsArray() ? shape().element_type() : ElementType::kPred;
}

int64_t Value::dimension(int64_t i) const {
  return i >= 0 && i < shape().rank() ? shape().dimension(i) : 0;
}

GraphBuilder::GraphBuilder(absl::string_view name)
    : module_(std::make_unique<Module>(name)), current_(module_->AddComputation("main")) {
  module_->set_entry(current_);
}

Value GraphBuilder::Fail(absl::Status error) {
  if (status_.ok()) status_ = std::move(error);
  return Value(this, nullptr);
}

Value GraphBuilder::Parameter(Shape shape, absl::string_view name) {
  if (!status_.ok()) return Value(this, nullptr);
  const int64_t number = static_cast<int64_t>(current_->parameters().size());
  if (absl::Status valid = shape.Validate(); !valid.ok()) {
    return Fail(Annotate(valid, "parameter ", number));
  }
  return Value(this, current_->AddParameter(number, std::move(shape), name));
}

Value GraphBuilder::Parameter(ElementType type, std::vector<int64_t> sizes,
                              absl::string_view name) {
  return Parameter(Shape::Array(type, std::move(sizes)), name);
}

Value GraphBuilder::Constant(Literal literal) {
  if (!status_.ok()) return Value(this, nullptr);
  return Value(this, current_->AddConstant(std::move(literal)));
}

Value GraphBuilder::Constant(ElementType type, double value) {
  return Constant(Literal::Scalar(type, value));
}

Value GraphBuilder::Constant(ElementType type, std::vector<int64_t> sizes,
                             absl::Span<const double> values) {
  const Shape shape = Shape::Array(type, std::move(sizes));
  if (absl::Status valid = shape.Validate(); !valid.ok()) {
    return Fail(Annotate(valid, "constant"));
  }
  if (shape.ElementCount() != static_cast<int64_t>(values.size())) {
    return Fail(InvalidArgument("constant: ", values.size(), " values for ", shape.ToString()));
  }
  absl::StatusOr<Literal> literal = Literal::Zeros(shape);
  if (!literal.ok()) return Fail(literal.status());
  for (size_t i = 0; i < values.size(); ++i) literal->SetDouble(i, values[i]);
  return Constant(*std::move(literal));
}

Value GraphBuilder::Iota(ElementType type, std::vector<int64_t> sizes, int64_t dimension) {
  const Shape shape = Shape::Array(type, std::move(sizes));
  return Apply(Opcode::kIota, {}, IotaAttributes{dimension}, {}, &shape);
}

absl::StatusOr<Instruction*> GraphBuilder::Add(Opcode opcode, Values operands,
                                               Attributes attributes,
                                               std::vector<Computation*> called,
                                               const Shape* stated) {
  std::vector<Instruction*> instructions;
  std::vector<const Shape*> shapes;
  std::vector<absl::string_view> names;
  for (Value operand : operands) {
    INGOT_REQUIRE(operand.ok(), OpcodeName(opcode), ": operand ", instructions.size(),
                  " is no value");
    INGOT_REQUIRE(operand.builder_ == this, OpcodeName(opcode), ": operand ", instructions.size(),
                  " is of another builder");
    instructions.push_back(operand.instruction_);
    shapes.push_back(&operand.shape());
    names.push_back(operand.instruction_->name());
  }
  const std::string call = absl::StrCat(OpcodeName(opcode), "(", absl::StrJoin(names, ", "), ")");
  for (const Instruction* instruction : instructions) {
    INGOT_REQUIRE(instruction->parent() == current_, call, ": ", instruction->name(),
                  " is a value of computation ", instruction->parent()->name(), ", not of ",
                  current_->name(), ": it has to be passed in");
  }
  INGOT_REQUIRE(attributes.index() == DefaultAttributes(opcode).index(), call,
                ": the attributes are those of another op");
  absl::StatusOr<Shape> shape = InferShape(opcode, shapes, attributes, called, stated);
  if (absl::IsUnimplemented(shape.status()) && stated != nullptr) shape = *stated;
  if (!shape.ok()) return Annotate(shape.status(), call);
  Instruction* instruction =
      current_->Add(opcode, *std::move(shape), std::move(instructions), std::move(attributes));
  instruction->set_called_computations(std::move(called));
  return instruction;
}

Value GraphBuilder::Apply(Opcode opcode, Values operands, std::optional<Attributes> attributes,
                          std::vector<Computation*> called, const Shape* stated) {
  if (!status_.ok()) return Value(this, nullptr);
  if (opcode == Opcode::kParameter) {
    return Fail(InvalidArgument("parameter: made by GraphBuilder::Parameter"));
  }
  absl::StatusOr<Instruction*> instruction = Add(
      opcode, operands, attributes.has_value() ? *std::move(attributes) : DefaultAttributes(opcode),
      std::move(called), stated);
  if (!instruction.ok()) return Fail(instruction.status());
  return Value(this, *instruction);
}

Computation* GraphBuilder::Define(absl::string_view name, absl::Span<const Shape> parameters,
                                  const Function& body) {
  if (!status_.ok()) {
    // Run all the same: some callers learn from it how many results there are.
    body(std::vector<Value>(parameters.size(), Value(this, nullptr)));
    return nullptr;
  }
  Computation* outer = current_;
  Computation* inner = module_->AddComputation(name);
  current_ = inner;
  std::vector<Value> arguments;
  for (const Shape& shape : parameters) arguments.push_back(Parameter(shape));
  const Value root = body(arguments);
  current_ = outer;
  if (!status_.ok()) return nullptr;
  if (!root.ok() || root.builder_ != this || root.instruction_->parent() != inner) {
    Fail(InvalidArgument("computation ", inner->name(), " returns a value that is not its own"));
    return nullptr;
  }
  inner->set_root(root.instruction_);
  return inner;
}

Computation* GraphBuilder::ScalarComputation(Opcode opcode, ElementType type) {
  Computation*& computation = scalar_computations_[{opcode, type}];
  if (computation == nullptr) {
    const Shape scalar = Shape::Scalar(type);
    computation =
        Define(absl::StrCat(OpcodeName(opcode), "_", ElementTypeName(type)), {scalar, scalar},
               [&](Values arguments) { return Apply(opcode, arguments); });
  }
  return computation;
}

absl::StatusOr<std::unique_ptr<Module>> GraphBuilder::Build(Value root) {
  INGOT_RETURN_IF_ERROR(status_);
  INGOT_REQUIRE(root.ok() && root.builder_ == this, "build: the root is no value of this builder");
  INGOT_REQUIRE(current_ == module_->entry() && root.instruction_->parent() == current_,
                "build: the root ", root.instruction_->name(), " is not of the entry computation");
  current_->set_root(root.instruction_);
  status_ = absl::FailedPreconditionError("the builder has built its module");
  module_->Normalize();
  INGOT_RETURN_IF_ERROR(Verify(*module_));
  return std::move(module_);
}

absl::StatusOr<std::unique_ptr<Module>> GraphBuilder::Build(std::initializer_list<Value> results) {
  return Build(Apply(Opcode::kTuple, Values(results.begin(), results.size())));
}

}  // namespace ingot
