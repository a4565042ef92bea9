#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "compiler/tools/values.h"
#include "ir/base/status.h"

namespace ingot::tools {
namespace {

// Sums of squares, so that arrays of any length are compared in one pass.
class NormDifference {
 public:
  void Add(double result, double expected) {
    if (std::isfinite(result) && std::isfinite(expected)) {
      difference_ += (result - expected) * (result - expected);
      norm_ += expected * expected;
    } else if (!(std::isnan(result) && std::isnan(expected)) && result != expected) {
      mismatch_ = true;
    }
  }
  double Relative() const {
    if (mismatch_) return std::numeric_limits<double>::infinity();
    if (difference_ == 0) return 0;
    return norm_ == 0 ? std::numeric_limits<double>::infinity() : std::sqrt(difference_ / norm_);
  }

 private:
  double difference_ = 0;
  double norm_ = 0;
  bool mismatch_ = false;
};

}  // namespace

double ToleranceOf(ElementType type) {
  type = ComponentType(type);
  if (!IsFloat(type)) return 0;
  if (type == ElementType::kF64) return 1e-12;
  if (type == ElementType::kF32) return 1e-5;
  // Narrower: a few units of the last place, as an operation rounds after each step.
  return std::ldexp(5.0, -1 - FormatOf(type).mantissa_bits);
}

Difference Compare(const Literal& result, const Literal& expected) {
  const ElementType type = result.shape().element_type();
  Difference difference;
  difference.tolerance = ToleranceOf(type);
  const int64_t count = result.size();
  if (!IsFloat(type) && !IsComplex(type)) {
    int64_t differing = 0;
    for (int64_t i = 0; i < count; ++i) differing += result.AsInteger(i) != expected.AsInteger(i);
    difference.error = count == 0 ? 0 : static_cast<double>(differing) / static_cast<double>(count);
    return difference;
  }
  NormDifference norm;
  for (int64_t i = 0; i < count; ++i) {
    if (IsComplex(type)) {
      const std::complex<double> a = result.AsComplex(i), b = expected.AsComplex(i);
      norm.Add(a.real(), b.real());
      norm.Add(a.imag(), b.imag());
    } else {
      norm.Add(result.AsDouble(i), expected.AsDouble(i));
    }
  }
  difference.error = norm.Relative();
  return difference;
}

absl::Status PrintComparison(absl::Span<const Literal> results,
                             absl::Span<const Literal> expected) {
  if (results.size() != expected.size()) {
    return InvalidArgument(results.size(), " results, ", expected.size(), " expected");
  }
  int64_t wrong = 0;
  for (size_t i = 0; i < results.size(); ++i) {
    const Difference difference = Compare(results[i], expected[i]);
    wrong += !difference.ok();
    absl::PrintF("out%-4d %-28s error %9.2e  tolerance %8.1e  %s\n", i,
                 results[i].shape().ToString(false), difference.error, difference.tolerance,
                 difference.ok() ? "ok" : "WRONG");
  }
  if (wrong == 0) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat(wrong, " of ", results.size(), " results are beyond their tolerance"));
}

}  // namespace ingot::tools
