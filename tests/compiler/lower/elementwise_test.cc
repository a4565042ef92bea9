// Every elementwise op on every element type that it takes, at odd shapes.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "compiler/lower/math/math.h"
#include "ir/base/element_type.h"
#include "ir/infer/infer.h"
#include "ir/opcode.h"
#include "tests/compiler/lower/harness.h"

namespace ingot::test {
namespace {

constexpr const char* kShapes[] = {"[]", "[7]", "[3,5,16]"};
constexpr const char* kFloats[] = {"f16", "bf16", "f32", "f64", "f8e4m3fn", "f8e5m2"};
constexpr const char* kIntegers[] = {"s4",  "u4",  "s8",  "u8",  "s16",
                                     "u16", "s32", "u32", "s64", "u64"};

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

CheckOptions Specials() {
  CheckOptions options;
  options.inputs.specials = true;
  return options;
}

// Exact, but for elementary functions, of which math/ has the bounds: here each type reaches them.
CheckOptions OptionsFor(Opcode opcode, ElementType type) {
  CheckOptions options;
  const bool is_exact = IsFloat(type) && !lower::HasMath(opcode);
  options.inputs.specials = is_exact;
  options.tolerance.ulps = is_exact ? 0 : 4;
  if (IsComplex(type)) options.tolerance.relative_to_norm = 1e-5;
  if (IsOneOf(opcode,
              {Opcode::kShiftLeft, Opcode::kShiftRightArithmetic, Opcode::kShiftRightLogical})) {
    options.inputs.limit = 70;
  }
  return options;
}

// What ir/opcodes.def says that an op takes, which is what inference accepts, the evaluator
// computes and the host runs.
TEST(Elementwise, EveryOpOnEveryType) {
  constexpr Opcode kOps[] = {
#define INGOT_OPCODE(...)
#define INGOT_ELEMENTWISE(...)
#define INGOT_UNARY(Name, ...) Opcode::k##Name,
#define INGOT_BINARY(Name, ...) Opcode::k##Name,
#include "ir/opcodes.def"
  };
  int number = 0;
  for (Opcode opcode : kOps) {
    for (int t = 0; t < kElementTypeCount; ++t) {
      const ElementType type = static_cast<ElementType>(t);
      const Shape scalar = Shape::Array(type, {});
      const std::vector<const Shape*> operands(InfoOf(opcode).arity, &scalar);
      const absl::StatusOr<Shape> result = InferShape(opcode, operands, NoAttributes{}, {});
      if (!result.ok()) continue;
      const std::string shape = kShapes[number++ % std::size(kShapes)];
      ExpectMatchesEvaluator(
          Text(std::string(OpcodeName(opcode)), std::string(ElementTypeName(type)), shape,
               operands.size(), "", std::string(ElementTypeName(result->element_type()))),
          OptionsFor(opcode, type));
    }
  }
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
