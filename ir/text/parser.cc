#include "ir/text/parser.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "ir/base/status.h"
#include "ir/text/instruction_parser.h"
#include "ir/text/lexer.h"
#include "ir/text/link.h"
#include "ir/text/module_parser.h"
#include "ir/text/shape_parser.h"

namespace ingot {
namespace text {
namespace {

constexpr absl::string_view kStackFrameTables[] = {"FileNames", "FunctionNames", "FileLocations",
                                                   "StackFrames"};

// {1,0}: the path into a tuple.
absl::StatusOr<std::vector<int64_t>> ReadPath(Lexer& lexer) {
  std::vector<int64_t> path;
  INGOT_RETURN_IF_ERROR(lexer.Expect("{", "before a tuple index"));
  if (lexer.Consume("}")) return path;
  do {
    INGOT_ASSIGN_OR_RETURN(const int64_t index, lexer.Integer("a tuple index"));
    path.push_back(index);
  } while (lexer.Consume(","));
  INGOT_RETURN_IF_ERROR(lexer.Expect("}", "after a tuple index"));
  return path;
}

// { {0}: (0, {}, may-alias), ... }
absl::Status ReadAliases(Lexer& lexer, std::vector<InputOutputAlias>& aliases) {
  INGOT_RETURN_IF_ERROR(lexer.Expect("{", "before aliases"));
  if (lexer.Consume("}")) return absl::OkStatus();
  do {
    InputOutputAlias alias;
    INGOT_ASSIGN_OR_RETURN(alias.output_index, ReadPath(lexer));
    INGOT_RETURN_IF_ERROR(lexer.Expect(":", "behind the output of an alias"));
    INGOT_RETURN_IF_ERROR(lexer.Expect("(", "before the input of an alias"));
    INGOT_ASSIGN_OR_RETURN(alias.parameter, lexer.Integer("the parameter of an alias"));
    INGOT_RETURN_IF_ERROR(lexer.Expect(",", "behind the parameter of an alias"));
    INGOT_ASSIGN_OR_RETURN(alias.parameter_index, ReadPath(lexer));
    if (lexer.Consume(",")) {
      alias.must_alias = lexer.ConsumeWord("must-alias");
      if (!alias.must_alias && !lexer.ConsumeWord("may-alias")) {
        return lexer.Expected("may-alias or must-alias");
      }
    }
    INGOT_RETURN_IF_ERROR(lexer.Expect(")", "after the input of an alias"));
    aliases.push_back(std::move(alias));
  } while (lexer.Consume(","));
  return lexer.Expect("}", "after aliases");
}

// { (0, {}), (1, {0}), ... }
absl::Status ReadDonors(Lexer& lexer, std::vector<BufferDonor>& donors) {
  INGOT_RETURN_IF_ERROR(lexer.Expect("{", "before donors"));
  if (lexer.Consume("}")) return absl::OkStatus();
  do {
    BufferDonor donor;
    INGOT_RETURN_IF_ERROR(lexer.Expect("(", "before a donor"));
    INGOT_ASSIGN_OR_RETURN(donor.parameter, lexer.Integer("the parameter of a donor"));
    INGOT_RETURN_IF_ERROR(lexer.Expect(",", "behind the parameter of a donor"));
    INGOT_ASSIGN_OR_RETURN(donor.parameter_index, ReadPath(lexer));
    INGOT_RETURN_IF_ERROR(lexer.Expect(")", "after a donor"));
    donors.push_back(std::move(donor));
  } while (lexer.Consume(","));
  return lexer.Expect("}", "after donors");
}

// (shape, ...)
absl::StatusOr<std::vector<Shape>> ReadShapeList(Lexer& lexer) {
  std::vector<Shape> shapes;
  INGOT_RETURN_IF_ERROR(lexer.Expect("(", "before the shapes of parameters"));
  if (lexer.Consume(")")) return shapes;
  do {
    INGOT_ASSIGN_OR_RETURN(Shape shape, ReadShape(lexer));
    shapes.push_back(std::move(shape));
  } while (lexer.Consume(","));
  INGOT_RETURN_IF_ERROR(lexer.Expect(")", "after the shapes of parameters"));
  return shapes;
}

// {(f32[2]{0}, s32[])->f32[2]{0}}
absl::Status ReadEntryLayout(Lexer& lexer, Module& module) {
  INGOT_RETURN_IF_ERROR(lexer.Expect("{", "before the entry's layout"));
  INGOT_ASSIGN_OR_RETURN(module.entry_parameter_layouts, ReadShapeList(lexer));
  INGOT_RETURN_IF_ERROR(lexer.Expect("->", "before the result's layout"));
  INGOT_ASSIGN_OR_RETURN(Shape result, ReadShape(lexer));
  module.entry_result_layout = {std::move(result)};
  return lexer.Expect("}", "after the entry's layout");
}

absl::Status ReadModuleAttribute(Lexer& lexer, absl::string_view name, Module& module) {
  if (name == "is_scheduled") {
    INGOT_ASSIGN_OR_RETURN(module.is_scheduled, lexer.Bool(name));
    return absl::OkStatus();
  }
  if (name == "input_output_alias") return ReadAliases(lexer, module.input_output_aliases);
  if (name == "buffer_donor") return ReadDonors(lexer, module.buffer_donors);
  if (name == "entry_computation_layout") return ReadEntryLayout(lexer, module);
  INGOT_ASSIGN_OR_RETURN(const absl::string_view value, lexer.Verbatim(name));
  module.attributes.emplace_back(name, value);
  return absl::OkStatus();
}

// HloModule name, attributes
absl::Status ReadHeader(ParseState& state) {
  Lexer& lexer = state.lexer;
  if (!lexer.ConsumeWord("HloModule")) return lexer.Expected("'HloModule'");
  INGOT_ASSIGN_OR_RETURN(const absl::string_view module_name, lexer.Name("the name of the module"));
  state.module->set_name(module_name);
  std::vector<absl::string_view> seen;
  while (lexer.Consume(",")) {
    const size_t start = lexer.Position();
    INGOT_ASSIGN_OR_RETURN(const absl::string_view name, lexer.Name("the name of an attribute"));
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
      return lexer.ErrorAt(start, "the attribute ", name, " is stated twice");
    }
    seen.push_back(name);
    INGOT_RETURN_IF_ERROR(lexer.Expect("=", "after the name of an attribute"));
    INGOT_RETURN_IF_ERROR(ReadModuleAttribute(lexer, name, *state.module));
  }
  return absl::OkStatus();
}

// FileNames, FunctionNames, FileLocations, StackFrames: kept as they stand.
absl::Status ReadStackFrameTables(ParseState& state) {
  Lexer& lexer = state.lexer;
  const size_t start = lexer.Position();
  size_t end = start;
  for (absl::string_view table : kStackFrameTables) {
    if (!lexer.ConsumeWord(table)) continue;
    end = lexer.Position();
    while (lexer.Peek() >= '0' && lexer.Peek() <= '9') {
      INGOT_RETURN_IF_ERROR(lexer.Integer("the number of an entry").status());
      INGOT_ASSIGN_OR_RETURN(const absl::string_view entry,
                             lexer.Peek() == '{' ? lexer.Verbatim(table) : lexer.QuotedText());
      end = static_cast<size_t>(entry.data() + entry.size() - lexer.TextBetween(0, 0).data());
    }
  }
  state.module->stack_frame_text =
      std::string(absl::StripTrailingAsciiWhitespace(lexer.TextBetween(start, end)));
  return absl::OkStatus();
}

// What stands between a computation's name and its body: (a: f32[2], b: s32[]) -> f32[2]
struct Signature {
  size_t position;
  std::vector<Shape> parameters;
  Shape result;
};

absl::StatusOr<Signature> ReadSignature(Lexer& lexer) {
  Signature signature{lexer.Position(), {}, {}};
  INGOT_RETURN_IF_ERROR(lexer.Expect("(", "before parameters"));
  if (!lexer.Consume(")")) {
    do {
      INGOT_RETURN_IF_ERROR(lexer.Name("the name of a parameter").status());
      INGOT_RETURN_IF_ERROR(lexer.Expect(":", "behind the name of a parameter"));
      INGOT_ASSIGN_OR_RETURN(Shape shape, ReadShape(lexer));
      signature.parameters.push_back(std::move(shape));
    } while (lexer.Consume(","));
    INGOT_RETURN_IF_ERROR(lexer.Expect(")", "after parameters"));
  }
  INGOT_RETURN_IF_ERROR(lexer.Expect("->", "before the result's shape"));
  INGOT_ASSIGN_OR_RETURN(signature.result, ReadShape(lexer));
  return signature;
}

absl::Status CheckSignature(const Lexer& lexer, const Signature& signature,
                            const Computation& computation) {
  const auto fault = [&](const auto&... parts) {
    return lexer.ErrorAt(signature.position, "the signature of ", computation.name(), " ",
                         parts...);
  };
  const std::vector<Instruction*>& parameters = computation.parameters();
  if (parameters.size() != signature.parameters.size()) {
    return fault("has ", signature.parameters.size(), " parameters, its body ", parameters.size());
  }
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (Shape::SameIgnoringLayout(parameters[i]->shape(), signature.parameters[i])) continue;
    return fault("says that parameter ", i, " is ", signature.parameters[i].ToString(false),
                 ", its body ", parameters[i]->shape().ToString(false));
  }
  if (!Shape::SameIgnoringLayout(computation.root()->shape(), signature.result)) {
    return fault("says that the result is ", signature.result.ToString(false), ", its root is ",
                 computation.root()->shape().ToString(false));
  }
  return absl::OkStatus();
}

// [ENTRY] name [signature] { instructions } [, attributes]
absl::Status ReadComputation(ParseState& state) {
  Lexer& lexer = state.lexer;
  const size_t start = lexer.Position();
  const bool is_entry = lexer.ConsumeWord("ENTRY");
  if (is_entry && state.module->entry() != nullptr) {
    return lexer.ErrorAt(start, "the module has a second ENTRY");
  }
  const size_t position = lexer.Position();
  INGOT_ASSIGN_OR_RETURN(const absl::string_view name, lexer.Name("the name of a computation"));
  if (state.computations.contains(name)) {
    return lexer.ErrorAt(position, "the module has a second computation '", name, "'");
  }
  std::optional<Signature> signature;
  if (lexer.Next("(")) {
    INGOT_ASSIGN_OR_RETURN(signature, ReadSignature(lexer));
    state.module->text_form.signatures = true;
  }
  INGOT_ASSIGN_OR_RETURN(Computation * computation,
                         ReadBody(state, state.module->AddComputation(name)));
  state.computations.emplace(name, computation);
  if (is_entry) state.module->set_entry(computation);
  if (signature.has_value()) {
    INGOT_RETURN_IF_ERROR(CheckSignature(lexer, *signature, *computation));
  }
  while (lexer.Consume(",")) {
    INGOT_ASSIGN_OR_RETURN(const absl::string_view key, lexer.Name("the name of an attribute"));
    INGOT_RETURN_IF_ERROR(lexer.Expect("=", "after the name of an attribute"));
    INGOT_ASSIGN_OR_RETURN(const absl::string_view value, lexer.Verbatim(key));
    absl::StrAppend(&computation->attributes_text, ", ", key, "=", value);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Module>> ReadModule(ParseState& state) {
  Lexer& lexer = state.lexer;
  INGOT_RETURN_IF_ERROR(ReadHeader(state));
  INGOT_RETURN_IF_ERROR(ReadStackFrameTables(state));
  do {
    INGOT_RETURN_IF_ERROR(ReadComputation(state));
  } while (!lexer.AtEnd());
  if (state.module->entry() == nullptr) {
    return lexer.ErrorAt(lexer.Position(), "the module has no ENTRY computation");
  }
  const absl::string_view text = lexer.TextBetween(0, lexer.TextSize());
  const absl::string_view tail = text.substr(absl::StripTrailingAsciiWhitespace(text).size());
  state.module->text_form.final_newlines =
      static_cast<int>(std::count(tail.begin(), tail.end(), '\n'));
  // Now that all names of the text are known.
  for (const auto& [computation, stem] : state.unnamed) {
    computation->set_name(state.module->UniqueComputationName(stem));
  }
  INGOT_RETURN_IF_ERROR(LinkCalls(state));
  return std::move(state.module);
}

}  // namespace

Computation* ParseState::AddUnnamed(absl::string_view stem) {
  // No text can say such a name.
  Computation* computation = module->AddComputation(absl::StrCat("<", unnamed.size(), ">"));
  unnamed.emplace_back(computation, stem);
  return computation;
}

absl::StatusOr<Computation*> ReadBody(ParseState& state, Computation* computation) {
  Lexer& lexer = state.lexer;
  const size_t start = lexer.Position();
  INGOT_RETURN_IF_ERROR(lexer.Expect("{", "before the instructions of a computation"));
  if (state.nesting == kMaxNesting) {
    return lexer.ErrorAt(start, "computations nest deeper than ", kMaxNesting);
  }
  ++state.nesting;
  InstructionParser parser(state, computation);
  absl::Status status;
  while (status.ok() && !lexer.Next("}")) status = parser.ReadInstruction();
  --state.nesting;
  INGOT_RETURN_IF_ERROR(status);
  INGOT_RETURN_IF_ERROR(parser.Finish(lexer.Position()));
  lexer.Consume("}");
  return computation;
}

}  // namespace text

absl::StatusOr<std::unique_ptr<Module>> ParseModule(absl::string_view text,
                                                    absl::string_view file_name) {
  // Without a file name, messages still say the line.
  const absl::string_view shown = file_name.empty() ? "<text>" : file_name;
  text::ParseState state{text::Lexer(text, shown), std::make_unique<Module>(""), {}, {}, {}, 0};
  state.module->file_name = std::string(shown);
  return text::ReadModule(state);
}

}  // namespace ingot
