#include "ir/base/target.h"

#include <gtest/gtest.h>

#include <string>

namespace ingot {
namespace {

TEST(TargetTest, EveryNameFindsItsRow) {
  for (const Target& target : AllTargets()) {
    const absl::StatusOr<const Target*> found = FindTarget(target.name);
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(*found, &target);
  }
}

TEST(TargetTest, AnUnknownNameIsAnsweredWithTheNamesThereAre) {
  const std::string message(FindTarget("sm_12").status().message());
  EXPECT_NE(message.find("unknown target 'sm_12'"), std::string::npos) << message;
  EXPECT_NE(message.find("sm_90a"), std::string::npos) << message;
}

TEST(TargetTest, EachPlatformHasItsNumbers) {
  for (const Target& target : AllTargets()) {
    switch (target.platform) {
      case Platform::kHost:
        EXPECT_GT(target.vector_bytes, 0) << target.name;
        EXPECT_EQ(target.threads, 0) << target.name;
        break;
      case Platform::kCuda:
        EXPECT_EQ(target.vector_bytes, 0) << target.name;
        EXPECT_GT(target.ptx_version, 0) << target.name;
        EXPECT_EQ(target.threads % 32, 0) << target.name;  // whole warps
        EXPECT_GT(target.shared_bytes, 48 * 1024) << target.name;
        break;
    }
  }
}

TEST(TargetTest, TheHostIsARow) {
  if (HostTarget() == nullptr) GTEST_SKIP() << "this processor has no row";
  EXPECT_EQ(*FindTarget("host"), HostTarget());
  EXPECT_EQ(HostTarget()->platform, Platform::kHost);
}

}  // namespace
}  // namespace ingot
