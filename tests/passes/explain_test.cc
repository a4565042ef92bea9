// Each file of explain/ is a module, and what `ingot opt --until=fuse --explain` says of it.
//
// INGOT_UPDATE=1 writes what is said now into the files: bazel run //tests/passes:explain_test.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "absl/strings/str_split.h"
#include "compiler/options.h"
#include "ir/text/parser.h"
#include "ir/text/printer.h"
#include "passes/fusion_log.h"
#include "passes/pass_manager.h"
#include "tests/paths/paths.h"

namespace ingot {
namespace {

constexpr absl::string_view kArrow = "// ==>\n";

std::string Folder() { return test::RepositoryRoot() + "/tests/passes/explain"; }

// Runs the pipeline up to fuse, for sm_90a.
void RunToFuse(Module& module, FusionMode fusion, FusionLog* log) {
  const auto target = FindTarget("sm_90a");
  ASSERT_TRUE(target.ok()) << target.status();
  PassContext context = MakePassContext(**target, fusion);
  context.fusion_log = log;
  PassManagerOptions options;
  options.until = "fuse";
  const auto runs = RunPipeline(module, context, options);
  ASSERT_TRUE(runs.ok()) << runs.status();
}

class ExplainTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    path_ = Folder() + "/" + GetParam() + ".hlo";
    parts_ = absl::StrSplit(test::ReadFile(path_), kArrow);
    ASSERT_EQ(parts_.size(), 2) << path_ << ": one line `" << kArrow << "` is wanted";
    auto module = ParseModule(parts_[0], path_);
    ASSERT_TRUE(module.ok()) << module.status();
    module_ = *std::move(module);
  }

  std::string path_;
  std::vector<std::string> parts_;
  std::unique_ptr<Module> module_;
};

TEST_P(ExplainTest, SaysWhy) {
  FusionLog log;
  RunToFuse(*module_, FusionMode::kCost, &log);
  const std::string text = ToString(log);
  if (std::getenv("INGOT_UPDATE") != nullptr) {
    std::ofstream(path_) << parts_[0] << kArrow << text;
  } else {
    EXPECT_EQ(parts_[1], text) << path_;
  }
}

TEST_P(ExplainTest, ChangesNothing) {
  for (const FusionMode fusion : {FusionMode::kCost, FusionMode::kLoop}) {
    const std::unique_ptr<Module> other = module_->Clone();
    const std::unique_ptr<Module> logged = module_->Clone();
    FusionLog log;
    RunToFuse(*other, fusion, nullptr);
    RunToFuse(*logged, fusion, &log);
    EXPECT_EQ(ToString(*other), ToString(*logged));
  }
}

// Chains only: every edge between groups is left.
TEST_P(ExplainTest, LoopsAreChains) {
  FusionLog log;
  RunToFuse(*module_, FusionMode::kLoop, &log);
  ASSERT_FALSE(log.parts.empty());
  EXPECT_FALSE(log.parts[0].decisions.empty());
  for (const FusionDecision& decision : log.parts[0].decisions) {
    EXPECT_EQ(decision.verdict, FusionDecision::Verdict::kApart) << decision.reason;
    EXPECT_FALSE(decision.reason.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, ExplainTest, testing::ValuesIn(test::FileStems(Folder(), ".hlo")),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace ingot
