// How a reduction puts two elements together.
#ifndef INGOT_COMPILER_LOWER_COMBINATION_H_
#define INGOT_COMPILER_LOWER_COMBINATION_H_

#include <optional>
#include <vector>

#include "compiler/lower/emitter.h"

namespace ingot::lower {

// Of reduce and reduce-window: operands with as many initial values after them.  Accumulators are
// elements, one an operand.
struct Combination {
  std::vector<ElementType> types;  // of the results
  // One commutative op on one operand: accumulated in the compute type, from its identity, the
  // initial value last.  Otherwise accumulators have the results' types.
  std::optional<Opcode> simple;
  // Each result is one of the two elements, as of an argmax: what is there twice changes nothing,
  // so that the initial values, which every result takes in, are an identity.
  bool chooses = false;
  Elements initial;

  std::vector<ElementType> AccumulatorTypes() const;
  // Operands' elements as accumulators.
  Elements Accumulators(ElementEmitter& e, Elements elements) const;
  // The identity, where there is one.
  std::optional<Elements> Identity(ElementEmitter& e) const;
  // Both are accumulators; the result has the more lanes of the two.
  Elements Apply(ElementEmitter& e, const Instruction& instruction, const Elements& a,
                 const Elements& b) const;
  // A simple combination's result; others' accumulators are that already.
  Elements Finish(ElementEmitter& e, Elements accumulators) const;
};

Combination CombinationOf(ElementEmitter& e, const Instruction& instruction);

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_COMBINATION_H_
