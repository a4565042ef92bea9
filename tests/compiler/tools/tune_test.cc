// The parts of `ingot tune`: fusions by themselves, candidates, and the file that goes on.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "compiler/kernel/simulator/device/device.h"
#include "compiler/plan/plan_table.h"
#include "compiler/tools/tune_fusion.h"
#include "compiler/tools/tuning_file.h"
#include "ir/text/parser.h"

namespace ingot::tools {
namespace {

// Two products of one shape, which are one fusion, and a reduction.
constexpr absl::string_view kModel = R"(HloModule m

add {
  a = f32[] parameter(0)
  b = f32[] parameter(1)
  ROOT s = f32[] add(a, b)
}

ENTRY e {
  x = bf16[64,64] parameter(0)
  y = bf16[64,64] parameter(1)
  d = bf16[64,64] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0}
  f = bf16[64,64] dot(d, y), lhs_contracting_dims={1}, rhs_contracting_dims={0}
  w = f32[64,64] convert(f)
  z = f32[] constant(0)
  ROOT r = f32[64] reduce(w, z), dimensions={1}, to_apply=add
}
)";

const Target& TargetOf(absl::string_view name) { return **FindTarget(name); }

std::vector<FusionToTune> Find(FusionKinds kinds) {
  const auto module = ParseModule(kModel, "m.hlo");
  EXPECT_TRUE(module.ok()) << module.status();
  auto found = FindFusions(**module, TargetOf("sim:sm_90a"), {}, kinds);
  EXPECT_TRUE(found.ok()) << found.status();
  return *std::move(found);
}

TEST(FindFusions, EachKindOnce) {
  const std::vector<FusionToTune> products = Find(FusionKinds::kProducts);
  ASSERT_EQ(products.size(), 1u);
  EXPECT_EQ(products[0].description, "dot bf16[64,64]·[64,64]");
  EXPECT_EQ(products[0].key, plan::FusionKey(products[0].fusion()));
  ASSERT_GT(products[0].plans.size(), 2u);
  for (const plan::FusionPlan& plan : products[0].plans) {
    EXPECT_TRUE(std::holds_alternative<plan::ContractionPlan>(plan.kernels[0].work));
  }
  const std::vector<FusionToTune> all = Find(FusionKinds::kAll);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].key, products[0].key);
  EXPECT_EQ(all[1].description, "reduce f32[64]");
}

class MeasureTest : public testing::Test {
 protected:
  MeasureTest() : device_(*kernel::simulator::CreateSimulatedDevice()) {
    bench_.target = &TargetOf("sim:sm_90a");
    bench_.device = device_.get();
  }

  std::unique_ptr<runtime::Device> device_;
  TuningBench bench_;
};

TEST_F(MeasureTest, CandidatesAreComparedAndTimed) {
  for (const FusionToTune& fusion : Find(FusionKinds::kAll)) {
    const auto candidates = MeasureCandidates(fusion, bench_);
    ASSERT_TRUE(candidates.ok()) << candidates.status();
    ASSERT_EQ(candidates->size(), fusion.plans.size());
    for (const Candidate& candidate : *candidates) {
      EXPECT_EQ(candidate.fault, "");
      EXPECT_TRUE(candidate.is_checked);
      EXPECT_GT(candidate.measured_us, 0);
      EXPECT_GT(candidate.predicted_us, 0);
    }
  }
}

TEST_F(MeasureTest, APlanThatDoesNotFitIsNotTaken) {
  FusionToTune fusion = std::move(Find(FusionKinds::kProducts)[0]);
  fusion.plans.resize(2);
  plan::KernelPlan& kernel = fusion.plans[1].kernels[0];
  plan::ContractionPlan tile = kernel.contraction();
  tile.rows = 7;
  kernel.work = tile;
  const auto candidates = MeasureCandidates(fusion, bench_);
  ASSERT_TRUE(candidates.ok()) << candidates.status();
  EXPECT_TRUE(absl::StrContains((*candidates)[1].fault, "candidate:1:1")) << (*candidates)[1].fault;
  EXPECT_EQ((*candidates)[1].measured_us, 0);
  EXPECT_EQ(FastestOf(*candidates), 0u);
  // Nothing can be said of a fusion whose chosen plan is wrong.
  std::swap(fusion.plans[0], fusion.plans[1]);
  EXPECT_FALSE(MeasureCandidates(fusion, bench_).ok());
}

Literal Values(ElementType type, std::vector<double> values) {
  Literal literal = *Literal::Zeros(Shape::Array(type, {static_cast<int64_t>(values.size())}));
  for (size_t i = 0; i < values.size(); ++i) literal.SetDouble(static_cast<int64_t>(i), values[i]);
  return literal;
}

TEST(FaultOfResults, IsByTheTypesTolerance) {
  const auto fault = [](ElementType type, std::vector<double> result, bool tf32 = false) {
    return FaultOfResults({Values(type, std::move(result))}, {Values(type, {1, 2, 3, -6})}, tf32);
  };
  EXPECT_EQ(fault(ElementType::kF32, {1, 2, 3, -6}), "");
  EXPECT_EQ(fault(ElementType::kF32, {1, 2, 3.00001, -6}), "");
  EXPECT_EQ(fault(ElementType::kF32, {1, 2, 3.01, -6}),
            "result 0 has 3.01 instead of 3 at element 2");
  EXPECT_NE(fault(ElementType::kF32, {1, 2, NAN, -6}), "");
  EXPECT_NE(fault(ElementType::kF32, {1, 2, INFINITY, -6}), "");
  EXPECT_EQ(fault(ElementType::kF32, {1, 2, 3.01, -6}, /*tf32=*/true), "");
  EXPECT_NE(fault(ElementType::kF32, {1, 2, 3.1, -6}, /*tf32=*/true), "");
  EXPECT_EQ(fault(ElementType::kBF16, {1, 2, 3.0625, -6}), "");
  EXPECT_NE(fault(ElementType::kBF16, {1, 2, 4, -6}), "");
  EXPECT_NE(fault(ElementType::kS32, {1, 2, 4, -6}), "");
  const Literal one = Values(ElementType::kF32, {1});
  EXPECT_EQ(FaultOfResults({one, one}, {one}, false), "2 results, not 1");
}

// The norm of all would not feel it.
TEST(FaultOfResults, OneElementOfManyIsEnough) {
  std::vector<double> values(100000, 1.5);
  const Literal expected = Values(ElementType::kBF16, values);
  values[77777] = 2;
  EXPECT_EQ(FaultOfResults({Values(ElementType::kBF16, values)}, {expected}, false),
            "result 0 has 2 instead of 1.5 at element 77777");
  const Literal infinite = Values(ElementType::kF32, {INFINITY, 2});
  EXPECT_NE(FaultOfResults({Values(ElementType::kF32, {1, 2})}, {infinite}, false), "");
  const Literal nothing = Values(ElementType::kF32, {NAN, INFINITY, 0});
  EXPECT_EQ(FaultOfResults({nothing}, {Values(ElementType::kF32, {NAN, INFINITY, 0})}, false), "");
}

TEST(FastestOf, WrongCandidatesAreNotTaken) {
  std::vector<Candidate> candidates(4);
  candidates[0].measured_us = 10;
  candidates[1].measured_us = 5;
  candidates[1].fault = "wrong";
  candidates[2].measured_us = 8;
  candidates[3].measured_us = 0;  // not measured
  EXPECT_EQ(FastestOf(candidates), 2u);
  candidates[2].measured_us = 10;
  EXPECT_EQ(FastestOf(candidates), 0u);
}

TEST(IsNear, Within15Percent) {
  const auto is_near = [](double predicted_us, double measured_us) {
    Candidate candidate;
    candidate.predicted_us = predicted_us;
    candidate.measured_us = measured_us;
    return IsNear(candidate);
  };
  EXPECT_TRUE(is_near(8.6, 10));
  EXPECT_TRUE(is_near(11.4, 10));
  EXPECT_FALSE(is_near(8.4, 10));
  EXPECT_FALSE(is_near(0, 10));
}

const TuningHeader kHeader = {"sm_90a", "a card", "numerics=default", "c0ffee"};

TunedFusion Fusion(const std::string& key, const std::string& plan) {
  TunedFusion fusion;
  fusion.key = key;
  fusion.description = "dot bf16[2,3]·[3,4]";
  fusion.candidates = 12;
  fusion.measured = 11;
  fusion.near = 9;
  fusion.best_us = 12.25;
  fusion.best_predicted_us = 11;
  fusion.chosen_us = 14;
  fusion.chosen_predicted_us = 13.5;
  if (!plan.empty()) fusion.entry = absl::StrCat("fusion ", key, " sm_90a  // d\n", plan, "\n");
  return fusion;
}

constexpr absl::string_view kOne = "0123456789abcdef", kTwo = "fedcba9876543210";

std::string TwoFusions() {
  std::string note;
  TuningFile file = *TuningFile::Parse("", "t.txt", kHeader, note);
  file.Put(Fusion(std::string(kOne), "plan cost=3 {\n}"));
  file.Put(Fusion(std::string(kTwo), ""));
  return file.ToString();
}

TEST(TuningFile, ReadsBackWhatItWrites) {
  std::string note;
  const auto file = TuningFile::Parse(TwoFusions(), "t.txt", kHeader, note);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(note, "");
  EXPECT_EQ(file->ToString(), TwoFusions());
  ASSERT_EQ(file->fusions().size(), 2u);
  EXPECT_EQ(file->Find(kOne)->best_us, 12.25);
  EXPECT_EQ(file->Find(kOne)->near, 9);
  EXPECT_EQ(file->Find(kTwo)->entry, "");
  EXPECT_EQ(file->Find("0123456789abcde0"), nullptr);
  const auto table = plan::PlanTable::Parse(TwoFusions(), "t.txt");
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ(table->size(), 1);
}

TEST(TuningFile, AFileOfCommentsIsEmpty) {
  std::string note;
  const auto file = TuningFile::Parse("// nothing yet\n\n", "t.txt", kHeader, note);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_TRUE(file->fusions().empty());
}

TEST(TuningFile, AnotherCompilersIsKeptWithANote) {
  std::string note;
  TuningHeader other = kHeader;
  other.compiler = "facade";
  ASSERT_TRUE(TuningFile::Parse(TwoFusions(), "t.txt", other, note).ok());
  EXPECT_TRUE(absl::StrContains(note, "t.txt") && absl::StrContains(note, "--again")) << note;
}

TEST(TuningFile, WhatIsNotForThisIsRefusedByName) {
  const std::string good = TwoFusions();
  const struct {
    std::string text;
    std::vector<std::string> words;
  } kCases[] = {
      {absl::StrReplaceAll(good, {{"target: sm_90a", "target: sm_80"}}), {"sm_80", "sm_90a"}},
      {absl::StrReplaceAll(good, {{"a card", "another"}}), {"card", "'another'", "'a card'"}},
      {absl::StrReplaceAll(good, {{"=default", "=strict"}}), {"options", "numerics=strict"}},
      {absl::StrReplaceAll(good, {{"format: 1", "format: 2"}}), {"format: 1"}},
      {absl::StrReplaceAll(good, {{"measured=11", "measured=x"}}), {"t.txt:10:", kOne.data()}},
      {absl::StrReplaceAll(good, {{" chosen_us=14", ""}}), {"t.txt:10:"}},
      {absl::StrReplaceAll(good, {{absl::StrCat("tuned ", kOne), absl::StrCat("tuned ", kTwo)}}),
       {"t.txt:11:", kTwo.data()}},
      {absl::StrCat("fusion ", kOne, " sm_90a\nplan {}\n"), {"no `ingot tune` wrote"}},
      {absl::StrReplaceAll(good, {{"plan cost", "plan cots"}}), {"t.txt:12:", "cots"}},
      {"soup", {"t.txt:1:1"}},
  };
  for (const auto& c : kCases) {
    std::string note;
    const auto file = TuningFile::Parse(c.text, "t.txt", kHeader, note);
    ASSERT_FALSE(file.ok()) << c.text;
    for (const std::string& word : c.words) {
      EXPECT_TRUE(absl::StrContains(file.status().message(), word))
          << file.status().message() << " has no " << word;
    }
  }
}

}  // namespace
}  // namespace ingot::tools
