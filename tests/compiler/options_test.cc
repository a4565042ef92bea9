// The options that decide what a program is.
#include "compiler/options.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "compiler/compile.h"
#include "ir/text/parser.h"
#include "tests/paths/paths.h"

namespace ingot {
namespace {

constexpr absl::string_view kArrow = "// ==> ";

std::string Folder() { return test::RepositoryRoot() + "/tests/compiler/loop_kernels"; }

CompileOptions StrictLoop() {
  CompileOptions options;
  options.fusion = FusionMode::kLoop;
  options.numerics = Numerics::kStrict;
  return options;
}

// The text of all kernels of `module`.
std::string KernelText(const Module& module, const Target& target, CompileOptions options) {
  std::string text;
  options.stages = {Stage::kKernel};
  options.observer = [&](Stage, absl::string_view, const std::string& kernel) {
    absl::StrAppend(&text, text.empty() ? "" : "\n", kernel);
  };
  const auto compilation = Compile(module, target, options);
  EXPECT_TRUE(compilation.ok()) << compilation.status();
  return text;
}

class LoopKernelsTest : public testing::TestWithParam<std::string> {};

// Each file is a module, then for some targets the kernels that this compiler made of it before it
// had tiles, but that some buffers are neither readonly nor noalias, pairs of FusionPlan::in_place,
// that constant arrays of one value are no buffers, that dead code is gone, and that GPUs which
// have programmatic launches begin so.
TEST_P(LoopKernelsTest, AreWhatTheyWereBeforeTiles) {
  const std::string path = absl::StrCat(Folder(), "/", GetParam(), ".hlo");
  const std::vector<std::string> parts = absl::StrSplit(test::ReadFile(path), kArrow);
  const auto module = ParseModule(parts[0], path);
  ASSERT_TRUE(module.ok()) << module.status();
  ASSERT_GT(parts.size(), 1u);
  for (size_t i = 1; i < parts.size(); ++i) {
    const size_t line = parts[i].find('\n');
    const Target& target = **FindTarget(parts[i].substr(0, line));
    EXPECT_EQ(KernelText(**module, target, StrictLoop()), parts[i].substr(line + 1)) << target.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Modules, LoopKernelsTest,
                         testing::ValuesIn(test::FileStems(Folder(), ".hlo")),
                         [](const auto& info) { return info.param; });

TEST(Options, NamesAreFoundAndPrinted) {
  EXPECT_EQ(*FindFusionMode("loop"), FusionMode::kLoop);
  EXPECT_EQ(*FindNumerics("strict"), Numerics::kStrict);
  EXPECT_EQ(FindNumerics("exact").status().message(),
            "unknown numerics 'exact'; there is default, strict");
  const auto* shipped = &plan::TunedPlans::Shipped();
  EXPECT_EQ(OptionsText(FusionMode::kLoop, Numerics::kDefault, Codegen::kLlvm, nullptr, shipped),
            "fusion=loop numerics=default");
  EXPECT_EQ(OptionsText(FusionMode::kLoop, Numerics::kDefault, Codegen::kLlvm, nullptr, nullptr),
            "fusion=loop numerics=default tuned=off");
  const plan::TunedPlans other({});
  EXPECT_EQ(OptionsText(FusionMode::kCost, Numerics::kDefault, Codegen::kCuda, nullptr, &other),
            absl::StrCat("fusion=cost numerics=default codegen=cuda tuned=", other.Digest()));
}

TEST(Options, AProgramRecordsThem) {
  const auto module = ParseModule(
      "HloModule m\n\nENTRY e {\n  x = f32[8] parameter(0)\n  ROOT n = f32[8] exponential(x)\n}\n",
      "m.hlo");
  ASSERT_TRUE(module.ok()) << module.status();
  const auto compilation = Compile(**module, **FindTarget("x86_64-v3"), StrictLoop());
  ASSERT_TRUE(compilation.ok()) << compilation.status();
  EXPECT_EQ(compilation->program->options, "fusion=loop numerics=strict");
}

}  // namespace
}  // namespace ingot
