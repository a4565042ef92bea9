// ScalarProgram: a computation of scalars, compiled to steps that each work on a block of elements.
//
// Elementwise instructions are programs of one step; reductions, windows, scatters, maps and sorts
// run the computation they apply as a program, a block of results at a time.
#ifndef INGOT_IR_EVALUATOR_SCALAR_PROGRAM_H_
#define INGOT_IR_EVALUATOR_SCALAR_PROGRAM_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "ir/evaluator/lanes.h"
#include "ir/module.h"
#include "ir/op_table.h"

namespace ingot::evaluator {

// An op on blocks of lanes.
struct ScalarStep {
  using Run = void(const ScalarStep& step, const void* const* in, int64_t n, void* out);

  Opcode opcode;
  ElementType type;  // of the operands; select: of its last two
  ElementType result_type;
  int in[3];  // registers
  int out;
  Run* run;  // of an op that mixes types; null for rows of scalar_ops.def
  CompareAttributes compare;
  ReducePrecisionAttributes precision;
};

class ScalarProgram {
 public:
  // The program of one elementwise instruction, its operands as parameters, whatever its
  // dimensions. Unimplemented where no row is for the operand's type.
  static absl::StatusOr<ScalarProgram> OfInstruction(const Instruction& instruction);
  // The program of a computation whose every value is a scalar or a tuple of scalars, its
  // parameters scalars.  Unimplemented where an instruction cannot be such a step.
  static absl::StatusOr<ScalarProgram> Of(const Computation& computation);

  const std::vector<ElementType>& parameter_types() const { return parameter_types_; }
  // One for each scalar of the root.
  const std::vector<ElementType>& result_types() const { return result_types_; }

  // The op, where the program is one step on parameters 0 and 1 in either order.
  struct Binary {
    Opcode opcode;
    bool swapped;  // op(parameter 1, parameter 0)
  };
  std::optional<Binary> AsBinary() const;

  // Memory that one thread runs the program in.
  class Frame {
   public:
    explicit Frame(const ScalarProgram& program);

    // Lanes of parameter i: kBlock elements that the caller fills, or others that it names.  The
    // program does not write to them.
    void* parameter(int64_t i) { return owned_[i]; }
    void set_parameter(int64_t i, const void* lanes) { registers_[i] = const_cast<void*>(lanes); }
    void reset_parameter(int64_t i) { registers_[i] = owned_[i]; }
    // Computes results from the first n ≤ kBlock lanes of every parameter.
    void Run(int64_t n);
    const void* result(int64_t i) const;

   private:
    const ScalarProgram& program_;
    std::unique_ptr<std::byte[]> memory_;
    std::vector<void*> owned_;
    std::vector<void*> registers_;
  };

 private:
  struct ConstantRegister {
    int number;
    Literal value;
  };

  int NewRegister(ElementType type);
  absl::Status AddStep(const Instruction& instruction, absl::Span<const int> in, int* out);
  absl::StatusOr<std::vector<int>> AddComputation(const Computation& computation,
                                                  const std::vector<std::vector<int>>& arguments,
                                                  int depth);
  absl::StatusOr<std::vector<int>> AddInstruction(const Instruction& instruction,
                                                  const std::vector<std::vector<int>>& operands,
                                                  int depth);
  absl::StatusOr<std::vector<int>> AddStructure(const Instruction& instruction,
                                                const std::vector<std::vector<int>>& operands);
  static absl::Status Refusal(const Instruction& instruction);
  static void RunStep(const ScalarStep& step, const std::vector<void*>& registers, int64_t n);

  std::vector<ElementType> parameter_types_;
  std::vector<ElementType> result_types_;
  std::vector<ElementType> register_types_;  // parameters come first
  std::vector<int> results_;
  std::vector<ConstantRegister> constants_;
  std::vector<ScalarStep> steps_;
};

}  // namespace ingot::evaluator

#endif  // INGOT_IR_EVALUATOR_SCALAR_PROGRAM_H_
