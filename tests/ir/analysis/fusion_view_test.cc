#include "ir/analysis/fusion_view.h"

#include <gtest/gtest.h>

#include "ir/analysis/fusion_info.h"
#include "ir/text/parser.h"

namespace ingot {
namespace {

std::unique_ptr<Module> Parsed(absl::string_view entry) {
  auto module = ParseModule(absl::StrCat("HloModule m\n\nENTRY main {\n", entry, "}\n"), "test");
  EXPECT_TRUE(module.ok()) << module.status();
  return *std::move(module);
}

std::vector<std::string> Names(const std::vector<const Instruction*>& instructions) {
  std::vector<std::string> names;
  for (const Instruction* instruction : instructions) names.push_back(instruction->name());
  return names;
}

std::vector<const Instruction*> Pick(const Module& module, const std::vector<std::string>& names) {
  std::vector<const Instruction*> picked;
  for (const Instruction* instruction : module.entry()->instructions()) {
    for (const std::string& name : names) {
      if (instruction->name() == name) picked.push_back(instruction);
    }
  }
  return picked;
}

using Strings = std::vector<std::string>;

constexpr char kGraph[] = R"(
  x = f32[8] parameter(0)
  y = f32[8] parameter(1)
  unused = f32[8] parameter(2)
  c = f32[] constant(2)
  a = f32[8] add(x, y)
  b = f32[8] multiply(a, x)
  d = f32[8] negate(b)
  inner = (f32[8], f32[8]) tuple(d, x)
  ROOT r = (f32[8], (f32[8], f32[8]), f32[8]) tuple(a, inner, d)
)";

TEST(FusionView, OfAComputation) {
  const auto module = Parsed(kGraph);
  const FusionView view = ViewOf(*module->entry());
  EXPECT_EQ(Names(view.inputs), (Strings{"x", "y", "unused"}));
  EXPECT_EQ(Names(view.members), (Strings{"c", "a", "b", "d"}));
  EXPECT_EQ(Names(view.roots), (Strings{"a", "d", "x", "d"}));
  const FusionInfo info(view);
  EXPECT_EQ(info.cost().result_bytes, (std::vector<int64_t>{32, 32, 32, 32}));
  EXPECT_EQ(info.cost().input_bytes, (std::vector<int64_t>{32, 32, 0}));
}

TEST(FusionView, OfMembers) {
  const auto module = Parsed(kGraph);
  const FusionView view = ViewOf(Pick(*module, {"c", "a", "b"}));
  EXPECT_EQ(Names(view.inputs), (Strings{"x", "y"}));
  EXPECT_EQ(Names(view.members), (Strings{"c", "a", "b"}));
  // Nobody uses c; a and b are used outside.
  EXPECT_EQ(Names(view.roots), (Strings{"c", "a", "b"}));
  EXPECT_EQ(Names(ViewOf(Pick(*module, {"b", "d"})).roots), (Strings{"d"}));
}

TEST(FusionView, OfAParameterOrNothing) {
  const auto module = Parsed("  ROOT x = f32[8] parameter(0)\n");
  const FusionInfo info(ViewOf(*module->entry()));
  EXPECT_EQ(info.cost().bytes_read(), 32);
  EXPECT_EQ(info.cost().bytes_written(), 32);
  const FusionInfo nothing(ViewOf(absl::Span<const Instruction* const>()));
  EXPECT_EQ(nothing.space().classes().size(), 0);
}

TEST(FusionInfo, OpsThatAreNoPartOfAKernelNeedAllOfTheirOperands) {
  const auto module = Parsed(R"(
  x = f32[8] parameter(0)
  s = u32[4] parameter(1)
  bits = (u32[4], u32[8]) rng-bit-generator(s), algorithm=rng_philox
  c = f32[2] custom-call(x), custom_call_target="f"
  g = u32[8] get-tuple-element(bits), index=1
  ROOT r = (f32[2], u32[8]) tuple(c, g)
)");
  const FusionInfo info(ViewOf(*module->entry()));
  EXPECT_EQ(info.cost().input_bytes, (std::vector<int64_t>{32, 16}));
  EXPECT_FALSE(info.uses().Of(0).in_space());
}

// Arrays of no elements, and many dimensions, are no trouble.
TEST(FusionInfo, OfNoElements) {
  const auto module = Parsed(R"(
  x = f32[0,4] parameter(0)
  z = f32[0,4096,1099511627776] parameter(1)
  e = f32[0,4] exponential(x)
  r = f32[0,7] reshape(e)
  n = f32[0,4096,1099511627776] negate(z)
  ROOT t = (f32[0,7], f32[0,4096,1099511627776]) tuple(r, n)
)");
  const FusionInfo info(ViewOf(*module->entry()));
  EXPECT_EQ(info.cost().bytes_read(), 0);
  EXPECT_EQ(info.cost().bytes_written(), 0);
  EXPECT_EQ(info.space().classes()[0].size, 0);
}

TEST(FusionInfo, ReductionOverNoElementsEndsAClassOfSizeZero) {
  auto module = ParseModule(R"(HloModule m

sum {
  a = f32[] parameter(0)
  b = f32[] parameter(1)
  ROOT s = f32[] add(a, b)
}

ENTRY main {
  x = f32[4,0] parameter(0)
  zero = f32[] constant(0)
  ROOT r = f32[4] reduce(x, zero), dimensions={1}, to_apply=sum
}
)",
                            "test");
  ASSERT_TRUE(module.ok()) << module.status();
  const FusionInfo info(ViewOf(*(*module)->entry()));
  ASSERT_EQ(info.reductions().size(), 1);
  ASSERT_EQ(info.reductions()[0].classes.size(), 1);
  EXPECT_EQ(info.space().classes()[info.reductions()[0].classes[0]].size, 0);
}

TEST(HashView, CopiesHaveOneHashAndOthersDoNot) {
  const auto module = Parsed(R"(
  x = f32[8] parameter(0)
  y = f32[8] parameter(1)
  w = f32[9] parameter(2)
  a1 = f32[8] add(x, y)
  b1 = f32[8] multiply(a1, x)
  a2 = f32[8] add(b1, x)
  b2 = f32[8] multiply(a2, b1)
  a3 = f32[8] add(b2, x)
  b3 = f32[8] multiply(a3, x)
  a4 = f32[8] add(b3, x)
  b4 = f32[8] divide(a4, b3)
  a5 = f32[9] add(w, w)
  b5 = f32[9] multiply(a5, w)
  c = f32[9] negate(b5)
  ROOT r = (f32[8], f32[9]) tuple(b4, c)
)");
  const auto hash = [&](const Strings& names) { return HashView(ViewOf(Pick(*module, names))); };
  EXPECT_EQ(hash({"a1", "b1"}), hash({"a2", "b2"}));
  EXPECT_NE(hash({"a1", "b1"}), hash({"a3", "b3"})) << "multiplied by the other summand";
  EXPECT_NE(hash({"a2", "b2"}), hash({"a4", "b4"})) << "another operation";
  EXPECT_NE(hash({"a1"}), hash({"a5"})) << "another shape";
  EXPECT_NE(hash({"a1"}), hash({"a1", "b1"}));
}

}  // namespace
}  // namespace ingot
