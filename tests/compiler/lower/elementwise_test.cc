// Every elementwise op on every element type that it takes, at odd shapes.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ir/base/element_type.h"
#include "tests/compiler/lower/harness.h"

namespace ingot::test {
namespace {

constexpr const char* kShapes[] = {"[]", "[7]", "[3,5,16]"};
constexpr const char* kFloats[] = {"f16", "bf16", "f32", "f64", "f8e4m3fn", "f8e5m2"};
constexpr const char* kIntegers[] = {"s4",  "u4",  "s8",  "u8",  "s16",
                                     "u16", "s32", "u32", "s64", "u64"};
constexpr const char* kSigned[] = {"s4", "s8", "s16", "s32", "s64"};
constexpr const char* kComplex[] = {"c64", "c128"};

// f(parameters...) of one type, with `attributes`; the result has `result` or the same type.
std::string Text(const std::string& op, const std::string& type, const std::string& shape,
                 int operands, const std::string& attributes = "", std::string result = "") {
  if (result.empty()) result = type;
  std::string text = "HloModule m\nENTRY e {\n";
  std::string names;
  for (int i = 0; i < operands; ++i) {
    absl::StrAppend(&text, "  p", i, " = ", type, shape, " parameter(", i, ")\n");
    absl::StrAppend(&names, i ? ", p" : "p", i);
  }
  absl::StrAppend(&text, "  ROOT r = ", result, shape, " ", op, "(", names, ")", attributes,
                  "\n}\n");
  return text;
}

template <size_t n>
void CheckAll(const std::vector<std::string>& ops, const char* const (&types)[n], int operands,
              const CheckOptions& options = {}) {
  for (const std::string& op : ops) {
    for (const char* type : types) {
      for (const char* shape : kShapes) {
        ExpectMatchesEvaluator(Text(op, type, shape, operands), options);
      }
    }
  }
}

CheckOptions Specials(double ulps = 0) {
  CheckOptions options;
  options.inputs.specials = true;
  options.tolerance.ulps = ulps;
  return options;
}

TEST(Elementwise, FloatArithmeticIsExact) {
  CheckAll(
      {"abs", "ceil", "floor", "negate", "round-nearest-afz", "round-nearest-even", "sign", "sqrt"},
      kFloats, 1, Specials());
  CheckAll({"add", "subtract", "multiply", "divide", "maximum", "minimum"}, kFloats, 2, Specials());
}

TEST(Elementwise, IntegerArithmeticIsExact) {
  CheckAll({"count-leading-zeros", "not", "popcnt", "sign"}, kIntegers, 1);
  CheckAll({"abs", "negate"}, kSigned, 1);
  CheckAll({"add", "subtract", "multiply", "divide", "remainder", "maximum", "minimum", "and", "or",
            "xor", "power"},
           kIntegers, 2);
  CheckOptions small;
  small.inputs.limit = 70;
  CheckAll({"shift-left", "shift-right-arithmetic", "shift-right-logical"}, kIntegers, 2, small);
}

TEST(Elementwise, PredIsExact) {
  constexpr const char* kPred[] = {"pred"};
  CheckAll({"not"}, kPred, 1);
  CheckAll({"and", "or", "xor", "add", "multiply", "maximum", "minimum"}, kPred, 2);
}

TEST(Elementwise, ComplexArithmetic) {
  CheckOptions options;
  options.tolerance.ulps = 4;
  options.tolerance.relative_to_norm = 1e-6;
  CheckAll({"add", "subtract", "multiply", "divide"}, kComplex, 2, options);
  CheckAll({"negate", "sqrt", "sign"}, kComplex, 1, options);
  for (const char* shape : kShapes) {
    ExpectMatchesEvaluator(Text("abs", "c64", shape, 1, "", "f32"), options);
    ExpectMatchesEvaluator(Text("real", "c64", shape, 1, "", "f32"));
    ExpectMatchesEvaluator(Text("imag", "c128", shape, 1, "", "f64"));
    ExpectMatchesEvaluator(Text("complex", "f32", shape, 2, "", "c64"));
  }
}

// The functions themselves are tested in math/: here that each type, narrow ones too, reaches them.
TEST(Elementwise, ElementaryFunctions) {
  CheckOptions options;
  options.tolerance.ulps = 4;
  constexpr const char* kTypes[] = {"bf16", "f32", "f64", "f8e5m2"};
  CheckAll({"cbrt", "cosine", "erf", "exponential", "exponential-minus-one", "logistic", "rsqrt",
            "sine", "tan", "tanh", "log", "log-plus-one"},
           kTypes, 1, options);
  CheckAll({"power", "atan2", "remainder"}, kTypes, 2, options);
  CheckOptions complex;
  complex.tolerance.relative_to_norm = 1e-5;
  constexpr const char* kComplexTypes[] = {"c64", "c128"};
  CheckAll({"exponential", "exponential-minus-one", "log", "log-plus-one", "logistic", "cbrt",
            "sine", "cosine", "tanh", "rsqrt"},
           kComplexTypes, 1, complex);
  CheckAll({"power"}, kComplexTypes, 2, complex);
}

TEST(Elementwise, Compare) {
  for (const char* direction : {"EQ", "NE", "LT", "LE", "GT", "GE"}) {
    for (const char* type : {"pred", "u4", "s8", "u32", "s64", "f8e5m2", "bf16", "f32", "f64"}) {
      ExpectMatchesEvaluator(
          Text("compare", type, "[3,21]", 2, absl::StrCat(", direction=", direction), "pred"),
          Specials());
    }
    for (const char* type : {"bf16", "f16", "f32", "f64"}) {
      ExpectMatchesEvaluator(
          Text("compare", type, "[63]", 2,
               absl::StrCat(", direction=", direction, ", type=TOTALORDER"), "pred"),
          Specials());
    }
  }
}

TEST(Elementwise, ConvertBetweenAllTypes) {
  std::vector<std::string> types = {"pred", "c64"};
  for (const char* type : kFloats) types.push_back(type);
  for (const char* type : kIntegers) types.push_back(type);
  for (const std::string& from : types) {
    for (const std::string& to : types) {
      if (from == "c64" && to != "c64") continue;
      ExpectMatchesEvaluator(Text("convert", from, "[37]", 1, "", to), Specials());
    }
  }
}

TEST(Elementwise, ClampSelectAndOthers) {
  for (const char* type : {"s8", "u32", "bf16", "f32", "f64"}) {
    const std::string t = type;
    ExpectMatchesEvaluator("HloModule m\nENTRY e {\n  a = " + t + "[] parameter(0)\n  x = " + t +
                           "[5,9] parameter(1)\n  b = " + t + "[] parameter(2)\n  ROOT r = " + t +
                           "[5,9] clamp(a, x, b)\n}\n");
    ExpectMatchesEvaluator(Text("clamp", type, "[33]", 3), Specials());
    ExpectMatchesEvaluator("HloModule m\nENTRY e {\n  p = pred[33] parameter(0)\n  x = " + t +
                           "[33] parameter(1)\n  y = " + t + "[33] parameter(2)\n  ROOT r = " + t +
                           "[33] select(p, x, y)\n}\n");
  }
  for (const char* type : {"f16", "bf16", "f32", "f64"}) {
    ExpectMatchesEvaluator(Text("is-finite", type, "[41]", 1, "", "pred"), Specials());
    for (const char* bits :
         {", exponent_bits=5, mantissa_bits=10", ", exponent_bits=8, mantissa_bits=3",
          ", exponent_bits=4, mantissa_bits=2"}) {
      ExpectMatchesEvaluator(Text("reduce-precision", type, "[65]", 1, bits), Specials());
    }
  }
}

}  // namespace
}  // namespace ingot::test
