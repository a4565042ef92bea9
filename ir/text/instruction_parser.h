// One computation's instructions.
#ifndef INGOT_IR_TEXT_INSTRUCTION_PARSER_H_
#define INGOT_IR_TEXT_INSTRUCTION_PARSER_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ir/module.h"
#include "ir/text/attribute_parser.h"
#include "ir/text/module_parser.h"

namespace ingot::text {

class InstructionParser {
 public:
  InstructionParser(ParseState& state, Computation* computation)
      : state_(state), lexer_(state.lexer), computation_(computation) {}

  // [ROOT] name = shape opcode(operands), attributes
  absl::Status ReadInstruction();
  // What can only be said at the end of the body: a root, parameters without gaps.  `end` is where
  // the body ends.
  absl::Status Finish(size_t end);

 private:
  // The word in front of the operands: an opcode, or an asynchronous one with the name of the op
  // that it wraps.
  struct OpcodeWord {
    Opcode opcode;
    std::optional<Opcode> wrapped;
    size_t position;
  };
  // Everything behind an instruction's operands, as far as it is not yet in the instruction.
  struct AttributeText {
    std::vector<std::string> names;  // in the order read
    bool in_print_order = true;
    int last_rank = -1;
    // By index in kCalledAttributes.
    std::vector<std::pair<int, std::vector<CallTarget>>> called;
    std::vector<Instruction*> control_predecessors;
    Annotations annotations;
  };

  // `shape opcode(operands), attributes` of the instruction called `name`.  As an operand of
  // another it has no attributes.
  absl::StatusOr<Instruction*> ReadRightSide(absl::string_view name, size_t position,
                                             bool is_operand);
  absl::StatusOr<OpcodeWord> ReadOpcode();
  absl::StatusOr<std::vector<Instruction*>> ReadOperands(const OpcodeWord& word);
  absl::StatusOr<Instruction*> ReadOperand();
  absl::StatusOr<Instruction*> FindInstruction(absl::string_view name, size_t position) const;
  // constant(...) and parameter(...), whose parentheses hold no operands.
  absl::Status ReadConstant(const Shape& shape, Attributes& attributes);
  absl::Status ReadParameterNumber(Attributes& attributes);

  // `own` is the struct of the instruction's opcode, `wrapped` that of the op that it wraps or
  // null.
  absl::Status ReadAttributes(const OpcodeWord& word, FieldReader& own, FieldReader* wrapped,
                              AttributeText& text);
  absl::Status ReadAttribute(const OpcodeWord& word, FieldReader& own, FieldReader* wrapped,
                             AttributeText& text);
  absl::Status ReadCalled(int index, AttributeText& text);
  absl::Status ReadControlPredecessors(AttributeText& text);
  absl::Status CheckComplete(const OpcodeWord& word, const std::vector<Instruction*>& operands,
                             const FieldReader& fields, Opcode opcode,
                             const AttributeText& text) const;
  // The computations that the text names, in the order of Instruction::called_computations.
  static std::vector<CallTarget> CallTargets(CalledRoles role, AttributeText& text);
  absl::Status SetCalled(Instruction* instruction, std::vector<CallTarget> targets);
  // The computation that holds the op which an asynchronous instruction wraps.
  absl::Status WrapInline(Instruction* instruction, const OpcodeWord& word, Attributes wrapped,
                          AttributeText& text);
  absl::Status InferMissingShape(Instruction* instruction, size_t position);

  ParseState& state_;
  Lexer& lexer_;
  Computation* computation_;
  absl::flat_hash_map<absl::string_view, Instruction*> names_;
  std::vector<std::pair<Instruction*, size_t>> parameters_;  // and where their numbers stand
};

}  // namespace ingot::text

#endif  // INGOT_IR_TEXT_INSTRUCTION_PARSER_H_
