// Elementwise ops: programs of one step, a block of elements at a time.
#include <algorithm>
#include <utility>

#include "ir/base/status.h"
#include "ir/evaluator/context.h"

namespace ingot::evaluator {

absl::StatusOr<Literal> EvaluateElementwise(const Instruction& instruction, Operands& operands,
                                            Context& context) {
  INGOT_ASSIGN_OR_RETURN(const ScalarProgram program, ScalarProgram::OfInstruction(instruction));
  INGOT_ASSIGN_OR_RETURN(Literal result, Literal::Zeros(instruction.shape()));
  const ElementType type = instruction.shape().element_type();
  std::byte* target = result.MutableBytes().data();
  context.ParallelFor(result.size(), 1, [&](int64_t begin, int64_t end) {
    ScalarProgram::Frame frame(program);
    // A scalar operand of an array op (select's predicate, clamp's bounds) is every element's.
    const auto load = [&](size_t k, int64_t at, int64_t count) {
      const ElementType operand_type = program.parameter_types()[k];
      const std::byte* source = operands[k].bytes().data();
      const bool is_scalar = operands[k].shape().IsScalar();
      if (is_scalar || !LaneIsStorage(operand_type)) {
        LoadLanes(operand_type, source + (is_scalar ? 0 : at * ByteWidth(operand_type)),
                  is_scalar ? 0 : 1, count, frame.parameter(k));
      } else {
        frame.set_parameter(k, source + at * ByteWidth(operand_type));
      }
    };
    for (int64_t at = begin; at < end; at += kBlock) {
      const int64_t count = std::min(kBlock, end - at);
      for (size_t k = 0; k < operands.size(); ++k) load(k, at, count);
      frame.Run(count);
      StoreLanes(type, frame.result(0), count, target + at * ByteWidth(type), 1);
    }
  });
  return result;
}

}  // namespace ingot::evaluator
