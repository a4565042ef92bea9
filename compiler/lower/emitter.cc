#include "compiler/lower/emitter.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "compiler/plan/analysis.h"
#include "ir/base/status.h"

namespace ingot::lower {

using kernel::Type;
using kernel::Value;

namespace {

// Constants of more elements than this are parameters of a fusion, not part of its code.
constexpr int64_t kMaxInlineConstant = 64;
// Values that are read at several places of one kernel are emitted for each: chains of such reads
// double, and are refused before they fill memory.  An assembler takes some 10 seconds for as many.
constexpr int64_t kMaxOperations = 32 * 1000;

int LeafCount(const Shape& shape) {
  return shape.IsTuple() ? static_cast<int>(shape.tuple_shapes().size()) : 1;
}

const Shape& LeafShape(const Shape& shape, int leaf) {
  return shape.IsTuple() ? shape.tuple_shapes()[leaf] : shape;
}

// Dimensions of the arrays that `instruction` gives; all leaves of an op that is emitted element by
// element have the same ones.
absl::Span<const int64_t> Dimensions(const Instruction& instruction) {
  return LeafShape(instruction.shape(), 0).dimensions();
}

Element ConstantElement(ElementEmitter& e, const Literal& literal, int64_t i) {
  const ElementType type = literal.shape().element_type();
  const Type component = Type::Scalar(ComponentType(type));
  if (IsComplex(type)) {
    const std::complex<double> value = literal.AsComplex(i);
    return {e.b().Float(component, value.real()), e.b().Float(component, value.imag())};
  }
  if (IsFloat(type)) return {e.b().Float(component, literal.AsDouble(i)), nullptr};
  return {e.b().Integer(component, literal.AsInteger(i)), nullptr};
}

Elements EmitConstant(ElementEmitter& e, const Instruction& instruction, const Index& index) {
  const Literal& literal = instruction.literal();
  if (literal.is_elided()) {
    e.Unsupported(instruction, "its value was left out of the text");
    return {e.Zero(literal.shape().element_type())};
  }
  if (literal.size() == 0) return {e.Zero(literal.shape().element_type())};
  if (literal.size() == 1 || literal.IsSplat()) return {ConstantElement(e, literal, 0)};
  if (literal.size() > kMaxInlineConstant) {
    e.Unsupported(instruction, absl::StrCat("a constant of ", literal.size(),
                                            " elements inside a fusion; at most ",
                                            kMaxInlineConstant, " are inlined"));
    return {e.Zero(literal.shape().element_type())};
  }
  if (index.lanes() > 1) return {};
  const Value linear = e.math().Linear(index, literal.shape().dimensions());
  Element value = ConstantElement(e, literal, literal.size() - 1);
  for (int64_t i = literal.size() - 2; i >= 0; --i) {
    value = e.Select(e.b().Eq(linear, e.math().Const(i)), ConstantElement(e, literal, i), value);
  }
  return {value};
}

}  // namespace

plan::InstructionPlan Context::PlanOf(const Instruction& instruction) const {
  const size_t id = static_cast<size_t>(instruction.id());
  const auto* steps = std::get_if<plan::StepPlan>(&plan.work);
  const bool planned =
      instruction.parent() == &fusion && steps != nullptr && id < steps->instructions.size();
  return planned ? steps->instructions[id] : plan::InstructionPlan{};
}

void ElementEmitter::Unsupported(const Instruction& instruction, absl::string_view why) {
  context_.Fail(Unimplemented(instruction.name(), ": ", OpcodeName(instruction.opcode()), " ",
                              instruction.shape().ToString(/*with_layout=*/false), ": ", why));
}

const Element* ElementEmitter::Find(const Instruction& instruction, const Index& index,
                                    int leaf) const {
  const Key key{&instruction, leaf, index};
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    if (auto found = scope->find(key); found != scope->end()) return &found->second;
  }
  return nullptr;
}

Element ElementEmitter::Emit(const Instruction& instruction, const Index& index, int leaf) {
  if (instruction.opcode() == Opcode::kGetTupleElement) {
    const Instruction& tuple = *instruction.operand(0);
    const Index& at = index.point < 0 ? index : context_.tile->IndexAt(tuple, index.point);
    return Emit(tuple, at, static_cast<int>(instruction.tuple_index()));
  }
  if (instruction.opcode() == Opcode::kTuple) return Emit(*instruction.operand(leaf), index);
  const ElementType type = LeafShape(instruction.shape(), leaf).element_type();
  if (!context_.status.ok()) return Zero(type);
  if (const Element* known = Find(instruction, index, leaf)) return *known;
  if (context_.tile != nullptr && context_.tile->IsHeld(instruction)) {
    context_.Fail(absl::InternalError(absl::StrCat(
        instruction.name(), ": the plan holds this value elsewhere than where it is asked for")));
    return Zero(type);
  }
  if (b().kernel().ScalarOperations() > kMaxOperations) {
    Unsupported(instruction,
                absl::StrCat("the kernel has more than ", kMaxOperations,
                             " operations; use a shorter computation, or keep values that are "
                             "read at many places out of the fusion"));
    return Zero(type);
  }
  const int32_t outer_hlo = b().hlo();
  if (instruction.parent() == &context_.fusion) {
    b().set_hlo(static_cast<int32_t>(instruction.id()));
  }
  Elements values = Dispatch(instruction, index);
  if (values.empty() && context_.status.ok()) values = LaneByLane(instruction, index);
  b().set_hlo(outer_hlo);
  if (!context_.status.ok()) return Zero(type);
  for (size_t i = 0; i < values.size(); ++i) {
    scopes_.back()[Key{&instruction, static_cast<int>(i), index}] = values[i];
  }
  return values[leaf];
}

Element ElementEmitter::EmitOperand(const Instruction& consumer, int64_t operand,
                                    const Index& index) {
  const Instruction& value = *consumer.operand(operand);
  if (index.point < 0) return Emit(value, index);
  if (const Instruction* source = context_.tile->SourceOf(consumer, operand)) {
    return Emit(*source, context_.tile->IndexAt(*source, index.point));
  }
  return Emit(value, IndexOfOperand(consumer, operand, index));
}

Index ElementEmitter::IndexOfOperand(const Instruction& consumer, int64_t operand,
                                     const Index& index) const {
  if (index.point < 0) return index;
  if (const Instruction* source = context_.tile->SourceOf(consumer, operand)) {
    return context_.tile->IndexAt(*source, index.point);
  }
  Index elsewhere = index;
  elsewhere.point = -1;
  elsewhere.linear_align = 1;
  return elsewhere;
}

Elements ElementEmitter::LaneByLane(const Instruction& instruction, const Index& index) {
  INGOT_CHECK(index.lanes() > 1) << OpcodeName(instruction.opcode()) << " gave no value";
  std::vector<Elements> lanes(LeafCount(instruction.shape()));
  for (int lane = 0; lane < index.lanes(); ++lane) {
    const Index scalar = math().Lane(index, lane, Dimensions(instruction));
    for (size_t leaf = 0; leaf < lanes.size(); ++leaf) {
      lanes[leaf].push_back(Emit(instruction, scalar, static_cast<int>(leaf)));
    }
  }
  Elements result;
  for (const Elements& leaf : lanes) result.push_back(Build(leaf));
  return result;
}

bool ElementEmitter::AsksInSpace(const Instruction& reduce) const {
  for (int64_t i = 0; i < reduce.operand_count() / 2; ++i) {
    if (context_.tile->SourceOf(reduce, i) == nullptr) return false;
  }
  return true;
}

Elements ElementEmitter::Dispatch(const Instruction& instruction, const Index& at) {
  Index index = at;
  if (at.point >= 0 && instruction.kind() != OpKind::kElementwise) {
    // Where one element is another one, in space, nothing is computed.
    if (plan::KeepsPlaces(instruction) && context_.tile->SourceOf(instruction, 0) != nullptr) {
      return {EmitOperand(instruction, 0, at)};
    }
    if (instruction.opcode() == Opcode::kReduce && AsksInSpace(instruction)) {
      return EmitReduceOfOne(*this, instruction, at);
    }
    if (instruction.opcode() != Opcode::kParameter) {
      index.point = -1;
      index.linear_align = 1;
    }
  }
  switch (instruction.kind()) {
    case OpKind::kElementwise:
      return EmitElementwise(*this, instruction, index);
    case OpKind::kDataMovement:
      return EmitDataMovement(*this, instruction, index);
    case OpKind::kReduction:
      return EmitReduction(*this, instruction, index);
    case OpKind::kContraction:
      return EmitContraction(*this, instruction, index);
    case OpKind::kIndexing:
      return EmitIndexing(*this, instruction, index);
    case OpKind::kRandom:
      return EmitRandom(*this, instruction, index);
    case OpKind::kStructure:
      return EmitStructure(instruction, index);
    case OpKind::kSorting:
      return OnlyAsRoot(*this, instruction, index);
    case OpKind::kLinearAlgebra:
    case OpKind::kControlFlow:
    case OpKind::kCollective:
    case OpKind::kExternal:
      Unsupported(instruction, "no kernel computes it");
      break;
  }
  return {};
}

Elements ElementEmitter::EmitStructure(const Instruction& instruction, const Index& index) {
  if (instruction.opcode() == Opcode::kParameter) return {parameters_(instruction, index)};
  if (instruction.opcode() == Opcode::kConstant) return EmitConstant(*this, instruction, index);
  if (IsOneOf(instruction.opcode(),
              {Opcode::kOptimizationBarrier, Opcode::kAddDependency, Opcode::kDomain})) {
    return {Emit(*instruction.operand(0), index)};
  }
  Unsupported(instruction, "no kernel computes it");
  return {};
}

Elements OnlyAsRoot(ElementEmitter& e, const Instruction& instruction, const Index&) {
  e.Unsupported(instruction, "only as the root of a kernel");
  return {};
}

Elements Unexpanded(ElementEmitter& e, const Instruction& instruction, const Index&) {
  e.Unsupported(instruction, "expected to be expanded before kernels are made");
  return {};
}

std::vector<Element> ElementEmitter::Call(const Computation& computation,
                                          absl::Span<const Element> arguments, const Index& at) {
  ElementEmitter callee(&context_, [&](const Instruction& parameter, const Index& index) {
    const size_t number = static_cast<size_t>(parameter.parameter_number());
    if (number >= arguments.size() || index != at) {
      Unsupported(parameter, "read at another place than the result is computed for");
      return Zero(parameter.shape().element_type());
    }
    return arguments[number];
  });
  int lanes = 1;
  for (const Element& argument : arguments) lanes = std::max(lanes, argument.lanes());
  Elements results;
  const Instruction& root = *computation.root();
  for (int leaf = 0; leaf < LeafCount(root.shape()); ++leaf) {
    results.push_back(Broadcast(callee.Emit(root, at, leaf), lanes));
  }
  return results;
}

// ----- Memory

namespace {

// How far apart in memory the lanes of a vector are, in elements.
int64_t LaneStep(const Shape& shape, const Index& index) {
  if (index.lanes() == 1 || index.flat()) return 1;
  return index.lane.stride * RowMajorStrides(shape.dimensions())[index.lane.dim];
}

}  // namespace

int64_t ElementEmitter::MemoryAlignment(const kernel::Buffer& buffer, const Shape& shape,
                                        const Index& index) {
  if (index.lanes() == 1) return 0;
  int64_t multiple = index.lane.align;  // of the row-major number of lane 0
  if (!index.flat()) {
    const std::vector<int64_t> strides = RowMajorStrides(shape.dimensions());
    for (int64_t i = 0; i < shape.rank(); ++i) {
      if (i != index.lane.dim && shape.dimension(i) > 1) multiple = std::gcd(multiple, strides[i]);
    }
  }
  multiple = std::max(multiple & -multiple, index.linear_align);
  const int64_t bytes = multiple * ByteWidth(buffer.element);
  return std::min<int64_t>(bytes & -bytes, buffer.alignment);
}

Element ElementEmitter::Load(kernel::Buffer* buffer, const Shape& shape, const Index& index) {
  // An empty operand (of concatenate, pad, …) is read nowhere: what asks for it is dead.
  if (shape.ElementCount() == 0) return Broadcast(Zero(shape.element_type()), index.lanes());
  const Value linear = math().Linear(index, shape.dimensions());
  if (IsComplex(shape.element_type())) {
    INGOT_CHECK(index.lanes() == 1) << "complex elements are loaded one by one";
    kernel::AccessOptions options;
    options.alignment = ByteWidth(shape.element_type());
    const Value pair = b().Load(buffer, math().Mul(linear, 2), 2, options);
    return {b().Extract(pair, 0), b().Extract(pair, 1)};
  }
  if (index.lanes() == 1) return {b().Load(buffer, linear), nullptr};
  const int64_t step = LaneStep(shape, index);
  if (step == 1) {
    kernel::AccessOptions options;
    options.alignment = static_cast<int>(MemoryAlignment(*buffer, shape, index));
    return {b().Load(buffer, linear, index.lanes(), options), nullptr};
  }
  std::vector<Value> lanes;
  for (int lane = 0; lane < index.lanes(); ++lane) {
    lanes.push_back(b().Load(buffer, math().Add(linear, lane * step)));
  }
  return {b().Build(lanes), nullptr};
}

void ElementEmitter::Store(kernel::Buffer* buffer, const Shape& shape, const Index& index,
                           Element value) {
  value = Broadcast(value, index.lanes());
  const Value linear = math().Linear(index, shape.dimensions());
  const int64_t step = LaneStep(shape, index);
  if (value.is_complex()) {
    for (int lane = 0; lane < index.lanes(); ++lane) {
      const Value first = math().Mul(math().Add(linear, lane * step), 2);
      const Value pair = b().Build({b().Extract(value.re, lane), b().Extract(value.im, lane)});
      kernel::AccessOptions options;
      options.alignment = ByteWidth(shape.element_type());
      b().Store(buffer, first, pair, options);
    }
    return;
  }
  if (step != 1) {
    for (int lane = 0; lane < index.lanes(); ++lane) {
      b().Store(buffer, math().Add(linear, lane * step), b().Extract(value.re, lane));
    }
    return;
  }
  kernel::AccessOptions options;
  options.alignment = static_cast<int>(MemoryAlignment(*buffer, shape, index));
  b().Store(buffer, linear, value.re, options);
}

// ----- Control flow

void ElementEmitter::Scoped(const std::function<void()>& body) {
  scopes_.emplace_back();
  body();
  scopes_.pop_back();
}

void ElementEmitter::For(Value begin, Value end, int64_t step,
                         const std::function<void(Value)>& body, int64_t unroll) {
  b().For(
      begin, end, b().Integer(begin->type, step), [&](Value i) { Scoped([&] { body(i); }); },
      unroll);
}

void ElementEmitter::If(Value condition, const std::function<void()>& then,
                        const std::function<void()>& otherwise) {
  if (condition->IsConstant()) {
    if (condition->ConstantInteger() != 0) {
      then();
    } else if (otherwise) {
      otherwise();
    }
    return;
  }
  if (otherwise) {
    b().If(
        condition, [&] { Scoped(then); }, [&] { Scoped(otherwise); });
  } else {
    b().If(condition, [&] { Scoped(then); });
  }
}

void ElementEmitter::While(const std::function<Value()>& condition,
                           const std::function<void()>& body) {
  b().While(
      [&] {
        Value result = nullptr;
        Scoped([&] { result = condition(); });
        return result;
      },
      [&] { Scoped(body); });
}

ElementVar ElementEmitter::Declare(const std::string& name, Element initial) {
  ElementVar var;
  var.re = b().DeclareVar(name, initial.re);
  if (initial.is_complex()) var.im = b().DeclareVar(absl::StrCat(name, "_im"), initial.im);
  return var;
}

Element ElementEmitter::Read(const ElementVar& var) {
  return {b().Read(var.re), var.im == nullptr ? nullptr : b().Read(var.im)};
}

void ElementEmitter::Write(const ElementVar& var, Element value) {
  value = Broadcast(value, var.re->type.lanes);
  b().Write(var.re, value.re);
  if (var.im != nullptr) b().Write(var.im, value.im);
}

std::vector<Element> ElementEmitter::Read(const std::vector<ElementVar>& vars) {
  std::vector<Element> values;
  for (const ElementVar& var : vars) values.push_back(Read(var));
  return values;
}

void ElementEmitter::Write(const std::vector<ElementVar>& vars,
                           const std::vector<Element>& values) {
  for (size_t i = 0; i < vars.size(); ++i) Write(vars[i], values[i]);
}

// ----- Elements

Element ElementEmitter::Zero(ElementType type) { return FromDouble(type, 0); }

Element ElementEmitter::FromDouble(ElementType type, double value) {
  const Type component = Type::Scalar(ComponentType(type));
  if (IsFloat(type)) return {b().Float(component, value), nullptr};
  if (IsComplex(type)) return {b().Float(component, value), b().Float(component, 0)};
  return {b().Integer(component, static_cast<int64_t>(value)), nullptr};
}

Element ElementEmitter::Broadcast(Element value, int lanes) {
  if (value.lanes() == lanes) return value;
  return {b().Broadcast(value.re, lanes),
          value.is_complex() ? b().Broadcast(value.im, lanes) : nullptr};
}

Element ElementEmitter::Select(Value mask, Element on_true, Element on_false) {
  const int lanes = std::max({mask->type.lanes, on_true.lanes(), on_false.lanes()});
  mask = mask->type.lanes == lanes ? mask : b().Broadcast(mask, lanes);
  on_true = Broadcast(on_true, lanes);
  on_false = Broadcast(on_false, lanes);
  return {b().Select(mask, on_true.re, on_false.re),
          on_true.is_complex() ? b().Select(mask, on_true.im, on_false.im) : nullptr};
}

Element ElementEmitter::Convert(Element value, ElementType from, ElementType to) {
  if (from == to) return value;
  const Value re = b().Convert(value.re, ComponentType(to));
  if (!IsComplex(to)) return {re, nullptr};
  return {re,
          value.is_complex() ? b().Convert(value.im, ComponentType(to)) : b().Float(re->type, 0)};
}

Element ElementEmitter::Build(absl::Span<const Element> lanes) {
  std::vector<Value> re;
  std::vector<Value> im;
  for (const Element& lane : lanes) {
    re.push_back(lane.re);
    if (lane.is_complex()) im.push_back(lane.im);
  }
  return {b().Build(re), im.empty() ? nullptr : b().Build(im)};
}

}  // namespace ingot::lower
