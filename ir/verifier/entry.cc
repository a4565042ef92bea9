// What the module states about its entry: layouts and aliases.
#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ir/base/status.h"
#include "ir/infer/infer.h"
#include "ir/verifier/checks.h"

namespace ingot::verifier {
namespace {

absl::Status CheckLayout(absl::string_view what, const Shape& stated, const Shape& actual) {
  if (const absl::Status valid = stated.Validate(); !valid.ok()) {
    return InvalidArgument("entry_computation_layout, ", what, ": ", valid.message());
  }
  INGOT_REQUIRE(ShapesAgree(stated, actual), "entry_computation_layout states ", what, " as ",
                stated.ToString(false), " when it is ", actual.ToString(false));
  return absl::OkStatus();
}

// (V7)
absl::Status CheckEntryLayouts(const Module& module) {
  const std::vector<Instruction*>& parameters = module.entry()->parameters();
  const std::vector<Shape>& stated = module.entry_parameter_layouts;
  // Empty with a stated result: there are no parameters.
  if (!stated.empty() || !module.entry_result_layout.empty()) {
    INGOT_REQUIRE(stated.size() == parameters.size(), "entry_computation_layout states ",
                  stated.size(), " parameters when the entry ", module.entry()->name(), " has ",
                  parameters.size());
  }
  for (size_t i = 0; i < stated.size(); ++i) {
    INGOT_RETURN_IF_ERROR(
        CheckLayout(absl::StrCat("parameter ", i), stated[i], parameters[i]->shape()));
  }
  INGOT_REQUIRE(module.entry_result_layout.size() <= 1, "there are ",
                module.entry_result_layout.size(), " layouts of the entry's one result");
  if (module.entry_result_layout.empty()) return absl::OkStatus();
  return CheckLayout("the result", module.entry_result_layout[0], module.entry()->root()->shape());
}

std::string PathText(absl::Span<const int64_t> path) {
  return absl::StrCat("{", absl::StrJoin(path, ","), "}");
}

// The array at `path` in `shape`; `attribute` of the module names it.
absl::StatusOr<const Shape*> ArrayAt(absl::string_view attribute, const Shape& shape,
                                     absl::Span<const int64_t> path, absl::string_view what) {
  const Shape* at = &shape;
  for (int64_t i : path) {
    INGOT_REQUIRE(at->IsTuple() && i >= 0 && i < static_cast<int64_t>(at->tuple_shapes().size()),
                  attribute, ": ", what, " ", shape.ToString(false), " has nothing at ",
                  PathText(path));
    at = &at->tuple_shapes()[i];
  }
  INGOT_REQUIRE(at->IsArray(), attribute, ": ", what, " at ", PathText(path), " is ",
                at->ToString(false), ", not an array");
  return at;
}

// The array at `path` in the entry's parameter.
absl::StatusOr<const Shape*> InputAt(absl::string_view attribute, const Module& module,
                                     int64_t parameter, absl::Span<const int64_t> path) {
  const std::vector<Instruction*>& parameters = module.entry()->parameters();
  INGOT_REQUIRE(parameter >= 0 && parameter < static_cast<int64_t>(parameters.size()), attribute,
                ": parameter ", parameter, " is not in [0, ", parameters.size(), ")");
  return ArrayAt(attribute, parameters[parameter]->shape(), path,
                 absl::StrCat("parameter ", parameter));
}

// (V8)
absl::Status CheckAliases(const Module& module) {
  constexpr absl::string_view kAttribute = "input_output_alias";
  absl::flat_hash_set<std::vector<int64_t>> outputs;
  absl::flat_hash_set<std::pair<int64_t, std::vector<int64_t>>> inputs;
  for (const InputOutputAlias& alias : module.input_output_aliases) {
    INGOT_ASSIGN_OR_RETURN(const Shape* output, ArrayAt(kAttribute, module.entry()->root()->shape(),
                                                        alias.output_index, "the result"));
    INGOT_ASSIGN_OR_RETURN(const Shape* input,
                           InputAt(kAttribute, module, alias.parameter, alias.parameter_index));
    // Sizes without a bound have no bytes to compare.
    const bool dynamic = input->HasDynamicDimension() || output->HasDynamicDimension();
    const bool fits =
        dynamic ? ShapesAgree(*input, *output) : input->ByteSize() == output->ByteSize();
    INGOT_REQUIRE(fits, kAttribute, ": output ", PathText(alias.output_index), " is ",
                  output->ToString(false), " when parameter ", alias.parameter, " at ",
                  PathText(alias.parameter_index), " is ", input->ToString(false));
    INGOT_REQUIRE(outputs.insert(alias.output_index).second, kAttribute, ": output ",
                  PathText(alias.output_index), " stands twice");
    INGOT_REQUIRE(inputs.insert({alias.parameter, alias.parameter_index}).second, kAttribute,
                  ": parameter ", alias.parameter, " at ", PathText(alias.parameter_index),
                  " has two outputs");
  }
  for (const BufferDonor& donor : module.buffer_donors) {
    INGOT_RETURN_IF_ERROR(
        InputAt("buffer_donor", module, donor.parameter, donor.parameter_index).status());
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckEntry(const Module& module) {
  INGOT_REQUIRE(module.entry() != nullptr, "module ", module.name(), " has no entry computation");
  const std::vector<Computation*>& all = module.computations();
  INGOT_REQUIRE(std::find(all.begin(), all.end(), module.entry()) != all.end(),
                "the entry computation is not of module ", module.name());
  INGOT_RETURN_IF_ERROR(CheckEntryLayouts(module));
  return CheckAliases(module);
}

}  // namespace ingot::verifier
