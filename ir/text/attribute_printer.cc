#include "ir/text/attribute_printer.h"

#include <algorithm>
#include <variant>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ir/text/called_roles.h"
#include "ir/text/enum_names.h"
#include "ir/text/numbers.h"

namespace ingot::text {
namespace {

// ---- one function for each type of field; beside it whether a value is the default, which needs
// no text

std::string ValueText(int64_t value) { return absl::StrCat(value); }
std::string ValueText(bool value) { return value ? "true" : "false"; }
std::string ValueText(const std::string& value) {
  return absl::StrCat("\"", absl::CEscape(value), "\"");
}
std::string ValueText(const Verbatim& value) { return value.text; }
std::string ValueText(double value) {
  std::string text;
  AppendDouble(value, text);
  return text;
}
template <typename E, std::enable_if_t<std::is_enum_v<E>, int> = 0>
std::string ValueText(E value) {
  return std::string(EnumName(value));
}
template <typename T>
std::string ValueText(const std::vector<T>& values) {
  std::string text = "{";
  for (size_t i = 0; i < values.size(); ++i) {
    absl::StrAppend(&text, i > 0 ? "," : "", ValueText(static_cast<T>(values[i])));
  }
  return text + "}";
}

std::string ValueText(const SliceDimensions& dimensions) {
  const bool strided = std::any_of(dimensions.begin(), dimensions.end(),
                                   [](const SliceDimension& d) { return d.stride != 1; });
  std::string text = "{";
  for (size_t i = 0; i < dimensions.size(); ++i) {
    const SliceDimension& d = dimensions[i];
    absl::StrAppend(&text, i > 0 ? ", [" : "[", d.start, ":", d.limit);
    if (strided) absl::StrAppend(&text, ":", d.stride);
    text += "]";
  }
  return text + "}";
}

std::string ValueText(const Padding& padding) {
  const bool interior = std::any_of(padding.begin(), padding.end(),
                                    [](const PaddingDimension& d) { return d.interior != 0; });
  return absl::StrJoin(padding, "x", [&](std::string* out, const PaddingDimension& d) {
    absl::StrAppend(out, d.low, "_", d.high);
    if (interior) absl::StrAppend(out, "_", d.interior);
  });
}

std::string ValueText(const Window& window) {
  std::string text;
  // " key=1x1", left out where each dimension has the default.
  const auto add = [&](const char* key, bool always, auto is_default, auto append) {
    if (!always && std::all_of(window.dimensions.begin(), window.dimensions.end(), is_default)) {
      return;
    }
    absl::StrAppend(&text, text.empty() ? "" : " ", key, "=",
                    absl::StrJoin(window.dimensions, "x", append));
  };
  using D = WindowDimension;
  const auto number = [](int64_t D::*member) {
    return [member](std::string* out, const D& d) { absl::StrAppend(out, d.*member); };
  };
  const auto is_one = [](int64_t D::*member) {
    return [member](const D& d) { return d.*member == 1; };
  };
  add("size", true, is_one(&D::size), number(&D::size));
  add("stride", false, is_one(&D::stride), number(&D::stride));
  add(
      "pad", false, [](const D& d) { return d.padding_low == 0 && d.padding_high == 0; },
      [](std::string* out, const D& d) {
        absl::StrAppend(out, d.padding_low, "_", d.padding_high);
      });
  add("lhs_dilate", false, is_one(&D::base_dilation), number(&D::base_dilation));
  add("rhs_dilate", false, is_one(&D::window_dilation), number(&D::window_dilation));
  add(
      "rhs_reversal", false, [](const D& d) { return !d.reversal; },
      [](std::string* out, const D& d) { absl::StrAppend(out, d.reversal ? 1 : 0); });
  return absl::StrCat("{", text, "}");
}

std::string LabelPart(int64_t first, char first_letter, int64_t second, char second_letter,
                      const std::vector<int64_t>& spatial) {
  std::string text(spatial.size() + 2, '?');
  const auto place = [&](int64_t at, char c) {
    if (at >= 0 && at < static_cast<int64_t>(text.size())) text[at] = c;
  };
  place(first, first_letter);
  place(second, second_letter);
  for (size_t i = 0; i < spatial.size(); ++i) place(spatial[i], static_cast<char>('0' + i));
  return text;
}

std::string ValueText(const ConvolutionDimensions& d) {
  return absl::StrCat(
      LabelPart(d.input_batch, 'b', d.input_feature, 'f', d.input_spatial), "_",
      LabelPart(d.kernel_input_feature, 'i', d.kernel_output_feature, 'o', d.kernel_spatial), "->",
      LabelPart(d.output_batch, 'b', d.output_feature, 'f', d.output_spatial));
}

template <typename T>
std::string ValueText(const std::optional<T>& value) {
  return value.has_value() ? ValueText(*value) : std::string();
}

// Lists what differs from a default-constructed struct, and what is always printed.
void AddFields(const Attributes& attributes, Opcode opcode, AttributeList& list) {
  const Attributes defaults = DefaultAttributes(opcode);
  std::visit(
      [&](const auto& value) {
        using Struct = std::decay_t<decltype(value)>;
        // The texts of the defaults' fields; comparing texts spares a second visitor.
        std::vector<std::string> default_texts;
        const Struct& default_value = std::get<Struct>(defaults);
        default_value.VisitFields(default_value, [&](const char*, const auto& field, Field) {
          default_texts.push_back(ValueText(field));
        });
        size_t i = 0;
        value.VisitFields(value, [&](const char* name, const auto& field, Field kind) {
          std::string text = ValueText(field);
          if (kind != Field::kOptional || text != default_texts[i]) {
            list.emplace_back(name, std::move(text));
          }
          ++i;
        });
      },
      attributes);
}

std::string ComputationName(const Computation* computation, const TextForm& form) {
  return absl::StrCat(form.percent ? "%" : "", computation->name());
}

// Which of the alternatives of its role an instruction prints.
int AlternativeOf(const Instruction& instruction, CalledRoles role) {
  if (role != CalledRoles::kBranches || instruction.operand_count() == 0) return 0;
  const Shape& selector = instruction.operand(0)->shape();
  return selector.IsArray() && selector.element_type() == ElementType::kPred &&
                 instruction.called_computations().size() == 2
             ? 1
             : 0;
}

void AddCalled(const Instruction& instruction, const TextForm& form, AttributeList& list) {
  const std::vector<Computation*>& called = instruction.called_computations();
  if (called.empty()) return;
  const CalledRoles role = InfoOf(instruction.opcode()).calls;
  const int alternative = AlternativeOf(instruction, role);
  size_t next = 0;
  for (const CalledAttribute& attribute : kCalledAttributes) {
    if (attribute.role != role || attribute.alternative != alternative || next >= called.size()) {
      continue;
    }
    if (!attribute.is_list) {
      list.emplace_back(attribute.name, ComputationName(called[next++], form));
      continue;
    }
    const std::string names =
        absl::StrJoin(called, ", ", [&](std::string* out, const Computation* computation) {
          absl::StrAppend(out, ComputationName(computation, form));
        });
    list.emplace_back(attribute.name, absl::StrCat("{", names, "}"));
  }
}

void AddAnnotations(const Instruction& instruction, const TextForm& form, AttributeList& list) {
  const Annotations& annotations = instruction.annotations();
  const auto add = [&](const char* name, const std::string& text) {
    if (!text.empty()) list.emplace_back(name, text);
  };
  add("sharding", annotations.sharding);
  add("frontend_attributes", annotations.frontend_attributes);
  if (!instruction.control_predecessors().empty()) {
    const std::string names = absl::StrJoin(
        instruction.control_predecessors(), ", ", [&](std::string* out, const Instruction* before) {
          absl::StrAppend(out, form.percent ? "%" : "", before->name());
        });
    list.emplace_back("control-predecessors", absl::StrCat("{", names, "}"));
  }
  for (const auto& [name, text] : annotations.others) list.emplace_back(name, text);
  add("metadata", annotations.metadata);
  add("backend_config", annotations.backend_config);
}

// Brings the list into the order of `names`; what is not named stays behind.
void Reorder(const std::vector<std::string>& names, AttributeList& list) {
  absl::flat_hash_map<absl::string_view, size_t> places;
  for (size_t i = 0; i < names.size(); ++i) places.emplace(names[i], i);
  const auto place = [&](const std::pair<std::string, std::string>& attribute) {
    const auto it = places.find(attribute.first);
    return it == places.end() ? names.size() : it->second;
  };
  std::stable_sort(list.begin(), list.end(),
                   [&](const auto& a, const auto& b) { return place(a) < place(b); });
}

}  // namespace

AttributeList AttributesOf(const Instruction& instruction, const TextForm& form, bool annotations) {
  AttributeList list;
  AddFields(instruction.all_attributes(), instruction.opcode(), list);
  if (const Instruction* wrapped = WrappedInline(instruction); wrapped != nullptr) {
    if (instruction.opcode() == Opcode::kAsyncStart) {
      AddFields(wrapped->all_attributes(), wrapped->opcode(), list);
      AddCalled(*wrapped, form, list);
    }
  } else {
    AddCalled(instruction, form, list);
  }
  if (annotations) {
    AddAnnotations(instruction, form, list);
    if (!instruction.annotations().order.empty()) Reorder(instruction.annotations().order, list);
  } else if (!instruction.control_predecessors().empty()) {
    // Order is part of what is computed.
    AttributeList all;
    AddAnnotations(instruction, form, all);
    for (auto& attribute : all) {
      if (attribute.first == "control-predecessors") list.push_back(std::move(attribute));
    }
  }
  return list;
}

const Instruction* WrappedInline(const Instruction& instruction) {
  if (!IsAsync(instruction.opcode()) || instruction.called_computations().size() != 1) {
    return nullptr;
  }
  const Computation* called = instruction.called_computations()[0];
  if (!called->printed_inline || called->root() == nullptr) return nullptr;
  // A pass may have put more into it.
  const Instruction* root = called->root();
  const bool only_root = called->instructions().size() == called->parameters().size() + 1 &&
                         root->operands() == called->parameters() &&
                         root->opcode() != Opcode::kParameter;
  return only_root ? root : nullptr;
}

}  // namespace ingot::text
