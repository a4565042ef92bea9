// Any opcode on any shapes with any attribute values: inference answers, and what it answers is a
// shape that validates.  A fixed sequence of draws, so that a failure comes back.
#include <limits>
#include <random>
#include <type_traits>

#include "tests/ir/infer/infer_testing.h"

namespace ingot {
namespace {

class Draws {
 public:
  explicit Draws(uint32_t seed) : random_(seed) {}

  int64_t Below(int64_t limit) { return static_cast<int64_t>(random_() % limit); }
  // Mostly what a valid op may have, sometimes what none has.
  int64_t Number() {
    constexpr int64_t kOdd[] = {std::numeric_limits<int64_t>::max(),
                                std::numeric_limits<int64_t>::min(),
                                -1,
                                int64_t{1} << 62,
                                int64_t{1} << 31,
                                100};
    return Below(8) == 0 ? kOdd[Below(6)] : Below(4);
  }
  std::vector<int64_t> Numbers() {
    std::vector<int64_t> numbers(Below(4));
    for (int64_t& number : numbers) number = Number();
    return numbers;
  }
  Shape AnyShape(int depth = 0) {
    const int64_t kind = Below(16);
    if (kind == 0) return Shape::Token();
    if (kind == 1) return Shape::Opaque();
    if (kind == 2 && depth < 2) {
      std::vector<Shape> elements;
      for (int64_t i = Below(3); i > 0; --i) elements.push_back(AnyShape(depth + 1));
      return Shape::Tuple(std::move(elements));
    }
    constexpr ElementType kTypes[] = {ElementType::kF32, ElementType::kS32, ElementType::kPred,
                                      ElementType::kC64, ElementType::kU64, ElementType::kBF16};
    Shape shape = Shape::Array(kTypes[Below(4) == 0 ? Below(6) : 0], Numbers());
    for (int64_t i = 0; i < shape.rank(); ++i) {
      if (Below(10) == 0) shape.set_dynamic(i, true);
    }
    return shape;
  }

  // ---- attribute values, for VisitFields
  void Fill(int64_t& value) { value = Number(); }
  void Fill(bool& value) { value = Below(2) == 0; }
  void Fill(std::vector<int64_t>& value) { value = Numbers(); }
  void Fill(std::optional<int64_t>& value) { value = Number(); }
  void Fill(Window& value) {
    value.dimensions.resize(Below(4));
    for (WindowDimension& d : value.dimensions) {
      for (int64_t* number : {&d.size, &d.stride, &d.padding_low, &d.padding_high, &d.base_dilation,
                              &d.window_dilation}) {
        *number = Number();
      }
    }
  }
  void Fill(Padding& value) {
    value.resize(Below(4));
    for (PaddingDimension& d : value) d = {Number(), Number(), Number()};
  }
  void Fill(SliceDimensions& value) {
    value.resize(Below(4));
    for (SliceDimension& d : value) d = {Number(), Number(), Number()};
  }
  void Fill(ConvolutionDimensions& value) {
    for (int64_t* number :
         {&value.input_batch, &value.input_feature, &value.kernel_input_feature,
          &value.kernel_output_feature, &value.output_batch, &value.output_feature}) {
      *number = Number();
    }
    value.input_spatial = Numbers();
    value.kernel_spatial = Numbers();
    value.output_spatial = Numbers();
  }
  // Text, enums, precisions, literals: nothing that a size depends on.
  template <typename T>
  void Fill(T&) {}

 private:
  std::mt19937 random_;
};

TEST(InferHostile, AnswersWithAShapeThatValidates) {
  Signatures signatures;
  Computation* const callees[] = {
      signatures.Reducer("f32[]"),
      signatures.Of({"f32[]", "f32[]"}, "pred[]"),
      signatures.Of({"f32[2]"}, "f32[2]"),
      signatures.Of({"f32[]", "f32[]"}, "(f32[], f32[])"),
      signatures.Of({}, "()"),
      signatures.Unfinished(),
  };
  Draws draws(20261121);
  int64_t inferred = 0;
  constexpr int kDraws = 300000;
  for (int i = 0; i < kDraws; ++i) {
    const Opcode opcode = static_cast<Opcode>(draws.Below(kOpcodeCount));
    Attributes attributes = DefaultAttributes(opcode);
    std::visit(
        [&](auto& own) {
          std::decay_t<decltype(own)>::VisitFields(
              own, [&](absl::string_view, auto& field, Field) { draws.Fill(field); });
        },
        attributes);
    const int arity = InfoOf(opcode).arity;
    const int64_t count = arity == kVariadic || draws.Below(20) == 0 ? draws.Below(6) : arity;
    std::vector<Shape> shapes;
    for (int64_t operand = 0; operand < count; ++operand) {
      const bool repeat = operand > 0 && draws.Below(2) == 0;
      Shape shape = repeat ? shapes.back() : draws.AnyShape();
      shapes.push_back(std::move(shape));
    }
    std::vector<const Shape*> operands;
    for (const Shape& shape : shapes) operands.push_back(&shape);
    std::vector<Computation*> called;
    for (int64_t callee = draws.Below(3); callee > 0; --callee) {
      called.push_back(callees[draws.Below(6)]);
    }
    const Shape stated = draws.AnyShape();
    const absl::StatusOr<Shape> result =
        InferShape(opcode, operands, attributes, called, draws.Below(2) == 0 ? nullptr : &stated);
    if (!result.ok()) continue;
    ++inferred;
    ASSERT_TRUE(result->Validate().ok()) << OpcodeName(opcode) << " gives " << result->ToString();
  }
  // The draws do reach the far end of the rules.
  EXPECT_GT(inferred, kDraws / 20);
}

}  // namespace
}  // namespace ingot
