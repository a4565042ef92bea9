// Where the files that tests read lie, in a checkout as under Bazel.
#ifndef INGOT_TESTS_PATHS_PATHS_H_
#define INGOT_TESTS_PATHS_PATHS_H_

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace ingot::test {

// The root of the checkout, as an absolute path.  Files reached through it are no inputs that Bazel
// knows of: list them in `data` as well, or tag the test "external" so that its result is not kept.
std::string RepositoryRoot();

// The path of `relative` in the suite of models and reference results: $INGOT_SHARED/relative, or
// ../shared/relative beside the checkout.  nullopt where it does not exist.
std::optional<std::string> SharedPath(const std::string& relative);

// The bytes of a file; where it cannot be read, none, and the test has failed.
std::string ReadFile(const std::string& path);

// Names, without the extension, of a folder's files that have it (".hlo"), sorted.
std::vector<std::string> FileStems(const std::string& folder, const std::string& extension);

}  // namespace ingot::test

// Declares `std::string path`, a file or folder of the shared suite, or skips the test with the
// reason: INGOT_SHARED_OR_SKIP(folder, "workloads_small");
#define INGOT_SHARED_OR_SKIP(path, relative)                                               \
  const std::optional<std::string> path##_or_absent = ::ingot::test::SharedPath(relative); \
  if (!path##_or_absent.has_value()) {                                                     \
    GTEST_SKIP() << "no " << (relative) << " in $INGOT_SHARED or ../shared";               \
  }                                                                                        \
  const std::string path = *path##_or_absent

#endif  // INGOT_TESTS_PATHS_PATHS_H_
