// The plans that ship: they go behind a table and before the compiler's own choice, and every one
// of them is for a product of product_shapes.txt and fits it.
#include "compiler/plan/tuned_plans.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "compiler/compile.h"
#include "compiler/plan/fits.h"
#include "compiler/plan/plan.h"
#include "compiler/plan/plan_table.h"
#include "compiler/program/fusion_table.h"
#include "tests/compiler/plans.h"
#include "tests/compiler/product_shapes.h"

namespace ingot::test {
namespace {

using plan::FusionPlan;
using plan::PlanTable;
using plan::TunedPlans;

constexpr ProductShape kShape = {"bf16", 1, 256, 512, 1024, "nn"};

// A module's first fusion.
class OneFusion {
 public:
  explicit OneFusion(const std::string& hlo)
      : module_(Read(hlo)), fused_(Fused(*module_, target())), fusions_(*fused_) {}

  static const Target& target() { return TargetOf("sm_90a"); }
  const Module& module() const { return *module_; }
  const Computation& fusion() const { return *fusions_.entries()[0].fusion; }
  std::vector<FusionPlan> Candidates() const { return plan::MakeCandidates(fusion(), target()); }
  std::string EntryOf(const FusionPlan& plan) const {
    return EntryText(plan, fusion(), target(), "p");
  }

 private:
  std::unique_ptr<Module> module_, fused_;
  program::FusionTable fusions_;
};

// One text for sm_90a, which stays until the test ends.
TunedPlans Tuned(std::string text) {
  static std::deque<std::string> texts;
  texts.push_back(std::move(text));
  return TunedPlans({{"tuned.txt", "sm_90a", texts.back()}});
}

// The shapes of product_shapes.txt in their own types, and all in bf16.
std::vector<ProductShape> AllShapes() {
  std::vector<ProductShape> shapes = ProductShapes();
  for (ProductShape shape : ProductShapes()) {
    shape.type = "bf16";
    shapes.push_back(std::move(shape));
  }
  return shapes;
}

// What is wrong with the entries, one by one: all are to be for products of AllShapes, one entry
// per fusion.
std::vector<std::string> ComplaintsOf(const TunedPlans& tuned) {
  const auto entries = tuned.AllEntries();
  if (!entries.ok()) return {std::string(entries.status().message())};
  std::map<std::string, std::vector<const plan::PlanEntry*>> by_target;
  for (const plan::PlanEntry& entry : *entries) by_target[entry.target].push_back(&entry);
  std::vector<std::string> complaints;
  for (const auto& [name, all] : by_target) {
    const Target& target = TargetOf(name);
    std::map<std::string, const plan::PlanEntry*> by_key;
    for (const plan::PlanEntry* entry : all) {
      if (by_key.insert({entry->key, entry}).second) continue;
      complaints.push_back(absl::StrCat(entry->place, ": the fusion has an entry before"));
    }
    for (const ProductShape& shape : AllShapes()) {
      const std::unique_ptr<Module> module = Read(HloOf(shape));
      const std::unique_ptr<Module> fused = Fused(*module, target);
      const program::FusionTable fusions(*fused);
      for (const program::FusionEntry& fusion : fusions.entries()) {
        const auto found = by_key.find(plan::FusionKey(*fusion.fusion));
        if (found == by_key.end()) continue;
        const plan::PlanEntry& entry = *found->second;
        const absl::Status fits = plan::Fits(entry.plan, *fusion.fusion, target);
        if (!fits.ok()) {
          complaints.push_back(
              absl::StrCat(entry.place, ": ", NameOf(shape), ": ", std::string(fits.message())));
        } else if (tuned.EntriesFor(*fusion.fusion, target).empty()) {
          complaints.push_back(absl::StrCat(entry.place, ": is not found"));
        }
        by_key.erase(found);
      }
    }
    for (const auto& [key, entry] : by_key) {
      complaints.push_back(absl::StrCat(entry->place, ": no product has the key ", key));
    }
  }
  return complaints;
}

TEST(TunedPlans, ThoseThatShipAreForProductsOfTheRepositoryAndFit) {
  EXPECT_EQ(ComplaintsOf(TunedPlans::Shipped()), std::vector<std::string>());
}

TEST(TunedPlans, WhatDoesNotFitIsFound) {
  const ProductShape shape = ProductShapes()[40];
  const OneFusion product(HloOf(shape));
  const std::string entry = product.EntryOf(product.Candidates()[1]);
  EXPECT_EQ(ComplaintsOf(Tuned(entry)), std::vector<std::string>());
  EXPECT_EQ(ComplaintsOf(Tuned(entry + "\n" + entry)).size(), 1u);
  // A number that nothing allows, another fusion, another target's name, and no table.
  const std::string wrong = absl::StrReplaceAll(entry, {{" blocks=", " blocks=7"}});
  ASSERT_NE(wrong, entry);
  ASSERT_EQ(ComplaintsOf(Tuned(wrong)).size(), 1u);
  EXPECT_NE(ComplaintsOf(Tuned(wrong))[0].find(NameOf(shape)), std::string::npos);
  const OneFusion other(HloOf({"bf16", 1, 24, 40, 56, "nn"}));
  EXPECT_EQ(ComplaintsOf(Tuned(other.EntryOf(other.Candidates()[0]))).size(), 1u);
  EXPECT_EQ(ComplaintsOf(Tuned(absl::StrReplaceAll(entry, {{"sm_90a", "sm_80"}}))).size(), 1u);
  EXPECT_EQ(ComplaintsOf(Tuned("fusion x"))[0].substr(0, 14), "tuned.txt:1:8:");
}

TEST(TunedPlans, GoBehindTheTableAndBeforeTheChoice) {
  const OneFusion product(HloOf(kShape));
  const std::vector<FusionPlan> candidates = product.Candidates();
  ASSERT_GT(candidates.size(), 2u);
  plan::PlanOptions options;
  const auto taken = [&] {
    return plan::MakePlan(product.fusion(), product.target(), options).kernels;
  };
  EXPECT_TRUE(taken() == candidates[0].kernels);
  const TunedPlans tuned = Tuned(absl::StrCat("// tuned ", plan::FusionKey(product.fusion()),
                                              " dot\n\n", product.EntryOf(candidates[1])));
  options.tuned = &tuned;
  EXPECT_TRUE(taken() == candidates[1].kernels);
  EXPECT_EQ(plan::MakePlan(product.fusion(), product.target(), options).reason,
            "from tuned.txt:3:1");
  const auto table = PlanTable::Parse(product.EntryOf(candidates[2]), "t");
  ASSERT_TRUE(table.ok()) << table.status();
  options.table = &*table;
  EXPECT_TRUE(taken() == candidates[2].kernels);
  // The simulator takes the card's, another card does not.
  options.table = nullptr;
  EXPECT_EQ(tuned.EntriesFor(product.fusion(), TargetOf("sim:sm_90a")).size(), 1u);
  EXPECT_EQ(tuned.EntriesFor(product.fusion(), TargetOf("sm_80")).size(), 0u);
}

TEST(TunedPlans, WhatCannotBeUsedIsNot) {
  const OneFusion product(HloOf(kShape));
  const std::vector<FusionPlan> candidates = product.Candidates();
  const std::string entry = product.EntryOf(candidates[1]);
  const std::string head = entry.substr(0, entry.find('\n') + 1);
  for (const std::string& bad :
       {absl::StrReplaceAll(entry, {{" blocks=", " blocks=7"}}), head + "plan {\n  soup\n}\n",
        head + "plan {", absl::StrReplaceAll(entry, {{"sm_90a", "sm_80"}}), head}) {
    const TunedPlans tuned = Tuned(bad);
    plan::PlanOptions options;
    options.tuned = &tuned;
    std::vector<std::string> refused;
    const FusionPlan plan = plan::MakePlan(product.fusion(), product.target(), options, &refused);
    EXPECT_TRUE(plan == plan::MakePlan(product.fusion(), product.target())) << bad;
    EXPECT_EQ(refused, std::vector<std::string>());
    // An entry behind it is found.
    const TunedPlans both = Tuned(bad + "\n" + entry);
    options.tuned = &both;
    EXPECT_TRUE(plan::MakePlan(product.fusion(), product.target(), options).kernels ==
                candidates[1].kernels)
        << bad;
  }
}

// A table says its pairs itself; whoever measured a plan that ships did not know the program.
TEST(TunedPlans, TheProgramDecidesOnPairsInPlace) {
  const OneFusion negate(
      "HloModule m\nENTRY e {\n  x = f32[4096] parameter(0)\n  ROOT n = f32[4096] negate(x)\n}\n");
  FusionPlan plan = plan::MakePlan(negate.fusion(), negate.target());
  ASSERT_TRUE(plan.in_place.empty());
  const std::string entry = negate.EntryOf(plan);
  plan::PlanOptions options;
  options.last_reads = {0};
  const TunedPlans tuned = Tuned(entry);
  options.tuned = &tuned;
  const std::vector<plan::InPlacePair> pair = {{0, 0}};
  EXPECT_EQ(plan::MakePlan(negate.fusion(), negate.target(), options).in_place, pair);
  const auto table = PlanTable::Parse(entry, "t");
  ASSERT_TRUE(table.ok()) << table.status();
  options.table = &*table;
  EXPECT_TRUE(plan::MakePlan(negate.fusion(), negate.target(), options).in_place.empty());
}

TEST(TunedPlans, CompileTakesThemAndRecordsThem) {
  const OneFusion product(HloOf(kShape));
  const TunedPlans tuned = Tuned(product.EntryOf(product.Candidates()[1]));
  CompileOptions options;
  options.warning = [](const std::string& warning) { ADD_FAILURE() << warning; };
  const auto kernels = [&](const TunedPlans* plans) {
    std::string text;
    options.tuned = plans;
    options.stages = {Stage::kKernel};
    options.observer = [&](Stage, absl::string_view, const std::string& kernel) { text += kernel; };
    const auto compiled = Compile(product.module(), TargetOf("sim:sm_90a"), options);
    EXPECT_TRUE(compiled.ok()) << compiled.status();
    return std::make_pair(text, compiled->program->options);
  };
  const auto [with, with_options] = kernels(&tuned);
  const auto [without, without_options] = kernels(nullptr);
  EXPECT_TRUE(with != without);
  EXPECT_EQ(with_options, absl::StrCat("fusion=cost numerics=default tuned=", tuned.Digest()));
  EXPECT_EQ(without_options, "fusion=cost numerics=default tuned=off");
}

TEST(TunedPlans, ATableForOtherTargetsOnlyIsSaidOnce) {
  const OneFusion product(HloOf(kShape));
  auto table = PlanTable::Parse(product.EntryOf(product.Candidates()[1]), "t");
  ASSERT_TRUE(table.ok()) << table.status();
  CompileOptions options;
  options.plans = std::make_shared<const PlanTable>(*std::move(table));
  std::vector<std::string> warnings;
  options.warning = [&](const std::string& warning) { warnings.push_back(warning); };
  ASSERT_TRUE(Compile(product.module(), TargetOf("sim:sm_90a"), options).ok());
  EXPECT_EQ(warnings, std::vector<std::string>());
  ASSERT_TRUE(Compile(product.module(), TargetOf("x86_64-v3"), options).ok());
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("sm_90a"), std::string::npos) << warnings[0];
  EXPECT_NE(warnings[0].find("x86_64-v3"), std::string::npos) << warnings[0];
}

}  // namespace
}  // namespace ingot::test
