// What elementwise ops are on real numbers: tables of expressions, one row per op.
#include "compiler/lower/scalar.h"

#include "compiler/kernel/expr.h"
#include "ir/base/status.h"

namespace ingot::lower {

using kernel::Builder;
using kernel::Expr;
using kernel::Value;

namespace {

Expr Same(Expr x) { return x; }
Expr Zero(Expr x) { return x.Number(0); }
Expr IsFinite(Expr x) { return Abs(x) < x.Infinity(); }
Expr AbsOfInteger(Expr x) { return IsUnsigned(x.element()) ? x : Abs(x); }

// -1 or 1 with the sign of x.
Expr SignedOne(Expr x) { return Select(x < 0, x.Number(-1), x.Number(1)); }

// Half away from zero; x - trunc(x) is exact.
Expr RoundAwayFromZero(Expr x) {
  const Expr whole = Trunc(x);
  const Expr half = Abs(x - whole) >= 0.5;
  return Select(half, whole + SignedOne(x), whole);
}

// NaN and zeros are their own sign.
Expr SignOfFloat(Expr x) { return Select(x > 0, x.Number(1), Select(x < 0, x.Number(-1), x)); }

Expr SignOfInteger(Expr x) {
  const Expr positive = Select(x > 0, x.Number(1), x.Number(0));
  return IsUnsigned(x.element()) ? positive : Select(x < 0, x.Number(-1), positive);
}

// By squaring, wrapping around.  A negative exponent: what 1 / base ** -exponent truncates to.
Expr PowerOfInteger(Expr base, Expr exponent) {
  const Expr one = base.Number(1);
  Expr result = one;
  Expr square = base;
  for (int bit = 0; bit < base.width(); ++bit) {
    const Expr set = Lshr(exponent, exponent.Number(bit)) & one;
    result = Select(set != 0, result * square, result);
    square = square * square;
  }
  if (IsUnsigned(base.element())) return result;
  const Expr minus_one = base.Number(-1);
  const Expr odd = (exponent & one) != 0;
  const Expr of_minus_one = Select(odd, minus_one, one);
  const Expr reciprocal =
      Select(base == one, one, Select(base == minus_one, of_minus_one, base.Number(0)));
  return Select(exponent < 0, reciprocal, result);
}

// What the op is on pred, on integers and on floats (f32, f64); null where it does not take the
// type, and for floats that are a row of lower/math.
template <typename Function>
struct ScalarRow {
  Opcode opcode;
  Function* pred;
  Function* integer;
  Function* floating;

  Function* Of(ElementType type) const {
    return type == ElementType::kPred ? pred : IsFloat(type) ? floating : integer;
  }
};

constexpr ScalarRow<Expr(Expr)> kUnaryRows[] = {
    {Opcode::kAbs, nullptr, AbsOfInteger, kernel::Abs},
    {Opcode::kCeil, nullptr, nullptr, kernel::Ceil},
    {Opcode::kClz, nullptr, kernel::Clz, nullptr},
    {Opcode::kFloor, nullptr, nullptr, kernel::Floor},
    {Opcode::kImag, nullptr, nullptr, Zero},
    {Opcode::kIsFinite, nullptr, nullptr, IsFinite},
    {Opcode::kNegate, nullptr, kernel::Neg, kernel::Neg},
    {Opcode::kNot, kernel::Not, kernel::Not, nullptr},
    {Opcode::kPopulationCount, nullptr, kernel::Popcnt, nullptr},
    {Opcode::kReal, nullptr, nullptr, Same},
    {Opcode::kRoundNearestAfz, nullptr, nullptr, RoundAwayFromZero},
    {Opcode::kRoundNearestEven, nullptr, nullptr, kernel::RoundEven},
    {Opcode::kSign, nullptr, SignOfInteger, SignOfFloat},
    {Opcode::kSqrt, nullptr, nullptr, kernel::Sqrt},
};

constexpr ScalarRow<Expr(Expr, Expr)> kBinaryRows[] = {
    {Opcode::kAdd, kernel::Or, kernel::Add, kernel::Add},
    {Opcode::kAnd, kernel::And, kernel::And, nullptr},
    {Opcode::kDivide, nullptr, kernel::Div, kernel::Div},
    {Opcode::kMaximum, kernel::Or, kernel::Max, kernel::Max},
    {Opcode::kMinimum, kernel::And, kernel::Min, kernel::Min},
    {Opcode::kMulhi, nullptr, kernel::Mulhi, nullptr},
    {Opcode::kMultiply, kernel::And, kernel::Mul, kernel::Mul},
    {Opcode::kOr, kernel::Or, kernel::Or, nullptr},
    {Opcode::kPower, nullptr, PowerOfInteger, nullptr},
    {Opcode::kRemainder, nullptr, kernel::Rem, nullptr},
    {Opcode::kShiftLeft, nullptr, kernel::Shl, nullptr},
    {Opcode::kShiftRightArithmetic, nullptr, kernel::Ashr, nullptr},
    {Opcode::kShiftRightLogical, nullptr, kernel::Lshr, nullptr},
    {Opcode::kSubtract, nullptr, kernel::Sub, kernel::Sub},
    {Opcode::kXor, kernel::Xor, kernel::Xor, nullptr},
};

}  // namespace

absl::StatusOr<Value> EmitRealScalar(Builder& b, Opcode opcode, ElementType type,
                                     absl::Span<const Value> operands, const MathOptions& options) {
  if (options.approximation == Approximation::kFast && type == ElementType::kF32) {
    const Value fast = opcode == Opcode::kTanh && options.shift != 0
                           ? EmitShiftedTanh(b, operands[0], options.shift)
                           : EmitFast(b, opcode, operands, options.rounded_to, options.loose);
    if (fast != nullptr) return fast;
  }
  if (options.approximation == Approximation::kShorter && type == ElementType::kF32) {
    if (const Value shorter = EmitShorter(b, opcode, operands); shorter != nullptr) return shorter;
  }
  const Expr x(b, operands[0]);
  for (const auto& row : kUnaryRows) {
    if (row.opcode == opcode && row.Of(type) != nullptr) return row.Of(type)(x).value();
  }
  for (const auto& row : kBinaryRows) {
    if (row.opcode != opcode || row.Of(type) == nullptr) continue;
    return row.Of(type)(x, Expr(b, operands[1])).value();
  }
  if (IsFloat(type) && HasMath(opcode)) return EmitMath(b, opcode, operands);
  return Unimplemented(OpcodeName(opcode), " of ", ElementTypeName(type));
}

}  // namespace ingot::lower
