#include "ir/text/printer.h"

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ir/text/attribute_printer.h"
#include "ir/text/literal_printer.h"

namespace ingot {
namespace {

// Appends the parts of one module to one string.
class Printer {
 public:
  Printer(const TextForm& form, const PrintOptions& options, std::string& out)
      : form_(form), options_(options), out_(out) {}

  void Print(const Module& module) {
    PrintHeader(module);
    const absl::flat_hash_set<const Computation*> printed_inline = PrintedInline(module);
    for (const Computation* computation : module.computations()) {
      if (printed_inline.contains(computation)) continue;
      if (computation == module.entry()) out_ += "ENTRY ";
      Print(*computation);
      out_ += "\n\n";
    }
    out_.resize(out_.size() - 2);
    out_.append(form_.final_newlines, '\n');
  }

  void Print(const Computation& computation) {
    PrintName(computation.name());
    out_ += ' ';
    if (form_.signatures) PrintSignature(computation);
    out_ += "{\n";
    for (const Instruction* instruction : computation.instructions()) {
      if (instruction->is_removed()) continue;
      out_ += "  ";
      Print(*instruction);
      out_ += '\n';
    }
    absl::StrAppend(&out_, "}", computation.attributes_text);
  }

  void Print(const Instruction& instruction) {
    if (instruction.parent()->root() == &instruction) out_ += "ROOT ";
    PrintName(instruction.name());
    absl::StrAppend(&out_, " = ", instruction.shape().ToString(), " ");
    PrintOpcode(instruction);
    out_ += '(';
    if (instruction.opcode() == Opcode::kConstant) {
      text::AppendLiteral(instruction.literal(), options_.max_constant_elements, out_);
    } else if (instruction.opcode() == Opcode::kParameter) {
      absl::StrAppend(&out_, instruction.parameter_number());
    } else {
      PrintOperands(instruction);
    }
    out_ += ')';
    for (const auto& [name, value] : text::AttributesOf(instruction, form_, options_.annotations)) {
      absl::StrAppend(&out_, ", ", name, "=", value);
    }
  }

 private:
  void PrintName(absl::string_view name) { absl::StrAppend(&out_, form_.percent ? "%" : "", name); }

  void PrintHeader(const Module& module) {
    absl::StrAppend(&out_, "HloModule ", module.name());
    if (module.is_scheduled) out_ += ", is_scheduled=true";
    if (!module.input_output_aliases.empty()) PrintAliases(module.input_output_aliases);
    if (!module.buffer_donors.empty()) PrintDonors(module.buffer_donors);
    const auto before_layout = [](absl::string_view name) {
      return name == "alias_passthrough_params";
    };
    for (const auto& [name, value] : module.attributes) {
      if (before_layout(name)) absl::StrAppend(&out_, ", ", name, "=", value);
    }
    if (!module.entry_result_layout.empty()) {
      absl::StrAppend(&out_, ", entry_computation_layout={",
                      Shape::Tuple(module.entry_parameter_layouts).ToString(), "->",
                      module.entry_result_layout[0].ToString(), "}");
    }
    for (const auto& [name, value] : module.attributes) {
      if (!before_layout(name)) absl::StrAppend(&out_, ", ", name, "=", value);
    }
    out_ += "\n\n";
    if (!module.stack_frame_text.empty()) {
      absl::StrAppend(&out_, module.stack_frame_text, "\n\n\n");
    }
  }

  void PrintAliases(const std::vector<InputOutputAlias>& aliases) {
    const auto print = [](std::string* out, const InputOutputAlias& alias) {
      absl::StrAppend(out, "{", absl::StrJoin(alias.output_index, ","), "}: (", alias.parameter,
                      ", {", absl::StrJoin(alias.parameter_index, ","), "}, ",
                      alias.must_alias ? "must-alias" : "may-alias", ")");
    };
    absl::StrAppend(&out_, ", input_output_alias={ ", absl::StrJoin(aliases, ", ", print), " }");
  }

  void PrintDonors(const std::vector<BufferDonor>& donors) {
    const auto print = [](std::string* out, const BufferDonor& donor) {
      absl::StrAppend(out, "(", donor.parameter, ", {", absl::StrJoin(donor.parameter_index, ","),
                      "})");
    };
    absl::StrAppend(&out_, ", buffer_donor={ ", absl::StrJoin(donors, ", ", print), " }");
  }

  void PrintSignature(const Computation& computation) {
    const auto print = [](std::string* out, const Instruction* parameter) {
      absl::StrAppend(out, parameter->name(), ": ", parameter->shape().ToString(false));
    };
    absl::StrAppend(&out_, "(", absl::StrJoin(computation.parameters(), ", ", print), ") -> ",
                    computation.root()->shape().ToString(false), " ");
  }

  void PrintOpcode(const Instruction& instruction) {
    const Instruction* wrapped = text::WrappedInline(instruction);
    const absl::string_view name = OpcodeName(instruction.opcode());
    if (wrapped == nullptr) {
      absl::StrAppend(&out_, name);
    } else {
      // async-start of a custom-call: custom-call-start.
      absl::StrAppend(&out_, OpcodeName(wrapped->opcode()), name.substr(name.find('-')));
    }
  }

  void PrintOperands(const Instruction& instruction) {
    for (int64_t i = 0; i < instruction.operand_count(); ++i) {
      if (i > 0) out_ += ", ";
      if (i > 0 && i % 5 == 0 && form_.operand_index_comments) {
        absl::StrAppend(&out_, "/*index=", i, "*/");
      }
      const Instruction& operand = *instruction.operand(i);
      if (form_.operand_shapes) absl::StrAppend(&out_, operand.shape().ToString(), " ");
      PrintName(operand.name());
    }
  }

  // Computations whose callers print them by naming the op that they wrap.
  static absl::flat_hash_set<const Computation*> PrintedInline(const Module& module) {
    absl::flat_hash_set<const Computation*> result;
    for (const Computation* caller : module.computations()) {
      for (const Instruction* instruction : caller->instructions()) {
        if (text::WrappedInline(*instruction) != nullptr) {
          result.insert(instruction->called_computations()[0]);
        }
      }
    }
    return result;
  }

  const TextForm& form_;
  const PrintOptions& options_;
  std::string& out_;
};

template <typename T>
std::string Print(const T& value, const TextForm& form, const PrintOptions& options) {
  std::string out;
  Printer(options.form.value_or(form), options, out).Print(value);
  return out;
}

}  // namespace

TextForm ShortForm() { return TextForm(); }

TextForm LongForm() {
  TextForm form;
  form.percent = form.signatures = form.operand_index_comments = true;
  return form;
}

std::string ToString(const Module& module, const PrintOptions& options) {
  return Print(module, module.text_form, options);
}

std::string ToString(const Computation& computation, const PrintOptions& options) {
  return Print(computation, computation.parent()->text_form, options);
}

std::string ToString(const Instruction& instruction, const PrintOptions& options) {
  return Print(instruction, instruction.parent()->parent()->text_form, options);
}

std::string ToString(const Literal& literal, const PrintOptions& options) {
  std::string out;
  text::AppendLiteral(literal, options.max_constant_elements, out);
  return out;
}

}  // namespace ingot
