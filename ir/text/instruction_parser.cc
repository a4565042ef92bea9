#include "ir/text/instruction_parser.h"

#include <algorithm>
#include <variant>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "ir/base/status.h"
#include "ir/infer/infer.h"
#include "ir/text/called_roles.h"
#include "ir/text/literal_parser.h"
#include "ir/text/nearest.h"
#include "ir/text/shape_parser.h"

namespace ingot::text {
namespace {

// Attributes rank as they are printed: fields of the op, of the op that it wraps, called
// computations, then these.  Unknown names have no rank.
constexpr int kWrappedRank = 100;
constexpr int kCalledRank = 200;
constexpr int kAnnotationRank = 300;
constexpr absl::string_view kAnnotationNames[] = {
    "sharding",   "frontend_attributes", "control-predecessors",
    "statistics", "result_accuracy",     "origin",
    "metadata",   "backend_config"};

int AnnotationRank(absl::string_view name) {
  const auto it = std::find(std::begin(kAnnotationNames), std::end(kAnnotationNames), name);
  if (it == std::end(kAnnotationNames)) return -1;
  return kAnnotationRank + static_cast<int>(it - std::begin(kAnnotationNames));
}

// Where the text of an annotation is kept; null for those in Annotations::others.
std::string* MemberOf(Annotations& annotations, absl::string_view name) {
  if (name == "sharding") return &annotations.sharding;
  if (name == "frontend_attributes") return &annotations.frontend_attributes;
  if (name == "metadata") return &annotations.metadata;
  if (name == "backend_config") return &annotations.backend_config;
  return nullptr;
}

constexpr struct {
  absl::string_view suffix;
  Opcode opcode;
} kAsyncSuffixes[] = {{"-start", Opcode::kAsyncStart},
                      {"-update", Opcode::kAsyncUpdate},
                      {"-done", Opcode::kAsyncDone}};

// Ops that an asynchronous one may name: those with operands and without a meaning of their own in
// the parentheses.
bool MayBeWrapped(Opcode opcode) {
  return opcode != Opcode::kConstant && opcode != Opcode::kParameter &&
         opcode != Opcode::kAsyncStart && opcode != Opcode::kAsyncUpdate &&
         opcode != Opcode::kAsyncDone;
}

// Whether `dimensions` may be left out.
bool DimensionsAreImplied(Opcode opcode, const std::vector<Instruction*>& operands) {
  return opcode == Opcode::kMap ||
         (opcode == Opcode::kBroadcast && operands.size() == 1 && operands[0]->shape().IsScalar());
}

}  // namespace

absl::Status InstructionParser::ReadInstruction() {
  const size_t start = lexer_.Position();
  const bool is_root = lexer_.ConsumeWord("ROOT");
  if (is_root && computation_->root() != nullptr) {
    return lexer_.ErrorAt(start, "computation ", computation_->name(), " has a second ROOT");
  }
  const size_t position = lexer_.Position();
  if (lexer_.Next("%")) state_.module->text_form.percent = true;
  INGOT_ASSIGN_OR_RETURN(const absl::string_view name,
                         lexer_.Name("the name of an instruction or '}'"));
  INGOT_RETURN_IF_ERROR(lexer_.Expect("=", "after the name of an instruction"));
  INGOT_ASSIGN_OR_RETURN(Instruction * instruction,
                         ReadRightSide(name, position, /*is_operand=*/false));
  if (is_root) computation_->set_root(instruction);
  return absl::OkStatus();
}

absl::StatusOr<Instruction*> InstructionParser::ReadRightSide(absl::string_view name,
                                                              size_t position, bool is_operand) {
  const Lexer::Place place = lexer_.PlaceOf(position);
  std::optional<Shape> shape;
  if (NextIsShape(lexer_)) {
    INGOT_ASSIGN_OR_RETURN(shape, ReadShape(lexer_));
  }
  INGOT_ASSIGN_OR_RETURN(const OpcodeWord word, ReadOpcode());
  Attributes attributes = DefaultAttributes(word.opcode);
  std::vector<Instruction*> operands;
  const size_t parenthesis = lexer_.Position();
  if (word.opcode == Opcode::kConstant || word.opcode == Opcode::kParameter) {
    if (!shape.has_value()) {
      return lexer_.ErrorAt(word.position, OpcodeName(word.opcode), " needs a shape");
    }
    INGOT_RETURN_IF_ERROR(word.opcode == Opcode::kConstant ? ReadConstant(*shape, attributes)
                                                           : ReadParameterNumber(attributes));
  } else {
    INGOT_ASSIGN_OR_RETURN(operands, ReadOperands(word));
  }

  AttributeText text;
  FieldReader own(attributes);
  Attributes wrapped_attributes;
  FieldReader wrapped(wrapped_attributes);
  const bool wraps_here = word.wrapped.has_value() && word.opcode == Opcode::kAsyncStart;
  if (wraps_here) wrapped_attributes = DefaultAttributes(*word.wrapped);
  if (!is_operand) {
    INGOT_RETURN_IF_ERROR(ReadAttributes(word, own, wraps_here ? &wrapped : nullptr, text));
  }
  INGOT_RETURN_IF_ERROR(CheckComplete(word, operands, own, word.opcode, text));
  if (wraps_here) {
    INGOT_RETURN_IF_ERROR(CheckComplete(word, operands, wrapped, *word.wrapped, text));
  }

  const std::string made_name =
      name.empty()
          ? state_.module->UniqueInstructionName(absl::StrCat(OpcodeName(word.opcode), ".anon"))
          : std::string(name);
  if (const auto it = names_.find(made_name); it != names_.end()) {
    return lexer_.ErrorAt(position, "the name '", made_name, "' is taken by line ",
                          it->second->source_line());
  }
  Instruction* instruction = computation_->AddExactlyNamed(word.opcode, shape.value_or(Shape()),
                                                           std::move(operands), made_name);
  instruction->set_source_position(place.line, place.column);
  instruction->all_attributes() = std::move(attributes);
  for (Instruction* before : text.control_predecessors) instruction->AddControlPredecessor(before);
  instruction->mutable_annotations() = std::move(text.annotations);
  if (!text.in_print_order) instruction->mutable_annotations().order = std::move(text.names);
  names_.emplace(instruction->name(), instruction);
  if (word.opcode == Opcode::kParameter) parameters_.emplace_back(instruction, parenthesis);

  if (word.wrapped.has_value()) {
    INGOT_RETURN_IF_ERROR(WrapInline(instruction, word, std::move(wrapped_attributes), text));
  } else {
    INGOT_RETURN_IF_ERROR(SetCalled(instruction, CallTargets(InfoOf(word.opcode).calls, text)));
  }
  if (!shape.has_value()) INGOT_RETURN_IF_ERROR(InferMissingShape(instruction, word.position));
  return instruction;
}

absl::StatusOr<InstructionParser::OpcodeWord> InstructionParser::ReadOpcode() {
  const size_t position = lexer_.Position();
  INGOT_ASSIGN_OR_RETURN(const absl::string_view name, lexer_.Label("an opcode"));
  if (const std::optional<Opcode> opcode = OpcodeFromName(name); opcode.has_value()) {
    return OpcodeWord{*opcode, std::nullopt, position};
  }
  for (const auto& [suffix, opcode] : kAsyncSuffixes) {
    if (!absl::EndsWith(name, suffix)) continue;
    const std::optional<Opcode> wrapped = OpcodeFromName(absl::StripSuffix(name, suffix));
    if (wrapped.has_value() && MayBeWrapped(*wrapped)) return OpcodeWord{opcode, wrapped, position};
  }
  return lexer_.ErrorAt(position, "unknown opcode '", name.substr(0, 60), "'",
                        DidYouMean(NearestOpcode(name)));
}

absl::StatusOr<std::vector<Instruction*>> InstructionParser::ReadOperands(const OpcodeWord& word) {
  std::vector<Instruction*> operands;
  const size_t start = lexer_.Position();
  INGOT_RETURN_IF_ERROR(lexer_.Expect("(", "before operands"));
  if (!lexer_.Consume(")")) {
    do {
      if (operands.size() == 5 && lexer_.SkipsComment("/*index=")) {
        state_.module->text_form.operand_index_comments = true;
      }
      INGOT_ASSIGN_OR_RETURN(Instruction * operand, ReadOperand());
      operands.push_back(operand);
    } while (lexer_.Consume(","));
    INGOT_RETURN_IF_ERROR(lexer_.Expect(")", "or ',' after an operand"));
  }
  for (const Opcode opcode : {word.opcode, word.wrapped.value_or(word.opcode)}) {
    // async-update and async-done take the pair's other half, whatever they wrap.
    if (opcode != word.opcode && word.opcode != Opcode::kAsyncStart) continue;
    const int arity = InfoOf(opcode).arity;
    if (arity != kVariadic && arity != static_cast<int>(operands.size())) {
      return lexer_.ErrorAt(start, OpcodeName(opcode), " takes ", arity, " operand",
                            arity == 1 ? "" : "s", ", found ", operands.size());
    }
  }
  return operands;
}

absl::StatusOr<Instruction*> InstructionParser::ReadOperand() {
  const size_t start = lexer_.Position();
  std::optional<Shape> stated;
  if (NextIsShape(lexer_)) {
    INGOT_ASSIGN_OR_RETURN(stated, ReadShape(lexer_));
  }
  const size_t position = lexer_.Position();
  INGOT_ASSIGN_OR_RETURN(const absl::string_view name, lexer_.Name("an operand"));
  if (lexer_.Next("(")) {
    // An instruction in the place of an operand.
    if (state_.nesting == kMaxNesting) {
      return lexer_.ErrorAt(start, "instructions nest deeper than ", kMaxNesting);
    }
    lexer_.Rewind(start);
    ++state_.nesting;
    auto nested = ReadRightSide("", start, /*is_operand=*/true);
    --state_.nesting;
    return nested;
  }
  INGOT_ASSIGN_OR_RETURN(Instruction * operand, FindInstruction(name, position));
  if (stated.has_value()) {
    state_.module->text_form.operand_shapes = true;
    if (!Shape::SameIgnoringLayout(*stated, operand->shape())) {
      return lexer_.ErrorAt(start, "the operand is said to be ", stated->ToString(false), ", but ",
                            name, " is ", operand->shape().ToString(false));
    }
  }
  return operand;
}

absl::StatusOr<Instruction*> InstructionParser::FindInstruction(absl::string_view name,
                                                                size_t position) const {
  const auto it = names_.find(name);
  if (it != names_.end()) return it->second;
  return lexer_.ErrorAt(position, "no instruction '", name.substr(0, 60),
                        "' stands before this one in computation ", computation_->name());
}

absl::Status InstructionParser::ReadConstant(const Shape& shape, Attributes& attributes) {
  INGOT_RETURN_IF_ERROR(lexer_.Expect("(", "before the value of a constant"));
  INGOT_ASSIGN_OR_RETURN(Literal literal, ReadLiteral(lexer_, shape));
  std::get<ConstantAttributes>(attributes).literal = std::move(literal);
  return lexer_.Expect(")", "after the value of a constant");
}

absl::Status InstructionParser::ReadParameterNumber(Attributes& attributes) {
  INGOT_RETURN_IF_ERROR(lexer_.Expect("(", "before the number of a parameter"));
  const size_t start = lexer_.Position();
  INGOT_ASSIGN_OR_RETURN(const int64_t number, lexer_.Integer("the number of a parameter"));
  if (number < 0) return lexer_.ErrorAt(start, "the parameter has the negative number ", number);
  std::get<ParameterAttributes>(attributes).number = number;
  return lexer_.Expect(")", "after the number of a parameter");
}

absl::Status InstructionParser::ReadAttributes(const OpcodeWord& word, FieldReader& own,
                                               FieldReader* wrapped, AttributeText& text) {
  while (lexer_.Consume(",")) {
    INGOT_RETURN_IF_ERROR(ReadAttribute(word, own, wrapped, text));
  }
  return absl::OkStatus();
}

absl::Status InstructionParser::ReadAttribute(const OpcodeWord& word, FieldReader& own,
                                              FieldReader* wrapped, AttributeText& text) {
  const size_t start = lexer_.Position();
  INGOT_ASSIGN_OR_RETURN(const absl::string_view name, lexer_.Name("the name of an attribute"));
  if (std::find(text.names.begin(), text.names.end(), name) != text.names.end()) {
    return lexer_.ErrorAt(start, "the attribute ", name, " is stated twice");
  }
  INGOT_RETURN_IF_ERROR(lexer_.Expect("=", "after the name of an attribute"));
  text.names.emplace_back(name);
  const auto rank_is = [&](int rank) {
    text.in_print_order &= rank > text.last_rank;
    text.last_rank = rank;
  };

  if (const int index = own.IndexOf(name); index >= 0) {
    rank_is(index);
    return own.Read(lexer_, index);
  }
  if (wrapped != nullptr && wrapped->IndexOf(name) >= 0) {
    rank_is(kWrappedRank + wrapped->IndexOf(name));
    return wrapped->Read(lexer_, wrapped->IndexOf(name));
  }
  const CalledRoles role = InfoOf(wrapped == nullptr ? word.opcode : *word.wrapped).calls;
  for (size_t i = 0; i < std::size(kCalledAttributes); ++i) {
    if (kCalledAttributes[i].role != role || kCalledAttributes[i].name != name) continue;
    rank_is(kCalledRank + static_cast<int>(i));
    return ReadCalled(static_cast<int>(i), text);
  }
  if (name == "control-predecessors") {
    rank_is(AnnotationRank(name));
    return ReadControlPredecessors(text);
  }
  if (IsAttributeOfSomeOpcode(name)) {
    return lexer_.ErrorAt(start, OpcodeName(word.opcode), " has no attribute '", name, "'");
  }
  INGOT_ASSIGN_OR_RETURN(const absl::string_view value, lexer_.Verbatim(name));
  const int rank = AnnotationRank(name);
  if (rank < 0) {
    text.in_print_order = false;  // where an unknown one belongs is where it was read
  } else {
    rank_is(rank);
  }
  if (std::string* member = MemberOf(text.annotations, name); member != nullptr) {
    *member = std::string(value);
  } else {
    text.annotations.others.emplace_back(name, value);
  }
  return absl::OkStatus();
}

absl::Status InstructionParser::ReadControlPredecessors(AttributeText& text) {
  INGOT_RETURN_IF_ERROR(lexer_.Expect("{", "before control predecessors"));
  if (lexer_.Consume("}")) return absl::OkStatus();
  do {
    const size_t position = lexer_.Position();
    INGOT_ASSIGN_OR_RETURN(const absl::string_view name, lexer_.Name("an instruction"));
    INGOT_ASSIGN_OR_RETURN(Instruction * before, FindInstruction(name, position));
    text.control_predecessors.push_back(before);
  } while (lexer_.Consume(","));
  return lexer_.Expect("}", "after control predecessors");
}

absl::Status InstructionParser::ReadCalled(int index, AttributeText& text) {
  const CalledAttribute& attribute = kCalledAttributes[index];
  std::vector<CallTarget> targets;
  const auto read_one = [&]() -> absl::Status {
    CallTarget target;
    target.position = lexer_.Position();
    if (!attribute.is_list && lexer_.Next("{")) {
      INGOT_ASSIGN_OR_RETURN(target.computation,
                             ReadBody(state_, state_.AddUnnamed(attribute.name)));
    } else {
      INGOT_ASSIGN_OR_RETURN(target.name, lexer_.Name("the name of a computation"));
    }
    targets.push_back(target);
    return absl::OkStatus();
  };
  if (!attribute.is_list) {
    INGOT_RETURN_IF_ERROR(read_one());
  } else {
    INGOT_RETURN_IF_ERROR(lexer_.Expect("{", "before the names of computations"));
    if (!lexer_.Consume("}")) {
      do {
        INGOT_RETURN_IF_ERROR(read_one());
      } while (lexer_.Consume(","));
      INGOT_RETURN_IF_ERROR(lexer_.Expect("}", "after the names of computations"));
    }
  }
  text.called.emplace_back(index, std::move(targets));
  return absl::OkStatus();
}

absl::Status InstructionParser::CheckComplete(const OpcodeWord& word,
                                              const std::vector<Instruction*>& operands,
                                              const FieldReader& fields, Opcode opcode,
                                              const AttributeText& text) const {
  const std::string missing = fields.MissingField();
  if (!missing.empty() && !(missing == "dimensions" && DimensionsAreImplied(opcode, operands))) {
    return lexer_.ErrorAt(word.position, OpcodeName(opcode), " lacks the attribute '", missing,
                          "'");
  }
  const CalledRoles role = InfoOf(opcode).calls;
  if (word.wrapped.has_value() && opcode == word.opcode) return absl::OkStatus();
  // All attributes of one alternative, or none at all where none is required.
  std::optional<int> alternative;
  for (const auto& [index, targets] : text.called) {
    const CalledAttribute& attribute = kCalledAttributes[index];
    if (alternative.value_or(attribute.alternative) != attribute.alternative) {
      return lexer_.ErrorAt(targets.empty() ? word.position : targets[0].position,
                            OpcodeName(opcode), " has no attribute '", attribute.name, "' beside '",
                            kCalledAttributes[text.called[0].first].name, "'");
    }
    alternative = attribute.alternative;
  }
  if (!alternative.has_value() && !CallIsRequired(role)) return absl::OkStatus();
  for (size_t i = 0; i < std::size(kCalledAttributes); ++i) {
    const CalledAttribute& attribute = kCalledAttributes[i];
    if (attribute.role != role || attribute.alternative != alternative.value_or(0)) continue;
    const bool stated =
        std::any_of(text.called.begin(), text.called.end(),
                    [&](const auto& called) { return called.first == static_cast<int>(i); });
    if (!stated) {
      return lexer_.ErrorAt(word.position, OpcodeName(opcode), " lacks the attribute '",
                            attribute.name, "'");
    }
  }
  return absl::OkStatus();
}

std::vector<CallTarget> InstructionParser::CallTargets(CalledRoles role, AttributeText& text) {
  // The table's order is that of called_computations.
  std::sort(text.called.begin(), text.called.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<CallTarget> result;
  if (role == CalledRoles::kNone) return result;
  for (auto& [index, targets] : text.called) {
    result.insert(result.end(), targets.begin(), targets.end());
  }
  return result;
}

absl::Status InstructionParser::SetCalled(Instruction* instruction,
                                          std::vector<CallTarget> targets) {
  if (targets.empty()) return absl::OkStatus();
  CallSite site{instruction, std::move(targets)};
  state_.TryResolve(site);
  state_.calls.push_back(std::move(site));
  return absl::OkStatus();
}

absl::Status InstructionParser::WrapInline(Instruction* instruction, const OpcodeWord& word,
                                           Attributes wrapped, AttributeText& text) {
  if (word.opcode != Opcode::kAsyncStart) {
    // The pair's other half knows the computation.
    const Instruction* start = instruction->operand(0);
    const bool pairs =
        (start->opcode() == Opcode::kAsyncStart || start->opcode() == Opcode::kAsyncUpdate) &&
        start->called_computations().size() == 1 &&
        start->called_computations()[0]->root()->opcode() == *word.wrapped;
    if (!pairs) {
      return lexer_.ErrorAt(word.position, "the operand ", start->name(), " does not start ",
                            OpcodeName(*word.wrapped), " asynchronously");
    }
    instruction->set_called_computations(start->called_computations());
    return absl::OkStatus();
  }
  const Shape& shape = instruction->shape();
  if (!shape.IsTuple() || shape.tuple_shapes().size() < 2) {
    return lexer_.ErrorAt(word.position, "the shape of ", OpcodeName(*word.wrapped),
                          "-start is ((operands...), result, ...), found ", shape.ToString(false));
  }
  Computation* computation = state_.AddUnnamed("async_wrapped");
  computation->printed_inline = true;
  std::vector<Instruction*> parameters;
  for (int64_t i = 0; i < instruction->operand_count(); ++i) {
    parameters.push_back(computation->AddParameter(i, instruction->operand(i)->shape()));
  }
  Instruction* root =
      computation->Add(*word.wrapped, shape.tuple_shapes()[1], std::move(parameters),
                       std::move(wrapped), OpcodeName(*word.wrapped));
  root->set_source_position(instruction->source_line(), instruction->source_column());
  computation->set_root(root);
  instruction->set_called_computations({computation});
  state_.calls.push_back({instruction, {{computation->name(), word.position, computation}}});
  return SetCalled(root, CallTargets(InfoOf(*word.wrapped).calls, text));
}

absl::Status InstructionParser::InferMissingShape(Instruction* instruction, size_t position) {
  if (CallIsRequired(InfoOf(instruction->opcode()).calls) &&
      instruction->called_computations().empty()) {
    return lexer_.ErrorAt(position, "the shape of ", instruction->name(),
                          " is missing and does not follow, as the computation that it calls stands"
                          " behind it");
  }
  absl::StatusOr<Shape> shape = InferUnstatedShape(*instruction);
  if (!shape.ok()) {
    return lexer_.ErrorAt(position, "the shape of ", instruction->name(),
                          " is missing and does not follow: ", OpcodeName(instruction->opcode()),
                          " ", shape.status().message());
  }
  instruction->set_shape(*std::move(shape));
  return absl::OkStatus();
}

absl::Status InstructionParser::Finish(size_t end) {
  if (computation_->root() == nullptr) {
    return lexer_.ErrorAt(end, "computation ", computation_->name(), " has no ROOT");
  }
  computation_->SortParameters();
  std::stable_sort(parameters_.begin(), parameters_.end(), [](const auto& a, const auto& b) {
    return a.first->parameter_number() < b.first->parameter_number();
  });
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const auto& [parameter, position] = parameters_[i];
    const int64_t number = parameter->parameter_number();
    if (number == static_cast<int64_t>(i)) continue;
    if (number < static_cast<int64_t>(i)) {
      return lexer_.ErrorAt(position, "parameter ", number, " of computation ",
                            computation_->name(), " stands twice");
    }
    return lexer_.ErrorAt(position, "computation ", computation_->name(), " has a parameter ",
                          number, " and no parameter ", i);
  }
  return absl::OkStatus();
}

}  // namespace ingot::text
