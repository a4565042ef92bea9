#include "ir/equality.h"

#include "absl/container/flat_hash_map.h"
#include "absl/hash/hash.h"

namespace ingot {
namespace {

bool SameCallees(const Instruction& a, const Instruction& b) {
  if (a.called_computations().size() != b.called_computations().size()) return false;
  for (size_t i = 0; i < a.called_computations().size(); ++i) {
    const Computation* callee_a = a.called_computations()[i];
    const Computation* callee_b = b.called_computations()[i];
    if (callee_a != callee_b && !SameComputation(*callee_a, *callee_b)) return false;
  }
  return true;
}

// Everything but the operands.
bool SameOperation(const Instruction& a, const Instruction& b) {
  return a.opcode() == b.opcode() && a.operand_count() == b.operand_count() &&
         Shape::SameIgnoringLayout(a.shape(), b.shape()) &&
         a.all_attributes() == b.all_attributes() && SameCallees(a, b);
}

}  // namespace

size_t HashShape(const Shape& shape) {
  size_t hash = absl::HashOf(shape.kind(), shape.dimensions());
  if (shape.IsArray()) hash = absl::HashOf(hash, shape.element_type());
  for (int64_t i = 0; i < shape.rank(); ++i) {
    if (shape.is_dynamic(i)) hash = absl::HashOf(hash, i);
  }
  for (const Shape& element : shape.tuple_shapes()) hash = absl::HashOf(hash, HashShape(element));
  return hash;
}

size_t HashOperation(const Instruction& instruction) {
  size_t hash = absl::HashOf(static_cast<int>(instruction.opcode()), HashShape(instruction.shape()),
                             HashAttributes(instruction.all_attributes()));
  for (const Computation* callee : instruction.called_computations()) {
    hash = absl::HashOf(hash, HashComputation(*callee));
  }
  return hash;
}

bool SameComputation(const Computation& a, const Computation& b) {
  if (&a == &b) return true;
  if (a.instructions().size() != b.instructions().size()) return false;
  absl::flat_hash_map<const Instruction*, const Instruction*> counterpart;
  for (size_t i = 0; i < a.instructions().size(); ++i) {
    const Instruction& x = *a.instructions()[i];
    const Instruction& y = *b.instructions()[i];
    if (!SameOperation(x, y)) return false;
    for (int64_t k = 0; k < x.operand_count(); ++k) {
      if (counterpart.at(x.operand(k)) != y.operand(k)) return false;
    }
    counterpart[&x] = &y;
  }
  return counterpart.at(a.root()) == b.root();
}

size_t HashComputation(const Computation& computation) {
  absl::flat_hash_map<const Instruction*, size_t> position;
  size_t hash = computation.instructions().size();
  for (const Instruction* instruction : computation.instructions()) {
    hash = absl::HashOf(hash, HashOperation(*instruction));
    for (const Instruction* operand : instruction->operands())
      hash = absl::HashOf(hash, position.at(operand));
    const size_t index = position.size();
    position[instruction] = index;
  }
  return absl::HashOf(hash, position.at(computation.root()));
}

bool SameInstruction(const Instruction& a, const Instruction& b) {
  return a.operands() == b.operands() && SameOperation(a, b) && !a.HasSideEffect() &&
         !b.HasSideEffect();
}

size_t HashInstruction(const Instruction& instruction) {
  size_t hash = HashOperation(instruction);
  for (const Instruction* operand : instruction.operands()) hash = absl::HashOf(hash, operand);
  return hash;
}

}  // namespace ingot
