// Conversions between element types.  Narrow floats go through f32, by integer arithmetic where the
// machine has no instruction; every path rounds once.
#include "compiler/codegen/llvm/elements.h"
#include "ir/base/check.h"
#include "llvm/IR/Intrinsics.h"
#include "llvm/IR/IntrinsicsNVPTX.h"

namespace ingot::codegen {
namespace {

using llvm::Value;

constexpr uint32_t kSingleInfinity = 0x7f800000;
constexpr uint32_t kSingleNan = 0x7fc00000;

uint32_t Ones(int bits) { return (uint32_t{1} << bits) - 1; }

// Patterns of magnitudes (without sign) of a format of up to 16 bits.
uint32_t LargestFinite(const FloatFormat& f) {
  const uint32_t all = Ones(f.exponent_bits + f.mantissa_bits);
  if (f.specials == FloatSpecials::kIeee) return all - Ones(f.mantissa_bits) - 1;
  return f.specials == FloatSpecials::kFn ? all - 1 : all;
}

// The pattern of 2^exponent in f32.
uint32_t PowerOfTwo(int exponent) {
  return exponent >= -126 ? static_cast<uint32_t>(exponent + 127) << 23
                          : uint32_t{1} << (exponent + 149);
}

}  // namespace

llvm::Type* Elements::Representation(ElementType type) const {
  if (type == ElementType::kPred) return b_.getInt1Ty();
  if (type == ElementType::kF32) return b_.getFloatTy();
  if (type == ElementType::kF64) return b_.getDoubleTy();
  INGOT_CHECK(!IsComplex(type)) << "a complex value reached code generation";
  return b_.getIntNTy(8 * ByteWidth(type));
}

llvm::Constant* Elements::Constant(ElementType type, uint64_t bits) const {
  llvm::Type* representation = Representation(type);
  const llvm::APInt value(representation->getScalarSizeInBits(), bits);
  if (representation->isFloatTy()) {
    return llvm::ConstantFP::get(b_.getContext(),
                                 llvm::APFloat(llvm::APFloat::IEEEsingle(), value));
  }
  if (representation->isDoubleTy()) {
    return llvm::ConstantFP::get(b_.getContext(),
                                 llvm::APFloat(llvm::APFloat::IEEEdouble(), value));
  }
  return llvm::ConstantInt::get(b_.getContext(), value);
}

llvm::Type* Elements::Shaped(llvm::Type* scalar, const Value* like) const {
  const auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(like->getType());
  return vector ? llvm::FixedVectorType::get(scalar, vector->getNumElements()) : scalar;
}

llvm::Constant* Elements::Int(const Value* like, uint64_t value) const {
  return llvm::ConstantInt::get(like->getType(),
                                llvm::APInt(like->getType()->getScalarSizeInBits(), value));
}

llvm::Constant* Elements::Float(const Value* like, double value) const {
  return llvm::ConstantFP::get(like->getType(), value);
}

Value* Elements::Clamp(Value* value, int64_t low, int64_t high) {
  llvm::Constant* least = Int(value, low);
  llvm::Constant* most = Int(value, high);
  value = b_.CreateSelect(b_.CreateICmpSLT(value, least), least, value);
  return b_.CreateSelect(b_.CreateICmpSGT(value, most), most, value);
}

Value* Elements::ToBits(Value* value, ElementType type) {
  llvm::Type* bits = Shaped(b_.getIntNTy(BitWidth(type)), value);
  return IsFloat(type) && BitWidth(type) >= 32 ? b_.CreateBitCast(value, bits)
                                               : b_.CreateTrunc(value, bits);
}

Value* Elements::FromBits(Value* bits, ElementType type) {
  llvm::Type* representation = Shaped(Representation(type), bits);
  return IsFloat(type) && BitWidth(type) >= 32 ? b_.CreateBitCast(bits, representation)
                                               : b_.CreateZExt(bits, representation);
}

Value* Elements::Convert(Value* value, ElementType from, ElementType to) {
  if (from == to) return value;
  if (to == ElementType::kPred) {
    if (!IsFloat(from)) return b_.CreateICmpNE(value, Int(value, 0));
    if (BitWidth(from) < 32) value = ToSingle(value, from);
    return b_.CreateFCmpUNE(value, Float(value, 0));
  }
  if (IsFloat(from)) {
    return IsFloat(to) ? FloatToFloat(value, from, to) : FloatToInteger(value, from, to);
  }
  return IsFloat(to) ? IntegerToFloat(value, from, to) : IntegerToInteger(value, from, to);
}

// ----- Integers.

Value* Elements::IntegerToInteger(Value* value, ElementType from, ElementType to) {
  value = ToBits(value, from);
  llvm::Type* bits = Shaped(b_.getIntNTy(BitWidth(to)), value);
  value = IsSigned(from) ? b_.CreateSExtOrTrunc(value, bits) : b_.CreateZExtOrTrunc(value, bits);
  return FromBits(value, to);
}

Value* Elements::FloatToInteger(Value* value, ElementType from, ElementType to) {
  if (BitWidth(from) < 32) value = ToSingle(value, from);
  // Narrow integers saturate once more, from 32 bits; unsigned ones are in range of s32 but u32.
  const bool narrow = BitWidth(to) < 32;
  llvm::Type* wide = Shaped(b_.getIntNTy(narrow ? 32 : BitWidth(to)), value);
  const bool is_signed = IsSigned(to) || narrow;
  Value* result =
      b_.CreateIntrinsic(is_signed ? llvm::Intrinsic::fptosi_sat : llvm::Intrinsic::fptoui_sat,
                         {wide, value->getType()}, {value});
  if (!narrow) return result;
  const int64_t range = int64_t{1} << BitWidth(to);
  result = IsSigned(to) ? Clamp(result, -range / 2, range / 2 - 1) : Clamp(result, 0, range - 1);
  return FromBits(b_.CreateTrunc(result, Shaped(b_.getIntNTy(BitWidth(to)), value)), to);
}

Value* Elements::IntegerToFloat(Value* value, ElementType from, ElementType to) {
  value = ToBits(value, from);
  const auto convert = [&](Value* integer, llvm::Type* scalar) {
    llvm::Type* type = Shaped(scalar, integer);
    return IsSigned(from) ? b_.CreateSIToFP(integer, type) : b_.CreateUIToFP(integer, type);
  };
  if (BitWidth(to) >= 32) return convert(value, Representation(to));
  if (BitWidth(from) <= 16) return FromSingle(convert(value, b_.getFloatTy()), to);  // exact
  if (BitWidth(from) == 64) {
    // 53 bits, the last one odd where bits are lost: then f64 is exact, and later roundings right.
    // Truncation toward minus infinity and an odd last bit are right for negative values too.
    Value* lost = b_.CreateAnd(value, Int(value, 0x7ff));
    Value* odd =
        b_.CreateSelect(b_.CreateICmpNE(lost, Int(lost, 0)), Int(value, 0x800), Int(value, 0));
    Value* rounded = b_.CreateOr(b_.CreateAnd(value, Int(value, ~uint64_t{0x7ff})), odd);
    Value* high = IsSigned(from) ? b_.CreateAShr(value, Int(value, 53))
                                 : b_.CreateLShr(value, Int(value, 53));
    Value* small = b_.CreateICmpEQ(high, Int(high, 0));
    if (IsSigned(from)) {
      small = b_.CreateOr(small, b_.CreateICmpEQ(high, Int(high, ~uint64_t{0})));
    }
    value = b_.CreateSelect(small, value, rounded);
  }
  return FromSingle(RoundToOdd(convert(value, b_.getDoubleTy())), to);
}

// ----- Floats.

Value* Elements::FloatToFloat(Value* value, ElementType from, ElementType to) {
  if (BitWidth(from) < 32) value = ToSingle(value, from);
  const bool is_double = value->getType()->getScalarType()->isDoubleTy();
  if (to == ElementType::kF64) return b_.CreateFPExt(value, Shaped(b_.getDoubleTy(), value));
  if (to == ElementType::kF32) {
    return is_double ? b_.CreateFPTrunc(value, Shaped(b_.getFloatTy(), value)) : value;
  }
  return FromSingle(is_double ? RoundToOdd(value) : value, to);
}

Value* Elements::RoundToOdd(Value* value) {
  Value* nearest = b_.CreateFPTrunc(value, Shaped(b_.getFloatTy(), value));
  Value* back = b_.CreateFPExt(nearest, value->getType());
  Value* exact = b_.CreateFCmpUEQ(back, value);
  Value* magnitude = b_.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, value);
  Value* away = b_.CreateFCmpOGT(b_.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, back), magnitude);
  // Toward zero, then odd.  Patterns of magnitudes are ordered as their values.
  Value* bits = b_.CreateBitCast(nearest, Shaped(b_.getInt32Ty(), value));
  Value* odd = b_.CreateOr(b_.CreateSub(bits, b_.CreateZExt(away, bits->getType())), Int(bits, 1));
  return b_.CreateBitCast(b_.CreateSelect(exact, bits, odd), nearest->getType());
}

Value* Elements::ToSingle(Value* bits, ElementType from) {
  if (from == ElementType::kF32) return bits;
  llvm::Type* single = Shaped(b_.getFloatTy(), bits);
  if (from == ElementType::kBF16) {
    Value* wide = b_.CreateZExt(bits, Shaped(b_.getInt32Ty(), bits));
    return b_.CreateBitCast(b_.CreateShl(wide, Int(wide, 16)), single);
  }
  if (from == ElementType::kF16 && features_.half_conversions) {
    return b_.CreateFPExt(b_.CreateBitCast(bits, Shaped(b_.getHalfTy(), bits)), single);
  }
  return DecodeBits(bits, FormatOf(from));
}

Value* Elements::FromSingle(Value* value, ElementType to) {
  if (to == ElementType::kF32) return value;
  llvm::Type* half_bits = Shaped(b_.getInt16Ty(), value);
  if (to == ElementType::kF16 && features_.half_conversions) {
    return b_.CreateBitCast(b_.CreateFPTrunc(value, Shaped(b_.getHalfTy(), value)), half_bits);
  }
  if (to == ElementType::kBF16 && features_.nvptx) {
    return b_.CreateBitCast(b_.CreateIntrinsic(llvm::Intrinsic::nvvm_f2bf16_rn, {}, {value}),
                            half_bits);
  }
  return EncodeBits(value, to);
}

Value* Elements::DecodeBits(Value* bits, const FloatFormat& f) {
  Value* wide = b_.CreateZExt(bits, Shaped(b_.getInt32Ty(), bits));
  llvm::Type* single = Shaped(b_.getFloatTy(), bits);
  if (f.specials == FloatSpecials::kExponent) {
    Value* result = b_.CreateShl(wide, Int(wide, 23));
    result = b_.CreateSelect(b_.CreateICmpEQ(wide, Int(wide, 0)), Int(wide, PowerOfTwo(-f.bias)),
                             result);
    result = b_.CreateSelect(b_.CreateICmpEQ(wide, Int(wide, Ones(f.bits))), Int(wide, kSingleNan),
                             result);
    return b_.CreateBitCast(result, single);
  }
  // The exponent and mantissa where f32 has them, then the bias by a multiplication, which is exact
  // and makes denormals normal.
  Value* magnitude = b_.CreateAnd(wide, Int(wide, Ones(f.bits - 1)));
  Value* digits = b_.CreateShl(magnitude, Int(wide, 23 - f.mantissa_bits));
  Value* scale = b_.CreateBitCast(Int(wide, PowerOfTwo(127 - f.bias)), single);
  Value* finite =
      b_.CreateBitCast(b_.CreateFMul(b_.CreateBitCast(digits, single), scale), wide->getType());
  Value* special = Int(wide, kSingleNan);
  Value* is_special = nullptr;
  if (f.specials == FloatSpecials::kIeee) {
    // An infinity keeps its empty mantissa; a NaN is made quiet.
    Value* infinity = Int(wide, LargestFinite(f) + 1);
    is_special = b_.CreateICmpUGE(magnitude, infinity);
    special = b_.CreateSelect(b_.CreateICmpEQ(magnitude, infinity), Int(wide, kSingleInfinity),
                              Int(wide, kSingleNan));
  } else if (f.specials == FloatSpecials::kFn) {
    is_special = b_.CreateICmpUGT(magnitude, Int(wide, LargestFinite(f)));
  } else if (f.specials == FloatSpecials::kFnuz) {
    is_special = b_.CreateICmpEQ(wide, Int(wide, uint32_t{1} << (f.bits - 1)));
  }
  Value* result = is_special ? b_.CreateSelect(is_special, special, finite) : finite;
  Value* sign = b_.CreateShl(b_.CreateLShr(wide, Int(wide, f.bits - 1)), Int(wide, 31));
  return b_.CreateBitCast(b_.CreateOr(result, sign), single);
}

// The upper half of an f32, rounded half to even: a carry moves on to the exponent, and from the
// largest number to infinity.
Value* Elements::EncodeUpperHalf(Value* bits) {
  Value* upper = b_.CreateLShr(bits, Int(bits, 16));
  Value* last = b_.CreateAnd(upper, Int(bits, 1));
  Value* rounded =
      b_.CreateLShr(b_.CreateAdd(b_.CreateAdd(bits, Int(bits, 0x7fff)), last), Int(bits, 16));
  Value* single = b_.CreateBitCast(bits, Shaped(b_.getFloatTy(), bits));
  Value* nan = b_.CreateOr(b_.CreateAnd(upper, Int(bits, 0x8000)), Int(bits, 0x7fc0));
  return b_.CreateSelect(b_.CreateFCmpUNO(single, single), nan, rounded);
}

Value* Elements::EncodeBits(Value* value, ElementType to) {
  const FloatFormat& f = FormatOf(to);
  llvm::Type* representation = Shaped(Representation(to), value);
  llvm::Type* single = value->getType();
  Value* bits = b_.CreateBitCast(value, Shaped(b_.getInt32Ty(), value));
  if (f.specials == FloatSpecials::kExponent) {
    return b_.CreateTrunc(EncodeExponentOnly(bits), representation);
  }
  if (to == ElementType::kBF16) return b_.CreateTrunc(EncodeUpperHalf(bits), representation);
  Value* sign = b_.CreateAnd(b_.CreateLShr(bits, Int(bits, 32 - f.bits)),
                             Int(bits, uint32_t{1} << (f.bits - 1)));
  Value* magnitude = b_.CreateAnd(bits, Int(bits, 0x7fffffff));

  // Normal: round half to even at the last place (a carry moves on to the exponent), change bias.
  const int shift = 23 - f.mantissa_bits;
  Value* last = b_.CreateAnd(b_.CreateLShr(magnitude, Int(bits, shift)), Int(bits, 1));
  Value* rounded = b_.CreateAdd(b_.CreateAdd(magnitude, Int(bits, Ones(shift - 1))), last);
  Value* result = b_.CreateSub(b_.CreateLShr(rounded, Int(bits, shift)),
                               Int(bits, static_cast<uint32_t>(127 - f.bias) << f.mantissa_bits));
  if (f.bias != 127) {
    // Denormal: added to a power of two whose last place is ours, f32 itself rounds.
    Value* magic = Int(bits, PowerOfTwo(1 - f.bias - f.mantissa_bits + 23));
    Value* sum =
        b_.CreateFAdd(b_.CreateBitCast(magnitude, single), b_.CreateBitCast(magic, single));
    Value* denormal = b_.CreateSub(b_.CreateBitCast(sum, bits->getType()), magic);
    Value* is_normal = b_.CreateICmpUGE(magnitude, Int(bits, PowerOfTwo(1 - f.bias)));
    result = b_.CreateSelect(is_normal, result, denormal);
  }

  const uint32_t largest = LargestFinite(f);
  const uint32_t sign_bit = uint32_t{1} << (f.bits - 1);
  Value* is_nan = b_.CreateICmpUGT(magnitude, Int(bits, kSingleInfinity));
  Value* overflows = b_.CreateICmpUGT(result, Int(bits, largest));
  switch (f.specials) {
    case FloatSpecials::kIeee:
      result = b_.CreateSelect(overflows, Int(bits, largest + 1), result);
      result = b_.CreateSelect(
          is_nan, Int(bits, (largest + 1) | (uint32_t{1} << (f.mantissa_bits - 1))), result);
      result = b_.CreateOr(result, sign);
      break;
    case FloatSpecials::kFn:  // NaN's magnitude is beyond every number's
      result = b_.CreateOr(b_.CreateSelect(overflows, Int(bits, largest + 1), result), sign);
      break;
    case FloatSpecials::kFnuz: {
      Value* is_zero = b_.CreateICmpEQ(result, Int(bits, 0));
      Value* with_sign = b_.CreateSelect(is_zero, Int(bits, 0), b_.CreateOr(result, sign));
      result = b_.CreateSelect(overflows, Int(bits, sign_bit), with_sign);
      break;
    }
    case FloatSpecials::kFinite:
      result = b_.CreateOr(b_.CreateSelect(overflows, Int(bits, largest), result), sign);
      result = b_.CreateSelect(is_nan, Int(bits, sign_bit), result);
      break;
    case FloatSpecials::kExponent:
      INGOT_UNREACHABLE() << "handled above";
  }
  return b_.CreateTrunc(result, representation);
}

// Powers of two: the nearest, ties to the greater.  What is zero, negative or too large is NaN.
Value* Elements::EncodeExponentOnly(Value* bits) {
  Value* rounded = b_.CreateLShr(b_.CreateAdd(bits, Int(bits, 0x400000)), Int(bits, 23));
  // Field 0 holds f32's denormals, of which those from 2^-127 on are normal here.
  Value* is_denormal = b_.CreateICmpULT(bits, Int(bits, PowerOfTwo(-126)));
  Value* from_denormal =
      b_.CreateZExt(b_.CreateICmpUGE(bits, Int(bits, 0x600000)), bits->getType());
  Value* result = b_.CreateSelect(is_denormal, from_denormal, rounded);
  // As unsigned numbers, one less, the patterns of zero and of negative values are beyond every
  // positive one.
  Value* is_nan =
      b_.CreateICmpUGE(b_.CreateSub(bits, Int(bits, 1)), Int(bits, kSingleInfinity - 1));
  return b_.CreateSelect(is_nan, Int(bits, 0xff), result);
}

}  // namespace ingot::codegen
