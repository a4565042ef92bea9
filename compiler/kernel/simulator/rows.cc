#include "compiler/kernel/simulator/rows.h"

#include <cmath>

#include "compiler/kernel/simulator/row_operations.h"

namespace ingot::kernel::simulator {
namespace {

// ----- Loops over lanes.

template <typename Op, typename T>
void Unary(int count, void* out, const void* a, const void*, const void*) {
  auto* to = static_cast<T*>(out);
  const auto* x = static_cast<const T*>(a);
  for (int i = 0; i < count; ++i) to[i] = Put<T>(Op::Do(Get(x[i])));
}

template <typename Op, typename T>
void Binary(int count, void* out, const void* a, const void* b, const void*) {
  auto* to = static_cast<T*>(out);
  const auto* x = static_cast<const T*>(a);
  const auto* y = static_cast<const T*>(b);
  for (int i = 0; i < count; ++i) to[i] = Put<T>(Op::Do(Get(x[i]), Get(y[i])));
}

template <typename Op, typename T>
void Compare(int count, void* out, const void* a, const void* b, const void*) {
  auto* to = static_cast<uint8_t*>(out);
  const auto* x = static_cast<const T*>(a);
  const auto* y = static_cast<const T*>(b);
  for (int i = 0; i < count; ++i) to[i] = Op::Do(Get(x[i]), Get(y[i]));
}

template <typename T>
void Fma(int count, void* out, const void* a, const void* b, const void* c) {
  auto* to = static_cast<T*>(out);
  const auto* x = static_cast<const T*>(a);
  const auto* y = static_cast<const T*>(b);
  const auto* z = static_cast<const T*>(c);
  for (int i = 0; i < count; ++i) to[i] = Canonical(std::fma(x[i], y[i], z[i]));
}

template <typename T>
void Select(int count, void* out, const void* mask, const void* b, const void* c) {
  auto* to = static_cast<T*>(out);
  const auto* chosen = static_cast<const uint8_t*>(mask);
  const auto* x = static_cast<const T*>(b);
  const auto* y = static_cast<const T*>(c);
  for (int i = 0; i < count; ++i) to[i] = chosen[i] != 0 ? x[i] : y[i];
}

// Flips or clears the sign of 16-bit floats.
template <bool kFlip>
void HalfSign(int count, void* out, const void* a, const void*, const void*) {
  auto* to = static_cast<uint16_t*>(out);
  const auto* x = static_cast<const uint16_t*>(a);
  for (int i = 0; i < count; ++i) {
    to[i] = static_cast<uint16_t>(kFlip ? x[i] ^ 0x8000 : x[i] & 0x7fff);
  }
}

void Permute(int count, void* out, const void* a, const void* b, const void* c) {
  auto* to = static_cast<uint32_t*>(out);
  const auto* x = static_cast<const uint32_t*>(a);
  const auto* y = static_cast<const uint32_t*>(b);
  const auto* selector = static_cast<const uint32_t*>(c);
  for (int i = 0; i < count; ++i) {
    const uint64_t pair = (uint64_t{y[i]} << 32) | x[i];
    uint32_t result = 0;
    for (int k = 0; k < 4; ++k) {
      const uint32_t nibble = (selector[i] >> (4 * k)) & 15;
      uint32_t byte = (pair >> (8 * (nibble & 7))) & 0xff;
      if (nibble & 8) byte = (byte & 0x80) != 0 ? 0xff : 0;
      result |= byte << (8 * k);
    }
    to[i] = result;
  }
}

template <typename Op, int kSets>
Row UnaryOf(ElementType element) {
  return ForType<kSets>(element, []<typename T>(T) -> Row { return &Unary<Op, T>; });
}
template <typename Op, int kSets>
Row BinaryOf(ElementType element) {
  return ForType<kSets>(element, []<typename T>(T) -> Row { return &Binary<Op, T>; });
}
template <typename Op, int kSets>
Row CompareOf(ElementType element) {
  return ForType<kSets>(element, []<typename T>(T) -> Row { return &Compare<Op, T>; });
}

Row SelectOf(ElementType element) {
  switch (ByteWidth(element)) {
    case 1:
      return &Select<uint8_t>;
    case 2:
      return &Select<uint16_t>;
    case 4:
      return &Select<uint32_t>;
    default:
      return &Select<uint64_t>;
  }
}

}  // namespace

Row FindRow(Opcode opcode, ElementType element) {
  constexpr int kSetArithmetic = kSetNumber;
  constexpr int kSetLogic = kSetPred | kSetInteger;
  constexpr int kSetCompared = kSetNumber | kSetPred;
  const bool half = TypeSetOf(element) == kSetHalf;
  switch (opcode) {
    case Opcode::kNeg:
      return half ? &HalfSign<true> : UnaryOf<Neg, kSetInteger | kSetWide>(element);
    case Opcode::kAbs:
      return half ? &HalfSign<false> : UnaryOf<Abs, kSetSigned | kSetWide>(element);
    case Opcode::kSqrt:
      return UnaryOf<Sqrt, kSetFloat>(element);
    case Opcode::kFloor:
      return UnaryOf<Floor, kSetFloat>(element);
    case Opcode::kCeil:
      return UnaryOf<Ceil, kSetFloat>(element);
    case Opcode::kTrunc:
      return UnaryOf<Trunc, kSetFloat>(element);
    case Opcode::kRoundEven:
      return UnaryOf<RoundEven, kSetFloat>(element);
    case Opcode::kNot:
      return UnaryOf<Not, kSetLogic>(element);
    case Opcode::kPopcnt:
      return UnaryOf<Popcnt, kSetInteger>(element);
    case Opcode::kClz:
      return UnaryOf<Clz, kSetInteger>(element);
    case Opcode::kAdd:
      return BinaryOf<Add, kSetArithmetic>(element);
    case Opcode::kSub:
      return BinaryOf<Sub, kSetArithmetic>(element);
    case Opcode::kMul:
      return BinaryOf<Mul, kSetArithmetic>(element);
    case Opcode::kDiv:
      return BinaryOf<Div, kSetArithmetic>(element);
    case Opcode::kRem:
      return BinaryOf<Rem, kSetInteger>(element);
    case Opcode::kMin:
      return BinaryOf<Min, kSetArithmetic>(element);
    case Opcode::kMax:
      return BinaryOf<Max, kSetArithmetic>(element);
    case Opcode::kAnd:
      return BinaryOf<And, kSetLogic>(element);
    case Opcode::kOr:
      return BinaryOf<Or, kSetLogic>(element);
    case Opcode::kXor:
      return BinaryOf<Xor, kSetLogic>(element);
    case Opcode::kShl:
      return BinaryOf<Shl, kSetInteger>(element);
    case Opcode::kLshr:
      return BinaryOf<Lshr, kSetInteger>(element);
    case Opcode::kAshr:
      return BinaryOf<Ashr, kSetInteger>(element);
    case Opcode::kMulhi:
      return BinaryOf<Mulhi, kSetInteger>(element);
    case Opcode::kEq:
      return CompareOf<Eq, kSetCompared>(element);
    case Opcode::kNe:
      return CompareOf<Ne, kSetCompared>(element);
    case Opcode::kLt:
      return CompareOf<Lt, kSetCompared>(element);
    case Opcode::kLe:
      return CompareOf<Le, kSetCompared>(element);
    case Opcode::kGt:
      return CompareOf<Gt, kSetCompared>(element);
    case Opcode::kGe:
      return CompareOf<Ge, kSetCompared>(element);
    case Opcode::kFma:
      if (element == ElementType::kF32) return &Fma<float>;
      return element == ElementType::kF64 ? &Fma<double> : nullptr;
    case Opcode::kPermute:
      return element == ElementType::kU32 ? &Permute : nullptr;
    case Opcode::kSelect:
      return SelectOf(element);
    default:
      return nullptr;  // not lane-wise
  }
}

}  // namespace ingot::kernel::simulator
