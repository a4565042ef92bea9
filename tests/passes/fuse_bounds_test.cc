// Fusions stay within their bounds, whatever a graph is made of.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "compiler/compile.h"
#include "ir/analysis/op_facts.h"
#include "ir/text/parser.h"

namespace ingot {
namespace {

// A chain of products with constants that all differ: each brings a constant and its broadcast.
// `additions` shift where a bound ends a fusion.
std::string Chain(int products, int additions) {
  std::string text = "HloModule m\nENTRY e {\n  v0 = f32[1024] parameter(0)\n";
  int value = 0;
  const auto next = [&](absl::string_view expression) {
    absl::StrAppend(&text, "  v", value + 1, " = f32[1024] ", expression, "\n");
    ++value;
  };
  for (int i = 0; i < products; ++i) {
    absl::StrAppend(&text, "  c", i, " = f32[] constant(", i + 2, ")\n  b", i,
                    " = f32[1024] broadcast(c", i, "), dimensions={}\n");
    next(absl::StrCat("multiply(v", value, ", b", i, ")"));
  }
  for (int i = 0; i < additions; ++i) next(absl::StrCat("add(v", value, ", v0)"));
  absl::StrAppend(&text, "  ROOT r = f32[1024] negate(v", value, ")\n}\n");
  return text;
}

class FuseBounds : public testing::TestWithParam<int> {};

TEST_P(FuseBounds, FreeValuesCountAsTheyAreCopied) {
  const auto module = ParseModule(Chain(1500, GetParam()), "chain");
  ASSERT_TRUE(module.ok()) << module.status();
  const Target& target = **FindTarget("sm_90a");
  CompileOptions options;
  int64_t fusions = 0;
  options.stages = {Stage::kOptimized};
  options.observer = [&](Stage, absl::string_view, const std::string& text) {
    const auto optimized = ParseModule(text, "optimized");
    ASSERT_TRUE(optimized.ok()) << optimized.status();
    for (const auto& computation : (*optimized)->computations()) {
      if (computation == (*optimized)->entry()) continue;
      ++fusions;
      int64_t code = 0;
      for (const Instruction* member : computation->instructions()) code += CodeSize(*member);
      EXPECT_LE(code, kMostCodeOfFusion) << computation->name();
    }
  };
  const auto compilation = Compile(**module, target, options);
  ASSERT_TRUE(compilation.ok()) << compilation.status();
  EXPECT_GE(fusions, 3);
}

INSTANTIATE_TEST_SUITE_P(All, FuseBounds, testing::Values(0, 1, 2, 3));

// What is merged for one walk is one: else each of its results would compute the others again.
TEST(FuseBounds, AWalkHasNoMoreSharedMemoryThanABlock) {
  const auto module = ParseModule(R"(HloModule m
add {
  a = f32[] parameter(0)
  b = f32[] parameter(1)
  ROOT r = f32[] add(a, b)
}
ENTRY e {
  x = f32[33,1024] parameter(0)
  z = f32[] constant(0)
  s = f32[33] reduce(x, z), dimensions={1}, to_apply=add
  sb = f32[33,1024] broadcast(s), dimensions={0}
  d = f32[33,1024] divide(x, sb)
  c = f32[1024] reduce(d, z), dimensions={0}, to_apply=add
  f = f32[] reduce(d, z), dimensions={0,1}, to_apply=add
  ROOT t = (f32[33,1024], f32[1024], f32[]) tuple(d, c, f)
}
)",
                                  "sums");
  ASSERT_TRUE(module.ok()) << module.status();
  CompileOptions options;
  std::string plans;
  options.stages = {Stage::kPlan};
  options.observer = [&](Stage, absl::string_view, const std::string& text) { plans += text; };
  const auto compilation = Compile(**module, **FindTarget("sim:sm_90a-tiny"), options);
  ASSERT_TRUE(compilation.ok()) << compilation.status();
  EXPECT_EQ(plans.find("no tile"), std::string::npos) << plans;
  EXPECT_NE(plans.find("tile "), std::string::npos) << plans;
}

}  // namespace
}  // namespace ingot
