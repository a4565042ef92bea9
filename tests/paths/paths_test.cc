#include "tests/paths/paths.h"

#include <filesystem>

namespace ingot::test {
namespace {

TEST(PathsTest, TheRootIsTheCheckout) {
  const std::filesystem::path root = RepositoryRoot();
  EXPECT_TRUE(root.is_absolute());
  // A file that is no input of this test: not there in a sandbox of Bazel.
  EXPECT_TRUE(std::filesystem::exists(root / "tests/paths/paths_test.cc")) << root;
}

TEST(PathsTest, WhatIsAbsentIsAbsent) {
  EXPECT_EQ(SharedPath("no such file in the suite"), std::nullopt);
}

TEST(PathsTest, TheSuiteIsFound) {
  INGOT_SHARED_OR_SKIP(folder, "workloads_small");
  EXPECT_TRUE(std::filesystem::is_directory(folder)) << folder;
}

}  // namespace
}  // namespace ingot::test
