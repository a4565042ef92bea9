#include "compiler/program/signature.h"

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "ir/analysis/index_limits.h"
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

// Where the leaves of each shape begin among those of all.
std::vector<int> BeginsOf(absl::Span<const Shape> shapes) {
  std::vector<int> begins;
  int leaves = 0;
  for (const Shape& shape : shapes) {
    begins.push_back(leaves);
    leaves += static_cast<int>(LeafShapes(shape).size());
  }
  return begins;
}

// The leaf of `shape` at `path`, counted from its first.
int LeafAt(const Shape& shape, absl::Span<const int64_t> path) {
  if (path.empty()) return 0;
  const std::vector<int> begins = BeginsOf(shape.tuple_shapes());
  return begins[path[0]] + LeafAt(shape.tuple_shapes()[path[0]], path.subspan(1));
}

// Gives inputs to outputs.
class Donations {
 public:
  Donations(const Module& module, Signature& signature)
      : signature_(signature),
        root_(module.entry()->root()->shape()),
        given_(signature.inputs.size(), false) {
    for (const Instruction* parameter : module.entry()->parameters()) {
      parameters_.push_back(parameter->shape());
    }
    input_begins_ = BeginsOf(parameters_);
    if (root_.IsTuple()) output_begins_ = BeginsOf(root_.tuple_shapes());
  }

  void Alias(const InputOutputAlias& alias) {
    const absl::Span<const int64_t> path = alias.output_index;
    const int output = path.empty() ? 0
                                    : output_begins_[path[0]] +
                                          LeafAt(root_.tuple_shapes()[path[0]], path.subspan(1));
    const int input = InputAt(alias.parameter, alias.parameter_index);
    signature_.outputs[output].aliased_input = input;
    given_[input] = true;
  }

  int InputAt(int64_t parameter, absl::Span<const int64_t> path) const {
    return input_begins_[parameter] + LeafAt(parameters_[parameter], path);
  }

  // Gives the input, behind all aliases, to the first output of its shape that has none.
  void Donate(int input) {
    if (given_[input]) return;
    const std::string shape = signature_.inputs[input].shape.ToString(/*with_layout=*/false);
    size_t& output = next_[shape];
    for (; output < signature_.outputs.size(); ++output) {
      runtime::Output& candidate = signature_.outputs[output];
      if (candidate.aliased_input >= 0 ||
          !Shape::SameIgnoringLayout(candidate.shape, signature_.inputs[input].shape)) {
        continue;
      }
      candidate.aliased_input = input;
      given_[input] = true;
      return;
    }
  }

 private:
  Signature& signature_;
  const Shape& root_;
  std::vector<Shape> parameters_;
  std::vector<int> input_begins_, output_begins_;
  std::vector<bool> given_;                        // by input
  absl::flat_hash_map<std::string, size_t> next_;  // by shape: outputs before it have inputs
};

absl::Status Alias(const Module& module, absl::Span<const int64_t> donated, Signature& signature) {
  Donations donations(module, signature);
  for (const InputOutputAlias& alias : module.input_output_aliases) donations.Alias(alias);
  for (const BufferDonor& donor : module.buffer_donors) {
    donations.Donate(donations.InputAt(donor.parameter, donor.parameter_index));
  }
  absl::flat_hash_set<int64_t> seen;
  for (int64_t input : donated) {
    if (input < 0 || input >= static_cast<int64_t>(signature.inputs.size())) {
      return InvalidArgument("donated input ", input, " is not in [0, ", signature.inputs.size(),
                             ")");
    }
    if (!seen.insert(input).second) return InvalidArgument("input ", input, " is donated twice");
    donations.Donate(static_cast<int>(input));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Signature> SignatureOf(const Module& module, absl::Span<const int64_t> donated) {
  const Computation& entry = *module.entry();
  const std::vector<int64_t> limits = IndexLimits(module);
  Signature signature;
  for (size_t i = 0; i < entry.parameters().size(); ++i) {
    const Instruction* parameter = entry.parameters()[i];
    const Shape& shape = i < module.entry_parameter_layouts.size()
                             ? module.entry_parameter_layouts[i]
                             : parameter->shape();
    INGOT_RETURN_IF_ERROR(AppendInputs(shape, parameter->name(), signature.inputs));
    if (shape.IsArray()) signature.inputs.back().index_limit = limits[i];
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
