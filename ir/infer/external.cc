// The outside world.
#include "ir/infer/op.h"

namespace ingot::infer {
namespace {

// infeed(token): the stated (value, token).
//   (C1) the operand is a token;  (C2) the result is a tuple of two, the second a token.
absl::StatusOr<Shape> Infeed(const Op& op) {
  INGOT_REQUIRE(op.operand(0).IsToken(), "operand 0 is ", Text(op.operand(0)),
                ", not token[]");  // (C1)
  INGOT_ASSIGN_OR_RETURN(Shape result, Stated(op));
  INGOT_REQUIRE(
      result.IsTuple() && result.tuple_shapes().size() == 2 && result.tuple_shapes()[1].IsToken(),
      "the result ", Text(result), " is not a tuple of a value and a token");  // (C2)
  return result;
}

// outfeed(value, token): a token.
absl::StatusOr<Shape> Outfeed(const Op& op) {
  INGOT_REQUIRE(op.operand(1).IsToken(), "operand 1 is ", Text(op.operand(1)), ", not token[]");
  return Shape::Token();
}

constexpr Rule kRules[] = {
    {Opcode::kCopyDone, NotInferable}, {Opcode::kCopyStart, NotInferable},
    {Opcode::kCustomCall, Stated},     {Opcode::kInfeed, Infeed},
    {Opcode::kOutfeed, Outfeed},       {Opcode::kRecv, NotInferable},
    {Opcode::kRecvDone, NotInferable}, {Opcode::kSend, NotInferable},
    {Opcode::kSendDone, NotInferable},
};
static_assert(IsTableOf(OpKind::kExternal, kRules));

}  // namespace

absl::StatusOr<Shape> InferExternal(const Op& op) { return FunctionOf(kRules, op.opcode)(op); }

}  // namespace ingot::infer
