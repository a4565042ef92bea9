// Runs one fusion as the host's compiled code runs it, and compares it with the evaluator.
#ifndef INGOT_TESTS_COMPILER_LOWER_HARNESS_H_
#define INGOT_TESTS_COMPILER_LOWER_HARNESS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "compiler/plan/plan.h"
#include "ir/base/target.h"
#include "ir/literal.h"
#include "ir/module.h"

namespace ingot::test {

// The module that `text` says, verified; a test failure otherwise.
std::unique_ptr<Module> Parse(const std::string& text);

// Plan → kernel IR → verifier → object code → results, one literal a leaf.  The tasks run in two
// calls, the later half first; memory around results is watched.
absl::StatusOr<std::vector<Literal>> RunOnHost(const Computation& fusion,
                                               absl::Span<const Literal> inputs,
                                               const Target& target,
                                               const plan::PlanOptions& options = {});

// Numbers of every size, the same for the same seed.  Floats: 0, infinities and NaN among them when
// `specials`.  Integers: `limit` > 0 gives 0 … limit - 1.
struct InputOptions {
  uint64_t seed = 1;
  bool specials = false;
  int64_t limit = 0;
};
Literal RandomLiteral(const Shape& shape, const InputOptions& options);

// How far a float may be off: |x - expected| ≤ ulps * (unit in the last place of the type at
// expected) + relative_to_norm * max |expected|.
struct Tolerance {
  double ulps = 0;
  double relative_to_norm = 0;
};
// Fails the test, naming the first element that differs.
void ExpectNear(const Literal& actual, const Literal& expected, const Tolerance& tolerance,
                const std::string& what);

struct CheckOptions {
  InputOptions inputs;
  Tolerance tolerance;
};
// `text`'s entry computation as one fusion, on random inputs, for each x86-64 level that this
// processor runs; and lowered and verified for a GPU.
void ExpectMatchesEvaluator(const std::string& text, const CheckOptions& options = {});
void ExpectMatchesEvaluator(const Module& module, const CheckOptions& options,
                            const std::string& what);

// The plan and the kernel as text, for golden files.  A target's name may be followed by " loop"
// (no tiles) and " strict" (Numerics::kStrict), in this order.
std::string PlanAndKernelText(const std::string& hlo, const std::string& target);

}  // namespace ingot::test

#endif  // INGOT_TESTS_COMPILER_LOWER_HARNESS_H_
