// Every small workload on a small GPU in the simulator, with all its checks.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "compiler/compile.h"
#include "compiler/executable.h"
#include "compiler/kernel/simulator/device/device.h"
#include "ir/base/status.h"
#include "ir/base/target.h"
#include "tests/paths/paths.h"
#include "tests/workloads/workloads.h"

namespace ingot::test {
namespace {

// The results are of products of f32 at the highest precision, which is that of strict numerics;
// the default is compared with those of the others.
bool HasProductsOfSingles(const Module& module) {
  for (const Computation* computation : module.computations()) {
    for (const Instruction* instruction : computation->instructions()) {
      if (instruction->kind() == OpKind::kContraction &&
          instruction->operand(0)->shape().element_type() == ElementType::kF32) {
        return true;
      }
    }
  }
  return false;
}

absl::Status RunWorkload(const Workload& workload, const std::string& name, const Target& target,
                         Numerics numerics, runtime::Device* device) {
  CompileOptions options;
  options.threads = 1;
  options.numerics = numerics;
  INGOT_ASSIGN_OR_RETURN(const Compilation compilation, Compile(*workload.module, target, options));
  INGOT_ASSIGN_OR_RETURN(const auto executable, Executable::Load(compilation.program, device));
  INGOT_ASSIGN_OR_RETURN(const std::vector<Literal> results, executable->Run(workload.inputs));
  return CheckResults(name, results, workload.expected);
}

absl::Status RunWorkload(const std::string& folder, const std::string& name, const Target& target,
                         runtime::Device* device) {
  INGOT_ASSIGN_OR_RETURN(const Workload workload, LoadWorkload(folder, name));
  INGOT_RETURN_IF_ERROR(
      Annotate(RunWorkload(workload, name, target, Numerics::kStrict, device), "strict"));
  if (HasProductsOfSingles(*workload.module)) return absl::OkStatus();
  return RunWorkload(workload, name, target, Numerics::kDefault, device);
}

// Under three schedules, on all cores.
TEST(SimulatorTest, SmallWorkloadsGiveXlasResults) {
  INGOT_SHARED_OR_SKIP(folder, "workloads_small");
  const std::vector<std::string> names = WorkloadNames(folder);
  const Target* const target = *FindTarget("sim:sm_90a-tiny");
  const auto device = kernel::simulator::CreateSimulatedDevice({.schedules = 3});
  ASSERT_TRUE(device.ok()) << device.status();
  std::vector<absl::Status> statuses(names.size());
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    for (size_t i = next++; i < names.size(); i = next++) {
      statuses[i] = RunWorkload(folder, names[i], *target, device->get());
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency()); ++i) {
    threads.emplace_back(work);
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < names.size(); ++i) {
    EXPECT_TRUE(statuses[i].ok()) << names[i] << ": " << statuses[i];
  }
}

}  // namespace
}  // namespace ingot::test
