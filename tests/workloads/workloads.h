// The suite of small workloads: modules with inputs and with the results that XLA computes at the
// highest precision, for whichever target a test runs them on.
#ifndef INGOT_TESTS_WORKLOADS_WORKLOADS_H_
#define INGOT_TESTS_WORKLOADS_WORKLOADS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "ir/literal.h"
#include "ir/module.h"

namespace ingot::test {

struct Workload {
  std::unique_ptr<Module> module;  // verified
  std::vector<Literal> inputs;     // by parameter
  std::vector<Literal> expected;   // the leaves of the result
};

// Names of the workloads in a folder NAME.hlo, NAME.npz, sorted.
std::vector<std::string> WorkloadNames(const std::string& folder);
absl::StatusOr<Workload> LoadWorkload(const std::string& folder, const std::string& name);

// OK when every result is within its tolerance of tolerances.txt; else names those that are not.
absl::Status CheckResults(const std::string& workload, absl::Span<const Literal> results,
                          absl::Span<const Literal> expected);

}  // namespace ingot::test

#endif  // INGOT_TESTS_WORKLOADS_WORKLOADS_H_
