// What the parser understands beyond what XLA prints, and what a module that was read holds.
#include "ir/text/parser.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "ir/text/printer.h"

namespace ingot {
namespace {

std::unique_ptr<Module> Parse(absl::string_view text) {
  auto module = ParseModule(text, "m.hlo");
  EXPECT_TRUE(module.ok()) << module.status();
  return module.ok() ? *std::move(module) : std::make_unique<Module>("");
}

TEST(Parser, InstructionsKnowTheirPlace) {
  const auto module =
      Parse("HloModule m\n\nENTRY e {\n  a = f32[] parameter(0)\n ROOT b = f32[] negate(a)\n}\n");
  const Instruction* root = module->entry()->root();
  EXPECT_EQ(module->file_name, "m.hlo");
  EXPECT_EQ(root->source_line(), 5);
  EXPECT_EQ(root->source_column(), 7);
  EXPECT_EQ(root->operand(0)->source_line(), 4);
}

TEST(Parser, AttributesHaveTheirValues) {
  const auto module =
      Parse(R"(HloModule m, is_scheduled=true, input_output_alias={ {1}: (0, {2,3}, must-alias) }
ENTRY e {
  a = f32[1,8,8,4] parameter(0)
  k = f32[3,3,4,16] parameter(1)
  c = f32[1,4,4,16] convolution(a, k), window={size=3x3 stride=2x2 pad=0_1x-1_2 lhs_dilate=1x3 rhs_dilate=2x1 rhs_reversal=0x1}, dim_labels=b01f_01io->b01f, operand_precision={highest,default}
  z = f32[] constant(1)
  p = f32[1,9,8,4] pad(a, z), padding=0_0x-1_2x0_0_0x0_0
  s = f32[1,2,8,4] slice(a), slice={[0:1], [1:5:2], [0:8], [0:4]}
  ROOT q = pred[1,8,8,4] compare(a, a), direction=LE, type=TOTALORDER
}
)");
  EXPECT_TRUE(module->is_scheduled);
  EXPECT_EQ(module->input_output_aliases,
            (std::vector<InputOutputAlias>{{{1}, 0, {2, 3}, /*must_alias=*/true}}));
  const auto& instructions = module->entry()->instructions();
  const auto& convolution = instructions[2]->attributes<ConvolutionAttributes>();
  EXPECT_EQ(convolution.window.dimensions[0],
            (WindowDimension{3, 2, 0, 1, 1, 2, /*reversal=*/false}));
  EXPECT_EQ(convolution.window.dimensions[1],
            (WindowDimension{3, 2, -1, 2, 3, 1, /*reversal=*/true}));
  EXPECT_EQ(convolution.dim_labels.input_feature, 3);
  EXPECT_EQ(convolution.dim_labels.kernel_spatial, (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(convolution.operand_precision, (Precisions{Precision::kHighest, Precision::kDefault}));
  EXPECT_EQ(instructions[4]->attributes<PadAttributes>().padding[1], (PaddingDimension{-1, 2, 0}));
  EXPECT_EQ(instructions[5]->attributes<SliceAttributes>().slice[1], (SliceDimension{1, 5, 2}));
  EXPECT_EQ(instructions[6]->attributes<CompareAttributes>().type, ComparisonType::kTotalOrder);
}

TEST(Parser, CallsMayComeBeforeWhatTheyCall) {
  const auto module = Parse(
      "HloModule m\nENTRY e {\n a = f32[] parameter(0)\n ROOT b = f32[] call(a), to_apply=f\n}\n"
      "f {\n ROOT p = f32[] parameter(0)\n}\n");
  EXPECT_EQ(module->entry()->root()->to_apply()->name(), "f");
}

TEST(Parser, NestedInstructionsGetNames) {
  const auto module = Parse(
      "HloModule m\nENTRY e {\n a = f32[2] parameter(0)\n"
      " ROOT b = f32[2] add(f32[2] negate(a), exponential(f32[2] negate(a)))\n}\n");
  EXPECT_EQ(ToString(*module->entry()),
            "e {\n  a = f32[2] parameter(0)\n  negate.anon = f32[2] negate(a)\n"
            "  negate.anon.1 = f32[2] negate(a)\n"
            "  exponential.anon = f32[2] exponential(negate.anon.1)\n"
            "  ROOT b = f32[2] add(negate.anon, exponential.anon)\n}");
}

TEST(Parser, NestedComputationsGetNamesThatTheTextDoesNotUse) {
  const auto module = Parse(
      "HloModule m\nENTRY e {\n a = f32[] parameter(0)\n"
      " ROOT b = f32[] call(a), to_apply={ ROOT p = f32[] parameter(0) }\n}\n"
      "to_apply {\n ROOT p = f32[] parameter(0)\n}\n");
  EXPECT_EQ(module->entry()->root()->to_apply()->name(), "to_apply.1");
  EXPECT_NE(module->FindComputation("to_apply"), nullptr);
}

TEST(Parser, MissingShapesAreInferred) {
  const auto module = Parse(
      "HloModule m\nENTRY e {\n a = f32[2,3] parameter(0)\n b = transpose(a), dimensions={1,0}\n"
      " c = add(b, b)\n ROOT d = tuple(a, c)\n}\n");
  EXPECT_EQ(module->entry()->root()->shape().ToString(), "(f32[2,3], f32[3,2])");
}

TEST(Parser, AsynchronousOpsHoldWhatTheyWrap) {
  const auto module = Parse(
      "HloModule m\nENTRY e {\n a = f32[4] parameter(0)\n"
      " s = ((f32[4]), f32[2], s32[]) slice-start(a), slice={[0:2]}, metadata={op_name=\"x\"}\n"
      " u = ((f32[4]), f32[2], s32[]) slice-update(s)\n ROOT d = f32[2] slice-done(u)\n}\n");
  const Instruction* done = module->entry()->root();
  EXPECT_EQ(done->opcode(), Opcode::kAsyncDone);
  ASSERT_EQ(done->called_computations().size(), 1);
  const Instruction* wrapped = done->called_computations()[0]->root();
  EXPECT_EQ(wrapped->opcode(), Opcode::kSlice);
  EXPECT_EQ(wrapped->shape().ToString(), "f32[2]");
  EXPECT_EQ(done->operand(0)->operand(0)->annotations().metadata, "{op_name=\"x\"}");
}

TEST(Parser, CommentsAreSkipped) {
  const auto module = Parse(
      "// first\nHloModule m // name\n/* ENTRY x { */\nENTRY e { // open\n"
      " a = f32[/*rank*/2]{0} parameter(/*n=*/0) // last\n ROOT b = f32[2]{0} add(a, "
      "/*index=1*/a)\n}\n// end");
  EXPECT_EQ(module->entry()->root()->operand_count(), 2);
}

TEST(Parser, UnknownAttributesAndOtherOrdersAreKept) {
  const std::string text =
      "HloModule m, from_the_future={a={1}}\n\nENTRY e {\n"
      "  a = f32[2]{0} parameter(0), metadata={op_name=\"x\"}, hue=\"blue, red\", "
      "sharding={replicated}\n"
      "  ROOT b = f32[2]{0} reverse(a), weight=[2,4]<=[8], dimensions={0}, "
      "list={{1},/*index=1*/{2}}\n}, "
      "execution_thread=\"side\", pinned={true}\n";
  EXPECT_EQ(ToString(*Parse(text)), text);
}

TEST(Parser, ElidedConstantsHaveNoValue) {
  const std::string text =
      "HloModule m\n\nENTRY e {\n  a = (f32[2]{0}, s32[]) constant({...})\n"
      "  ROOT b = (f32[2]{0}, s32[]) constant(( {...}, 1 ))\n}\n";
  const auto module = Parse(text);
  EXPECT_TRUE(module->entry()->instructions()[0]->literal().is_elided());
  EXPECT_TRUE(module->entry()->root()->literal().tuple()[0].is_elided());
  EXPECT_EQ(module->entry()->root()->literal().tuple()[1].AsInteger(0), 1);
  EXPECT_EQ(ToString(*module), text);
}

TEST(Shapes, RoundTrip) {
  for (const char* text :
       {"f32[]", "f32[8,16]{1,0:T(8,128)(2,1)E(4)S(1)}", "f32[]{:S(2)}", "bf16[<=8,?]{1,0}",
        "token[]", "opaque[]", "()", "(s32[], (f32[4]{0}), u2[3])", "pred[2]{0:T(256)L(1234)}",
        "(s8[], s8[], s8[], s8[], s8[], /*index=5*/s8[])", "f32[4]{0:T(4)#(u32)*(s8)}"}) {
    const auto shape = ParseShape(text);
    ASSERT_TRUE(shape.ok()) << shape.status();
    EXPECT_EQ(shape->ToString(), text);
  }
}

TEST(Literals, RoundTripAndValues) {
  const struct {
    const char* shape;
    const char* text;
    double second;
  } kCases[] = {
      {"f32[3]", "{1e-05, -0.333333343, inf}", -0.333333343f},
      {"bf16[2]", "{3.39e+38, 0.1001}", 0.10009765625},
      {"f8e4m3fn[2,1]", "{ {448}, {0.102} }", 0.1015625},
      {"s4[2]", "{7, -8}", -8},
      {"u64[2]", "{18446744073709551615, 3}", 3},
      {"pred[2]", "{1, 0}", 0},
  };
  for (const auto& c : kCases) {
    const auto literal = ParseLiteral(c.text, *ParseShape(c.shape));
    ASSERT_TRUE(literal.ok()) << literal.status();
    EXPECT_EQ(literal->AsDouble(1), c.second) << c.text;
    EXPECT_EQ(ToString(*literal), c.text);
  }
}

// Every bit pattern of the narrow floats reads back to itself.
TEST(Literals, EveryNarrowFloatReadsBack) {
  for (int i = 0; i < kElementTypeCount; ++i) {
    const auto type = static_cast<ElementType>(i);
    if (!IsFloat(type) || BitWidth(type) > 16) continue;
    const int64_t count = int64_t{1} << BitWidth(type);
    const Shape shape = Shape::Array(type, {count});
    Literal all = Literal::Zeros(shape).value();
    for (int64_t bits = 0; bits < count; ++bits) {
      if (ByteWidth(type) == 1) {
        all.mutable_data<uint8_t>()[bits] = static_cast<uint8_t>(bits);
      } else {
        all.mutable_data<uint16_t>()[bits] = static_cast<uint16_t>(bits);
      }
    }
    const auto back = ParseLiteral(ToString(all), shape);
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_TRUE(*back == all) << ElementTypeName(type);
  }
}

}  // namespace
}  // namespace ingot
