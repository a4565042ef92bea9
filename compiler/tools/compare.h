// How far results are from what was expected, and how far they may be.
#ifndef INGOT_COMPILER_TOOLS_COMPARE_H_
#define INGOT_COMPILER_TOOLS_COMPARE_H_

#include <map>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "ir/literal.h"

namespace ingot::tools {

// Floats and complex numbers: ‖result - expected‖ / ‖expected‖ over the elements that are finite in
// both; infinity when a NaN or infinity stands on one side only, or the shapes differ.  Integers
// and pred: the fraction of elements that differ.
double Distance(const Literal& result, const Literal& expected);

// How far results may be off: by element type, and what more a model needs.
class Tolerances {
 public:
  // By type alone: 1e-12 for f64, 1e-5 for f32, a few units of the last place for narrower floats
  // (2e-2 for bf16), 0 for integers.
  Tolerances() = default;

  // Lines `type TYPE TOLERANCE`, `workload MODEL TYPE TOLERANCE` or `result MODEL NUMBER
  // TOLERANCE`; # starts a comment.
  static absl::StatusOr<Tolerances> Parse(absl::string_view text, absl::string_view file_name);

  // Of result `number` of the model: the most special line that there is.
  double Of(const std::string& model, int64_t number, ElementType type) const;

 private:
  // The model, empty for every one, and the type's name or the result's number.
  using Key = std::pair<std::string, std::string>;
  std::map<Key, double> exceptions_;
};

// How one result did.
struct Comparison {
  double distance = 0;
  double tolerance = 0;
  bool ok() const { return distance <= tolerance; }
};
// InvalidArgument when the lists have different lengths.
absl::StatusOr<std::vector<Comparison>> Compare(absl::Span<const Literal> results,
                                                absl::Span<const Literal> expected,
                                                const Tolerances& tolerances,
                                                const std::string& model);

// Prints a line for each result and returns an error when one is beyond its tolerance.
absl::Status PrintComparison(absl::Span<const Literal> results, absl::Span<const Literal> expected,
                             const Tolerances& tolerances, const std::string& model);

}  // namespace ingot::tools

#endif  // INGOT_COMPILER_TOOLS_COMPARE_H_
