// Values that no kernel computes.
#include <utility>

#include "ir/base/status.h"
#include "ir/evaluator/context.h"

namespace ingot::evaluator {

absl::StatusOr<Literal> EvaluateStructure(const Instruction& instruction, Operands& operands,
                                          Context&) {
  switch (instruction.opcode()) {
    case Opcode::kAddDependency:
    case Opcode::kDomain:
    case Opcode::kOptimizationBarrier:
      return std::move(operands[0]);
    case Opcode::kAfterAll:
      return Literal::Elided(Shape::Token());
    case Opcode::kConstant:
      if (instruction.literal().is_elided()) {
        return InvalidArgument("its value was left out of the text");
      }
      return instruction.literal();
    case Opcode::kGetTupleElement:
      return operands[0].tuple()[instruction.tuple_index()];
    case Opcode::kTuple:
      return Literal::Tuple(std::move(operands));
    default:
      return NotEvaluated(instruction);
  }
}

absl::StatusOr<Literal> EvaluateExternal(const Instruction& instruction, Operands& operands,
                                         Context&) {
  switch (instruction.opcode()) {
    // the copy, the source, and a handle
    case Opcode::kCopyStart:
      return Literal::Tuple(
          {operands[0], operands[0], Literal::ScalarInteger(ElementType::kU32, 0)});
    case Opcode::kCopyDone:
      return operands[0].tuple()[0];
    case Opcode::kCustomCall:
      return Unimplemented("the evaluator does not do custom-call \"",
                           instruction.attributes<CustomCallAttributes>().custom_call_target, "\"");
    default:
      return NotEvaluated(instruction);
  }
}

}  // namespace ingot::evaluator
