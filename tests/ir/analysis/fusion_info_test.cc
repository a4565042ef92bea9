// Each file of cases/ is a module whose entry is a fusion, and what ToString says of it.
//
// INGOT_UPDATE=1 writes what it says into the files: bazel run //tests/ir/analysis:analysis_test.
#include "ir/analysis/fusion_info.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "absl/strings/str_split.h"
#include "ir/text/parser.h"
#include "ir/verifier/verifier.h"
#include "tests/paths/paths.h"

namespace ingot {
namespace {

constexpr absl::string_view kArrow = "// ==>\n";

std::string CasesFolder() { return test::RepositoryRoot() + "/tests/ir/analysis/cases"; }

class FusionInfoText : public testing::TestWithParam<std::string> {};

TEST_P(FusionInfoText, IsAsTheCaseSays) {
  const std::string path = CasesFolder() + "/" + GetParam() + ".hlo";
  const std::string text = test::ReadFile(path);
  const std::vector<std::string> parts = absl::StrSplit(text, kArrow);
  ASSERT_EQ(parts.size(), 2) << path << ": one line `" << kArrow << "` is wanted";
  const absl::StatusOr<std::unique_ptr<Module>> module = ParseModule(parts[0], path);
  ASSERT_TRUE(module.ok()) << module.status();
  ASSERT_TRUE(Verify(**module).ok()) << Verify(**module);
  const std::string found = ToString(FusionInfo(ViewOf(*(*module)->entry())));
  if (std::getenv("INGOT_UPDATE") != nullptr) {
    std::ofstream(path) << parts[0] << kArrow << found;
  } else {
    EXPECT_EQ(parts[1], found) << path;
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, FusionInfoText,
                         testing::ValuesIn(test::FileStems(CasesFolder(), ".hlo")),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace ingot
