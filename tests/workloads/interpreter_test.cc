// Every small workload on the evaluator.
#include <gtest/gtest.h>

#include "ir/evaluator/evaluator.h"
#include "tests/paths/paths.h"
#include "tests/workloads/workloads.h"

namespace ingot::test {
namespace {

TEST(InterpreterTest, SmallWorkloadsGiveXlasResults) {
  INGOT_SHARED_OR_SKIP(folder, "workloads_small");
  for (const std::string& name : WorkloadNames(folder)) {
    const absl::StatusOr<Workload> workload = LoadWorkload(folder, name);
    EXPECT_TRUE(workload.ok()) << name << ": " << workload.status();
    if (!workload.ok()) continue;
    const absl::StatusOr<Literal> result = Evaluate(*workload->module, workload->inputs);
    EXPECT_TRUE(result.ok()) << name << ": " << result.status();
    if (!result.ok()) continue;
    const absl::Status status = CheckResults(name, Leaves(*result), workload->expected);
    EXPECT_TRUE(status.ok()) << status.message();
  }
}

}  // namespace
}  // namespace ingot::test
