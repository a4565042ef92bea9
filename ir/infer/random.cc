// Random numbers.
#include "ir/infer/op.h"

namespace ingot::infer {
namespace {

// rng(a, b): a stated array of draws from [a, b), or with mean a and deviation b.
//   (C1) there are two operands, scalars of the result's type.
absl::StatusOr<Shape> Rng(const Op& op) {
  INGOT_ASSIGN_OR_RETURN(Shape result, StatedArray(op));
  INGOT_REQUIRE(op.operand_count() == 2, "has ", op.operand_count(), " operands when it takes 2");
  for (int64_t i = 0; i < 2; ++i) {
    const Shape& operand = op.operand(i);
    INGOT_REQUIRE(operand.IsScalar() && operand.element_type() == result.element_type(), "operand ",
                  i, " is ", Text(operand), " when it must be ", Text(result.element_type()),
                  "[]");  // (C1)
  }
  return result;
}

// rng-bit-generator(state): the stated (new state, bits).
//   (C1) the state is an array u64[2], for Philox or by default also u64[3];
//   (C2) the result is a tuple of a state of the same shape and an array of integers or floats,
//        which are filled with bits.
absl::StatusOr<Shape> RngBitGenerator(const Op& op) {
  INGOT_ASSIGN_OR_RETURN(Shape result, Stated(op));
  const Shape& state = op.operand(0);
  INGOT_REQUIRE(state.IsArray() && state.rank() == 1 && state.element_type() == ElementType::kU64,
                "operand 0 is ", Text(state), " when it must be u64[2] or u64[3]");
  const bool three =
      op.attributes<RngBitGeneratorAttributes>().algorithm != RngAlgorithm::kThreeFry;
  INGOT_REQUIRE(state.dimension(0) == 2 || (three && state.dimension(0) == 3), "operand 0 is ",
                Text(state), " when the algorithm takes u64[2]",
                three ? " or u64[3]" : "");  // (C1)
  const std::vector<Shape>& elements = result.tuple_shapes();
  INGOT_REQUIRE(result.IsTuple() && elements.size() == 2 && ShapesAgree(elements[0], state) &&
                    elements[1].IsArray() && !IsComplex(elements[1].element_type()) &&
                    elements[1].element_type() != ElementType::kPred,
                "the result ", Text(result), " is not a tuple of ", Text(state),
                " and an array of integers or floats");  // (C2)
  return result;
}

// rng-get-and-update-state: the stated array of u64.
absl::StatusOr<Shape> RngGetAndUpdateState(const Op& op) {
  INGOT_ASSIGN_OR_RETURN(Shape result, StatedArray(op));
  INGOT_REQUIRE(result.element_type() == ElementType::kU64, "the result ", Text(result),
                " is not of u64");
  return result;
}

constexpr Rule kRules[] = {
    {Opcode::kRng, Rng},
    {Opcode::kRngBitGenerator, RngBitGenerator},
    {Opcode::kRngGetAndUpdateState, RngGetAndUpdateState},
};
static_assert(IsTableOf(OpKind::kRandom, kRules));

}  // namespace

absl::StatusOr<Shape> InferRandom(const Op& op) { return FunctionOf(kRules, op.opcode)(op); }

}  // namespace ingot::infer
