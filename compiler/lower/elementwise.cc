// Elementwise ops: those of scalar.h, and the few that have attributes.
#include <algorithm>
#include <vector>

#include "compiler/kernel/expr.h"
#include "compiler/lower/emitter.h"
#include "compiler/lower/math/division.h"
#include "compiler/lower/scalar.h"
#include "compiler/plan/contractions.h"
#include "ir/base/status.h"

namespace ingot::lower {

using kernel::Builder;
using kernel::Expr;
using kernel::Value;

namespace {

// Ops that see more of an integer than its value modulo its width: of a sub-byte integer x they are
// computed on x as the high bits of an u8, or as the low bits of one whose others are zero; the
// high half of a product is a part of the whole one, which 8 bits hold.
enum class SubByte { kValue, kHighBits, kLowBits, kProduct };
SubByte SubByteOf(Opcode opcode) {
  if (opcode == Opcode::kMulhi) return SubByte::kProduct;
  if (opcode == Opcode::kShiftRightArithmetic) return SubByte::kHighBits;
  return IsOneOf(opcode, {Opcode::kClz, Opcode::kPopulationCount, Opcode::kShiftRightLogical})
             ? SubByte::kLowBits
             : SubByte::kValue;
}

// One of those ops on operands of `type`, of `bits` < 8 bits; the result is right modulo 2 ** bits.
absl::StatusOr<Value> EmitSubByte(Builder& b, Opcode opcode, ElementType type,
                                  absl::Span<const Element> operands) {
  const SubByte form = SubByteOf(opcode);
  const int bits = BitWidth(type);
  if (form == SubByte::kProduct) {
    const Expr x = Expr(b, operands[0].re).To(ComputeType(type));
    const Expr y = Expr(b, operands[1].re).To(ComputeType(type));
    return ((x * y) >> bits).value();
  }
  std::vector<Value> values;
  for (const Element& operand : operands) {
    values.push_back((Expr(b, operand.re).To(ElementType::kU8) & ((1 << bits) - 1)).value());
  }
  const int unused = 8 - bits;
  if (form == SubByte::kHighBits) values[0] = (Expr(b, values[0]) << unused).value();
  INGOT_ASSIGN_OR_RETURN(const Value value, EmitRealScalar(b, opcode, ElementType::kU8, values));
  const Expr result(b, value);
  if (form == SubByte::kHighBits) return (result >> unused).value();
  return opcode == Opcode::kClz ? (result - unused).value() : value;
}

// Floats by the order of their bits: -NaN < -inf < … < -0 < 0 < … < inf < NaN.
Expr TotalOrderKey(Expr x) {
  const Expr bits = x.AsSigned();
  return bits ^ Lshr(bits >> (bits.width() - 1), bits.Number(1));
}

Expr CompareValues(ComparisonDirection direction, Expr x, Expr y) {
  switch (direction) {
    case ComparisonDirection::kEq:
      return x == y;
    case ComparisonDirection::kNe:
      return x != y;
    case ComparisonDirection::kGe:
      return x >= y;
    case ComparisonDirection::kGt:
      return x > y;
    case ComparisonDirection::kLe:
      return x <= y;
    case ComparisonDirection::kLt:
      return x < y;
  }
  INGOT_UNREACHABLE() << "comparison";
  return x;
}

Elements EmitCompare(ElementEmitter& e, const Instruction& instruction, const Elements& operands,
                     const Index&) {
  const CompareAttributes& attributes = instruction.attributes<CompareAttributes>();
  const ElementType type = instruction.operand(0)->shape().element_type();
  Builder& b = e.b();
  if (IsComplex(type)) {  // which have no order
    const Expr equal = (Expr(b, operands[0].re) == Expr(b, operands[1].re)) &
                       (Expr(b, operands[0].im) == Expr(b, operands[1].im));
    const bool negated = attributes.direction == ComparisonDirection::kNe;
    return {{(negated ? !equal : equal).value(), nullptr}};
  }
  const ElementType compute = ComputeType(type);
  Expr x = Expr(b, operands[0].re).To(compute);
  Expr y = Expr(b, operands[1].re).To(compute);
  if (IsFloat(compute) && (attributes.order == ComparisonOrder::kTotal ||
                           attributes.type == ComparisonType::kTotalOrder)) {
    x = TotalOrderKey(x);
    y = TotalOrderKey(y);
  }
  return {{CompareValues(attributes.direction, x, y).value(), nullptr}};
}

// Rounds to a float of fewer exponent and mantissa bits, as bit operations on the same format:
// mantissa to nearest even, then exponents out of range to infinity and to zero.
Expr ReducePrecision(Expr x, const FloatFormat& format,
                     const ReducePrecisionAttributes& attributes) {
  const Expr original = x.As(format.bits == 64   ? ElementType::kU64
                             : format.bits == 32 ? ElementType::kU32
                                                 : ElementType::kU16);
  const uint64_t one = 1;
  const uint64_t sign_mask = one << (format.bits - 1);
  const uint64_t exponent_mask = ((one << format.exponent_bits) - 1) << format.mantissa_bits;
  Expr bits = original;
  if (attributes.mantissa_bits < format.mantissa_bits) {
    const int64_t dropped = format.mantissa_bits - attributes.mantissa_bits;
    const uint64_t kept = ~((one << dropped) - 1) & (sign_mask | (sign_mask - 1));
    const Expr odd = (bits >> dropped) & 1;
    bits = (bits + (odd + bits.Pattern((one << (dropped - 1)) - 1))) & bits.Pattern(kept);
  }
  if (attributes.exponent_bits < format.exponent_bits) {
    const uint64_t bias = (one << (format.exponent_bits - 1)) - 1;
    const uint64_t reduced_bias = (one << (attributes.exponent_bits - 1)) - 1;
    const Expr sign = bits & bits.Pattern(sign_mask);
    const Expr exponent = bits & bits.Pattern(exponent_mask);
    const Expr large = exponent > bits.Pattern((bias + reduced_bias) << format.mantissa_bits);
    const Expr small = exponent <= bits.Pattern((bias - reduced_bias) << format.mantissa_bits);
    const Expr infinity = sign | bits.Pattern(exponent_mask);
    bits = Select(small, sign, Select(large, infinity, bits));
  }
  // A NaN stays one; without mantissa bits its rounding may have reached infinity or beyond.
  return Select(IsNan(x), x, bits.As(x.element()));
}

Elements EmitReducePrecision(ElementEmitter& e, const Instruction& instruction,
                             const Elements& operands, const Index&) {
  const ElementType type = instruction.shape().element_type();
  if (BitWidth(type) < 16) {
    e.Unsupported(instruction, "only of f16, bf16, f32 and f64");
    return {e.Zero(type)};
  }
  const Expr x(e.b(), operands[0].re);
  const auto& attributes = instruction.attributes<ReducePrecisionAttributes>();
  return {{ReducePrecision(x, FormatOf(type), attributes).value(), nullptr}};
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
Element EmitAlike(ElementEmitter& e, const Instruction& instruction, const Elements& operands,
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
                        .loose = e.context().IsLoose(instruction),
                        .shift = e.context().ShiftOf(instruction)};
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

Elements EmitScalar(ElementEmitter& e, const Instruction& instruction, const Elements& operands,
                    const Index& index) {
  if (instruction.opcode() == Opcode::kComplex) return {{operands[0].re, operands[1].re}};
  return {EmitAlike(e, instruction, operands, index)};
}

Elements EmitSelect(ElementEmitter& e, const Instruction& instruction, const Elements& operands,
                    const Index&) {
  if (!e.context().IsUnrounded(instruction)) {
    return {e.Select(operands[0].re, operands[1], operands[2])};
  }
  const Element on_true{e.b().Convert(operands[1].re, ElementType::kF32), nullptr};
  const Element on_false{e.b().Convert(operands[2].re, ElementType::kF32), nullptr};
  return {e.Select(operands[0].re, on_true, on_false)};
}

Elements EmitConvert(ElementEmitter& e, const Instruction& instruction, const Elements& operands,
                     const Index&) {
  if (e.context().IsUnrounded(instruction)) return operands;  // from f32
  return {e.Convert(operands[0], instruction.operand(0)->shape().element_type(),
                    instruction.shape().element_type())};
}

Elements EmitClamp(ElementEmitter& e, const Instruction& instruction, const Elements& operands,
                   const Index&) {
  const ElementType type = instruction.shape().element_type();
  const auto value = [&](int i) { return Expr(e.b(), operands[i].re).To(ComputeType(type)); };
  const Expr clamped = type == ElementType::kPred ? (value(1) | value(0)) & value(2)
                                                  : Min(Max(value(1), value(0)), value(2));
  return {{clamped.To(type).value(), nullptr}};
}

Elements EmitMap(ElementEmitter& e, const Instruction& instruction, const Elements& operands,
                 const Index&) {
  return e.Call(*instruction.to_apply(), operands);
}

Elements EmitStochasticConvert(ElementEmitter& e, const Instruction& instruction, const Elements&,
                               const Index&) {
  e.Unsupported(instruction, "stochastic rounding is not lowered");
  return {e.Zero(instruction.shape().element_type())};
}

// Ops without attributes are scalar functions; others have the function of their name.
constexpr OpRow<Elements(ElementEmitter&, const Instruction&, const Elements&, const Index&)>
    kRows[] = {
#define INGOT_OPCODE(...)
#define INGOT_UNARY(Name, ...) {Opcode::k##Name, EmitScalar},
#define INGOT_BINARY(Name, ...) {Opcode::k##Name, EmitScalar},
#define INGOT_ELEMENTWISE(Name, ...) {Opcode::k##Name, Emit##Name},
#include "ir/opcodes.def"
};

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

// A step of a polynomial: its product is not rounded.
Element EmitStep(ElementEmitter& e, const Instruction& sum, const Index& index) {
  const Instruction& product = *plan::ProductOfStep(sum);
  const int64_t k = sum.operand(0) == &product ? 0 : 1;
  const Elements factors = Operands(e, product, e.IndexOfOperand(sum, k, index));
  const Element addend = e.EmitOperand(sum, 1 - k, index);
  const int lanes = std::max(factors[0].lanes(), addend.lanes());
  const auto value = [&](const Element& element) {
    return Expr(e.b(), e.Broadcast(element, lanes).re);
  };
  const bool subtracts = sum.opcode() == Opcode::kSubtract;
  const Expr first = subtracts && k == 1 ? -value(factors[0]) : value(factors[0]);
  const Expr last = subtracts && k == 0 ? -value(addend) : value(addend);
  return {Fma(first, value(factors[1]), last).value(), nullptr};
}

}  // namespace

Elements EmitElementwise(ElementEmitter& e, const Instruction& instruction, const Index& index) {
  if (e.context().IsContracted(instruction)) return {EmitStep(e, instruction, index)};
  const Elements operands = Operands(e, instruction, index);
  return FunctionOf(kRows, instruction.opcode())(e, instruction, operands, index);
}

}  // namespace ingot::lower
