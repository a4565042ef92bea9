#include "compiler/tools/work_table.h"

#include <gtest/gtest.h>

namespace ingot::tools {
namespace {

// Two kernels over 1,000,000 elements of f32: one that copies them with all bytes used, launched
// twice, and one that reads every second of them.
class WorkTableTest : public testing::Test {
 protected:
  WorkTableTest() {
    model_.name = "model";
    model_.floor_bytes = 8e6;
    model_.elements = 1e6;
    KernelRow copy;
    copy.name = "copy";
    copy.launches = 2;
    copy.work.blocks = 1056;  // 8 for each of 132 multiprocessors
    copy.work.block = {256, 32, 0};
    copy.work.read_bytes = copy.work.written_bytes = 4e6;
    copy.work.loads = copy.work.stores = {125000, 4e6};
    copy.work.block_bytes_in_flight = 4096;
    copy.work.instructions[static_cast<int>(machine::Unit::kGlobal)] = 62500;
    copy.report.registers = 32;
    KernelRow half = copy;
    half.name = "half";
    half.launches = 1;
    half.work.read_bytes = 2e6;
    half.work.written_bytes = 0;
    half.work.loads = {125000, 2e6};
    half.work.stores = {};
    half.work.block_bytes_in_flight = 1024;
    half.work.shared_passes = 150;
    half.work.least_shared_passes = 100;
    half.report.spill_store_bytes = 8;
    half.report.spill_load_bytes = 12;
    half.report.notices = {"something is serialised"};
    KernelRow fill = copy;
    fill.name = "fill";
    fill.is_kernel = false;
    fill.launches = 1;
    fill.work.read_bytes = 0;
    fill.work.loads = {};
    fill.work.block_bytes_in_flight = 0;
    model_.rows = {copy, half, fill};
    model_.arena = {768, 512, {{"add.1 f32[64]", 256}}};
  }

  const Target& target_ = **FindTarget("sm_90a");
  ModelWork model_;
};

TEST_F(WorkTableTest, OfAKernelAllLaunchesCount) {
  const Figures copy = FiguresOf(model_.rows[0], model_, target_);
  EXPECT_EQ(copy.kernels, 2);
  EXPECT_DOUBLE_EQ(copy.moved, 2);
  EXPECT_DOUBLE_EQ(copy.asked, 2);
  EXPECT_DOUBLE_EQ(copy.used_loads, 1);
  EXPECT_DOUBLE_EQ(copy.bytes_in_flight, 32768);
  EXPECT_DOUBLE_EQ(copy.bank_conflict_ways, 1);
  EXPECT_DOUBLE_EQ(copy.issue_slots, 4);  // 2 × 62,500 × 32 / 1e6
  EXPECT_DOUBLE_EQ(copy.floor_us, 2 * 8e6 / 4240 / 1e3);
  EXPECT_GT(copy.predicted_us, copy.floor_us);
}

TEST_F(WorkTableTest, OfAModelSumsAndTheLeast) {
  const Figures sum = FiguresOf(model_, target_);
  EXPECT_EQ(sum.kernels, 3);
  EXPECT_DOUBLE_EQ(sum.moved, 2 + 0.25 + 0.5);
  EXPECT_DOUBLE_EQ(sum.asked, 2 + 0.5 + 0.5);
  EXPECT_DOUBLE_EQ(sum.used_loads, 0.5);
  EXPECT_DOUBLE_EQ(sum.used_stores, 1);
  EXPECT_DOUBLE_EQ(sum.bytes_in_flight, 8192);    // of `half`: `fill` loads nothing
  EXPECT_DOUBLE_EQ(sum.bank_conflict_ways, 1.5);  // of `half`
  EXPECT_DOUBLE_EQ(sum.issue_slots, 8);
  EXPECT_DOUBLE_EQ(sum.floor_us, 8e6 / 4240 / 1e3);
  double predicted = 0;
  for (const KernelRow& row : model_.rows)
    predicted += FiguresOf(row, model_, target_).predicted_us;
  EXPECT_DOUBLE_EQ(sum.predicted_us, predicted);
  model_.overlapped_us = 0.5;
  EXPECT_DOUBLE_EQ(FiguresOf(model_, target_).predicted_us, predicted - 0.5);
}

TEST_F(WorkTableTest, AModelWithoutBytesHasNoRatios) {
  model_.floor_bytes = model_.elements = 0;
  const Figures sum = FiguresOf(model_, target_);
  EXPECT_EQ(sum.moved, 0);
  EXPECT_EQ(sum.asked, 0);
  EXPECT_EQ(sum.issue_slots, 0);
}

TEST_F(WorkTableTest, Json) {
  const nlohmann::json json = WorkJson({&model_, 1}, target_);
  ASSERT_EQ(json.size(), 1u);
  const nlohmann::json& model = json[0];
  EXPECT_EQ(model.at("model"), "model");
  const Figures sum = FiguresOf(model_, target_);
  EXPECT_EQ(model.at("kernels"), 3);
  EXPECT_EQ(model.at("moved"), sum.moved);
  EXPECT_EQ(model.at("asked"), sum.asked);
  EXPECT_EQ(model.at("used_loads"), sum.used_loads);
  EXPECT_EQ(model.at("used_stores"), sum.used_stores);
  EXPECT_EQ(model.at("bytes_in_flight"), sum.bytes_in_flight);
  EXPECT_EQ(model.at("bank_conflict_ways"), 1.5);
  EXPECT_EQ(model.at("issue_slots"), sum.issue_slots);
  EXPECT_EQ(model.at("predicted_us"), sum.predicted_us);
  EXPECT_EQ(model.at("floor_us"), sum.floor_us);
  EXPECT_EQ(model.at("arena").at("bytes"), 768);
  EXPECT_EQ(model.at("arena").at("peak_bytes"), 512);
  EXPECT_EQ(model.at("arena").at("at_peak")[0].at("value"), "add.1 f32[64]");
  ASSERT_EQ(model.at("per_kernel").size(), 3u);
  const nlohmann::json& half = model.at("per_kernel")[1];
  EXPECT_EQ(half.at("kernel"), "half");
  EXPECT_EQ(half.at("kernels"), 1);
  EXPECT_EQ(half.at("used_loads"), 0.5);
  EXPECT_EQ(half.at("registers"), 32);
  EXPECT_EQ(half.at("spill_bytes"), 20);
  EXPECT_EQ(half.at("notices").size(), 1u);
  EXPECT_EQ(half.at("bound"), "memory");
}

TEST_F(WorkTableTest, TheTableNamesWhatIsWrong) {
  const std::string table = WorkLines(model_, target_);
  EXPECT_EQ(table.find("model "), 0u) << table;
  EXPECT_NE(table.find("\n  half "), std::string::npos) << table;
  EXPECT_NE(table.find("32 registers, SPILLS 20 bytes, BANK CONFLICTS of 1.50 ways\n    something "
                       "is serialised\n"),
            std::string::npos)
      << table;
  EXPECT_NE(table.find("768 bytes, 512 alive at once"), std::string::npos) << table;
  EXPECT_NE(table.find(" 256  add.1 f32[64]\n"), std::string::npos) << table;
}

}  // namespace
}  // namespace ingot::tools
