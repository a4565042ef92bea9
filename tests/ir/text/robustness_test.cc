// No text crashes the parser, takes it long, or makes it take much memory.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "ir/text/parser.h"
#include "ir/text/printer.h"
#include "tests/paths/paths.h"

namespace ingot {
namespace {

std::string Repeat(absl::string_view text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) absl::StrAppend(&result, text);
  return result;
}

// Expects an error that says its place.
void ExpectRefused(const std::string& text) {
  const auto module = ParseModule(text, "m.hlo");
  ASSERT_FALSE(module.ok());
  EXPECT_EQ(module.status().message().find("m.hlo:"), 0) << module.status();
}

std::string InEntry(const std::string& line) {
  return absl::StrCat("HloModule m\nENTRY e {\n p = f32[2] parameter(0)\n", line, "\n}\n");
}

TEST(Robustness, DeepNesting) {
  constexpr int kDeep = 100000;
  const std::string open = Repeat("(", kDeep);
  const std::string close = Repeat(")", kDeep);
  ExpectRefused(InEntry("ROOT a = " + open + "f32[]" + close + " negate(p)"));
  ExpectRefused(InEntry("ROOT a = " + open));
  ExpectRefused(InEntry("ROOT a = f32[2] negate(" + open + close + ")"));
  ExpectRefused(InEntry("ROOT a = f32[2] " + Repeat("negate(", kDeep) + "p" + close));
  ExpectRefused(InEntry("ROOT a = f32[2] " + Repeat("negate(f32[2] ", kDeep) + "p" + close));
  ExpectRefused(
      InEntry("ROOT a = f32[2] constant(" + Repeat("{", kDeep) + "1" + Repeat("}", kDeep) + ")"));
  ExpectRefused(InEntry("ROOT a = f32[" + Repeat("1,", kDeep) + "1] parameter(1)"));
  ExpectRefused(InEntry("ROOT a = f32[2] call(p), to_apply=" +
                        Repeat("{ ROOT a = f32[2] call(p), to_apply=", kDeep)));
  ExpectRefused(open);
}

TEST(Robustness, DeepBracketsInAttributesAreOnlyText) {
  constexpr int kDeep = 100000;
  const std::string text =
      InEntry("  ROOT a = f32[2] negate(p), metadata=" + Repeat("{", kDeep) + Repeat("}", kDeep));
  const auto module = ParseModule(text, "m.hlo");
  ASSERT_TRUE(module.ok()) << module.status();
}

// Linear in the text: a quadratic parser would take minutes.
TEST(Robustness, ManyInstructions) {
  constexpr int kCount = 100000;
  std::string text = "HloModule m\n\nENTRY e {\n  i0 = f32[2]{0} parameter(0)\n";
  for (int i = 1; i < kCount; ++i) {
    absl::StrAppend(&text, i + 1 == kCount ? "  ROOT i" : "  i", i, " = f32[2]{0} add(i", i - 1,
                    ", i0)\n");
  }
  absl::StrAppend(&text, "}\n");
  const auto module = ParseModule(text, "m.hlo");
  ASSERT_TRUE(module.ok()) << module.status();
  EXPECT_EQ(ToString(**module), text);
}

TEST(Robustness, ManyParametersComputationsAndOperands) {
  constexpr int kCount = 20000;
  std::string text = "HloModule m\n\n";
  for (int i = 0; i < kCount; ++i) {
    absl::StrAppend(&text, "c", i, " {\n  ROOT p = s8[] parameter(0)\n}\n\n");
  }
  absl::StrAppend(&text, "ENTRY e {\n");
  std::string shapes, operands;
  for (int i = 0; i < kCount; ++i) {
    absl::StrAppend(&text, "  p", i, " = s8[] parameter(", kCount - 1 - i, ")\n");
    absl::StrAppend(&text, "  q", i, " = s8[] call(p", i, "), to_apply=c", i, "\n");
    absl::StrAppend(&shapes, i == 0 ? "" : ", ",
                    i > 0 && i % 5 == 0 ? absl::StrCat("/*index=", i, "*/") : "", "s8[]");
    absl::StrAppend(&operands, i == 0 ? "" : ", ", "q", i);
  }
  absl::StrAppend(&text, "  ROOT r = (", shapes, ") tuple(", operands, ")\n}\n");
  const auto module = ParseModule(text, "m.hlo");
  ASSERT_TRUE(module.ok()) << module.status();
  EXPECT_EQ(ToString(**module), text);
}

// Modules that are cut or damaged either are refused with a place or still are modules.
class DamagedTest : public testing::TestWithParam<const char*> {
 protected:
  static std::string Text(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string((std::istreambuf_iterator<char>(file)), {});
  }
  // Whether it was read.
  static bool Try(const std::string& text) {
    const auto module = ParseModule(text, "m.hlo");
    if (!module.ok()) {
      EXPECT_EQ(module.status().message().find("m.hlo:"), 0) << module.status();
      return false;
    }
    // What was read can be printed, and that read again.
    const std::string printed = ToString(**module);
    const auto again = ParseModule(printed, "printed.hlo");
    EXPECT_TRUE(again.ok()) << again.status();
    return true;
  }
};

TEST_P(DamagedTest, CutShort) {
  const std::string text = Text(test::RepositoryRoot() + "/tests/ir/text/golden/" + GetParam());
  ASSERT_GT(text.size(), 1000);
  // Up to the brace that closes the entry, every cut is an error.
  const size_t last = text.rfind('}');
  for (size_t size = 0; size < last; size += 97) {
    EXPECT_FALSE(Try(text.substr(0, size))) << "cut at " << size;
  }
}

TEST_P(DamagedTest, OneBitFlipped) {
  const std::string text = Text(test::RepositoryRoot() + "/tests/ir/text/golden/" + GetParam());
  std::mt19937 random(1);
  for (int i = 0; i < 2000; ++i) {
    std::string damaged = text;
    const size_t bit = std::uniform_int_distribution<size_t>(0, text.size() * 8 - 1)(random);
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    SCOPED_TRACE(absl::StrCat("bit ", bit % 8, " of byte ", bit / 8));
    Try(damaged);
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, DamagedTest,
                         testing::Values("every_op_short.hlo", "every_op_operand_shapes.hlo",
                                         "literals_short.hlo", "gpu_cublas.hlo",
                                         "gpu_collectives.hlo"),
                         [](const auto& info) {
                           const std::string name = info.param;
                           return name.substr(0, name.find('.'));
                         });

}  // namespace
}  // namespace ingot
