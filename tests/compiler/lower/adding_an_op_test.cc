// docs/adding_an_elementwise_op.md says the truth: the lines that it shows are in the files that it
// names, and no other file of the compiler knows the op, the data movement op or the skeleton.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "tests/paths/paths.h"

namespace ingot::test {
namespace {

struct Shown {
  std::string path;
  std::vector<std::string> lines;
};

// The fenced blocks, each after a line that is nothing but `path`.
std::vector<Shown> ShownIn(const std::string& page) {
  std::vector<Shown> shown;
  bool inside = false;
  for (const std::string& line : std::vector<std::string>(absl::StrSplit(page, '\n'))) {
    if (line == "```") {
      inside = !inside;
    } else if (inside) {
      shown.back().lines.push_back(line);
    } else if (line.size() > 2 && line.front() == '`' && line.back() == '`') {
      shown.push_back({line.substr(1, line.size() - 2), {}});
    }
  }
  return shown;
}

TEST(AddingAnElementwiseOp, ShowsLinesOfTheTree) {
  const std::vector<Shown> shown =
      ShownIn(ReadFile(RepositoryRoot() + "/docs/adding_an_elementwise_op.md"));
  ASSERT_EQ(shown.size(), 4u);
  for (const Shown& file : shown) {
    const std::string text = ReadFile(RepositoryRoot() + "/" + file.path);
    ASSERT_FALSE(file.lines.empty()) << file.path;
    for (const std::string& line : file.lines) {
      EXPECT_TRUE(absl::StrContains(text, line)) << file.path << " has no line " << line;
    }
  }
}

// The files of the compiler in which one of `words` stands.
std::set<std::string> FilesWith(const std::vector<std::string>& words) {
  std::set<std::string> files;
  for (const char* folder : {"ir", "passes", "compiler", "runtime"}) {
    const std::string root = RepositoryRoot() + "/";
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root + folder)) {
      const std::string extension = entry.path().extension().string();
      if (extension != ".cc" && extension != ".h" && extension != ".def") continue;
      const std::string text = ReadFile(entry.path().string());
      for (const std::string& word : words) {
        if (absl::StrContains(text, word)) files.insert(entry.path().string().substr(root.size()));
      }
    }
  }
  return files;
}

TEST(AddingAnElementwiseOp, NamesEveryFile) {
  std::set<std::string> named;
  for (const Shown& file :
       ShownIn(ReadFile(RepositoryRoot() + "/docs/adding_an_elementwise_op.md"))) {
    if (!absl::StartsWith(file.path, "tests/")) named.insert(file.path);
  }
  EXPECT_EQ(FilesWith({"RoundNearestAfz", "\"round-nearest-afz\""}), named);
}

TEST(AddingADataMovementOp, IsFourPlacesAndTheBuilder) {
  EXPECT_EQ(FilesWith({"kReverse", "\"reverse\""}),
            (std::set<std::string>{"ir/opcodes.def", "ir/infer/data_movement.cc",
                                   "ir/index_map/index_map.cc", "ir/analysis/edge_relation.cc",
                                   "ir/builder/ops.cc"}));
}

TEST(AddingASkeleton, IsThreeFilesAndARow) {
  EXPECT_EQ(FilesWith({"Skeleton::kSort", "INGOT_PLAN_SKELETON(Sort,", "EmitSort("}),
            (std::set<std::string>{"compiler/plan/skeletons.def", "compiler/plan/steps.cc",
                                   "compiler/lower/steps.cc", "compiler/lower/sorting.cc",
                                   "compiler/lower/emitter.h"}));
}

}  // namespace
}  // namespace ingot::test
