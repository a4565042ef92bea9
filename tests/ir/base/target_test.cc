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
        // It is on the stack, of which a kernel has 64 KB.
        EXPECT_LE(target.shared_bytes, 32 * 1024) << target.name;
        EXPECT_EQ(target.card, nullptr) << target.name;
        break;
      case Platform::kCuda:
        EXPECT_EQ(target.vector_bytes, 0) << target.name;
        EXPECT_GT(target.ptx_version, 0) << target.name;
        EXPECT_EQ(target.threads % 32, 0) << target.name;  // whole warps
        EXPECT_GT(target.shared_bytes, target.simulated ? 0 : 48 * 1024) << target.name;
        EXPECT_GE(target.cluster_blocks, 1) << target.name;
        ASSERT_NE(target.card, nullptr) << target.name;
        break;
    }
  }
}

TEST(TargetTest, ACardHoldsWhatItsTargetsPromise) {
  for (const Target& target : AllTargets()) {
    if (target.platform != Platform::kCuda) continue;
    const Card& card = *target.card;
    EXPECT_LE(target.shared_bytes + card.reserved_shared_bytes, card.shared_bytes) << target.name;
    // A block of 1,024 threads may have 64 registers a thread, everywhere.
    EXPECT_GE(card.registers, 1024 * 64) << target.name;
    EXPECT_EQ(card.registers % card.register_unit, 0) << target.name;
    // Reads are no slower than copies, and L2 no slower than memory, scattered or not.
    EXPECT_GE(card.read_gbps, card.copy_gbps) << target.name;
    EXPECT_GE(card.l2_scattered_gbps, card.read_gbps) << target.name;
    EXPECT_GE(card.l2_gbps, card.l2_scattered_gbps) << target.name;
    EXPECT_GT(card.latency_ns, 0) << target.name;
    EXPECT_GT(card.launch_us, 0) << target.name;
    EXPECT_GT(card.blocks_per_us, 0) << target.name;
    // Multiply-adds of bf16 a cycle and multiprocessor: a power of two from 512 on, 5 % at most
    // lost to a clock or a count of multiprocessors that is not the card's.
    EXPECT_GE(card.bf16_tflops * 1e3 / (2 * target.multiprocessors * card.clock_ghz), 486)
        << target.name;
  }
}

TEST(TargetTest, ParametersOfAKernelAreLimitedByThePtxVersion) {
  Target target = **FindTarget("sm_90a");
  target.ptx_version = 80;
  EXPECT_EQ(target.parameter_bytes(), 4352);
  target.ptx_version = 81;
  EXPECT_EQ(target.parameter_bytes(), 32764);
}

TEST(TargetTest, TheHostIsARow) {
  if (HostTarget() == nullptr) GTEST_SKIP() << "this processor has no row";
  EXPECT_EQ(*FindTarget("host"), HostTarget());
  EXPECT_EQ(HostTarget()->platform, Platform::kHost);
}

}  // namespace
}  // namespace ingot
