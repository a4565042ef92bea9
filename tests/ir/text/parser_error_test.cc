// What the parser refuses, where it says so and what it says.
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "ir/text/parser.h"

namespace ingot {
namespace {

std::string ErrorOf(const std::string& text) {
  const auto module = ParseModule(text, "m.hlo");
  if (module.ok()) return "no error";
  EXPECT_EQ(module.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(module.status().message());
}

// The error of a module whose entry has a parameter p, f32[2], and then `lines`, which start in
// line 4 of the text.
std::string ErrorIn(const std::string& lines) {
  return ErrorOf(absl::StrCat("HloModule m\nENTRY e {\np = f32[2] parameter(0)\n", lines, "\n}\n"));
}

TEST(ParserErrors, Names) {
  EXPECT_EQ(ErrorIn("ROOT a = f32[2] negat(p)"),
            "m.hlo:4:17: unknown opcode 'negat', did you mean 'negate'?");
  EXPECT_EQ(ErrorIn("ROOT a = f32[2] frobnicate(p)"), "m.hlo:4:17: unknown opcode 'frobnicate'");
  EXPECT_EQ(ErrorIn("ROOT a = f33[2] negate(p)"),
            "m.hlo:4:10: unknown element type 'f33', did you mean 'f32'?");
  EXPECT_EQ(ErrorIn("ROOT a = f32[2] negate(q)"),
            "m.hlo:4:24: no instruction 'q' stands before this one in computation e");
  EXPECT_EQ(ErrorIn("ROOT a = f32[2] negate(a)"),
            "m.hlo:4:24: no instruction 'a' stands before this one in computation e");
  EXPECT_EQ(ErrorIn("p = f32[2] negate(p)"), "m.hlo:4:1: the name 'p' is taken by line 3");
  EXPECT_EQ(ErrorIn("ROOT a = f32[2] call(p), to_apply=g"),
            "m.hlo:4:35: there is no computation 'g', did you mean 'e'?");
}

TEST(ParserErrors, Operands) {
  EXPECT_EQ(ErrorIn("ROOT a = f32[2] add(p)"), "m.hlo:4:20: add takes 2 operands, found 1");
  EXPECT_EQ(ErrorIn("ROOT a = f32[2] negate(p, p)"), "m.hlo:4:23: negate takes 1 operand, found 2");
  EXPECT_EQ(ErrorIn("ROOT a = f32[2] add(p p)"),
            "m.hlo:4:23: expected ')' or ',' after an operand, found 'p'");
  EXPECT_EQ(ErrorIn("ROOT a = f32[2] add(f32[3] p, p)"),
            "m.hlo:4:21: the operand is said to be f32[3], but p is f32[2]");
}

TEST(ParserErrors, Attributes) {
  EXPECT_EQ(ErrorIn("ROOT a = f32[2] reverse(p)"),
            "m.hlo:4:17: reverse lacks the attribute 'dimensions'");
  EXPECT_EQ(ErrorIn("ROOT a = f32[2] reverse(p), dimensions={0}, dimensions={0}"),
            "m.hlo:4:45: the attribute dimensions is stated twice");
  EXPECT_EQ(ErrorIn("ROOT a = f32[2] negate(p), dimensions={0}"),
            "m.hlo:4:28: negate has no attribute 'dimensions'");
  EXPECT_EQ(ErrorIn("ROOT a = f32[2] negate(p), to_apply=e"),
            "m.hlo:4:28: negate has no attribute 'to_apply'");
  EXPECT_EQ(ErrorIn("ROOT a = f32[2] while(p), body=e"),
            "m.hlo:4:17: while lacks the attribute 'condition'");
  EXPECT_EQ(ErrorIn("ROOT a = f32[2] reverse(p), dimensions={99999999999999999999}"),
            "m.hlo:4:41: dimensions does not fit 64 bits: 99999999999999999999");
  EXPECT_EQ(ErrorIn("ROOT a = pred[2] compare(p, p), direction=XX"),
            "m.hlo:4:43: unknown direction 'XX', expected one of EQ, NE, GE, GT, LE, LT");
  EXPECT_EQ(ErrorIn("ROOT a = f32[2] negate(p), metadata={op_name=(}"),
            "m.hlo:4:47: expected ')' in metadata, found '}'");
  EXPECT_EQ(ErrorIn("ROOT a = f32[2] negate(p), metadata={op_name=\"x}"),
            "m.hlo:4:46: the string does not end");
  EXPECT_EQ(ErrorIn("ROOT a = f32[2] convolution(p, p), dim_labels=bf_io->b"),
            "m.hlo:4:47: bad dim_labels 'bf_io->b', expected the like of b01f_01io->b01f");
  EXPECT_EQ(
      ErrorIn("ROOT a = f32[2] convolution(p, p), window={size=2x2 pad=1_1}, dim_labels=bf_io->bf"),
      "m.hlo:4:53: pad has 1 dimensions, the window 2");
  EXPECT_EQ(ErrorIn("ROOT a = f32[2] conditional(p), true_computation=e"),
            "m.hlo:4:17: conditional lacks the attribute 'false_computation'");
}

TEST(ParserErrors, Shapes) {
  EXPECT_EQ(ErrorIn("ROOT a = f32[-2] negate(p)"),
            "m.hlo:4:14: dimension 0 has the negative size -2");
  EXPECT_EQ(ErrorIn("ROOT a = f32[4611686018427387904,4] negate(p)"),
            "m.hlo:4:10: the size of f32[4611686018427387904,4] overflows 2^62 bytes");
  EXPECT_EQ(ErrorIn("ROOT a = (s8[4000000000000000000], s8[4000000000000000000]) tuple(p, p)"),
            "m.hlo:4:10: the size of a tuple overflows 2^62 bytes");
  EXPECT_EQ(ErrorIn("ROOT a = f32[99999999999999999999] negate(p)"),
            "m.hlo:4:14: the size of a dimension does not fit 64 bits: 99999999999999999999");
  EXPECT_EQ(ErrorIn("ROOT a = f32[2,2]{1,1} negate(p)"),
            "m.hlo:4:10: layout {1,1} is not a permutation of the 2 dimensions of f32[2,2]");
  EXPECT_EQ(ErrorIn("ROOT a = f32[2 negate(p)"),
            "m.hlo:4:16: expected ']' after dimensions, found 'negate'");
}

TEST(ParserErrors, Constants) {
  EXPECT_EQ(ErrorIn("ROOT a = f32[3] constant({1, 2})"),
            "m.hlo:4:26: the literal of f32[3] needs 3 elements in dimension 0, found only 2");
  EXPECT_EQ(ErrorIn("ROOT a = f32[2] constant({1, 2, 3})"),
            "m.hlo:4:26: the literal of f32[2] needs 2 elements in dimension 0, found more");
  EXPECT_EQ(
      ErrorIn("ROOT a = f32[1000000000000000] constant({1, 2, 3})"),
      "m.hlo:4:41: the literal of f32[1000000000000000] needs 1000000000000000 elements, and the "
      "text has only 13 characters left");
  EXPECT_EQ(ErrorIn("ROOT a = s8[] constant(128)"), "m.hlo:4:24: 128 is out of range for s8");
  EXPECT_EQ(ErrorIn("ROOT a = u8[] constant(-1)"), "m.hlo:4:24: -1 is out of range for u8");
  EXPECT_EQ(ErrorIn("ROOT a = f32[] constant(1e39)"), "m.hlo:4:25: 1e39 is out of range for f32");
  EXPECT_EQ(ErrorIn("ROOT a = s32[] constant(1.5)"),
            "m.hlo:4:25: expected a value of s32, found '1.5'");
  EXPECT_EQ(ErrorIn("ROOT a = token[] constant(1)"), "m.hlo:4:27: there is no literal of token[]");
  EXPECT_EQ(ErrorIn("ROOT a = f8e4m3fn[] constant(inf)"),
            "m.hlo:4:30: inf is out of range for f8e4m3fn");
}

TEST(ParserErrors, Structure) {
  EXPECT_EQ(ErrorOf(""), "m.hlo:1:1: expected 'HloModule', found the end of the text");
  EXPECT_EQ(ErrorOf("HloModule m\n"),
            "m.hlo:2:1: expected the name of a computation, found the end of the text");
  EXPECT_EQ(ErrorOf("HloModule m\nf {\n ROOT p = f32[] parameter(0)\n}\n"),
            "m.hlo:5:1: the module has no ENTRY computation");
  EXPECT_EQ(ErrorOf("HloModule m\nENTRY e {\n p = f32[] parameter(0)\n}\n"),
            "m.hlo:4:1: computation e has no ROOT");
  EXPECT_EQ(ErrorIn("ROOT a = f32[2] negate(p)\nROOT b = f32[2] negate(p)"),
            "m.hlo:5:1: computation e has a second ROOT");
  EXPECT_EQ(ErrorIn("ROOT q = f32[2] parameter(2)"),
            "m.hlo:4:26: computation e has a parameter 2 and no parameter 1");
  EXPECT_EQ(ErrorIn("ROOT q = f32[2] parameter(0)"),
            "m.hlo:4:26: parameter 0 of computation e stands twice");
  EXPECT_EQ(ErrorIn("ROOT q = f32[2] parameter(-1)"),
            "m.hlo:4:27: the parameter has the negative number -1");
  EXPECT_EQ(ErrorIn("ROOT a = f32[2] negate(p)\n}\nENTRY e {\n ROOT p = f32[] parameter(0)"),
            "m.hlo:6:1: the module has a second ENTRY");
  EXPECT_EQ(ErrorIn("ROOT a = f32[2] negate(p)\n}\ne {\n ROOT p = f32[] parameter(0)"),
            "m.hlo:6:1: the module has a second computation 'e'");
  EXPECT_EQ(ErrorIn("ROOT a = f32[2] negate(p) b"),
            "m.hlo:5:1: expected '=' after the name of an instruction, found '}'");
  EXPECT_EQ(
      ErrorOf("HloModule m\nENTRY e (p: f32[3]) -> f32[2] {\n ROOT p = f32[2] parameter(0)\n}"),
      "m.hlo:2:9: the signature of e says that parameter 0 is f32[3], its body f32[2]");
  EXPECT_EQ(ErrorOf("HloModule m\nENTRY e () -> f32[2] {\n ROOT p = f32[2] parameter(0)\n}"),
            "m.hlo:2:9: the signature of e has 0 parameters, its body 1");
}

TEST(ParserErrors, MessagesAreCut) {
  std::string shape = "(s8[]";
  for (int i = 0; i < 10000; ++i) shape += ", s8[]";
  EXPECT_LT(ErrorIn("ROOT a = s8[] negate(" + shape + ") p)").size(), 2100);
}

TEST(ParserErrors, Recursion) {
  const std::string body = " {\n p = f32[] parameter(0)\n ROOT c = f32[] call(p), to_apply=";
  EXPECT_EQ(ErrorOf("HloModule m\nENTRY e" + body + "e\n}\n"),
            "m.hlo:4:35: computation e calls itself");
  EXPECT_EQ(ErrorOf("HloModule m\nENTRY e" + body + "f\n}\nf" + body + "g\n}\ng" + body + "e\n}\n"),
            "m.hlo:12:35: computation e calls itself, through f, g");
}

TEST(ParserErrors, CallsNestTooDeep) {
  std::string text = "HloModule m\nENTRY c0 {\n ROOT p = f32[] parameter(0)\n}\n";
  for (int i = 1; i <= 300; ++i) {
    absl::StrAppend(&text, "c", i,
                    " {\n p = f32[] parameter(0)\n ROOT r = f32[] call(p), to_apply=c", i - 1,
                    "\n}\n");
  }
  EXPECT_EQ(ErrorOf(text), "m.hlo:1027:35: calls nest deeper than 256");
}

}  // namespace
}  // namespace ingot
