// Concatenates of many operands, or of narrow ones, on simulated GPUs: their plans compute what the
// evaluator does, and no other plan of theirs fits.
#include "compiler/plan/concatenate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "compiler/plan/fits.h"
#include "compiler/plan/plan_table.h"
#include "compiler/program/fusion_table.h"
#include "tests/compiler/plans.h"

namespace ingot::test {
namespace {

struct Concatenate {
  const char* name;
  const char* type;
  const char* before;  // dimensions before the one that is concatenated, and behind it
  const char* behind;
  int operands;
  int most;  // operand k has 1 + k % most places
  size_t kernels;
};

constexpr Concatenate kConcatenates[] = {
    // Rows in shared memory.
    {"columns", "f32", "45,", "", 70, 1, 1},
    {"odd", "f32", "45,", "", 150, 7, 1},
    {"halves", "bf16", "67,", "", 150, 7, 1},
    {"bytes", "u8", "67,", "", 150, 7, 1},
    {"predicates", "pred", "40,", "", 9, 5, 1},
    {"doubles", "f64", "45,", "", 150, 7, 1},
    {"pairs", "c64", "45,", "", 12, 7, 1},
    {"two", "f32", "100,", "", 2, 5, 1},
    {"middle", "bf16", "5,7,", ",3,2", 90, 2, 1},
    {"very_many", "u8", "33,", "", 900, 1, 3},
    // Elements one by one.
    {"vector", "f32", "", "", 90, 3, 1},
    {"rows", "f32", "", ",36", 90, 3, 1},
    {"odd_rows", "bf16", "", ",37", 90, 3, 1},
    {"long_pieces", "s64", "3,", ",40", 240, 5, 3},
};

std::string TextOf(const Concatenate& c) {
  std::string text = "HloModule m\nENTRY e {\n";
  std::vector<std::string> names;
  int places = 0;
  for (int k = 0; k < c.operands; ++k) {
    names.push_back(absl::StrCat("p", k));
    const int own = 1 + k % c.most;
    absl::StrAppend(&text, "  p", k, " = ", c.type, "[", c.before, own, c.behind, "] parameter(", k,
                    ")\n");
    places += own;
  }
  names.push_back("p0");  // again
  absl::StrAppend(&text, "  ROOT r = ", c.type, "[", c.before, places + 1, c.behind,
                  "] concatenate(", absl::StrJoin(names, ", "), "), dimensions={",
                  std::count(c.before, c.before + std::string(c.before).size(), ','), "}\n}\n");
  return text;
}

class ConcatenateTest : public testing::TestWithParam<Concatenate> {};

INSTANTIATE_TEST_SUITE_P(Cases, ConcatenateTest, testing::ValuesIn(kConcatenates),
                         [](const auto& info) { return info.param.name; });

TEST_P(ConcatenateTest, PlanIsRight) {
  const std::unique_ptr<Module> module = Read(TextOf(GetParam()));
  ASSERT_NE(module, nullptr);
  const Target& target = TargetOf("sim:sm_90a");
  const std::unique_ptr<Module> fused = Fused(*module, target);
  const program::FusionTable fusions(*fused);
  ASSERT_EQ(fusions.entries().size(), 1u);
  const Computation& fusion = *fusions.entries()[0].fusion;
  plan::FusionPlan plan = plan::MakePlan(fusion, target);
  ASSERT_EQ(plan.kernels[0].skeleton, plan::Skeleton::kConcatenate);
  EXPECT_EQ(plan.kernels.size(), GetParam().kernels);
  ExpectRight(*module, target, plan::EntryText(plan, fusion, target, "planned"));
  std::get<plan::ConcatenatePlan>(plan.kernels[0].work).rows += 8;
  EXPECT_FALSE(plan::Fits(plan, fusion, target).ok());
}

// Shared memory of 4 KB has other rows, or none.
TEST_P(ConcatenateTest, TinyGpuIsRight) {
  const std::unique_ptr<Module> module = Read(TextOf(GetParam()));
  ASSERT_NE(module, nullptr);
  ExpectRight(*module, TargetOf("sim:sm_90a-tiny"), "");
}

}  // namespace
}  // namespace ingot::test
