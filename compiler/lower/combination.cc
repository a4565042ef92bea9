#include "compiler/lower/combination.h"

#include <algorithm>

#include "compiler/lower/fold.h"
#include "compiler/lower/scalar.h"

namespace ingot::lower {
namespace {

// Whether each result of a reducer is a select of its two elements of the operand.
bool ChoosesOneOfTwo(const Computation& reducer) {
  const Instruction& root = *reducer.root();
  const std::vector<Instruction*>& parameters = reducer.parameters();
  const size_t count = parameters.size() / 2;
  if (root.opcode() != Opcode::kTuple || root.operand_count() != static_cast<int64_t>(count)) {
    return false;
  }
  for (size_t k = 0; k < count; ++k) {
    const Instruction& chosen = *root.operand(static_cast<int64_t>(k));
    if (chosen.opcode() != Opcode::kSelect) return false;
    const Instruction *a = chosen.operand(1), *b = chosen.operand(2);
    const bool both = (a == parameters[k] && b == parameters[count + k]) ||
                      (b == parameters[k] && a == parameters[count + k]);
    if (!both) return false;
  }
  return true;
}

}  // namespace

std::vector<ElementType> Combination::AccumulatorTypes() const {
  if (simple.has_value()) return {ComputeType(types[0])};
  return types;
}

Elements Combination::Accumulators(ElementEmitter& e, Elements elements) const {
  if (simple.has_value()) elements[0] = e.Convert(elements[0], types[0], ComputeType(types[0]));
  return elements;
}

std::optional<Elements> Combination::Identity(ElementEmitter& e) const {
  if (chooses) return initial;
  if (!simple.has_value()) return std::nullopt;
  return Elements{*IdentityOf(e, *simple, ComputeType(types[0]))};
}

Elements Combination::Apply(ElementEmitter& e, const Instruction& instruction, const Elements& a,
                            const Elements& b) const {
  if (simple.has_value()) return {Combine(e, *simple, ComputeType(types[0]), a[0], b[0])};
  int lanes = 1;
  for (const Elements* side : {&a, &b}) {
    for (const Element& element : *side) lanes = std::max(lanes, element.lanes());
  }
  Elements arguments;
  for (const Elements* side : {&a, &b}) {
    for (const Element& element : *side) arguments.push_back(e.Broadcast(element, lanes));
  }
  return e.Call(*instruction.to_apply(), arguments);
}

Elements Combination::Finish(ElementEmitter& e, Elements accumulators) const {
  if (!simple.has_value()) return accumulators;
  const ElementType compute = ComputeType(types[0]);
  const Element start = e.Convert(initial[0], types[0], compute);
  const Element result = Combine(e, *simple, compute, start, accumulators[0]);
  return {e.Convert(result, compute, types[0])};
}

Combination CombinationOf(ElementEmitter& e, const Instruction& instruction) {
  Combination result;
  const int64_t inputs = instruction.operand_count() / 2;
  for (int64_t i = 0; i < inputs; ++i) {
    result.types.push_back(instruction.operand(i)->shape().element_type());
    result.initial.push_back(e.EmitScalar(*instruction.operand(inputs + i)));
  }
  result.chooses = ChoosesOneOfTwo(*instruction.to_apply());
  if (inputs != 1) return result;
  const std::optional<Opcode> opcode = plan::SimpleCombiner(*instruction.to_apply());
  const ElementType type = result.types[0];
  if (opcode.has_value() && IdentityOf(e, *opcode, ComputeType(type)).has_value() &&
      instruction.to_apply()->root()->shape().element_type() == type) {
    result.simple = opcode;
  }
  return result;
}

}  // namespace ingot::lower
