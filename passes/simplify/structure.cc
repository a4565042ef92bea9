#include "passes/simplify/simplify.h"

namespace ingot {
namespace {

// get-tuple-element(tuple(..., x, ...))  →  x
Instruction* ElementOfTuple(Instruction* element) {
  Instruction* tuple = element->operand(0);
  return tuple->opcode() == Opcode::kTuple ? tuple->operand(element->tuple_index()) : nullptr;
}

// tuple(get-tuple-element(x, 0), ..., get-tuple-element(x, n-1))  →  x
Instruction* TupleOfElements(Instruction* tuple) {
  if (tuple->operand_count() == 0) return nullptr;
  Instruction* whole = nullptr;
  for (int64_t i = 0; i < tuple->operand_count(); ++i) {
    const Instruction* element = tuple->operand(i);
    if (element->opcode() != Opcode::kGetTupleElement || element->tuple_index() != i)
      return nullptr;
    if (whole != nullptr && element->operand(0) != whole) return nullptr;
    whole = element->operand(0);
  }
  return Shape::SameIgnoringLayout(whole->shape(), tuple->shape()) ? whole : nullptr;
}

// opt-barrier(x)  →  x: no pass here moves work across one
Instruction* Barrier(Instruction* barrier) { return barrier->operand(0); }

constexpr SimplifyRule kRules[] = {
    {Opcode::kAddDependency, "add-dependency-is-its-value", Barrier},
    {Opcode::kGetTupleElement, "element-of-tuple", ElementOfTuple},
    {Opcode::kOptimizationBarrier, "optimization-barrier-is-its-value", Barrier},
    {Opcode::kTuple, "tuple-of-elements", TupleOfElements},
};

}  // namespace

absl::Span<const SimplifyRule> StructureRules() { return kRules; }

}  // namespace ingot
