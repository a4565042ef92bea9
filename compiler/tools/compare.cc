#include "compiler/tools/compare.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "ir/base/status.h"

namespace ingot::tools {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

double ToleranceOfType(ElementType type) {
  if (!IsFloat(type)) return 0;
  if (type == ElementType::kF64) return 1e-12;
  if (type == ElementType::kF32) return 1e-5;
  // Powers of two: a unit of the last place is the whole value.
  if (FormatOf(type).mantissa_bits == 0) return 0;
  // Narrower: a few units of the last place, as an operation rounds after each step.
  return std::ldexp(5.0, -1 - FormatOf(type).mantissa_bits);
}

// Sums of squares, so that arrays of any length are compared in one pass.
class NormDifference {
 public:
  void Add(double result, double expected) {
    if (std::isfinite(result) && std::isfinite(expected)) {
      difference_ += (result - expected) * (result - expected);
      norm_ += expected * expected;
    } else if (!(std::isnan(result) && std::isnan(expected)) && result != expected) {
      difference_ = kInfinity;
    }
  }
  double Relative() const { return difference_ == 0 ? 0 : std::sqrt(difference_ / norm_); }

 private:
  double difference_ = 0;
  double norm_ = 0;
};

}  // namespace

double Distance(const Literal& result, const Literal& expected) {
  if (!Shape::SameIgnoringLayout(result.shape(), expected.shape())) return kInfinity;
  const ElementType type = expected.shape().element_type();
  const int64_t count = result.size();
  if (!IsFloat(type) && !IsComplex(type)) {
    int64_t differing = 0;
    for (int64_t i = 0; i < count; ++i) differing += result.AsInteger(i) != expected.AsInteger(i);
    return static_cast<double>(differing) / static_cast<double>(std::max<int64_t>(count, 1));
  }
  NormDifference norm;
  for (int64_t i = 0; i < count; ++i) {
    const std::complex<double> a = result.AsComplex(i), b = expected.AsComplex(i);
    norm.Add(a.real(), b.real());
    norm.Add(a.imag(), b.imag());
  }
  return norm.Relative();
}

absl::StatusOr<Tolerances> Tolerances::Parse(absl::string_view text, absl::string_view file_name) {
  Tolerances tolerances;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    line = line.substr(0, line.find('#'));
    std::vector<std::string> words =
        absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipWhitespace());
    if (words.empty()) continue;
    if (words[0] == "type") words.insert(words.begin() + 1, "");
    double value;
    if (words.size() != 4 || !absl::SimpleAtod(words[3], &value) || !(value >= 0)) {
      return InvalidArgument(file_name, ":", number,
                             ": not `type TYPE TOLERANCE`, `workload MODEL TYPE TOLERANCE` or ",
                             "`result MODEL NUMBER TOLERANCE`");
    }
    tolerances.exceptions_[{words[1], words[2]}] = value;
  }
  return tolerances;
}

double Tolerances::Of(const std::string& model, int64_t number, ElementType type) const {
  const ElementType component = ComponentType(type);
  const std::string type_name(ElementTypeName(component));
  for (const Key& key :
       {Key(model, absl::StrCat(number)), Key(model, type_name), Key("", type_name)}) {
    if (const auto at = exceptions_.find(key); at != exceptions_.end()) return at->second;
  }
  return ToleranceOfType(component);
}

absl::StatusOr<std::vector<Comparison>> Compare(absl::Span<const Literal> results,
                                                absl::Span<const Literal> expected,
                                                const Tolerances& tolerances,
                                                const std::string& model) {
  if (results.size() != expected.size()) {
    return InvalidArgument(results.size(), " results, ", expected.size(), " expected");
  }
  std::vector<Comparison> comparisons;
  for (size_t i = 0; i < results.size(); ++i) {
    comparisons.push_back(
        {Distance(results[i], expected[i]),
         tolerances.Of(model, static_cast<int64_t>(i), expected[i].shape().element_type())});
  }
  return comparisons;
}

absl::Status PrintComparison(absl::Span<const Literal> results, absl::Span<const Literal> expected,
                             const Tolerances& tolerances, const std::string& model) {
  INGOT_ASSIGN_OR_RETURN(const auto comparisons, Compare(results, expected, tolerances, model));
  int64_t wrong = 0;
  bool floats = false;  // among what is wrong
  for (size_t i = 0; i < comparisons.size(); ++i) {
    const Comparison& comparison = comparisons[i];
    wrong += !comparison.ok();
    floats = floats || (!comparison.ok() && IsFloat(results[i].shape().element_type()));
    absl::PrintF("out%-4d %-28s error %9.2e  tolerance %8.1e  %s\n", i,
                 results[i].shape().ToString(false), comparison.distance, comparison.tolerance,
                 comparison.ok() ? "ok" : "WRONG");
  }
  if (wrong == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(
      wrong, " of ", results.size(), " results are beyond their tolerance",
      floats ? "; a GPU multiplies matrices of f32 as tf32, but for --numerics=strict" : ""));
}

}  // namespace ingot::tools
