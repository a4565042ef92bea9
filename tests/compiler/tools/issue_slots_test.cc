// The model's instructions of a kernel, counted from kernel IR, against those of the assembled
// kernel.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "compiler/codegen/codegen.h"
#include "compiler/codegen/cubin/cubin.h"
#include "compiler/compile.h"
#include "compiler/kernel/simulator/simulator.h"
#include "compiler/kernel/text.h"
#include "compiler/tools/simulated_work.h"
#include "ir/text/parser.h"
#include "tests/compiler/tools/sass.h"
#include "tests/paths/paths.h"

namespace ingot::test {
namespace {

namespace simulator = kernel::simulator;

struct Case {
  const char* name;
  const char* entry;  // the body of the entry computation, of rows of 512 elements
};

// What softmax, norms and activations do to an element.
const Case kCases[] = {
    {"Exp", R"(
      x = bf16[256,512] parameter(0)
      m = f32[256] parameter(1)
      f = f32[256,512] convert(x)
      b = f32[256,512] broadcast(m), dimensions={0}
      d = f32[256,512] subtract(f, b)
      ROOT e = f32[256,512] exponential(d))"},
    {"Divide", R"(
      x = f32[256,512] parameter(0)
      s = f32[256] parameter(1)
      b = f32[256,512] broadcast(s), dimensions={0}
      d = f32[256,512] divide(x, b)
      ROOT r = bf16[256,512] convert(d))"},
    {"Normalize", R"(
      x = bf16[256,512] parameter(0)
      mean = f32[256] parameter(1)
      variance = f32[256] parameter(2)
      gamma = f32[512] parameter(3)
      f = f32[256,512] convert(x)
      m = f32[256,512] broadcast(mean), dimensions={0}
      v = f32[256,512] broadcast(variance), dimensions={0}
      g = f32[256,512] broadcast(gamma), dimensions={1}
      d = f32[256,512] subtract(f, m)
      n = f32[256,512] multiply(d, v)
      w = f32[256,512] multiply(n, g)
      ROOT r = bf16[256,512] convert(w))"},
    {"Tanh", R"(
      x = bf16[256,512] parameter(0)
      f = f32[256,512] convert(x)
      t = f32[256,512] tanh(f)
      ROOT r = bf16[256,512] convert(t))"},
    {"Logistic", R"(
      x = f32[256,512] parameter(0)
      ROOT r = f32[256,512] logistic(x))"},
};

// Instructions that one warp of the kernel issues, on average, as the simulator counts them.
double Counted(const kernel::Kernel& kernel) {
  std::vector<simulator::Argument> arguments;
  for (size_t i = 0; i < kernel.parameters().size(); ++i) {
    arguments.push_back(simulator::Argument::Virtual({i, 1, 7}));
  }
  simulator::Options options;
  options.check = false;
  options.sample_thread_operations = 2'000'000;
  const auto report = simulator::Simulate(kernel, arguments, options);
  EXPECT_TRUE(report.ok()) << report.status();
  if (!report.ok()) return 0;
  EXPECT_TRUE(report->status().ok()) << report->status();
  const int64_t warps = report->blocks * ((kernel.launch().block_threads() + 31) / 32);
  return tools::WorkOf(kernel, *report).issue_slots() / static_cast<double>(warps);
}

class IssueSlots : public testing::Test {
 protected:
  void SetUp() override {
    nvdisasm_ = FindNvdisasm();
    if (nvdisasm_.empty()) GTEST_SKIP() << "nvdisasm is not on this machine (INGOT_NVDISASM)";
    if (codegen::FindAssembler().kind == codegen::Assembler::kNone) GTEST_SKIP() << "no assembler";
  }

  // Compares both counts for each kernel of the module that has loops of such trips, or none if
  // there are none, and is more than its frame (parameters, ids, one address, the exit: up to 20
  // instructions, of which the assembler saves one here and there); returns how many there were.
  int Compare(const std::string& text, absl::Span<const double> trips = {}) {
    int compared = 0;
    CompareKernels(text, trips, compared);
    return compared;
  }

 private:
  void CompareKernels(const std::string& text, absl::Span<const double> trips, int& compared) {
    const Target& target = **FindTarget("sm_90a");
    const auto module = ParseModule(text, "case");
    ASSERT_TRUE(module.ok()) << module.status();
    std::string kernel_text;
    CompileOptions options;
    options.stages = {Stage::kKernel};
    options.observer = [&](Stage, absl::string_view, const std::string& kernel) {
      kernel_text += kernel;
    };
    const auto compilation = Compile(**module, target, options);
    ASSERT_TRUE(compilation.ok()) << compilation.status();
    auto kernels = kernel::ParseKernels(kernel_text, "kernels");
    ASSERT_TRUE(kernels.ok()) << kernels.status();
    const auto generated = codegen::Generate(*kernels, target, {});
    ASSERT_TRUE(generated.ok()) << generated.status();
    const absl::Span<const uint8_t> cubin = generated->code.bytes.span();
    const auto listing = Disassemble(nvdisasm_, {cubin.begin(), cubin.end()});
    ASSERT_TRUE(listing.ok()) << listing.status();
    for (const auto& kernel : kernels->kernels) {
      const auto assembled = PathLength(*listing, kernel->name(), trips);
      if (!assembled.has_value() || *assembled <= 20) continue;
      ++compared;
      EXPECT_NEAR(Counted(*kernel), static_cast<double>(*assembled), 0.15 * *assembled)
          << kernel->ToString();
    }
  }

  std::string nvdisasm_;
};

class IssueSlotsOfCases : public IssueSlots, public testing::WithParamInterface<Case> {};

TEST_P(IssueSlotsOfCases, AreThoseOfTheAssembledKernel) {
  EXPECT_EQ(Compare(std::string("HloModule m\nENTRY e {") + GetParam().entry + "\n}\n"), 1)
      << "the case is to be one kernel without a loop";
}

struct Workload {
  const char* name;
  std::vector<double> trips;  // of the kernel's loops
};

const Workload kWorkloads[] = {
    {"softmax", {}},
    {"elementwise", {}},
    {"rmsnorm_residual", {}},
    // Eight copies of the first row, in pairs; four rows; the copies of the next, but not behind
    // the last.
    {"layernorm", {4, 4, 4 * 0.75}},
};

class IssueSlotsOfWorkloads : public IssueSlots, public testing::WithParamInterface<Workload> {};

TEST_P(IssueSlotsOfWorkloads, AreThoseOfTheAssembledKernels) {
  INGOT_SHARED_OR_SKIP(folder, "workloads");
  EXPECT_GE(Compare(ReadFile(folder + "/" + GetParam().name + ".hlo"), GetParam().trips), 1);
}

INSTANTIATE_TEST_SUITE_P(All, IssueSlotsOfWorkloads, testing::ValuesIn(kWorkloads),
                         [](const auto& info) { return std::string(info.param.name); });

INSTANTIATE_TEST_SUITE_P(All, IssueSlotsOfCases, testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace ingot::test
