// Each file of cases/ is a module before and after the passes that its first line names.  The whole
// text is compared, and the evaluator must give the same values before and after.  Passes ask what
// fusions cost on the target that a second line, `// target: sm_90a`, names.
//
// INGOT_UPDATE=1 writes what the passes give into the files: bazel run //tests/passes:pass_test.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "compiler/options.h"
#include "ir/evaluator/evaluator.h"
#include "ir/text/parser.h"
#include "ir/text/printer.h"
#include "ir/verifier/verifier.h"
#include "passes/pass_manager.h"
#include "tests/paths/paths.h"

namespace ingot {
namespace {

constexpr absl::string_view kArrow = "// ==>\n";

std::string CasesFolder() { return test::RepositoryRoot() + "/tests/passes/cases"; }

// Values that are different from element to element and exact in every type.
Literal SmallValues(const Shape& shape) {
  Literal literal = Literal::Zeros(shape).value();
  for (int64_t i = 0; i < literal.size(); ++i) literal.SetInteger(i, (i * 7 + 3) % 5 - 1);
  return literal;
}

std::vector<Literal> InputsOf(const Module& module) {
  std::vector<Literal> inputs;
  for (const Instruction* parameter : module.entry()->parameters())
    inputs.push_back(SmallValues(parameter->shape()));
  return inputs;
}

class PassTest : public testing::TestWithParam<std::string> {};

TEST_P(PassTest, BeforeAndAfter) {
  const std::string path = CasesFolder() + "/" + GetParam() + ".hlo";
  const std::string text = test::ReadFile(path);
  const std::vector<std::string> parts = absl::StrSplit(text, kArrow);
  ASSERT_EQ(parts.size(), 2) << path << ": one line `" << kArrow << "` is wanted";
  absl::string_view first_line = parts[0];
  const size_t first_line_size = first_line.find('\n');
  first_line = first_line.substr(0, first_line_size);
  ASSERT_TRUE(absl::ConsumePrefix(&first_line, "// passes: ")) << path;

  absl::StatusOr<std::unique_ptr<Module>> module = ParseModule(parts[0], path);
  ASSERT_TRUE(module.ok()) << module.status();
  ASSERT_TRUE(Verify(**module).ok()) << Verify(**module);
  const std::unique_ptr<Module> before = (*module)->Clone();
  std::vector<const Pass*> passes;
  for (absl::string_view name : absl::StrSplit(first_line, ',')) {
    const auto pass = FindPass(name);
    ASSERT_TRUE(pass.ok()) << pass.status();
    passes.push_back(*pass);
  }
  PassContext context;
  absl::string_view second_line = absl::string_view(parts[0]).substr(first_line_size + 1);
  second_line = second_line.substr(0, second_line.find('\n'));
  if (absl::ConsumePrefix(&second_line, "// target: ")) {
    const auto target = FindTarget(second_line);
    ASSERT_TRUE(target.ok()) << target.status();
    context = MakePassContext(**target, FusionMode::kCost);
  }
  const auto runs = RunPasses(**module, passes, context);
  ASSERT_TRUE(runs.ok()) << runs.status();
  const std::string after = ToString(**module);
  if (std::getenv("INGOT_UPDATE") != nullptr) {
    std::ofstream(path) << parts[0] << kArrow << after;
  } else {
    EXPECT_EQ(parts[1], after) << path;
  }

  // normalize-layouts changes how parameters and results lie, so values are compared as bytes are:
  // by what a caller sees.
  if (first_line == "normalize-layouts") return;
  const std::vector<Literal> inputs = InputsOf(*before);
  const auto expected = Evaluate(*before, inputs);
  const auto found = Evaluate(**module, inputs);
  ASSERT_TRUE(expected.ok()) << expected.status();
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_TRUE(*expected == *found) << path << ": other values after the passes";
}

INSTANTIATE_TEST_SUITE_P(Cases, PassTest, testing::ValuesIn(test::FileStems(CasesFolder(), ".hlo")),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(Registry, IsAlphabeticalAndComplete) {
  for (size_t i = 1; i < AllPasses().size(); ++i)
    EXPECT_LT(AllPasses()[i - 1].name, AllPasses()[i].name);
  for (const Phase& phase : DefaultPipeline()) {
    for (absl::string_view name : phase.passes) EXPECT_TRUE(FindPass(name).ok()) << name;
  }
  EXPECT_EQ(FindPass("nonsense").status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace ingot
