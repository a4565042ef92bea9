// Which roundings may be left out.
#include "compiler/plan/excess_precision.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ir/text/parser.h"
#include "tests/compiler/plan/groups.h"

namespace ingot::plan {
namespace {

// The names of what stays in f32: for each group of computations, by name, those of its first one
// in a line.
std::string Unrounded(const std::string& text, const std::vector<std::vector<std::string>>& names,
                      int64_t least_roundings = 0) {
  const auto module = ParseModule("HloModule m\n" + text, "m.hlo");
  EXPECT_TRUE(module.ok()) << module.status();
  if (!module.ok()) return "";
  const FusionMembers members(**module, GroupsOf(**module, names));
  const std::vector<std::vector<int64_t>> unrounded = FindUnrounded(members, least_roundings);
  std::string result;
  for (size_t g = 0; g < names.size(); ++g) {
    for (const Instruction* instruction : members.groups()[g][0]->instructions()) {
      for (int64_t id : unrounded[g]) {
        if (id == instruction->id()) absl::StrAppend(&result, instruction->name(), " ");
      }
    }
    result += "\n";
  }
  return result;
}

constexpr char kCombiners[] = R"(
max { a = bf16[] parameter(0)  b = bf16[] parameter(1)  ROOT m = bf16[] maximum(a, b) }
sum { a = bf16[] parameter(0)  b = bf16[] parameter(1)  ROOT m = bf16[] add(a, b) }
)";

// One fusion of two parameters, as the entry.
std::string OfBody(const std::string& body) {
  return Unrounded(absl::StrCat(kCombiners,
                                "ENTRY e {\n  p = bf16[8,16] parameter(0)\n"
                                "  q = f32[8,16] parameter(1)\n  i = bf16[] constant(-inf)\n",
                                body, "}\n"),
                   {{"e"}});
}

TEST(ExcessPrecision, WhatIsStoredIsRounded) {
  EXPECT_EQ(OfBody("x = bf16[8,16] multiply(p, p)\n  ROOT y = bf16[8,16] add(x, p)\n"), "x \n");
  EXPECT_EQ(OfBody("x = bf16[8,16] multiply(p, p)\n  y = bf16[8,16] add(x, p)\n"
                   "  ROOT t = (bf16[8,16], bf16[8,16]) tuple(x, y)\n"),
            "\n");
}

TEST(ExcessPrecision, PairsOfConverts) {
  EXPECT_EQ(OfBody("x = bf16[8,16] convert(q)\n  y = f32[8,16] convert(x)\n"
                   "  ROOT z = f32[8,16] add(y, q)\n"),
            "x \n");
  EXPECT_EQ(OfBody("x = bf16[8,16] convert(q)\n  y = s32[8,16] convert(x)\n"
                   "  ROOT z = s32[8,16] add(y, y)\n"),
            "\n");
}

TEST(ExcessPrecision, WhatIsComparedIsRounded) {
  EXPECT_EQ(OfBody("w = bf16[8,16] add(p, p)\n  x = bf16[8,16] multiply(w, p)\n"
                   "  n = bf16[8,16] negate(x)\n  t = bf16[16,8] transpose(n), dimensions={1,0}\n"
                   "  ROOT c = pred[16,8] compare(t, t), direction=EQ\n"),
            "w \n");
}

// The gradient of a maximum: one copy of x, rounded.
TEST(ExcessPrecision, EqualToItsMaximum) {
  EXPECT_EQ(OfBody("w = bf16[8,16] add(p, p)\n  x = bf16[8,16] multiply(w, p)\n"
                   "  m = bf16[8] reduce(x, i), dimensions={1}, to_apply=max\n"
                   "  b = bf16[8,16] broadcast(m), dimensions={0}\n"
                   "  ROOT c = pred[8,16] compare(x, b), direction=EQ\n"),
            "w \n");
}

TEST(ExcessPrecision, OpsThatTellValuesApart) {
  for (const char* op : {"floor(x)", "ceil(x)", "round-nearest-even(x)", "sign(x)",
                         "remainder(x, p)", "reduce-precision(x), exponent_bits=8, mantissa_bits=3",
                         "reduce(x, i), dimensions={}, to_apply=max"}) {
    EXPECT_EQ(OfBody(absl::StrCat("x = bf16[8,16] add(p, p)\n  y = bf16[8,16] ", op,
                                  "\n  ROOT z = bf16[8,16] add(y, p)\n")),
              "\n")
        << op;
  }
  EXPECT_EQ(OfBody("x = bf16[8,16] add(p, p)\n"
                   "  ROOT s = bf16[8] reduce(x, i), dimensions={1}, to_apply=sum\n"),
            "x \n");
}

// v is computed in two kernels, and stored by one of them only.
TEST(ExcessPrecision, OneValueInTwoKernels) {
  const std::string module = R"(
f {
  p = bf16[8] parameter(0)
  v = bf16[8] add(p, p)
  w = bf16[8] multiply(v, p)
  ROOT r = bf16[8] add(w, v)
}
g {
  p = bf16[8] parameter(0)
  ROOT v = bf16[8] add(p, p)
}
ENTRY e {
  a = bf16[8] parameter(0)
  x = bf16[8] fusion(a), kind=kLoop, calls=f
  y = bf16[8] fusion(a), kind=kLoop, calls=g
  ROOT t = (bf16[8], bf16[8]) tuple(x, y)
}
)";
  EXPECT_EQ(Unrounded(module, {{"f"}, {"g"}}), "w \n\n");
  EXPECT_EQ(Unrounded(module, {{"f"}, {"g"}}, 8), "w \n\n");
  EXPECT_EQ(Unrounded(module, {{"f"}, {"g"}}, 9), "\n\n");
}

// Compiled once, so rounded in both where one has to be: g2 shares its value with s.
TEST(ExcessPrecision, EqualFusionsAreOneKernel) {
  const std::string module = R"(
f {
  p = bf16[8] parameter(0)
  v = bf16[8] add(p, p)
  ROOT r = bf16[8] multiply(v, p)
}
g {
  p = bf16[8] parameter(0)
  v = bf16[8] add(p, p)
  ROOT r = bf16[8] multiply(v, p)
}
s {
  p = bf16[8] parameter(0)
  ROOT v = bf16[8] add(p, p)
}
ENTRY e {
  a = bf16[8] parameter(0)
  b = bf16[8] parameter(1)
  x = bf16[8] fusion(a), kind=kLoop, calls=f
  y = bf16[8] fusion(b), kind=kLoop, calls=g
  z = bf16[8] fusion(b), kind=kLoop, calls=s
  ROOT t = (bf16[8], bf16[8], bf16[8]) tuple(x, y, z)
}
)";
  EXPECT_EQ(Unrounded(module, {{"f"}, {"g"}, {"s"}}), "v \n\n\n");
  EXPECT_EQ(Unrounded(module, {{"f", "g"}, {"s"}}), "\n\n");
}

}  // namespace
}  // namespace ingot::plan
