// Which sums take a product without rounding it.
#include "compiler/plan/contractions.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ir/text/parser.h"
#include "tests/compiler/plan/groups.h"

namespace ingot::plan {
namespace {

// For each computation of the names, its contracted sums, in a line.
std::string Contracted(const std::string& text,
                       const std::vector<std::vector<std::string>>& names) {
  const auto module = ParseModule(absl::StrCat("HloModule m\n", text), "m.hlo");
  EXPECT_TRUE(module.ok()) << module.status();
  if (!module.ok()) return "";
  const FusionMembers members(**module, GroupsOf(**module, names));
  const std::vector<std::vector<int64_t>> found = FindContractions(members);
  std::string result;
  for (size_t g = 0; g < names.size(); ++g) {
    for (const Instruction* instruction : members.groups()[g][0]->instructions()) {
      for (int64_t id : found[g]) {
        if (id == instruction->id()) absl::StrAppend(&result, instruction->name(), " ");
      }
    }
    result += ";";
  }
  return result;
}

// One fusion, as the entry.
std::string OfBody(const std::string& body) {
  return Contracted(
      absl::StrCat("sum { u = f32[] parameter(0)  v = f32[] parameter(1)  ROOT w = f32[] add(u, v) "
                   "}\nENTRY e {\n  x = f32[8] parameter(0)\n  y = f32[8] parameter(1)\n"
                   "  k = pred[8] parameter(2)\n  one = f32[] constant(1)\n"
                   "  ones = f32[8] broadcast(one), dimensions={}\n  m = f32[8] multiply(x, y)\n",
                   body, "}\n"),
      {{"e"}});
}

TEST(Contractions, StepsOfPolynomials) {
  EXPECT_EQ(OfBody("ROOT a = f32[8] add(m, ones)\n"), "a ;");
  EXPECT_EQ(OfBody("ROOT a = f32[8] subtract(ones, m)\n"), "a ;");
  EXPECT_EQ(OfBody("two = f32[] constant(2)\n  twos = f32[8] broadcast(two), dimensions={}\n"
                   "  c = f32[8] select(k, ones, twos)\n  ROOT a = f32[8] add(c, m)\n"),
            "a ;");
}

TEST(Contractions, OtherSumsStay) {
  EXPECT_EQ(OfBody("ROOT a = f32[8] add(m, x)\n"), ";");
  EXPECT_EQ(OfBody("n = f32[8] multiply(x, x)\n  ROOT a = f32[8] subtract(m, n)\n"), ";");
  EXPECT_EQ(OfBody("h = bf16[8] convert(x)\n  i = bf16[8] multiply(h, h)\n"
                   "  b = bf16[8] convert(ones)\n  ROOT a = bf16[8] add(i, b)\n"),
            ";");
}

TEST(Contractions, TheProductIsUsedNowhereElse) {
  EXPECT_EQ(OfBody("a = f32[8] add(m, ones)\n  ROOT b = f32[8] divide(a, m)\n"), ";");
  EXPECT_EQ(OfBody("a = f32[8] add(m, ones)\n  ROOT t = (f32[8], f32[8]) tuple(a, m)\n"), ";");
}

TEST(Contractions, BesideReductions) {
  EXPECT_EQ(OfBody("a = f32[8] add(m, ones)\n"
                   "  ROOT r = f32[] reduce(a, one), dimensions={0}, to_apply=sum\n"),
            "a ;");
  // A sum takes the product itself.
  EXPECT_EQ(OfBody("ROOT r = f32[] reduce(m, one), dimensions={0}, to_apply=sum\n"), ";");
}

// What one fusion makes of `first`'s result, and the same step in two fusions.
std::string OfTwo(const std::string& first, const std::string& second) {
  return Contracted(
      absl::StrCat("f {\n  x = f32[8] parameter(0)\n  one = f32[] constant(1)\n"
                   "  ones = f32[8] broadcast(one), dimensions={}\n  m = f32[8] multiply(x, x)\n",
                   first,
                   "}\ng {\n  x = f32[8] parameter(0)\n  one = f32[] constant(1)\n"
                   "  ones = f32[8] broadcast(one), dimensions={}\n"
                   "  m = f32[8] multiply(x, x)\n",
                   second,
                   "}\nENTRY e {\n  p = f32[8] parameter(0)\n"
                   "  a = f32[8] fusion(p), kind=kLoop, calls=f\n"
                   "  b = f32[8] fusion(p), kind=kLoop, calls=g\n"
                   "  ROOT t = (f32[8], f32[8]) tuple(a, b)\n}\n"),
      {{"f"}, {"g"}});
}

TEST(Contractions, OneValueInAllKernels) {
  const std::string step = "s = f32[8] add(m, ones)\n  ROOT r = f32[8] abs(s)\n";
  EXPECT_EQ(OfTwo(step, "s = f32[8] add(m, ones)\n  ROOT r = f32[8] sqrt(s)\n"), "s ;s ;");
  // The other kernel rounds the product.
  EXPECT_EQ(OfTwo(step, "ROOT r = f32[8] sqrt(m)\n"), ";;");
}

}  // namespace
}  // namespace ingot::plan
