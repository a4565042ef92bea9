#include "compiler/machine/prediction.h"

#include <gtest/gtest.h>

#include <cmath>

namespace ingot::machine {
namespace {

// An H200 with round numbers: 100 multiprocessors of 2 GHz, 4,000 GB/s for copies and 5,000 for
// reads, so 2/4,000 - 1/5,000 = 0.3 ns a KB written.
class Predict : public testing::Test {
 protected:
  Predict() : card_(*(*FindTarget("sm_90a"))->card), target_(**FindTarget("sm_90a")) {
    card_.clock_ghz = 2;
    card_.copy_gbps = 4000;
    card_.read_gbps = 5000;
    card_.l2_gbps = 10000;
    card_.l2_scattered_gbps = 5000;
    card_.latency_ns = 500;
    card_.l2_latency_ns = 200;
    card_.bf16_tflops = 1000;
    card_.launch_us = 0.5;
    card_.blocks_per_us = 2000;
    target_.multiprocessors = 100;
    target_.card = &card_;
    // 8 blocks of 256 threads and 32 registers are resident: 2 waves.
    work_.blocks = 1600;
    work_.block = {256, 32, 0};
  }

  double Term(Bound bound) const { return PredictTime(work_, target_).term(bound); }

  Card card_;
  Target target_;
  KernelWork work_;
};

TEST_F(Predict, BytesTakeTheRateOfTheirMix) {
  work_.read_bytes = 1e9;
  EXPECT_DOUBLE_EQ(Term(Bound::kMemory), 200);  // 1e9 / 5,000 ns
  work_.written_bytes = 1e9;
  EXPECT_DOUBLE_EQ(Term(Bound::kMemory), 500);  // 2e9 / 4,000 ns
  work_.written_bytes = 0.5e9;
  EXPECT_DOUBLE_EQ(Term(Bound::kMemory), 350);
  work_.read_bytes = 0;
  EXPECT_DOUBLE_EQ(Term(Bound::kMemory), 150);
}

TEST_F(Predict, FewBytesInFlightWaitForEachOther) {
  work_.read_bytes = 1e9;
  work_.loads = {1e9 / 32, 1e9};
  // 8 resident blocks × 3,125 bytes = 25,000 a multiprocessor, which is what 5,000 GB/s × 500 ns /
  // 100 asks for: streaming and waiting take 200 us each, together 200 × 2^(1/2.5).
  work_.block_bytes_in_flight = 3125;
  EXPECT_DOUBLE_EQ(BytesInFlight(work_, target_), 25000);
  EXPECT_NEAR(Term(Bound::kMemory), 200 * std::pow(2, 0.4), 1e-9);
  // A hundredth of it: waiting is all.
  work_.block_bytes_in_flight = 31.25;
  EXPECT_NEAR(Term(Bound::kMemory), 20000, 1);
  // A hundred times as much: streaming is all.
  work_.block_bytes_in_flight = 312500;
  EXPECT_NEAR(Term(Bound::kMemory), 200, 0.01);
  // Not known: no waiting.
  work_.block_bytes_in_flight = 0;
  EXPECT_DOUBLE_EQ(Term(Bound::kMemory), 200);
}

TEST_F(Predict, ABarrierBetweenLoadsAndStoresDoublesTheWait) {
  work_.read_bytes = 1e9;
  work_.block_bytes_in_flight = 31.25;
  work_.loads_before_stores = true;
  EXPECT_NEAR(Term(Bound::kMemory), 40000, 1);
}

TEST_F(Predict, WhatIsLoadedAgainHasTheLatencyOfL2) {
  work_.read_bytes = 1e9;
  work_.loads = {3e9 / 32, 3e9};
  work_.block_bytes_in_flight = 31.25;
  // (1e9 × 500 + 2e9 × 200) / (250 × 100) ns.
  EXPECT_NEAR(Term(Bound::kMemory), 36000, 1);
}

TEST_F(Predict, TheAverageOverWavesIsInFlight) {
  work_.block_bytes_in_flight = 1000;
  work_.blocks = 800;  // one full wave
  EXPECT_DOUBLE_EQ(BytesInFlight(work_, target_), 8000);
  work_.blocks = 801;  // and one block in a second
  EXPECT_DOUBLE_EQ(BytesInFlight(work_, target_), 4005);
  work_.blocks = 50;  // half of the multiprocessors have one
  EXPECT_DOUBLE_EQ(BytesInFlight(work_, target_), 500);
}

TEST_F(Predict, SectorsCostMoreWhereTheyAreScattered) {
  work_.loads = {1e9 / 32, 1e9};
  EXPECT_DOUBLE_EQ(Term(Bound::kSectors), 100);
  work_.stores = {1e9 / 32, 0.25e9};  // 1e9 × (0.25/10,000 + 0.75/5,000) ns
  EXPECT_DOUBLE_EQ(Term(Bound::kSectors), 275);
  // A load that all lanes share asks for more bytes than its sector has, at most.
  work_.stores = {1e9 / 32, 4e9};
  EXPECT_DOUBLE_EQ(Term(Bound::kSectors), 200);
}

TEST_F(Predict, InstructionsByUnit) {
  const auto set = [&](Unit unit, double count) {
    work_.instructions.fill(0);
    work_.instructions[static_cast<int>(unit)] = count;
  };
  // 8e8 instructions / 100 multiprocessors = 8e6, four a cycle of half a nanosecond.
  set(Unit::kInteger, 8e8);
  EXPECT_DOUBLE_EQ(work_.issue_slots(), 8e8);
  EXPECT_DOUBLE_EQ(Term(Bound::kIssue), 1000);
  set(Unit::kFloat, 8e8);
  EXPECT_DOUBLE_EQ(Term(Bound::kFloat), 1000);  // 128 lanes: four warps a cycle
  set(Unit::kDouble, 8e8);
  EXPECT_DOUBLE_EQ(Term(Bound::kDouble), 2000);
  set(Unit::kConversion, 8e8);
  EXPECT_DOUBLE_EQ(Term(Bound::kConversion), 2000);
  set(Unit::kSpecial, 8e8);
  EXPECT_DOUBLE_EQ(Term(Bound::kSpecial), 8000);  // 16 lanes: two cycles
  set(Unit::kShuffle, 8e8);
  EXPECT_DOUBLE_EQ(Term(Bound::kShuffle), 4000);
  set(Unit::kGlobal, 8e8);
  EXPECT_DOUBLE_EQ(Term(Bound::kMemoryLanes), 4000);
  set(Unit::kShared, 8e8);
  EXPECT_DOUBLE_EQ(Term(Bound::kMemoryLanes), 4000);
  work_.shared_passes = 16e8;  // conflicts of two ways
  EXPECT_DOUBLE_EQ(Term(Bound::kMemoryLanes), 8000);
}

TEST_F(Predict, TheMultiprocessorWithTheMostBlocksIsWaitedFor) {
  work_.instructions[static_cast<int>(Unit::kInteger)] = 8e8;
  work_.matrix_flops = 1e12;
  work_.blocks = 100;
  EXPECT_DOUBLE_EQ(Term(Bound::kIssue), 1000);
  EXPECT_DOUBLE_EQ(Term(Bound::kMatrix), 1000);
  work_.blocks = 101;  // one has two, so 2/101 of the work instead of 1/100
  EXPECT_NEAR(Term(Bound::kIssue), 1000 * 200 / 101., 1e-9);
  EXPECT_NEAR(Term(Bound::kMatrix), 1000 * 200 / 101., 1e-9);
  work_.blocks = 1;
  EXPECT_DOUBLE_EQ(Term(Bound::kIssue), 100000);
}

TEST_F(Predict, BlocksStartOneAfterTheOther) {
  work_.blocks = 1 << 20;
  EXPECT_DOUBLE_EQ(Term(Bound::kBlocks), (1 << 20) / 2000.);
}

TEST_F(Predict, TheLargestTermAndTheOverheadAreTheTime) {
  work_.read_bytes = 1e9;
  work_.instructions[static_cast<int>(Unit::kInteger)] = 8e8;
  Prediction prediction = PredictTime(work_, target_);
  EXPECT_EQ(NameOf(prediction.bound), "issue");
  EXPECT_DOUBLE_EQ(prediction.overhead_us, 0.5);
  EXPECT_DOUBLE_EQ(prediction.us, 1000.5);
  work_.loads = {1e9 / 32, 1e9};
  prediction = PredictTime(work_, target_);
  EXPECT_DOUBLE_EQ(prediction.overhead_us, 1.0);
  EXPECT_DOUBLE_EQ(prediction.us, 1001.0);
}

TEST_F(Predict, NothingToDoAndNothingThatFits) {
  work_.blocks = 0;
  EXPECT_EQ(PredictTime(work_, target_).us, 0);
  work_.blocks = 1;
  work_.block.threads = 2048;
  EXPECT_TRUE(std::isinf(PredictTime(work_, target_).us));
}

TEST_F(Predict, TheFloorIsACopy) { EXPECT_DOUBLE_EQ(FloorTime(4e9, target_), 1000); }

// The table in prediction.h, in TB/s on the H200 of cards.def.
TEST(PredictOnH200, LoadsAgreeWithWhatWasMeasured) {
  const Target& h200 = **FindTarget("sm_90a");
  const struct {
    int kilobytes;
    double measured;
  } kRows[] = {{2, 0.67}, {4, 1.31}, {8, 2.42}, {16, 3.87}, {32, 4.45}, {64, 4.55}};
  for (const auto& row : kRows) {
    KernelWork work;
    work.blocks = h200.multiprocessors;
    work.block = {1024, 32, 0};
    work.read_bytes = 2147483648.;
    work.loads = {work.read_bytes / 32, work.read_bytes};
    work.block_bytes_in_flight = row.kilobytes * 1024;
    const double rate = work.read_bytes / PredictTime(work, h200).term(Bound::kMemory) / 1e6;
    EXPECT_NEAR(rate, row.measured, 0.04 * row.measured) << row.kilobytes;
  }
}

}  // namespace
}  // namespace ingot::machine
