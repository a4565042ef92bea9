#include "compiler/kernel/value_range.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "compiler/kernel/arithmetic.h"

namespace ingot::kernel {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

bool IsWide(ElementType element) {
  return element == ElementType::kF32 || element == ElementType::kF64;
}

ValueRange RangeOfType(ElementType element) {
  const int bits = BitWidth(element);
  if (element == ElementType::kPred) return {0, 1, false};
  if (IsFloat(element) || bits > 32) return {-kInfinity, kInfinity, IsFloat(element)};
  const double count = std::ldexp(1.0, bits);
  return IsSigned(element) ? ValueRange{-count / 2, count / 2 - 1, false}
                           : ValueRange{0, count - 1, false};
}

// Rounding keeps the order of numbers, so the ends of a range are rounded as its values are.
double Rounded(ElementType element, double x) { return FloatValue(element, FloatBits(element, x)); }

ValueRange Union(const ValueRange& a, const ValueRange& b) {
  return {std::min(a.low, b.low), std::max(a.high, b.high), a.nan || b.nan};
}

bool Has(const ValueRange& range, double x) { return range.low <= x && x <= range.high; }
bool HasInfinity(const ValueRange& range) {
  return range.low == -kInfinity || range.high == kInfinity;
}

ValueRange Negated(const ValueRange& a) { return {-a.high, -a.low, a.nan}; }

ValueRange Magnitude(const ValueRange& a) {
  const double high = std::max(std::fabs(a.low), std::fabs(a.high));
  const double low = Has(a, 0) ? 0 : std::min(std::fabs(a.low), std::fabs(a.high));
  return {low, high, a.nan};
}

// Of f32 a sum, a product or a root in f64 is rounded to f32 as the exact one is.
ValueRange Sum(ElementType element, const ValueRange& a, const ValueRange& b) {
  const double low = a.low + b.low, high = a.high + b.high;
  if (std::isnan(low) || std::isnan(high)) return {};
  const bool differ =
      (a.low == -kInfinity && b.high == kInfinity) || (a.high == kInfinity && b.low == -kInfinity);
  return {Rounded(element, low), Rounded(element, high), a.nan || b.nan || differ};
}

ValueRange Product(ElementType element, const ValueRange& a, const ValueRange& b) {
  if ((Has(a, 0) && HasInfinity(b)) || (Has(b, 0) && HasInfinity(a))) return {};
  const auto [low, high] =
      std::minmax({a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high});
  return {Rounded(element, low), Rounded(element, high), a.nan || b.nan};
}

// A product of f32 plus another one is rounded twice here and once there: a number more on either
// side, unless the first rounding changes nothing.
ValueRange ProductAndSum(ElementType element, const ValueRange& product, const ValueRange& c) {
  const ValueRange sum = Sum(ElementType::kF64, product, c);
  // Knuth's sum: what the first rounding lost.
  const auto is_exact = [](double a, double b, double both) {
    const double part = both - a;
    return (a - (both - part)) + (b - part) == 0;
  };
  const auto end = [&](double a, double b, double both, double beyond) {
    const double rounded = Rounded(element, both);
    if (element == ElementType::kF32 && is_exact(a, b, both)) return rounded;
    return element == ElementType::kF32
               ? std::nextafter(static_cast<float>(rounded), static_cast<float>(beyond))
               : std::nextafter(rounded, beyond);
  };
  return {end(product.low, c.low, sum.low, -kInfinity),
          end(product.high, c.high, sum.high, kInfinity), sum.nan};
}

// Integers of 32 bits and their sums and products are exact, or far outside, in f64.
ValueRange UnlessWrapped(const ValueRange& range, const ValueRange& all) {
  return range.low >= all.low && range.high <= all.high ? range : all;
}

// The least 2^n - 1 that is not below x >= 0.
uint64_t MaskFor(double x) { return std::bit_ceil(static_cast<uint64_t>(x) + 1) - 1; }

}  // namespace

bool ValueRange::IsFiniteFrom(double least) const {
  return !nan && low >= least && high < kInfinity && low > -kInfinity;
}

ValueRange ValueRanges::Of(const Operation& value, int deep) {
  if (auto known = known_.find(&value); known != known_.end()) return known->second;
  if (deep == 0) return RangeOfType(value.type.element);
  const ValueRange range = Find(value, deep - 1);
  known_[&value] = range;
  return range;
}

// Rows that do the same to every type.
ValueRange ValueRanges::Find(const Operation& value, int deep) {
  const ElementType element = value.type.element;
  const auto operand = [&](int i) { return Of(*value.operands[i], deep); };
  switch (value.opcode) {
    case Opcode::kBroadcast:
    case Opcode::kExtract:
      return operand(0);
    case Opcode::kSelect:
      return Union(operand(1), operand(2));
    case Opcode::kBuild:
    case Opcode::kInsert:
    case Opcode::kVectorShuffle: {
      ValueRange all = operand(0);
      for (size_t i = 1; i < value.operands.size(); ++i) all = Union(all, operand(i));
      return all;
    }
    case Opcode::kMin:
    case Opcode::kMax: {
      const ValueRange a = operand(0), b = operand(1);
      const bool nan = a.nan || b.nan;
      if (value.opcode == Opcode::kMin) {
        return {std::min(a.low, b.low), std::min(a.high, b.high), nan};
      }
      return {std::max(a.low, b.low), std::max(a.high, b.high), nan};
    }
    default:
      break;
  }
  if (IsWide(element)) return OfFloat(value, deep);
  if (IsInteger(element) && BitWidth(element) <= 32) return OfInteger(value, deep);
  return RangeOfType(element);
}

ValueRange ValueRanges::OfFloat(const Operation& value, int deep) {
  const ElementType element = value.type.element;
  const auto operand = [&](int i) { return Of(*value.operands[i], deep); };
  switch (value.opcode) {
    case Opcode::kConstant: {
      const double number = FloatValue(element, value.Get<ConstantAttributes>().bits);
      return std::isnan(number) ? ValueRange{} : ValueRange{number, number, false};
    }
    case Opcode::kNeg:
      return Negated(operand(0));
    case Opcode::kAbs:
      return Magnitude(operand(0));
    case Opcode::kSqrt: {
      const ValueRange a = operand(0);
      if (a.high < 0) return {};
      return {Rounded(element, std::sqrt(std::max(a.low, 0.0))),
              Rounded(element, std::sqrt(a.high)), a.nan || a.low < 0};
    }
    case Opcode::kAdd:
      return Sum(element, operand(0), operand(1));
    case Opcode::kSub:
      return Sum(element, operand(0), Negated(operand(1)));
    case Opcode::kMul: {
      const ValueRange a = operand(0);
      const bool square = value.operands[0] == value.operands[1];
      const ValueRange size = square ? Magnitude(a) : a;
      return Product(element, size, square ? size : operand(1));
    }
    case Opcode::kFma: {
      const ValueRange product = Product(ElementType::kF64, operand(0), operand(1));
      return ProductAndSum(element, product, operand(2));
    }
    case Opcode::kConvert: {
      const ElementType from = value.operands[0]->type.element;
      if (!IsWide(from) && !IsInteger(from) && from != ElementType::kPred) return {};
      const ValueRange a = operand(0);
      return {Rounded(element, a.low), Rounded(element, a.high), a.nan};
    }
    case Opcode::kBitcast: {
      // From zero to infinity bits are in the order of the floats.
      constexpr double kInfinityBits = 0x7f800000;
      const Type from = value.operands[0]->type;
      if (element != ElementType::kF32 || BitWidth(from.element) != 32) return {};
      const ValueRange bits = operand(0);
      if (bits.low < 0 || bits.high > kInfinityBits) return {};
      const auto number = [&](double x) { return FloatValue(element, static_cast<uint64_t>(x)); };
      return {number(bits.low), number(bits.high), false};
    }
    default:
      return {};
  }
}

ValueRange ValueRanges::OfInteger(const Operation& value, int deep) {
  const ElementType element = value.type.element;
  const ValueRange all = RangeOfType(element);
  const auto operand = [&](int i) { return Of(*value.operands[i], deep); };
  switch (value.opcode) {
    case Opcode::kConstant: {
      const auto number = static_cast<double>(value.ConstantInteger());
      return {number, number, false};
    }
    case Opcode::kAnd: {
      const ValueRange a = operand(0), b = operand(1);
      if (a.low < 0 && b.low < 0) return all;
      if (a.low < 0 || b.low < 0) return {0, a.low < 0 ? b.high : a.high, false};
      return {0, std::min(a.high, b.high), false};
    }
    case Opcode::kOr: {
      const ValueRange a = operand(0), b = operand(1);
      if (a.low < 0 || b.low < 0) return all;
      for (const auto& [constant, other] : {std::pair(a, b), std::pair(b, a)}) {
        if (constant.low != constant.high) continue;
        const auto bits = static_cast<uint64_t>(constant.low);
        if ((bits & MaskFor(other.high)) != 0) continue;  // the two share no bit
        return {constant.low + other.low, constant.low + other.high, false};
      }
      const auto most = static_cast<double>(MaskFor(std::max(a.high, b.high)));
      return {std::max(a.low, b.low), most, false};
    }
    case Opcode::kLshr: {
      const ValueRange amount = operand(1);
      const ValueRange a = operand(0);
      if (amount.low != amount.high || amount.low < 0 || amount.low >= BitWidth(element)) {
        return all;
      }
      const double high = a.low < 0 ? std::ldexp(1.0, BitWidth(element)) - 1 : a.high;
      const double low = a.low < 0 ? 0 : a.low;
      const int places = -static_cast<int>(amount.low);
      return {std::floor(std::ldexp(low, places)), std::floor(std::ldexp(high, places)), false};
    }
    case Opcode::kConvert: {
      const ElementType from = value.operands[0]->type.element;
      if (IsFloat(from) || BitWidth(from) > 32) return all;
      const ValueRange a = operand(0);
      return a.low >= all.low && a.high <= all.high ? a : all;
    }
    case Opcode::kIota:
      return {0, static_cast<double>(value.type.lanes - 1), false};
    case Opcode::kAdd: {
      const ValueRange a = operand(0), b = operand(1);
      return UnlessWrapped({a.low + b.low, a.high + b.high, false}, all);
    }
    case Opcode::kSub: {
      const ValueRange a = operand(0), b = operand(1);
      return UnlessWrapped({a.low - b.high, a.high - b.low, false}, all);
    }
    case Opcode::kMul: {
      const ValueRange a = operand(0), b = operand(1);
      const auto [low, high] =
          std::minmax({a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high});
      return UnlessWrapped({low, high, false}, all);
    }
    case Opcode::kDiv: {
      const ValueRange a = operand(0), b = operand(1);
      if (a.low < 0 || b.low < 1) return all;
      return {std::floor(a.low / b.high), std::floor(a.high / b.low), false};
    }
    case Opcode::kRem: {
      const ValueRange a = operand(0), b = operand(1);
      if (a.low < 0 || b.low < 1) return all;
      return {0, std::min(a.high, b.high - 1), false};
    }
    case Opcode::kFor: {
      if (value.operands.empty()) return all;
      const ValueRange begin = operand(0), end = operand(1);
      if (operand(2).low < 1) return all;
      // No trip is at `end` or behind it, and none wraps: the loop would not end.
      return {begin.low, std::max(begin.low, end.high - 1), false};
    }
    case Opcode::kBlock:
    case Opcode::kBlocks:
    case Opcode::kClusterBlock:
    case Opcode::kThread:
    case Opcode::kLane:
    case Opcode::kWarp:
      return {0, all.high, false};
    default:
      return all;
  }
}

}  // namespace ingot::kernel
