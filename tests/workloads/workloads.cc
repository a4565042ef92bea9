#include "tests/workloads/workloads.h"

#include <algorithm>

#include "compiler/tools/compare.h"
#include "ir/base/status.h"
#include "ir/io/arrays.h"
#include "ir/text/parser.h"
#include "ir/verifier/verifier.h"
#include "tests/paths/paths.h"

namespace ingot::test {
namespace {

void AddLeafShapes(const Shape& shape, std::vector<Shape>& leaves) {
  if (shape.IsArray()) leaves.push_back(shape);
  for (const Shape& element : shape.tuple_shapes()) AddLeafShapes(element, leaves);
}

// Array `name` as a value of `shape`; bf16 is stored as its bits in u16.
absl::StatusOr<Literal> Find(const NamedLiterals& arrays, const std::string& name,
                             const Shape& shape) {
  for (const auto& [array_name, array] : arrays) {
    if (array_name != name) continue;
    const bool same_bits = array.shape().element_type() == shape.element_type() ||
                           (array.shape().element_type() == ElementType::kU16 &&
                            shape.element_type() == ElementType::kBF16);
    if (!same_bits || array.shape().dimensions() != shape.dimensions()) {
      return InvalidArgument(name, " is ", array.shape().ToString(false), ", not ",
                             shape.ToString(false));
    }
    Literal value = Literal::Zeros(shape).value();
    std::copy(array.bytes().begin(), array.bytes().end(), value.MutableBytes().begin());
    return value;
  }
  return InvalidArgument("there is no ", name);
}

const tools::Tolerances& AllTolerances() {
  static const auto& tolerances = *[] {
    const std::string path = RepositoryRoot() + "/tests/workloads/tolerances.txt";
    return new tools::Tolerances(tools::Tolerances::Parse(ReadFile(path), path).value());
  }();
  return tolerances;
}

}  // namespace

std::vector<std::string> WorkloadNames(const std::string& folder) {
  return FileStems(folder, ".hlo");
}

absl::StatusOr<Workload> LoadWorkload(const std::string& folder, const std::string& name) {
  const std::string stem = folder + "/" + name;
  const std::string text = ReadFile(stem + ".hlo");
  const std::string bytes = ReadFile(stem + ".npz");
  INGOT_ASSIGN_OR_RETURN(const NamedLiterals arrays, ParseArrays(bytes, stem + ".npz"));
  Workload workload;
  INGOT_ASSIGN_OR_RETURN(workload.module, ParseModule(text, name + ".hlo"));
  INGOT_RETURN_IF_ERROR(Verify(*workload.module));
  const Computation& entry = *workload.module->entry();
  for (size_t i = 0; i < entry.parameters().size(); ++i) {
    INGOT_ASSIGN_OR_RETURN(workload.inputs.emplace_back(),
                           Find(arrays, absl::StrCat("in", i), entry.parameters()[i]->shape()));
  }
  std::vector<Shape> results;
  AddLeafShapes(entry.root()->shape(), results);
  for (size_t i = 0; i < results.size(); ++i) {
    INGOT_ASSIGN_OR_RETURN(workload.expected.emplace_back(),
                           Find(arrays, absl::StrCat("out", i), results[i]));
  }
  return workload;
}

absl::Status CheckResults(const std::string& workload, absl::Span<const Literal> results,
                          absl::Span<const Literal> expected) {
  INGOT_ASSIGN_OR_RETURN(const auto comparisons,
                         tools::Compare(results, expected, AllTolerances(), workload));
  std::string wrong;
  for (size_t i = 0; i < comparisons.size(); ++i) {
    if (comparisons[i].ok()) continue;
    absl::StrAppend(&wrong, "\n  result ", i, ", ", expected[i].shape().ToString(false),
                    ", is off by ", comparisons[i].distance, ", more than ",
                    comparisons[i].tolerance);
  }
  return wrong.empty() ? absl::OkStatus() : absl::InternalError(absl::StrCat(workload, ":", wrong));
}

}  // namespace ingot::test
