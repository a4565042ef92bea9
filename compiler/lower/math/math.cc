#include "compiler/lower/math/math.h"

#include "compiler/lower/math/families.h"
#include "compiler/lower/math/rows.h"
#include "ir/base/status.h"

namespace ingot::lower {
namespace math {
namespace {

constexpr Row kRows[] = {
    {Opcode::kExp, Exp, nullptr, 1, 1, "n ln 2 + r, polynomial"},
    {Opcode::kExpm1, Expm1, nullptr, 1.5, 1.8, "n ln 2 + r, polynomial"},
    {Opcode::kLogistic, Logistic, nullptr, 1.5, 1.5, "from e^-|x|"},
    {Opcode::kLog, Log, nullptr, 0.8, 0.8, "k ln 2 + polynomial in m - 1"},
    {Opcode::kLog1p, Log1p, nullptr, 0.85, 0.85, "log of the exact sum 1 + x"},
    {Opcode::kPower, nullptr, Power, 1.2, 1.2, "2^(y log2 x), log2 x as a pair by atanh's series"},
    {Opcode::kRsqrt, Rsqrt, nullptr, 0.501, 0.501, "1 / sqrt(x) and a Newton step"},
    {Opcode::kSin, Sin, nullptr, 0.9, 0.9, "Cody-Waite or Payne-Hanek, polynomials"},
    {Opcode::kCos, Cos, nullptr, 0.9, 0.9, "Cody-Waite or Payne-Hanek, polynomials"},
    {Opcode::kTan, Tan, nullptr, 1.6, 1.5, "Cody-Waite or Payne-Hanek, polynomial, -1 / tan"},
    {Opcode::kAsin, Asin, nullptr, 0.65, 0.65, "polynomial; half the angle"},
    {Opcode::kAcos, Acos, nullptr, 0.65, 0.65, "polynomial; half the angle"},
    {Opcode::kAtan2, nullptr, Atan2, 1.6, 1.6, "octant, polynomial"},
    {Opcode::kCbrt, Cbrt, nullptr, 0.8, 0.75, "Newton for x^(-1/3), a step with the exact cube"},
    {Opcode::kSinh, Sinh, nullptr, 1.7, 1.7, "polynomial; (e^|x| - e^-|x|) / 2"},
    {Opcode::kCosh, Cosh, nullptr, 1.6, 1.5, "(e^|x| + e^-|x|) / 2"},
    {Opcode::kTanh, Tanh, nullptr, 1.5, 1.5, "polynomial; 1 - 2 / (e^2|x| + 1)"},
    {Opcode::kAsinh, Asinh, nullptr, 0.65, 0.65, "polynomial; log of a pair"},
    {Opcode::kAcosh, Acosh, nullptr, 0.85, 0.85, "log of a pair"},
    {Opcode::kAtanh, Atanh, nullptr, 0.65, 0.65, "polynomial; log of a pair"},
    {Opcode::kRemainder, nullptr, Remainder, 0, 0, "integers: 2^d mod m by squaring"},
    {Opcode::kErf, Erf, nullptr, 1.1, 1, "polynomial; 1 - exp(-polynomial)"},
};

constexpr FastRow kFastRows[] = {
    {Opcode::kExp, FastExp, 1, LooseExp, 4.6, NarrowExp, nullptr, 0.51, 0.51, false,
     "a shorter polynomial; 2^n 2^r by the instruction; (2^(x/2))^2"},
    {Opcode::kLogistic, FastLogistic, 1.5, nullptr, 0, NarrowLogistic, nullptr, 0.51, 0.51, true,
     "1 / (1 + e^-x)"},
    {Opcode::kLog, FastLog, 0.95, nullptr, 0, FastLog, nullptr, 0.51, 0.51, false,
     "k ln 2 + a shorter polynomial, in floats"},
    {Opcode::kLog1p, FastLog1p, 1.5, nullptr, 0, FastLog1p, nullptr, 0.51, 0.51, false,
     "the same of 1 + x"},
    {Opcode::kSin, FastSin, 1.5, nullptr, 0, FastSin, nullptr, 0.51, 0.51, false,
     "the rest of the quadrant as one float"},
    {Opcode::kCos, FastCos, 1.5, nullptr, 0, FastCos, nullptr, 0.51, 0.51, false,
     "the rest of the quadrant as one float"},
    {Opcode::kTanh, FastTanh, 1.5, nullptr, 0, NarrowTanh, nullptr, 0.51, 0.56, true,
     "1 - 2 / (e^2x + 1)"},
    {Opcode::kRsqrt, FastRsqrt, 0.501, nullptr, 0, NarrowRsqrt, nullptr, 0.51, 0.51, true,
     "the instruction; a Newton step"},
    {Opcode::kSqrt, FastSqrt, 0.501, nullptr, 0, FastSqrt, nullptr, 0.51, 0.51, true,
     "x times the instruction, and a step; of operands of known range"},
    {Opcode::kDivide, nullptr, 0, nullptr, 0, nullptr, NarrowDivide, 0.51, 0.51, true, "x (1 / y)"},
};

const Row* Find(Opcode opcode) {
  for (const Row& row : kRows) {
    if (row.opcode == opcode) return &row;
  }
  return nullptr;
}

}  // namespace

absl::Span<const Row> Rows() { return kRows; }
absl::Span<const FastRow> FastRows() { return kFastRows; }

}  // namespace math

bool HasMath(Opcode opcode) { return math::Find(opcode) != nullptr; }

absl::StatusOr<kernel::Value> EmitMath(kernel::Builder& b, Opcode opcode,
                                       absl::Span<const kernel::Value> operands) {
  const math::Row* row = math::Find(opcode);
  if (row == nullptr) return Unimplemented(OpcodeName(opcode), " is no elementary function");
  const size_t arity = row->unary != nullptr ? 1 : 2;
  INGOT_CHECK(operands.size() == arity)
      << std::string(OpcodeName(opcode)) << " of " << operands.size() << " operands";
  const kernel::Type type = operands[0]->type;
  if (type.element != ElementType::kF32 && type.element != ElementType::kF64) {
    return Unimplemented(OpcodeName(opcode), " of ", type.ToString(), ", expected f32 or f64");
  }
  INGOT_CHECK(operands.back()->type == type)
      << std::string(OpcodeName(opcode)) << " of " << type.ToString() << " and "
      << operands.back()->type.ToString();
  const math::Expr first(b, operands[0]);
  if (arity == 1) return row->unary(first).value();
  return row->binary(first, math::Expr(b, operands[1])).value();
}

kernel::Value EmitShorter(kernel::Builder& b, Opcode opcode,
                          absl::Span<const kernel::Value> operands) {
  for (const math::FastRow& row : math::kFastRows) {
    if (row.opcode != opcode || row.approximates) continue;
    return row.unary(math::Expr(b, operands[0])).value();
  }
  return nullptr;
}

kernel::Value EmitFast(kernel::Builder& b, Opcode opcode, absl::Span<const kernel::Value> operands,
                       ElementType rounded_to, bool loose) {
  const bool narrow = rounded_to == ElementType::kBF16 || rounded_to == ElementType::kF16;
  for (const math::FastRow& row : math::kFastRows) {
    if (row.opcode != opcode) continue;
    for (const kernel::Value operand : operands) {
      INGOT_CHECK(operand->type == operands[0]->type && operand->type.element == ElementType::kF32)
          << std::string(OpcodeName(opcode)) << " of " << operand->type.ToString();
    }
    const math::Expr x(b, operands[0]);
    if (!narrow && loose && row.loose_unary != nullptr) return row.loose_unary(x).value();
    if (!narrow) return row.unary == nullptr ? nullptr : row.unary(x).value();
    if (row.narrow_unary != nullptr) return row.narrow_unary(x).value();
    return row.narrow_binary(x, math::Expr(b, operands[1]), rounded_to).value();
  }
  return nullptr;
}

kernel::Value EmitShiftedTanh(kernel::Builder& b, kernel::Value x, int shift) {
  return math::ShiftedTanh(math::Expr(b, x), shift).value();
}

}  // namespace ingot::lower
