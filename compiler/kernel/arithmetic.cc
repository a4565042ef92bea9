#include "compiler/kernel/arithmetic.h"

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "compiler/kernel/approximations.h"
#include "ir/base/float_bits.h"

namespace ingot::kernel {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

uint64_t SignBit(ElementType element) { return uint64_t{1} << (BitWidth(element) - 1); }
uint64_t AllOnes(ElementType element) { return TruncateBits(element, ~uint64_t{0}); }

double RoundEven(double x) {
  const double down = std::floor(x);
  const double rest = x - down;  // exact below 2^52, 0 above
  if (rest < 0.5 || !std::isfinite(x)) return std::copysign(down, x);
  if (rest > 0.5) return std::copysign(down + 1, x);
  return std::copysign(std::fmod(down, 2) == 0 ? down : down + 1, x);
}

double Minimum(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return kNan;
  if (a == b) return std::signbit(a) ? a : b;
  return a < b ? a : b;
}

double Maximum(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return kNan;
  if (a == b) return std::signbit(a) ? b : a;
  return a > b ? a : b;
}

// Lane-wise rows on floats.  One rounding in f64 and one to the type are one rounding to the type:
// f64 has more than twice its bits and two (sums, products, quotients and roots).
uint64_t EvaluateFloat(Opcode opcode, ElementType element, absl::Span<const uint64_t> bits) {
  if (opcode == Opcode::kNeg) return bits[0] ^ SignBit(element);
  if (opcode == Opcode::kAbs) return bits[0] & ~SignBit(element);
  const double a = FloatValue(element, bits[0]);
  const double b = bits.size() > 1 ? FloatValue(element, bits[1]) : 0;
  double result = 0;
  if (opcode == Opcode::kEq) return a == b;
  if (opcode == Opcode::kNe) return a != b;
  if (opcode == Opcode::kLt) return a < b;
  if (opcode == Opcode::kLe) return a <= b;
  if (opcode == Opcode::kGt) return a > b;
  if (opcode == Opcode::kGe) return a >= b;
  if (opcode == Opcode::kSqrt) {
    result = std::sqrt(a);
  } else if (opcode == Opcode::kFloor) {
    result = std::floor(a);
  } else if (opcode == Opcode::kCeil) {
    result = std::ceil(a);
  } else if (opcode == Opcode::kTrunc) {
    result = std::trunc(a);
  } else if (opcode == Opcode::kRoundEven) {
    result = RoundEven(a);
  } else if (opcode == Opcode::kAdd) {
    result = a + b;
  } else if (opcode == Opcode::kSub) {
    result = a - b;
  } else if (opcode == Opcode::kMul) {
    result = a * b;
  } else if (opcode == Opcode::kDiv) {
    result = a / b;
  } else if (opcode == Opcode::kMin) {
    result = Minimum(a, b);
  } else if (opcode == Opcode::kMax) {
    result = Maximum(a, b);
  } else if (opcode == Opcode::kFma) {
    const double c = FloatValue(element, bits[2]);
    result = element == ElementType::kF32
                 ? std::fma(static_cast<float>(a), static_cast<float>(b), static_cast<float>(c))
                 : std::fma(a, b, c);
  } else {
    INGOT_UNREACHABLE() << NameOf(opcode) << " of " << ElementTypeName(element);
  }
  return FloatBits(element, std::isnan(result) ? kNan : result);
}

uint64_t DivideInteger(ElementType element, uint64_t a, uint64_t b) {
  if (b == 0) return AllOnes(element);
  if (!IsSigned(element)) return a / b;
  if (b == AllOnes(element)) return TruncateBits(element, -a);  // also the least value by -1
  return IntegerBits(element, IntegerValue(element, a) / IntegerValue(element, b));
}

uint64_t RemainderInteger(ElementType element, uint64_t a, uint64_t b) {
  if (b == 0) return a;
  if (!IsSigned(element)) return a % b;
  if (b == AllOnes(element)) return 0;
  return IntegerBits(element, IntegerValue(element, a) % IntegerValue(element, b));
}

uint64_t HighProduct(ElementType element, uint64_t a, uint64_t b) {
  const int width = BitWidth(element);
  if (IsSigned(element)) {
    const __int128 product = static_cast<__int128>(IntegerValue(element, a)) *
                             static_cast<__int128>(IntegerValue(element, b));
    return TruncateBits(element, static_cast<uint64_t>(product >> width));
  }
  const unsigned __int128 product =
      static_cast<unsigned __int128>(a) * static_cast<unsigned __int128>(b);
  return static_cast<uint64_t>(product >> width);
}

// Shifts by the width or more shift everything out.
uint64_t Shift(Opcode opcode, ElementType element, uint64_t a, uint64_t amount) {
  const uint64_t width = BitWidth(element);
  if (opcode == Opcode::kAshr) {
    const bool negative = (a & SignBit(element)) != 0;
    if (amount >= width) return negative ? AllOnes(element) : 0;
    const uint64_t fill = negative && amount > 0 ? ~(AllOnes(element) >> amount) : 0;
    return TruncateBits(element, (a >> amount) | fill);
  }
  if (amount >= width) return 0;
  return opcode == Opcode::kShl ? TruncateBits(element, a << amount) : a >> amount;
}

bool Less(ElementType element, uint64_t a, uint64_t b) {
  return IsSigned(element) ? IntegerValue(element, a) < IntegerValue(element, b) : a < b;
}

// As PTX's prmt: nibble i of the selector picks byte i of the result from the eight bytes of b:a;
// its top bit spreads that byte's sign instead.
uint64_t PermuteBytes(uint64_t a, uint64_t b, uint64_t selector) {
  const uint64_t pair = (b << 32) | a;
  uint64_t result = 0;
  for (int i = 0; i < 4; ++i) {
    const uint64_t nibble = (selector >> (4 * i)) & 15;
    uint64_t byte = (pair >> (8 * (nibble & 7))) & 0xff;
    if (nibble & 8) byte = (byte & 0x80) ? 0xff : 0;
    result |= byte << (8 * i);
  }
  return result;
}

// Lane-wise rows on integers and pred (an unsigned integer of one bit).
uint64_t EvaluateInteger(Opcode opcode, ElementType element, absl::Span<const uint64_t> bits) {
  const uint64_t a = bits[0];
  const uint64_t b = bits.size() > 1 ? bits[1] : 0;
  if (opcode == Opcode::kEq) return a == b;
  if (opcode == Opcode::kNe) return a != b;
  if (opcode == Opcode::kLt) return Less(element, a, b);
  if (opcode == Opcode::kLe) return !Less(element, b, a);
  if (opcode == Opcode::kGt) return Less(element, b, a);
  if (opcode == Opcode::kGe) return !Less(element, a, b);
  if (opcode == Opcode::kNeg) return TruncateBits(element, -a);
  if (opcode == Opcode::kAbs) return (a & SignBit(element)) ? TruncateBits(element, -a) : a;
  if (opcode == Opcode::kNot) return TruncateBits(element, ~a);
  if (opcode == Opcode::kPopcnt) return std::popcount(a);
  if (opcode == Opcode::kClz) return std::countl_zero(a) - (64 - BitWidth(element));
  if (opcode == Opcode::kAdd) return TruncateBits(element, a + b);
  if (opcode == Opcode::kSub) return TruncateBits(element, a - b);
  if (opcode == Opcode::kMul) return TruncateBits(element, a * b);
  if (opcode == Opcode::kDiv) return DivideInteger(element, a, b);
  if (opcode == Opcode::kRem) return RemainderInteger(element, a, b);
  if (opcode == Opcode::kMulhi) return HighProduct(element, a, b);
  if (opcode == Opcode::kMin) return Less(element, b, a) ? b : a;
  if (opcode == Opcode::kMax) return Less(element, a, b) ? b : a;
  if (opcode == Opcode::kAnd) return a & b;
  if (opcode == Opcode::kOr) return a | b;
  if (opcode == Opcode::kXor) return a ^ b;
  if (opcode == Opcode::kPermute) return PermuteBytes(a, b, bits[2]);
  INGOT_CHECK(opcode == Opcode::kShl || opcode == Opcode::kLshr || opcode == Opcode::kAshr)
      << NameOf(opcode) << " of " << ElementTypeName(element);
  return Shift(opcode, element, a, b);
}

// The f64 nearest to negative ? -magnitude : magnitude, but rounded to odd where it is not exact: a
// later rounding to fewer bits is then right.
double IntegerToDoubleOdd(bool negative, uint64_t magnitude) {
  const int excess = 64 - std::countl_zero(magnitude) - 53;
  if (excess > 0) {
    const uint64_t lost = magnitude & ((uint64_t{1} << excess) - 1);
    magnitude &= ~((uint64_t{1} << excess) - 1);
    if (lost != 0) magnitude |= uint64_t{1} << excess;
  }
  const double value = static_cast<double>(magnitude);
  return negative ? -value : value;
}

uint64_t IntegerToFloat(ElementType from, ElementType to, uint64_t bits) {
  const bool negative = IsSigned(from) && IntegerValue(from, bits) < 0;
  const uint64_t magnitude = negative ? -static_cast<uint64_t>(IntegerValue(from, bits)) : bits;
  if (to == ElementType::kF64) {
    const double value = static_cast<double>(magnitude);  // rounds to nearest even
    return FloatBits(to, negative ? -value : value);
  }
  return FloatBits(to, IntegerToDoubleOdd(negative, magnitude));
}

// Toward zero, saturating; NaN is 0.
uint64_t FloatToInteger(ElementType to, double value) {
  if (std::isnan(value)) return 0;
  const int width = BitWidth(to);
  const double limit = std::ldexp(1.0, IsSigned(to) ? width - 1 : width);
  if (value >= limit) return IsSigned(to) ? AllOnes(to) >> 1 : AllOnes(to);
  if (IsSigned(to)) {
    if (value < -limit) return SignBit(to);
    return IntegerBits(to, static_cast<int64_t>(value));
  }
  return value <= 0 ? 0 : static_cast<uint64_t>(value);
}

}  // namespace

uint64_t TruncateBits(ElementType element, uint64_t bits) {
  const int width = BitWidth(element);
  return width == 64 ? bits : bits & ((uint64_t{1} << width) - 1);
}

uint64_t IntegerBits(ElementType element, int64_t value) {
  return TruncateBits(element, static_cast<uint64_t>(value));
}

int64_t IntegerValue(ElementType element, uint64_t bits) {
  const int width = BitWidth(element);
  if (!IsSigned(element) || width == 64) return static_cast<int64_t>(bits);
  return static_cast<int64_t>(bits << (64 - width)) >> (64 - width);
}

uint64_t FloatBits(ElementType element, double value) {
  return EncodeFloat(FormatOf(element), value);
}

double FloatValue(ElementType element, uint64_t bits) {
  return DecodeFloat(FormatOf(element), bits);
}

uint64_t EvaluateLane(Opcode opcode, ElementType element, absl::Span<const uint64_t> operands) {
  if (opcode == Opcode::kSelect) return operands[0] ? operands[1] : operands[2];
  return IsFloat(element) ? EvaluateFloat(opcode, element, operands)
                          : EvaluateInteger(opcode, element, operands);
}

uint64_t ConvertLane(ElementType from, ElementType to, uint64_t bits) {
  if (from == to) return bits;
  if (IsFloat(from)) {
    const double value = FloatValue(from, bits);
    if (to == ElementType::kPred) return value != 0;
    return IsFloat(to) ? FloatBits(to, value) : FloatToInteger(to, value);
  }
  if (to == ElementType::kPred) return bits != 0;
  return IsFloat(to) ? IntegerToFloat(from, to, bits) : IntegerBits(to, IntegerValue(from, bits));
}

uint64_t EvaluateHorizontal(Opcode opcode, ElementType element, absl::Span<const uint64_t> lanes) {
  const Opcode step = HorizontalStep(opcode);
  std::vector<uint64_t> values(lanes.begin(), lanes.end());
  while (values.size() > 1) {
    const size_t half = std::bit_ceil(values.size()) / 2;
    for (size_t i = 0; i + half < values.size(); ++i) {
      values[i] = EvaluateLane(step, element, {values[i], values[i + half]});
    }
    values.resize(half);
  }
  return values[0];
}

std::optional<uint64_t> FoldToConstant(const Operation& op) {
  const Opcode opcode = op.opcode;
  const Type type = op.type;
  const std::vector<Operation*>& operands = op.operands;
  std::vector<uint64_t> bits;
  for (const Operation* operand : operands) {
    if (!operand->IsConstant()) return std::nullopt;
    bits.push_back(operand->Get<ConstantAttributes>().bits);
  }
  switch (InfoOf(opcode).op_class) {
    case OpClass::kUnary:
    case OpClass::kBinary:
    case OpClass::kCompare:
    case OpClass::kTernary:
      return EvaluateLane(opcode, operands[0]->type.element, bits);
    case OpClass::kSelect:
      return EvaluateLane(opcode, type.element, bits);
    case OpClass::kConvert: {
      const Type from = operands[0]->type;
      if (opcode == Opcode::kConvert) return ConvertLane(from.element, type.element, bits[0]);
      if (from.lanes != type.lanes) return std::nullopt;
      return bits[0];
    }
    case OpClass::kHorizontal:
      return EvaluateHorizontal(opcode, type.element,
                                std::vector<uint64_t>(operands[0]->type.lanes, bits[0]));
    case OpClass::kVector:
      // The same bits in every lane that goes in: the same in every lane that comes out.
      if (bits.empty()) return std::nullopt;
      for (uint64_t other : bits) {
        if (other != bits[0]) return std::nullopt;
      }
      return bits[0];
    case OpClass::kIntrinsic: {
      const ApproximateRow* row = FindApproximateRow(op.Get<IntrinsicAttributes>().intrinsic);
      if (row == nullptr) return std::nullopt;
      return EvaluateApproximateRow(*row, bits[0]);
    }
    case OpClass::kOrigin:
    case OpClass::kId:
    case OpClass::kVar:
    case OpClass::kMemory:
    case OpClass::kControl:
      break;
  }
  return std::nullopt;
}

}  // namespace ingot::kernel
