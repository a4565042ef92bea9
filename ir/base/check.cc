#include "ir/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace ingot::internal {

CheckFailure::CheckFailure(const char* file, int line, const char* condition)
    : message_(absl::StrCat(file, ":", line, ": internal error: check failed: ", condition, ": ")) {
}

CheckFailure::~CheckFailure() {
  std::fprintf(stderr, "%s\n", message_.c_str());
  std::abort();
}

}  // namespace ingot::internal
