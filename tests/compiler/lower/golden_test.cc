// Each file of golden/ is a fusion (a module's entry), then for some targets the plan and the
// kernel that come of it.  The whole text is compared.
//
// INGOT_UPDATE=1 writes what comes out into the files: bazel run //tests/compiler/lower:lower_test.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/compiler/lower/harness.h"
#include "tests/paths/paths.h"

namespace ingot::test {
namespace {

constexpr absl::string_view kArrow = "// ==> ";

std::string GoldenFolder() { return RepositoryRoot() + "/tests/compiler/lower/golden"; }

std::vector<std::string> GoldenNames() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(GoldenFolder())) {
    names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class GoldenTest : public testing::TestWithParam<std::string> {};

TEST_P(GoldenTest, PlanAndKernel) {
  const std::string path = GoldenFolder() + "/" + GetParam() + ".hlo";
  std::ostringstream read;
  read << std::ifstream(path).rdbuf();
  const std::vector<std::string> parts = absl::StrSplit(read.str(), kArrow);
  std::string text = parts[0];
  for (size_t i = 1; i < parts.size(); ++i) {
    const std::string target = parts[i].substr(0, parts[i].find('\n'));
    absl::StrAppend(&text, kArrow, target, "\n", PlanAndKernelText(parts[0], target));
  }
  EXPECT_GT(parts.size(), 1u) << "no target in " << path;
  if (std::getenv("INGOT_UPDATE") != nullptr) {
    std::ofstream(path) << text;
  } else {
    EXPECT_EQ(text, read.str()) << path;
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, GoldenTest, testing::ValuesIn(GoldenNames()),
                         [](const testing::TestParamInfo<std::string>& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace ingot::test
