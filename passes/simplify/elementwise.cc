#include <bit>
#include <cmath>

#include "ir/analysis/op_facts.h"
#include "passes/simplify/simplify.h"

namespace ingot {
namespace {

// A constant whose first element every element of `instruction` is; null where none is known.
const Literal* SplatOf(const Instruction* instruction) {
  const Instruction* constant =
      IsConstantOfOneValue(*instruction) ? instruction : ScalarOf(*instruction);
  if (constant == nullptr || constant->opcode() != Opcode::kConstant) return nullptr;
  return constant->literal().is_elided() ? nullptr : &constant->literal();
}

bool IsSplatOf(const Instruction* instruction, double value) {
  const Literal* splat = SplatOf(instruction);
  if (splat == nullptr || IsComplex(splat->shape().element_type())) return false;
  const double element = splat->AsDouble(0);
  return element == value && std::signbit(element) == std::signbit(value);
}

bool IsReal(const Instruction* instruction) {
  return !IsComplex(instruction->shape().element_type());
}

// `scalar` broadcast to the shape of `like`.
Instruction* BroadcastScalar(Instruction* like, Literal scalar) {
  Computation* computation = like->parent();
  Instruction* constant = computation->AddConstant(std::move(scalar));
  if (like->shape().IsScalar()) return constant;
  return computation->Add(Opcode::kBroadcast, like->shape(), {constant}, DimensionsAttributes{});
}

// convert(x) to x's own type  →  x
Instruction* ConvertToSameType(Instruction* convert) {
  Instruction* x = convert->operand(0);
  return x->shape().element_type() == convert->shape().element_type() ? x : nullptr;
}

// negate(negate(x)), not(not(x))  →  x, but for f8e8m0fnu, which has no negative values: there the
// negation of any value is NaN
Instruction* Involution(Instruction* outer) {
  Instruction* inner = outer->operand(0);
  const ElementType type = outer->shape().element_type();
  if (IsFloat(type) && FormatOf(type).specials == FloatSpecials::kExponent) return nullptr;
  return inner->opcode() == outer->opcode() ? inner->operand(0) : nullptr;
}

// x + 0 → x for integers;  x + (-0) → x for floats (x + 0 would turn -0 into 0)
Instruction* AddZero(Instruction* add) {
  if (!IsReal(add)) return nullptr;
  const double zero = IsFloat(add->shape().element_type()) ? -0.0 : 0.0;
  for (int i : {0, 1}) {
    if (IsSplatOf(add->operand(1 - i), zero)) return add->operand(i);
  }
  return nullptr;
}

// x - 0  →  x
Instruction* SubtractZero(Instruction* subtract) {
  return IsSplatOf(subtract->operand(1), 0.0) && IsReal(subtract) ? subtract->operand(0) : nullptr;
}

// x * 1  →  x
Instruction* MultiplyByOne(Instruction* multiply) {
  if (!IsReal(multiply)) return nullptr;
  for (int i : {0, 1}) {
    if (IsSplatOf(multiply->operand(1 - i), 1.0)) return multiply->operand(i);
  }
  return nullptr;
}

// x / 1  →  x
Instruction* DivideByOne(Instruction* divide) {
  return IsSplatOf(divide->operand(1), 1.0) ? divide->operand(0) : nullptr;
}

// x / 2^k  →  x * 2^-k, where 2^-k is normal: both round the same quotient
Instruction* DivideByPowerOfTwo(Instruction* divide) {
  const ElementType type = divide->shape().element_type();
  const Literal* splat = SplatOf(divide->operand(1));
  if (splat == nullptr || (type != ElementType::kF32 && type != ElementType::kF64)) return nullptr;
  int exponent;
  const double value = splat->AsDouble(0);
  if (!std::isfinite(value) || std::fabs(std::frexp(value, &exponent)) != 0.5) return nullptr;
  if (std::abs(exponent) > (type == ElementType::kF32 ? 120 : 1000)) return nullptr;
  Instruction* reciprocal = BroadcastScalar(divide, Literal::Scalar(type, 1.0 / value));
  return divide->parent()->Add(Opcode::kMultiply, divide->shape(),
                               {divide->operand(0), reciprocal});
}

// power(x, 1) → x;  power(x, 2) → x * x, which is the same real number rounded once
Instruction* PowerOfSmallInteger(Instruction* power) {
  Instruction* x = power->operand(0);
  if (!IsReal(power)) return nullptr;
  if (IsSplatOf(power->operand(1), 1.0)) return x;
  if (IsSplatOf(power->operand(1), 2.0))
    return power->parent()->Add(Opcode::kMultiply, power->shape(), {x, x});
  return nullptr;
}

// select(p, x, x)  →  x;  select(true, x, y)  →  x;  select(false, x, y)  →  y
Instruction* SelectOfOne(Instruction* select) {
  if (select->operand(1) == select->operand(2)) return select->operand(1);
  if (IsSplatOf(select->operand(0), 1.0)) return select->operand(1);
  if (IsSplatOf(select->operand(0), 0.0)) return select->operand(2);
  return nullptr;
}

constexpr SimplifyRule kRules[] = {
    {Opcode::kAdd, "add-zero", AddZero},
    {Opcode::kConvert, "convert-to-same-type", ConvertToSameType},
    {Opcode::kDivide, "divide-by-one", DivideByOne},
    {Opcode::kDivide, "divide-by-power-of-two", DivideByPowerOfTwo},
    {Opcode::kMultiply, "multiply-by-one", MultiplyByOne},
    {Opcode::kNegate, "negate-of-negate", Involution},
    {Opcode::kNot, "not-of-not", Involution},
    {Opcode::kPower, "power-of-small-integer", PowerOfSmallInteger},
    {Opcode::kSelect, "select-of-one", SelectOfOne},
    {Opcode::kSubtract, "subtract-zero", SubtractZero},
};

}  // namespace

absl::Span<const SimplifyRule> ElementwiseRules() { return kRules; }

}  // namespace ingot
