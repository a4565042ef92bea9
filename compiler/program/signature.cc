#include "compiler/program/signature.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "ir/analysis/leaves.h"
#include "ir/base/status.h"

namespace ingot::program {
namespace {

// "x" for an array, "x.0", "x.1", … for the elements of a tuple.
absl::Status AppendInputs(const Shape& shape, const std::string& name,
                          std::vector<runtime::Input>& inputs) {
  if (shape.IsArray()) {
    if (shape.HasDynamicDimension())
      return Unimplemented(name, ": dynamic dimensions: ", shape.ToString());
    inputs.push_back({name, shape});
    return absl::OkStatus();
  }
  if (!shape.IsTuple()) return Unimplemented("parameter ", name, " is a ", shape.ToString());
  for (size_t i = 0; i < shape.tuple_shapes().size(); ++i) {
    const Shape& element = shape.tuple_shapes()[i];
    if (element.IsArray() && !element.LayoutOrDefault().IsDefault()) {
      return Unimplemented("parameter ", name, ": the layout of ", element.ToString(),
                           " inside a tuple");
    }
    INGOT_RETURN_IF_ERROR(AppendInputs(element, absl::StrCat(name, ".", i), inputs));
  }
  return absl::OkStatus();
}

// The leaf of `shape` at `path`, counted from its first.
int LeafAt(const Shape& shape, absl::Span<const int64_t> path) {
  int leaf = 0;
  const Shape* at = &shape;
  for (int64_t index : path) {
    for (int64_t i = 0; i < index; ++i) {
      leaf += static_cast<int>(LeafShapes(at->tuple_shapes()[i]).size());
    }
    at = &at->tuple_shapes()[index];
  }
  return leaf;
}

// Which input the leaf of a parameter is.
int InputAt(const Module& module, int64_t parameter, absl::Span<const int64_t> path) {
  int input = 0;
  for (int64_t i = 0; i < parameter; ++i) {
    input += static_cast<int>(LeafShapes(module.entry()->parameters()[i]->shape()).size());
  }
  return input + LeafAt(module.entry()->parameters()[parameter]->shape(), path);
}

bool IsAliased(const Signature& signature, int input) {
  return std::any_of(signature.outputs.begin(), signature.outputs.end(),
                     [&](const runtime::Output& output) { return output.aliased_input == input; });
}

// Gives the input to the first output of its shape that has none.
void Donate(int input, Signature& signature) {
  if (IsAliased(signature, input)) return;
  for (runtime::Output& output : signature.outputs) {
    if (output.aliased_input >= 0 ||
        !Shape::SameIgnoringLayout(output.shape, signature.inputs[input].shape)) {
      continue;
    }
    output.aliased_input = input;
    return;
  }
}

absl::Status Alias(const Module& module, absl::Span<const int64_t> donated, Signature& signature) {
  for (const InputOutputAlias& alias : module.input_output_aliases) {
    const int output = LeafAt(module.entry()->root()->shape(), alias.output_index);
    signature.outputs[output].aliased_input =
        InputAt(module, alias.parameter, alias.parameter_index);
  }
  for (const BufferDonor& donor : module.buffer_donors) {
    Donate(InputAt(module, donor.parameter, donor.parameter_index), signature);
  }
  for (size_t i = 0; i < donated.size(); ++i) {
    if (donated[i] < 0 || donated[i] >= static_cast<int64_t>(signature.inputs.size())) {
      return InvalidArgument("donated input ", donated[i], " is not in [0, ",
                             signature.inputs.size(), ")");
    }
    if (std::find(donated.begin(), donated.begin() + i, donated[i]) != donated.begin() + i) {
      return InvalidArgument("input ", donated[i], " is donated twice");
    }
    Donate(static_cast<int>(donated[i]), signature);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Signature> SignatureOf(const Module& module, absl::Span<const int64_t> donated) {
  const Computation& entry = *module.entry();
  Signature signature;
  for (size_t i = 0; i < entry.parameters().size(); ++i) {
    const Instruction* parameter = entry.parameters()[i];
    const Shape& shape = i < module.entry_parameter_layouts.size()
                             ? module.entry_parameter_layouts[i]
                             : parameter->shape();
    INGOT_RETURN_IF_ERROR(AppendInputs(shape, parameter->name(), signature.inputs));
  }
  const Shape& result =
      module.entry_result_layout.empty() ? entry.root()->shape() : module.entry_result_layout[0];
  for (const Shape& leaf : LeafShapes(result)) {
    if (leaf.HasDynamicDimension())
      return Unimplemented("result: dynamic dimensions: ", leaf.ToString());
    signature.outputs.push_back({absl::StrCat("out", signature.outputs.size()), leaf});
  }
  INGOT_RETURN_IF_ERROR(Alias(module, donated, signature));
  return signature;
}

ResultMemories MemoriesOfResults(const Signature& signature) {
  ResultMemories memories;
  for (const runtime::Output& output : signature.outputs) {
    memories.push_back(output.aliased_input);
  }
  return memories;
}

}  // namespace ingot::program
