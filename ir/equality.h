// Structural equality: the same computation under other names.
#ifndef INGOT_IR_EQUALITY_H_
#define INGOT_IR_EQUALITY_H_

#include <cstddef>

#include "ir/module.h"

namespace ingot {

// Same opcodes, shapes (layouts ignored), attributes, called computations (structurally) and
// operand structure, in the same order of instructions; names, ids and annotations are ignored.
// Linear in the instructions of both.
bool SameComputation(const Computation& a, const Computation& b);

// Equal for computations that SameComputation calls equal.
size_t HashComputation(const Computation& computation);

// Equal for shapes that Shape::SameIgnoringLayout calls equal.
size_t HashShape(const Shape& shape);

// Of what SameComputation compares of an instruction, without its operands.
size_t HashOperation(const Instruction& instruction);

// Whether `a` and `b` compute the same value, given that equal operands are the same instruction:
// opcode, shape, attributes, operands by identity, called computations structurally.  False where
// either has a side effect.
bool SameInstruction(const Instruction& a, const Instruction& b);
size_t HashInstruction(const Instruction& instruction);

}  // namespace ingot

#endif  // INGOT_IR_EQUALITY_H_
