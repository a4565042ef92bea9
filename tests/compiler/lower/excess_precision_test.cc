// Values that stay in f32, as kernels of the host.
#include "compiler/plan/excess_precision.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "ir/evaluator/evaluator.h"
#include "tests/compiler/lower/harness.h"

namespace ingot::test {
namespace {

constexpr char kCombiners[] = R"(HloModule m
max { a = bf16[] parameter(0)  b = bf16[] parameter(1)  ROOT m = bf16[] maximum(a, b) }
sum { a = s32[] parameter(0)  b = s32[] parameter(1)  ROOT m = s32[] add(a, b) }
)";

// The results of the entry, as one fusion with all roundings left out that may be.
std::vector<Literal> RunUnrounded(const std::string& text, const std::vector<Literal>& inputs,
                                  size_t* unrounded = nullptr) {
  const std::unique_ptr<Module> module = Parse(text);
  if (module == nullptr) return {};
  plan::PlanOptions options;
  options.unrounded = plan::FindUnrounded(plan::FusionMembers(*module, {{module->entry()}}), 0)[0];
  if (unrounded != nullptr) *unrounded += options.unrounded.size();
  auto results = RunOnHost(*module->entry(), inputs, *HostTarget(), options);
  EXPECT_TRUE(results.ok()) << results.status() << "\n" << text;
  return results.ok() ? *std::move(results) : std::vector<Literal>{};
}

Literal Input(ElementType type, uint64_t seed) {
  return RandomLiteral(Shape::Array(type, {8, 32}), {.seed = seed});
}

// Every value but the last stays in f32: what the same ops of f32 give, rounded once.
TEST(UnroundedValues, AreTheSameOpsInF32) {
  for (const char* type : {"bf16", "f16"}) {
    const std::string text = absl::StrReplaceAll(R"(HloModule m
ENTRY e {
  p = T[8,32] parameter(0)
  q = f32[8,32] parameter(1)
  c = T[8,32] convert(q)
  s = T[8,32] multiply(c, p)
  t = T[32,8] transpose(s), dimensions={1,0}
  m = T[8,32] transpose(t), dimensions={1,0}
  w = T[8,32] maximum(m, c)
  k = pred[8,32] compare(p, p), direction=EQ
  x = T[8,32] select(k, w, c)
  y = T[8,32] subtract(x, p)
  ROOT r = T[8,32] multiply(y, y)
})",
                                                 {{"T[", absl::StrCat(type, "[")}});
    const ElementType element = type == std::string("f16") ? ElementType::kF16 : ElementType::kBF16;
    const std::vector<Literal> inputs = {Input(element, 1), Input(ElementType::kF32, 2)};
    size_t unrounded = 0;
    const std::vector<Literal> results = RunUnrounded(text, inputs, &unrounded);
    EXPECT_EQ(unrounded, 7u);
    std::string wide = absl::StrReplaceAll(text, {{absl::StrCat(type, "["), "f32["}});
    wide = absl::StrReplaceAll(
        wide,
        {{"p = f32[8,32] parameter(0)",
          absl::StrCat("n = ", type, "[8,32] parameter(0)\n  p = f32[8,32] convert(n)")},
         {"ROOT r = f32[8,32] multiply(y, y)",
          absl::StrCat("z = f32[8,32] multiply(y, y)\n  ROOT r = ", type, "[8,32] convert(z)")}});
    const std::unique_ptr<Module> module = Parse(wide);
    ASSERT_NE(module, nullptr);
    const auto expected = Evaluate(*module, inputs);
    ASSERT_TRUE(expected.ok()) << expected.status();
    ASSERT_EQ(results.size(), 1u);
    EXPECT_TRUE(results[0] == *expected) << text;
  }
}

// A chain of random ops on p and q; the last value is `x`.
std::string RandomChain(uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::string> names = {"p", "q"};
  std::string text = "  k = pred[8,32] compare(p, q), direction=LT\n";
  const int count = 3 + static_cast<int>(random() % 6);
  for (int i = 0; i < count; ++i) {
    const auto any = [&] {
      return names[names.size() - 1 - random() % std::min<size_t>(3, names.size())];
    };
    const std::string name = i == count - 1 ? "x" : absl::StrCat("v", i);
    static constexpr const char* kUnary[] = {"negate", "abs", "exponential", "tanh", "logistic"};
    static constexpr const char* kBinary[] = {"add", "subtract", "multiply", "maximum", "divide"};
    std::string op;
    switch (random() % 4) {
      case 0:
        op = absl::StrCat(kUnary[random() % 5], "(", any(), ")");
        break;
      case 1:
        op = absl::StrCat("select(k, ", any(), ", ", any(), ")");
        break;
      default:
        op = absl::StrCat(kBinary[random() % 5], "(", any(), ", ", any(), ")");
    }
    absl::StrAppend(&text, "  ", name, " = bf16[8,32] ", op, "\n");
    names.push_back(name);
  }
  return text;
}

// How often x is its row's maximum, with x computed for that alone: as often as in the x that the
// same program stores.
TEST(UnroundedValues, ElementsEqualToTheMaximumAreCounted) {
  size_t unrounded = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    const std::string head = absl::StrCat(kCombiners, "ENTRY e {\n  p = bf16[8,32] parameter(0)\n",
                                          "  q = bf16[8,32] parameter(1)\n", RandomChain(seed));
    const std::string text = absl::StrCat(head, R"(  i = bf16[] constant(-inf)
  m = bf16[8] reduce(x, i), dimensions={1}, to_apply=max
  b = bf16[8,32] broadcast(m), dimensions={0}
  c = pred[8,32] compare(x, b), direction=EQ
  n = s32[8,32] convert(c)
  z = s32[] constant(0)
  ROOT r = s32[8] reduce(n, z), dimensions={1}, to_apply=sum
})");
    const std::vector<Literal> inputs = {Input(ElementType::kBF16, 2 * seed),
                                         Input(ElementType::kBF16, 2 * seed + 1)};
    const std::vector<Literal> counts = RunUnrounded(text, inputs, &unrounded);
    const std::vector<Literal> stored =
        RunUnrounded(absl::StrCat(head, "  ROOT y = bf16[8,32] copy(x)\n}"), inputs);
    ASSERT_EQ(counts.size(), 1u);
    ASSERT_EQ(stored.size(), 1u);
    for (int64_t row = 0; row < 8; ++row) {
      double most = -INFINITY;
      for (int64_t i = 0; i < 32; ++i) {
        const double value = stored[0].AsDouble(row * 32 + i);
        if (std::isnan(value)) most = NAN;
        if (value > most) most = value;
      }
      int64_t expected = 0;
      for (int64_t i = 0; i < 32; ++i) expected += stored[0].AsDouble(row * 32 + i) == most;
      EXPECT_EQ(counts[0].AsInteger(row), expected) << "row " << row << "\n" << text;
    }
  }
  EXPECT_GT(unrounded, 60u);
}

}  // namespace
}  // namespace ingot::test
