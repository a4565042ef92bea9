#include "tests/paths/paths.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

namespace ingot::test {
namespace {

namespace fs = std::filesystem;

constexpr char kMarker[] = "WORKSPACE";

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

std::string RepositoryRoot() {
  std::error_code error;
  // Under Bazel the runfiles are symlinks, by way of the sandbox and the execution root, to the
  // checkout.
  const fs::path runfile = fs::path(Environment("TEST_SRCDIR")) / Environment("TEST_WORKSPACE");
  if (const fs::path marker = fs::canonical(runfile / kMarker, error); !error) {
    return marker.parent_path();
  }
  // Run by hand: the nearest folder above that holds the marker.
  for (fs::path folder = fs::current_path(error);; folder = folder.parent_path()) {
    if (fs::exists(folder / kMarker, error) || folder == folder.parent_path()) return folder;
  }
}

std::optional<std::string> SharedPath(const std::string& relative) {
  const std::string given = Environment("INGOT_SHARED");
  const fs::path shared =
      given.empty() ? fs::path(RepositoryRoot()).parent_path() / "shared" : fs::path(given);
  std::error_code error;
  const fs::path path = shared / relative;
  if (!fs::exists(path, error)) return std::nullopt;
  return path.string();
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  if (!file) ADD_FAILURE() << "cannot read " << path;
  return bytes.str();
}

std::vector<std::string> FileStems(const std::string& folder, const std::string& extension) {
  std::vector<std::string> stems;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == extension) stems.push_back(entry.path().stem().string());
  }
  std::sort(stems.begin(), stems.end());
  return stems;
}

}  // namespace ingot::test
