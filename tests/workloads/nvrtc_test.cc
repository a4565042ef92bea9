// Every small workload as CUDA C++ through NVRTC, for a generation of cards that LLVM does not
// know.
#include "compiler/codegen/cuda/nvrtc.h"

#include <gtest/gtest.h>

#include <string>

#include "compiler/compile.h"
#include "ir/base/target.h"
#include "tests/paths/paths.h"
#include "tests/workloads/workloads.h"

namespace ingot::test {
namespace {

// Returns the number of distinct kernels.
int64_t ExpectCubins(const Workload& workload, const std::string& name, const char* target,
                     Codegen codegen) {
  CompileOptions options;
  options.codegen = codegen;
  const auto compilation = Compile(*workload.module, **FindTarget(target), options);
  EXPECT_TRUE(compilation.ok()) << name << " for " << target << ": " << compilation.status();
  if (!compilation.ok()) return 0;
  for (const runtime::CodeModule& module : compilation->program->modules) {
    EXPECT_EQ(module.format, runtime::CodeFormat::kCubin) << name << " for " << target;
  }
  for (const codegen::KernelReport& report : compilation->reports) {
    EXPECT_GT(report.registers, 0) << name << " for " << target << ": " << report.ToString();
  }
  return compilation->kernels;
}

TEST(Nvrtc, CompilesTheSmallWorkloads) {
  INGOT_SHARED_OR_SKIP(folder, "workloads_small");
  if (codegen::Nvrtc::Get() == nullptr) GTEST_SKIP() << "libnvrtc was not found";
  for (const std::string& name : WorkloadNames(folder)) {
    const auto workload = LoadWorkload(folder, name);
    ASSERT_TRUE(workload.ok()) << workload.status();
    const int64_t kernels = ExpectCubins(*workload, name, "sm_100", Codegen::kLlvm);
    // Small ones are enough for the others: the source is the same but for what a card lacks.
    if (kernels > 3) continue;
    ExpectCubins(*workload, name, "sm_120", Codegen::kLlvm);
    ExpectCubins(*workload, name, "sm_90a", Codegen::kCuda);
    ExpectCubins(*workload, name, "sm_80", Codegen::kCuda);
  }
}

}  // namespace
}  // namespace ingot::test
