// Which f32 values may have fewer right digits.
#include "compiler/plan/seen_digits.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "ir/text/parser.h"
#include "tests/compiler/plan/groups.h"

namespace ingot::plan {
namespace {

constexpr char kSum[] =
    "sum { a = f32[] parameter(0)  b = f32[] parameter(1)  ROOT s = f32[] add(a, b) }\n";

// For each group of computations, by name, the names of the loose and the narrow instructions of
// its first one, in a line.
std::string Seen(const std::string& text, const std::vector<std::vector<std::string>>& names) {
  const auto module = ParseModule(absl::StrCat("HloModule m\n", kSum, text), "m.hlo");
  EXPECT_TRUE(module.ok()) << module.status();
  if (!module.ok()) return "";
  const FusionMembers members(**module, GroupsOf(**module, names));
  const std::vector<SeenDigits> seen = FindSeenDigits(members);
  std::string result;
  for (size_t g = 0; g < names.size(); ++g) {
    for (const auto& [what, ids] : {std::pair("loose:", &seen[g].loose),
                                    {"narrow:", &seen[g].narrow},
                                    {"plus one:", &seen[g].plus_one},
                                    {"minus one:", &seen[g].minus_one}}) {
      if (ids->empty()) continue;
      absl::StrAppend(&result, what);
      for (const Instruction* instruction : members.groups()[g][0]->instructions()) {
        for (int64_t id : *ids) {
          if (id == instruction->id()) absl::StrAppend(&result, " ", instruction->name());
        }
      }
      absl::StrAppend(&result, "; ");
    }
    result += "\n";
  }
  return result;
}

// One fusion, as the entry, of x and y: f32[8,512].
std::string OfBody(const std::string& body) {
  return Seen(
      absl::StrCat("ENTRY e {\n  x = f32[8,512] parameter(0)\n  y = f32[8,512] parameter(1)\n"
                   "  p = pred[8,512] parameter(2)\n  z = f32[] constant(0)\n",
                   body, "}\n"),
      {{"e"}});
}

constexpr char kSoftmax[] =
    "e = f32[8,512] exponential(x)\n  s = f32[8] reduce(e, z), dimensions={1}, to_apply=sum\n"
    "  b = f32[8,512] broadcast(s), dimensions={0}\n  q = f32[8,512] divide(e, b)\n";

TEST(SeenDigits, WhatIsStoredShowsAll) {
  EXPECT_EQ(OfBody("ROOT e = f32[8,512] exponential(x)\n"), "\n");
  EXPECT_EQ(OfBody("e = f32[8,512] exponential(x)\n  ROOT q = f32[8,512] divide(e, y)\n"), "\n");
}

// x (1 + tanh y) to bf16, as GELU has it, and what differs from it.
TEST(SeenDigits, TanhAndOne) {
  const auto seen = [](const std::string& sum) {
    return OfBody(
        absl::StrCat("one = f32[] constant(1)\n  two = f32[] constant(2)\n"
                     "  minus = f32[] constant(-1)\n"
                     "  o = f32[8,512] broadcast(one), dimensions={}\n"
                     "  w = f32[8,512] broadcast(two), dimensions={}\n"
                     "  n = f32[8,512] broadcast(minus), dimensions={}\n"
                     "  t = f32[8,512] tanh(y)\n  ",
                     sum,
                     "\n  m = f32[8,512] multiply(x, a)\n"
                     "  ROOT c = bf16[8,512] convert(m)\n"));
  };
  EXPECT_EQ(seen("a = f32[8,512] add(t, o)"), "plus one: t; \n");
  EXPECT_EQ(seen("a = f32[8,512] add(o, t)"), "plus one: t; \n");
  EXPECT_EQ(seen("a = f32[8,512] subtract(n, t)"), "plus one: t; \n");
  EXPECT_EQ(seen("a = f32[8,512] subtract(o, t)"), "minus one: t; \n");
  EXPECT_EQ(seen("a = f32[8,512] subtract(t, o)"), "minus one: t; \n");
  EXPECT_EQ(seen("a = f32[8,512] add(t, n)"), "minus one: t; \n");
  // Other terms, other uses, both ends.
  EXPECT_EQ(seen("a = f32[8,512] add(t, w)"), "\n");
  EXPECT_EQ(seen("a = f32[8,512] add(t, x)"), "\n");
  EXPECT_EQ(seen("b = f32[8,512] add(t, o)\n  a = f32[8,512] multiply(b, t)"), "\n");
  EXPECT_EQ(seen("b = f32[8,512] add(t, o)\n  d = f32[8,512] subtract(o, t)\n"
                 "  a = f32[8,512] multiply(b, d)"),
            "\n");
  // The sum shows all its digits.
  EXPECT_EQ(OfBody("one = f32[] constant(1)\n  o = f32[8,512] broadcast(one), dimensions={}\n"
                   "  t = f32[8,512] tanh(y)\n  ROOT a = f32[8,512] add(t, o)\n"),
            "\n");
}

TEST(SeenDigits, RoundedToSixteenBits) {
  EXPECT_EQ(OfBody("e = f32[8,512] exponential(x)\n  m = f32[8,512] multiply(e, y)\n"
                   "  ROOT c = bf16[8,512] convert(m)\n"),
            "narrow: e; \n");
  // A second use shows it whole.
  EXPECT_EQ(OfBody("e = f32[8,512] exponential(x)\n  c = bf16[8,512] convert(e)\n"
                   "  ROOT t = (bf16[8,512], f32[8,512]) tuple(c, e)\n"),
            "\n");
  EXPECT_EQ(OfBody("e = f32[8,512] exponential(x)\n  c = bf16[8,512] convert(e)\n"
                   "  g = pred[8,512] compare(e, y), direction=GT\n"
                   "  ROOT t = (bf16[8,512], pred[8,512]) tuple(c, g)\n"),
            "\n");
  // Digits cancel.
  EXPECT_EQ(OfBody("e = f32[8,512] exponential(x)\n  m = f32[8,512] subtract(e, y)\n"
                   "  ROOT c = bf16[8,512] convert(m)\n"),
            "\n");
  EXPECT_EQ(OfBody("e = f32[8,512] exponential(x)\n  ROOT c = f8e4m3fn[8,512] convert(e)\n"), "\n");
}

TEST(SeenDigits, SoftmaxOfNarrowResults) {
  EXPECT_EQ(OfBody(absl::StrCat(kSoftmax, "  ROOT c = bf16[8,512] convert(q)\n")),
            "narrow: e q; \n");
  // Signs may cancel in the sum, but its order shows.
  EXPECT_EQ(OfBody("e = f32[8,512] tanh(x)\n"
                   "  s = f32[8] reduce(e, z), dimensions={1}, to_apply=sum\n"
                   "  ROOT c = bf16[8] convert(s)\n"),
            "loose: e; \n");
}

TEST(SeenDigits, SoftmaxOfF32) {
  EXPECT_EQ(OfBody(absl::StrCat(kSoftmax, "  ROOT r = f32[8,512] negate(q)\n")), "loose: e q; \n");
  // With the gradient of a cross entropy: what is subtracted changes nothing of that.
  EXPECT_EQ(OfBody(absl::StrCat(kSoftmax,
                                "  g = f32[8,512] subtract(q, y)\n"
                                "  ROOT c = bf16[8,512] convert(g)\n")),
            "loose: e q; \n");
}

TEST(SeenDigits, SumsOfFewTermsAreSettled) {
  EXPECT_EQ(OfBody("e = f32[8,512] exponential(x)\n"
                   "  ROOT s = f32[512] reduce(e, z), dimensions={0}, to_apply=sum\n"),
            "\n");
}

TEST(SeenDigits, ZerosBesideUnsettledValues) {
  const std::string head =
      absl::StrCat(kSoftmax,
                   "  f = f32[8,512] broadcast(z), dimensions={}\n"
                   "  i = f32[] constant(1)\n  o = f32[8,512] broadcast(i), dimensions={}\n");
  EXPECT_EQ(OfBody(absl::StrCat(head,
                                "  v = f32[8,512] select(p, q, f)\n"
                                "  l = f32[8,512] logistic(y)\n"
                                "  ROOT m = f32[8,512] multiply(l, v)\n")),
            "loose: e q l; \n");
  EXPECT_EQ(OfBody(absl::StrCat(head,
                                "  v = f32[8,512] select(p, q, o)\n"
                                "  l = f32[8,512] logistic(y)\n"
                                "  ROOT m = f32[8,512] multiply(l, v)\n")),
            "loose: e q; \n");
}

// Accuracy, with floor: 282 / 282 is 1, whatever the order of the sum.
TEST(SeenDigits, WhatIsToldApartShowsAllOfUnsettledValues) {
  const std::string head =
      "n = f32[] constant(512)\n  d = f32[8] broadcast(n), dimensions={}\n"
      "  s = f32[8] reduce(x, z), dimensions={1}, to_apply=sum\n  q = f32[8] divide(s, d)\n";
  EXPECT_EQ(OfBody(head + "  ROOT r = f32[8] negate(q)\n"), "loose: q; \n");
  EXPECT_EQ(OfBody(head + "  ROOT r = f32[8] floor(q)\n"), "\n");
  EXPECT_EQ(OfBody(head + "  m = f32[8] multiply(q, s)\n  a = f32[8] add(m, d)\n"
                          "  ROOT r = pred[8] compare(a, d), direction=GE\n"),
            "\n");
  EXPECT_EQ(OfBody(head + "  ROOT r = s32[8] convert(q)\n"), "\n");
}

// A square doubles an error.
TEST(SeenDigits, PowersShowAll) {
  EXPECT_EQ(OfBody("e = f32[8,512] exponential(x)\n  m = f32[8,512] multiply(e, e)\n"
                   "  ROOT c = bf16[8,512] convert(m)\n"),
            "\n");
}

// Two fusions are one code; the divisor of one is no sum.
TEST(SeenDigits, EqualFusionsAgree) {
  constexpr char kTwo[] = R"(
t {
  w = f32[512] parameter(0)
  z = f32[] constant(0)
  ROOT s = f32[] reduce(w, z), dimensions={0}, to_apply=sum
}
f {
  x = f32[] parameter(0)
  s = f32[] parameter(1)
  ROOT q = f32[] divide(x, s)
}
g {
  x = f32[] parameter(0)
  s = f32[] parameter(1)
  ROOT q = f32[] divide(x, s)
}
ENTRY e {
  a = f32[512] parameter(0)
  x = f32[] parameter(1)
  y = f32[] parameter(2)
  s = f32[] fusion(a), kind=kLoop, calls=t
  u = f32[] fusion(x, s), kind=kLoop, calls=f
  v = f32[] fusion(x, y), kind=kLoop, calls=g
  ROOT r = (f32[], f32[]) tuple(u, v)
}
)";
  EXPECT_EQ(Seen(kTwo, {{"t"}, {"f"}, {"g"}}), "\nloose: q; \n\n");
  EXPECT_EQ(Seen(kTwo, {{"t"}, {"f", "g"}}), "\n\n");
}

// e is computed in two kernels; one of them stores it.
TEST(SeenDigits, OneValueInTwoKernels) {
  constexpr char kTwo[] = R"(
f {
  x = f32[8] parameter(0)
  e = f32[8] exponential(x)
  ROOT c = bf16[8] convert(e)
}
g {
  x = f32[8] parameter(0)
  e = f32[8] exponential(x)
  ROOT n = %s
}
ENTRY e {
  a = f32[8] parameter(0)
  u = bf16[8] fusion(a), kind=kLoop, calls=f
  v = %s fusion(a), kind=kLoop, calls=g
  ROOT t = (bf16[8], %s) tuple(u, v)
}
)";
  const auto with = [&](const std::string& root, const std::string& shape) {
    std::string text = kTwo;
    for (const std::string& part : {root, shape, shape}) text.replace(text.find("%s"), 2, part);
    return Seen(text, {{"f"}, {"g"}});
  };
  EXPECT_EQ(with("f32[8] negate(e)", "f32[8]"), "\n\n");
  EXPECT_EQ(with("f16[8] convert(e)", "f16[8]"), "narrow: e; \nnarrow: e; \n");
}

// A sum over a dimension of size one hands on what it sums, as in a gradient of softmax.
TEST(SeenDigits, SumsOfUnsettledValues) {
  const std::string body =
      "e = f32[8,512] exponential(x)\n  s = f32[8] reduce(e, z), dimensions={1}, to_apply=sum\n"
      "  c = f32[8,1] reshape(s)\n  t = f32[8] reduce(c, $0), dimensions={1}, to_apply=sum\n"
      "  b = f32[8,512] broadcast(t), dimensions={0}\n"
      "  ROOT m = f32[8,512] multiply(b, e)\n";
  EXPECT_EQ(OfBody(absl::Substitute(body, "z")), "loose: e; \n");
  EXPECT_EQ(OfBody(absl::StrCat("o = f32[] constant(1)\n", absl::Substitute(body, "o"))), "\n");
}

// The name of the product that the root, a sum, adds as it is.
std::string ProductOfSum(const std::string& body) {
  const auto module = ParseModule(
      absl::StrCat("HloModule m\n", kSum,
                   "ENTRY e {\n  x = f32[8,512] parameter(0)\n  z = f32[] constant(0)\n", body,
                   "}\n"),
      "m.hlo");
  EXPECT_TRUE(module.ok()) << module.status();
  if (!module.ok()) return "";
  const Instruction* reduce = (*module)->entry()->root();
  if (reduce->opcode() == Opcode::kTuple) reduce = reduce->operand(0);
  const Instruction* product = UnroundedProduct(*reduce);
  return product == nullptr ? "none" : product->name();
}

TEST(UnroundedProduct, OfALongSumAlone) {
  const std::string product = "m = f32[8,512] multiply(x, x)\n";
  const std::string sum = " s = f32[8] reduce(m, z), dimensions={1}, to_apply=sum\n";
  EXPECT_EQ(ProductOfSum(absl::StrCat(product, "ROOT", sum)), "m");
  EXPECT_EQ(ProductOfSum(absl::StrCat("m = f32[8,512] add(x, x)\nROOT", sum)), "none");
  // Somebody else reads the product.
  EXPECT_EQ(ProductOfSum(absl::StrCat(product, sum, "ROOT t = (f32[8], f32[8,512]) tuple(s, m)\n")),
            "none");
  // So few terms have an order that shows in no digit.
  EXPECT_EQ(ProductOfSum(absl::StrCat(
                product, "ROOT s = f32[512] reduce(m, z), dimensions={0}, to_apply=sum\n")),
            "none");
}

}  // namespace
}  // namespace ingot::plan
