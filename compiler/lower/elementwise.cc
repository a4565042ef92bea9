// Elementwise ops: one table of scalar rows, and the few ops that have attributes.
#include <algorithm>
#include <bit>
#include <limits>
#include <vector>

#include "compiler/lower/emitter.h"
#include "compiler/lower/math/division.h"
#include "compiler/lower/math/math.h"
#include "compiler/lower/scalar.h"
#include "ir/base/status.h"

namespace ingot::lower {

using kernel::Builder;
using kernel::Type;
using kernel::Value;

namespace {

// -1 or 1 with the sign of x.
Value SignedOne(Builder& b, Value x) {
  return b.Select(b.Lt(x, b.Float(x->type, 0)), b.Float(x->type, -1), b.Float(x->type, 1));
}

// Half away from zero; x - trunc(x) is exact.
Value RoundAwayFromZero(Builder& b, Value x) {
  const Value whole = b.Trunc(x);
  const Value half = b.Ge(b.Abs(b.Sub(x, whole)), b.Float(x->type, 0.5));
  return b.Select(half, b.Add(whole, SignedOne(b, x)), whole);
}

// NaN and zeros are their own sign.
Value SignOfFloat(Builder& b, Value x) {
  const Value zero = b.Float(x->type, 0);
  return b.Select(b.Gt(x, zero), b.Float(x->type, 1),
                  b.Select(b.Lt(x, zero), b.Float(x->type, -1), x));
}

Value SignOfInteger(Builder& b, Value x) {
  const Value zero = b.Integer(x->type, 0);
  const Value positive = b.Select(b.Gt(x, zero), b.Integer(x->type, 1), zero);
  if (IsUnsigned(x->type.element)) return positive;
  return b.Select(b.Lt(x, zero), b.Integer(x->type, -1), positive);
}

// By squaring, wrapping around.  A negative exponent: what 1 / base ** -exponent truncates to.
Value PowerOfInteger(Builder& b, Value base, Value exponent) {
  const Type type = base->type;
  const Value one = b.Integer(type, 1);
  Value result = one;
  Value square = base;
  for (int bit = 0; bit < BitWidth(type.element); ++bit) {
    const Value set = b.And(b.Lshr(exponent, b.Integer(type, bit)), one);
    result = b.Select(b.Ne(set, b.Integer(type, 0)), b.Mul(result, square), result);
    square = b.Mul(square, square);
  }
  if (IsUnsigned(type.element)) return result;
  const Value zero = b.Integer(type, 0);
  const Value minus_one = b.Integer(type, -1);
  const Value odd = b.Ne(b.And(exponent, one), zero);
  const Value reciprocal = b.Select(
      b.Eq(base, one), one, b.Select(b.Eq(base, minus_one), b.Select(odd, minus_one, one), zero));
  return b.Select(b.Lt(exponent, zero), reciprocal, result);
}

// One row an op: what it is on pred, on integers and on floats (f32, f64); nullptr where the op
// does not take the type.  Floats of other ops are rows of lower/math.
using Row1 = Value (*)(Builder& b, absl::Span<const Value> x);
struct ScalarRow {
  Opcode opcode;
  Row1 pred;
  Row1 integer;
  Row1 floating;
};

#define ROW1(expression)                      \
  [](Builder& b, absl::Span<const Value> v) { \
    [[maybe_unused]] const Value x = v[0];    \
    return expression;                        \
  }
#define ROW2(expression)                      \
  [](Builder& b, absl::Span<const Value> v) { \
    const Value x = v[0], y = v[1];           \
    return expression;                        \
  }

constexpr ScalarRow kScalarRows[] = {
    // opcode, pred, integer, float
    {Opcode::kAbs, nullptr, ROW1(IsUnsigned(x->type.element) ? x : b.Abs(x)), ROW1(b.Abs(x))},
    {Opcode::kCeil, nullptr, nullptr, ROW1(b.Ceil(x))},
    {Opcode::kClz, nullptr, ROW1(b.Clz(x)), nullptr},
    {Opcode::kFloor, nullptr, nullptr, ROW1(b.Floor(x))},
    {Opcode::kNegate, nullptr, ROW1(b.Neg(x)), ROW1(b.Neg(x))},
    {Opcode::kNot, ROW1(b.Not(x)), ROW1(b.Not(x)), nullptr},
    {Opcode::kPopulationCount, nullptr, ROW1(b.Popcnt(x)), nullptr},
    {Opcode::kReal, nullptr, nullptr, ROW1((static_cast<void>(b), x))},
    {Opcode::kImag, nullptr, nullptr, ROW1(b.Float(x->type, 0))},
    {Opcode::kRoundNearestAfz, nullptr, nullptr, ROW1(RoundAwayFromZero(b, x))},
    {Opcode::kRoundNearestEven, nullptr, nullptr, ROW1(b.RoundEven(x))},
    {Opcode::kSign, nullptr, ROW1(SignOfInteger(b, x)), ROW1(SignOfFloat(b, x))},
    {Opcode::kSqrt, nullptr, nullptr, ROW1(b.Sqrt(x))},

    {Opcode::kAdd, ROW2(b.Or(x, y)), ROW2(b.Add(x, y)), ROW2(b.Add(x, y))},
    {Opcode::kAnd, ROW2(b.And(x, y)), ROW2(b.And(x, y)), nullptr},
    {Opcode::kDivide, nullptr, ROW2(b.Div(x, y)), ROW2(b.Div(x, y))},
    {Opcode::kMaximum, ROW2(b.Or(x, y)), ROW2(b.Max(x, y)), ROW2(b.Max(x, y))},
    {Opcode::kMinimum, ROW2(b.And(x, y)), ROW2(b.Min(x, y)), ROW2(b.Min(x, y))},
    {Opcode::kMultiply, ROW2(b.And(x, y)), ROW2(b.Mul(x, y)), ROW2(b.Mul(x, y))},
    {Opcode::kMulhi, nullptr, ROW2(b.Mulhi(x, y)), nullptr},
    {Opcode::kOr, ROW2(b.Or(x, y)), ROW2(b.Or(x, y)), nullptr},
    {Opcode::kPower, nullptr, ROW2(PowerOfInteger(b, x, y)), nullptr},
    {Opcode::kRemainder, nullptr, ROW2(b.Rem(x, y)), nullptr},
    {Opcode::kShiftLeft, nullptr, ROW2(b.Shl(x, y)), nullptr},
    {Opcode::kShiftRightArithmetic, nullptr, ROW2(b.Ashr(x, y)), nullptr},
    {Opcode::kShiftRightLogical, nullptr, ROW2(b.Lshr(x, y)), nullptr},
    {Opcode::kSubtract, nullptr, ROW2(b.Sub(x, y)), ROW2(b.Sub(x, y))},
    {Opcode::kXor, ROW2(b.Xor(x, y)), ROW2(b.Xor(x, y)), nullptr},
};

#undef ROW1
#undef ROW2

// Ops that see more of an integer than its value modulo its width: of a sub-byte integer x they are
// computed on x as the high bits of an u8, or as the low bits of one whose others are zero; the
// high half of a product is a part of the whole one, which 8 bits hold.
enum class SubByte { kValue, kHighBits, kLowBits, kProduct };
SubByte SubByteOf(Opcode opcode) {
  if (opcode == Opcode::kMulhi) return SubByte::kProduct;
  if (opcode == Opcode::kShiftRightArithmetic) return SubByte::kHighBits;
  if (opcode == Opcode::kClz || opcode == Opcode::kPopulationCount ||
      opcode == Opcode::kShiftRightLogical) {
    return SubByte::kLowBits;
  }
  return SubByte::kValue;
}

// One of those ops on operands of `type`, of `bits` < 8 bits; the result is right modulo 2 ** bits.
absl::StatusOr<Value> EmitSubByte(Builder& b, Opcode opcode, ElementType type,
                                  absl::Span<const Element> operands) {
  const SubByte form = SubByteOf(opcode);
  const int bits = BitWidth(type);
  std::vector<Value> values;
  if (form == SubByte::kProduct) {
    for (const Element& operand : operands) {
      values.push_back(b.Convert(operand.re, ComputeType(type)));
    }
    const Value product = b.Mul(values[0], values[1]);
    const Value shift = b.Integer(product->type, bits);
    return IsSigned(type) ? b.Ashr(product, shift) : b.Lshr(product, shift);
  }
  for (const Element& operand : operands) {
    const Value value = b.Convert(operand.re, ElementType::kU8);
    values.push_back(b.And(value, b.Integer(value->type, (1 << bits) - 1)));
  }
  const Value unused = b.Integer(values[0]->type, 8 - bits);
  if (form == SubByte::kHighBits) values[0] = b.Shl(values[0], unused);
  INGOT_ASSIGN_OR_RETURN(const Value result, EmitRealScalar(b, opcode, ElementType::kU8, values));
  if (form == SubByte::kHighBits) return b.Lshr(result, unused);
  return opcode == Opcode::kClz ? b.Sub(result, unused) : result;
}

// Floats by the order of their bits: -NaN < -inf < … < -0 < 0 < … < inf < NaN.
Value TotalOrderKey(Builder& b, Value x) {
  const ElementType type =
      x->type.element == ElementType::kF64 ? ElementType::kS64 : ElementType::kS32;
  const Value bits = b.Bitcast(x, x->type.WithElement(type));
  const Value sign = b.Ashr(bits, b.Integer(bits->type, BitWidth(type) - 1));
  return b.Xor(bits, b.Lshr(sign, b.Integer(bits->type, 1)));
}

Value CompareValues(Builder& b, ComparisonDirection direction, Value x, Value y) {
  switch (direction) {
    case ComparisonDirection::kEq:
      return b.Eq(x, y);
    case ComparisonDirection::kNe:
      return b.Ne(x, y);
    case ComparisonDirection::kGe:
      return b.Ge(x, y);
    case ComparisonDirection::kGt:
      return b.Gt(x, y);
    case ComparisonDirection::kLe:
      return b.Le(x, y);
    case ComparisonDirection::kLt:
      return b.Lt(x, y);
  }
  INGOT_UNREACHABLE() << "comparison";
  return nullptr;
}

Element EmitCompare(ElementEmitter& e, const Instruction& instruction, const Elements& operands) {
  const CompareAttributes& attributes = instruction.attributes<CompareAttributes>();
  const ElementType type = instruction.operand(0)->shape().element_type();
  Builder& b = e.b();
  if (IsComplex(type)) {
    const Value equal =
        b.And(b.Eq(operands[0].re, operands[1].re), b.Eq(operands[0].im, operands[1].im));
    if (attributes.direction == ComparisonDirection::kEq) return {equal, nullptr};
    if (attributes.direction == ComparisonDirection::kNe) return {b.Not(equal), nullptr};
    e.Unsupported(instruction, "complex numbers have no order");
    return e.Zero(ElementType::kPred);
  }
  const ElementType compute = ComputeType(type);
  Value x = b.Convert(operands[0].re, compute);
  Value y = b.Convert(operands[1].re, compute);
  if (IsFloat(compute) && (attributes.order == ComparisonOrder::kTotal ||
                           attributes.type == ComparisonType::kTotalOrder)) {
    x = TotalOrderKey(b, x);
    y = TotalOrderKey(b, y);
  }
  return {CompareValues(b, attributes.direction, x, y), nullptr};
}

// Rounds to a float of fewer exponent and mantissa bits, as bit operations on the same format:
// mantissa to nearest even, then exponents out of range to infinity and to zero.
Value ReducePrecision(Builder& b, Value x, ElementType type, int64_t exponent_bits,
                      int64_t mantissa_bits) {
  const FloatFormat& format = FormatOf(type);
  const ElementType unsigned_type = format.bits == 64   ? ElementType::kU64
                                    : format.bits == 32 ? ElementType::kU32
                                                        : ElementType::kU16;
  const Type t = x->type.WithElement(unsigned_type);
  const auto constant = [&](uint64_t bits) { return b.Constant(t, bits); };
  const uint64_t one = 1;
  const uint64_t sign_mask = one << (format.bits - 1);
  const uint64_t exponent_mask = ((one << format.exponent_bits) - 1) << format.mantissa_bits;
  Value bits = b.Bitcast(x, t);
  if (mantissa_bits < format.mantissa_bits) {
    const int64_t dropped = format.mantissa_bits - mantissa_bits;
    const Value odd = b.And(b.Lshr(bits, constant(dropped)), constant(1));
    bits = b.Add(bits, b.Add(odd, constant((one << (dropped - 1)) - 1)));
    bits = b.And(bits, constant(~((one << dropped) - 1) & (sign_mask | (sign_mask - 1))));
  }
  if (exponent_bits < format.exponent_bits) {
    const uint64_t bias = (one << (format.exponent_bits - 1)) - 1;
    const uint64_t reduced_bias = (one << (exponent_bits - 1)) - 1;
    const Value sign = b.And(bits, constant(sign_mask));
    const Value exponent = b.And(bits, constant(exponent_mask));
    const Value large = b.Gt(exponent, constant((bias + reduced_bias) << format.mantissa_bits));
    const Value small = b.Le(exponent, constant((bias - reduced_bias) << format.mantissa_bits));
    const Value infinity = b.Or(sign, constant(exponent_mask));
    bits = b.Select(small, sign, b.Select(large, infinity, bits));
  }
  // A NaN stays one; without mantissa bits its rounding may have reached infinity or beyond.
  return b.Select(b.Ne(x, x), x, b.Bitcast(bits, x->type));
}

Element EmitReducePrecision(ElementEmitter& e, const Instruction& instruction, Element operand) {
  const auto& attributes = instruction.attributes<ReducePrecisionAttributes>();
  const ElementType type = instruction.shape().element_type();
  if (!IsFloat(type) || BitWidth(type) < 16) {
    e.Unsupported(instruction, "only of f16, bf16, f32 and f64");
    return e.Zero(type);
  }
  return {
      ReducePrecision(e.b(), operand.re, type, attributes.exponent_bits, attributes.mantissa_bits),
      nullptr};
}

bool IsNarrow(ElementType type) { return type == ElementType::kBF16 || type == ElementType::kF16; }

bool HasExcessPrecision(const Elements& operands) {
  return std::any_of(operands.begin(), operands.end(), [](const Element& operand) {
    return operand.re->type.element == ElementType::kF32;
  });
}

// x / y of f32, where y is one value for all lanes of a vector, or for many places of a tile's
// thread; null where it is not, or where a plain division is as good.
Value DivideBySame(ElementEmitter& e, const Instruction& instruction, const Elements& operands,
                   const Index& index, Value x) {
  constexpr int kLeastPlaces = 4;
  const Element& divisor = operands[1];
  const bool is_lane =
      divisor.re->opcode == kernel::Opcode::kBroadcast && x->type.lanes >= kLeastPlaces;
  const bool is_shared = x->type.lanes == 1 && index.point >= 0 &&
                         e.context().approximation == Approximation::kFast &&
                         e.context().tile->PlacesThatShare(instruction, 1) >= kLeastPlaces;
  if (!is_lane && !is_shared && !divisor.re->IsConstant()) return nullptr;
  Builder& b = e.b();
  const Value one = is_lane ? divisor.re->operands[0] : divisor.re;
  const Divisor made = MakeDivisor(b, b.Convert(one, ElementType::kF32));
  const bool is_rough = e.context().approximation == Approximation::kFast &&
                        (IsNarrow(instruction.shape().element_type()) ||
                         e.context().IsLoose(instruction) || e.context().IsSeenNarrow(instruction));
  return is_rough ? MultiplyByReciprocal(b, x, made) : DivideByReciprocal(b, x, made);
}

// All operands of one type, in its compute type; the result rounded to the result's type.
Element EmitRow(ElementEmitter& e, const Instruction& instruction, const Elements& operands,
                const Index& index) {
  const Opcode opcode = instruction.opcode();
  const ElementType type = instruction.operand(0)->shape().element_type();
  if (IsComplex(type)) {
    absl::StatusOr<Element> result = EmitComplexScalar(e.b(), opcode, operands);
    if (result.ok()) return *result;
    e.Unsupported(instruction, result.status().message());
    return e.Zero(instruction.shape().element_type());
  }
  absl::StatusOr<Value> result = nullptr;
  if (IsInteger(type) && BitWidth(type) < 8 && SubByteOf(opcode) != SubByte::kValue) {
    result = EmitSubByte(e.b(), opcode, type, operands);
  } else {
    const ElementType compute = ComputeType(type);
    std::vector<Value> values;
    for (const Element& operand : operands) values.push_back(e.b().Convert(operand.re, compute));
    MathOptions options{.approximation = e.context().approximation,
                        .rounded_to = IsNarrow(type) ? type : compute,
                        .loose = e.context().IsLoose(instruction)};
    Value quotient = nullptr;
    if (options.approximation != Approximation::kNone && compute == ElementType::kF32) {
      if (opcode == Opcode::kDivide) {
        quotient = DivideBySame(e, instruction, operands, index, values[0]);
      } else if (e.context().IsSeenNarrow(instruction)) {
        options.rounded_to = ElementType::kBF16;
      }
      if (opcode == Opcode::kDivide && HasExcessPrecision(operands)) options.rounded_to = compute;
    }
    result =
        quotient != nullptr ? quotient : EmitRealScalar(e.b(), opcode, compute, values, options);
  }
  if (!result.ok()) {
    e.Unsupported(instruction, result.status().message());
    return e.Zero(instruction.shape().element_type());
  }
  if (e.context().IsUnrounded(instruction)) return {*result, nullptr};
  return {e.b().Convert(*result, instruction.shape().element_type()), nullptr};
}

Element EmitSelect(ElementEmitter& e, const Instruction& instruction, const Elements& operands) {
  if (!e.context().IsUnrounded(instruction)) {
    return e.Select(operands[0].re, operands[1], operands[2]);
  }
  const Element on_true{e.b().Convert(operands[1].re, ElementType::kF32), nullptr};
  const Element on_false{e.b().Convert(operands[2].re, ElementType::kF32), nullptr};
  return e.Select(operands[0].re, on_true, on_false);
}

Element EmitConvert(ElementEmitter& e, const Instruction& instruction, Element operand) {
  if (e.context().IsUnrounded(instruction)) return operand;  // from f32
  return e.Convert(operand, instruction.operand(0)->shape().element_type(),
                   instruction.shape().element_type());
}

Element EmitClamp(ElementEmitter& e, const Instruction& instruction, const Elements& operands) {
  const ElementType type = instruction.shape().element_type();
  const ElementType compute = ComputeType(type);
  const auto value = [&](int i) { return e.b().Convert(operands[i].re, compute); };
  if (compute == ElementType::kPred) {
    return {e.b().And(e.b().Or(value(1), value(0)), value(2)), nullptr};
  }
  return {e.b().Convert(e.b().Min(e.b().Max(value(1), value(0)), value(2)), type), nullptr};
}

Element EmitIsFinite(ElementEmitter& e, const Instruction& instruction, Element operand) {
  const ElementType compute = ComputeType(instruction.operand(0)->shape().element_type());
  const Value x = e.b().Convert(operand.re, compute);
  const Value infinity = e.b().Float(x->type, std::numeric_limits<double>::infinity());
  return {e.b().Lt(e.b().Abs(x), infinity), nullptr};
}

// Operands as elements with the same lanes.  A scalar among arrays (select's pred, clamp's bounds)
// goes to every element.
Elements Operands(ElementEmitter& e, const Instruction& instruction, const Index& index) {
  Elements operands;
  int lanes = 1;
  for (int64_t k = 0; k < instruction.operand_count(); ++k) {
    const Instruction& operand = *instruction.operand(k);
    const bool spread = operand.shape().IsScalar() && !instruction.shape().IsScalar();
    operands.push_back(spread ? e.EmitScalar(operand) : e.EmitOperand(instruction, k, index));
    lanes = std::max(lanes, operands.back().lanes());
  }
  for (Element& operand : operands) operand = e.Broadcast(operand, lanes);
  return operands;
}

}  // namespace

absl::StatusOr<Value> EmitRealScalar(Builder& b, Opcode opcode, ElementType type,
                                     absl::Span<const Value> operands, const MathOptions& options) {
  if (options.approximation == Approximation::kFast && type == ElementType::kF32) {
    const Value fast = EmitFast(b, opcode, operands, options.rounded_to, options.loose);
    if (fast != nullptr) return fast;
  }
  if (options.approximation == Approximation::kShorter && type == ElementType::kF32) {
    if (const Value shorter = EmitShorter(b, opcode, operands); shorter != nullptr) return shorter;
  }
  for (const ScalarRow& row : kScalarRows) {
    if (row.opcode != opcode) continue;
    const Row1 emit = type == ElementType::kPred ? row.pred
                      : IsFloat(type)            ? row.floating
                                                 : row.integer;
    if (emit != nullptr) return emit(b, operands);
  }
  if (IsFloat(type) && HasMath(opcode)) return EmitMath(b, opcode, operands);
  return Unimplemented(OpcodeName(opcode), " of ", ElementTypeName(type));
}

Elements EmitElementwise(ElementEmitter& e, const Instruction& instruction, const Index& index) {
  const Elements operands = Operands(e, instruction, index);
  const ElementType type = instruction.shape().element_type();
  switch (instruction.opcode()) {
    case Opcode::kConvert:
      return {EmitConvert(e, instruction, operands[0])};
    case Opcode::kCompare:
      return {EmitCompare(e, instruction, operands)};
    case Opcode::kSelect:
      return {EmitSelect(e, instruction, operands)};
    case Opcode::kClamp:
      return {EmitClamp(e, instruction, operands)};
    case Opcode::kComplex:
      return {{operands[0].re, operands[1].re}};
    case Opcode::kIsFinite:
      return {EmitIsFinite(e, instruction, operands[0])};
    case Opcode::kReducePrecision:
      return {EmitReducePrecision(e, instruction, operands[0])};
    case Opcode::kMap:
      return e.Call(*instruction.to_apply(), operands);
    case Opcode::kStochasticConvert:
      e.Unsupported(instruction, "stochastic rounding is not lowered");
      return {e.Zero(type)};
    default:
      return {EmitRow(e, instruction, operands, index)};
  }
}

}  // namespace ingot::lower
