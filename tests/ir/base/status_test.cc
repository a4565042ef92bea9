#include "ir/base/status.h"

#include <gtest/gtest.h>

#include <memory>

#include "ir/base/check.h"

namespace ingot {
namespace {

absl::StatusOr<std::unique_ptr<int>> Positive(int value) {
  if (value <= 0) return InvalidArgument("value ", value, " is not positive");
  return std::make_unique<int>(value);
}

absl::StatusOr<int> Sum(int a, int b) {
  INGOT_ASSIGN_OR_RETURN(const std::unique_ptr<int> first, Positive(a));
  INGOT_ASSIGN_OR_RETURN(const std::unique_ptr<int> second, Positive(b));
  return *first + *second;
}

absl::Status Check(int a, int b) {
  INGOT_RETURN_IF_ERROR(Sum(a, b).status());
  return Unimplemented("sum");
}

TEST(StatusTest, MacrosReturnTheFirstError) {
  EXPECT_EQ(*Sum(2, 3), 5);
  EXPECT_EQ(Sum(2, -3).status(), absl::InvalidArgumentError("value -3 is not positive"));
  EXPECT_EQ(Check(0, -3), absl::InvalidArgumentError("value 0 is not positive"));
  EXPECT_EQ(Check(1, 1), absl::UnimplementedError("sum"));
}

TEST(StatusTest, AnnotateKeepsTheCode) {
  EXPECT_EQ(Annotate(Unimplemented("sort"), "line ", 7), absl::UnimplementedError("line 7: sort"));
  EXPECT_TRUE(Annotate(absl::OkStatus(), "line ", 7).ok());
}

TEST(CheckTest, EndsTheProcessWithTheMessage) {
  INGOT_CHECK(true) << "not evaluated";
  const int n = -1;
  EXPECT_DEATH(INGOT_CHECK(n > 0) << "n is " << n,
               "status_test.cc:[0-9]+: internal error: check failed: n > 0: n is -1");
  EXPECT_DEATH(INGOT_UNREACHABLE() << "here", "unreachable: here");
}

}  // namespace
}  // namespace ingot
