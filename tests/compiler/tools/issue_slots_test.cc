// The model's instructions of a kernel, counted from kernel IR, against those of the assembled
// kernel.
#include <gtest/gtest.h>

#include "compiler/codegen/codegen.h"
#include "compiler/codegen/cubin/cubin.h"
#include "compiler/compile.h"
#include "compiler/kernel/simulator/simulator.h"
#include "compiler/kernel/text.h"
#include "compiler/tools/simulated_work.h"
#include "ir/text/parser.h"
#include "tests/compiler/tools/sass.h"

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

class IssueSlots : public testing::TestWithParam<Case> {};

// Instructions that one warp of the kernel issues, as the simulator counts them.
double Counted(const kernel::Kernel& kernel) {
  std::vector<simulator::Argument> arguments;
  for (size_t i = 0; i < kernel.parameters().size(); ++i) {
    arguments.push_back(simulator::Argument::Virtual({i, 1, 7}));
  }
  const auto report = simulator::Simulate(kernel, arguments, {});
  EXPECT_TRUE(report.ok()) << report.status();
  if (!report.ok()) return 0;
  EXPECT_TRUE(report->status().ok()) << report->status();
  const int64_t warps = report->blocks * ((kernel.launch().block_threads() + 31) / 32);
  return tools::WorkOf(kernel, *report).issue_slots() / static_cast<double>(warps);
}

TEST_P(IssueSlots, AreThoseOfTheAssembledKernel) {
  const std::string nvdisasm = FindNvdisasm();
  if (nvdisasm.empty()) GTEST_SKIP() << "nvdisasm is not on this machine (INGOT_NVDISASM)";
  if (codegen::FindAssembler().kind == codegen::Assembler::kNone) GTEST_SKIP() << "no assembler";

  const Target& target = **FindTarget("sm_90a");
  const auto module =
      ParseModule(std::string("HloModule m\nENTRY e {") + GetParam().entry + "\n}\n", "case");
  ASSERT_TRUE(module.ok()) << module.status();
  std::string text;
  CompileOptions options;
  options.stages = {Stage::kKernel};
  options.observer = [&](Stage, absl::string_view, const std::string& kernel) { text += kernel; };
  const auto compilation = Compile(**module, target, options);
  ASSERT_TRUE(compilation.ok()) << compilation.status();
  const auto kernels = kernel::ParseKernels(text, "kernels");
  ASSERT_TRUE(kernels.ok()) << kernels.status();
  ASSERT_EQ(kernels->kernels.size(), 1u) << "the case is to be one kernel";
  const kernel::Kernel& kernel = *kernels->kernels[0];

  const auto generated = codegen::Generate(*kernels, target, "module", false);
  ASSERT_TRUE(generated.ok()) << generated.status();
  const absl::Span<const uint8_t> cubin = generated->code.bytes.span();
  const auto listing = Disassemble(nvdisasm, {cubin.begin(), cubin.end()});
  ASSERT_TRUE(listing.ok()) << listing.status();
  const auto assembled = PathLength(*listing, kernel.name());
  ASSERT_TRUE(assembled.has_value()) << "the case is to have no loop\n" << *listing;

  const double counted = Counted(kernel);
  RecordProperty("counted", static_cast<int>(counted));
  RecordProperty("assembled", static_cast<int>(*assembled));
  EXPECT_NEAR(counted, static_cast<double>(*assembled), 0.15 * *assembled) << text << *listing;
}

INSTANTIATE_TEST_SUITE_P(Cases, IssueSlots, testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace ingot::test
