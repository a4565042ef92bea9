#include "tests/workloads/workloads.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>
#include <utility>

#include "ir/base/check.h"
#include "ir/base/status.h"
#include "ir/infer/infer.h"
#include "ir/io/arrays.h"
#include "ir/text/parser.h"
#include "ir/verifier/verifier.h"
#include "tests/paths/paths.h"

namespace ingot::test {
namespace {

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", path));
  return text.str();
}

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

class Tolerances {
 public:
  Tolerances() {
    std::ifstream file(RepositoryRoot() + "/tests/workloads/tolerances.txt");
    INGOT_CHECK(file.good()) << "cannot read tests/workloads/tolerances.txt";
    for (std::string line; std::getline(file, line);) {
      std::istringstream words(line.substr(0, line.find('#')));
      std::string kind, name, which;
      if (!(words >> kind)) continue;
      if (kind == "type") {
        words >> which;
      } else {
        words >> name >> which;
      }
      words >> tolerances_[{name, which}];
      INGOT_CHECK(!words.fail()) << "tolerances.txt: " << line;
    }
  }

  double Of(const std::string& workload, int64_t result, ElementType type) const {
    const std::string type_name(ElementTypeName(ComponentType(type)));
    for (const auto& key :
         {Key(workload, absl::StrCat(result)), Key(workload, type_name), Key("", type_name)}) {
      if (const auto at = tolerances_.find(key); at != tolerances_.end()) return at->second;
    }
    return 0;
  }

 private:
  // The workload, empty for every one, and the type's name or the result's number.
  using Key = std::pair<std::string, std::string>;
  std::map<Key, double> tolerances_;
};

}  // namespace

std::vector<std::string> WorkloadNames(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".hlo") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

absl::StatusOr<Workload> LoadWorkload(const std::string& folder, const std::string& name) {
  const std::string stem = folder + "/" + name;
  INGOT_ASSIGN_OR_RETURN(const std::string text, ReadFile(stem + ".hlo"));
  INGOT_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(stem + ".npz"));
  INGOT_ASSIGN_OR_RETURN(const NamedLiterals arrays, ParseArrays(bytes, stem + ".npz"));
  Workload workload;
  INGOT_ASSIGN_OR_RETURN(workload.module,
                         ParseModule(text, name + ".hlo", {.infer_shape = InferUnstatedShape}));
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

double Distance(const Literal& result, const Literal& expected) {
  const ElementType type = expected.shape().element_type();
  if (!Shape::SameIgnoringLayout(result.shape(), expected.shape())) {
    return std::numeric_limits<double>::infinity();
  }
  if (!IsFloat(type) && !IsComplex(type)) {
    double differing = 0;
    for (int64_t i = 0; i < result.size(); ++i) {
      differing += result.AsInteger(i) != expected.AsInteger(i);
    }
    return differing / static_cast<double>(std::max<int64_t>(result.size(), 1));
  }
  double difference = 0, norm = 0;
  const auto add = [&](double actual, double wanted) {
    if (std::isfinite(actual) && std::isfinite(wanted)) {
      difference += (actual - wanted) * (actual - wanted);
      norm += wanted * wanted;
    } else if (actual != wanted && !(std::isnan(actual) && std::isnan(wanted))) {
      difference = std::numeric_limits<double>::infinity();
    }
  };
  for (int64_t i = 0; i < result.size(); ++i) {
    const std::complex<double> actual = result.AsComplex(i), wanted = expected.AsComplex(i);
    add(actual.real(), wanted.real());
    add(actual.imag(), wanted.imag());
  }
  return difference == 0 ? 0 : std::sqrt(difference / norm);
}

double Tolerance(const std::string& workload, int64_t result, ElementType type) {
  static const Tolerances& tolerances = *new Tolerances;
  return tolerances.Of(workload, result, type);
}

absl::Status CheckResults(const std::string& workload, absl::Span<const Literal> results,
                          absl::Span<const Literal> expected) {
  if (results.size() != expected.size()) {
    return InvalidArgument(workload, ": ", results.size(), " results, not ", expected.size());
  }
  std::string wrong;
  for (size_t i = 0; i < results.size(); ++i) {
    const double distance = Distance(results[i], expected[i]);
    const double tolerance = Tolerance(workload, i, expected[i].shape().element_type());
    if (!(distance <= tolerance)) {
      absl::StrAppend(&wrong, "\n  result ", i, ", ", expected[i].shape().ToString(false),
                      ", is off by ", distance, ", more than ", tolerance);
    }
  }
  return wrong.empty() ? absl::OkStatus() : absl::InternalError(absl::StrCat(workload, ":", wrong));
}

}  // namespace ingot::test
