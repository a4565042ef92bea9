// The arithmetic rows: one table.  compiler/kernel/README.md says what each computes, to the bit.
#include "compiler/codegen/llvm/elements.h"
#include "ir/base/check.h"
#include "llvm/IR/Intrinsics.h"
#include "llvm/IR/IntrinsicsNVPTX.h"
#include "llvm/IR/PatternMatch.h"

namespace ingot::codegen {
namespace {

using kernel::Opcode;
using llvm::Value;
using Operands = llvm::ArrayRef<Value*>;

// Emits a row for operands of element type `type`.
using Emit = Value* (*)(Elements& e, ElementType type, Operands v);

struct Row {
  Opcode opcode;
  // f16 and bf16 are widened to f32 and the result is rounded back: that is one rounding, for f32
  // has more than twice their bits and two.  false: `floats` takes them as they are.
  bool widens;
  Emit floats;    // nullptr: not for floats
  Emit integers;  // and pred, unsigned; nullptr: not for integers
};

int Width(const Value* v) { return static_cast<int>(v->getType()->getScalarSizeInBits()); }

Value* Call(Elements& e, llvm::Intrinsic::ID id, Value* a) {
  return e.builder().CreateUnaryIntrinsic(id, a);
}

// NaN if either is; -0 is less than +0.
//
// `a < b ? a : b` is one instruction, and differs from its mirror only where both are zeros or one
// is NaN.  Or-ing the two gives -0 if there is one, and a NaN stays one with any bits added.  For
// the maximum And-ing gives +0; NaN is put in afterwards.  (LLVM's x86 has a wrong llvm.minimum of
// vectors that were widened from f16; NVPTX has none of f64.)
Value* MinMax(Elements& e, Value* a, Value* b, bool is_max) {
  llvm::IRBuilder<>& ir = e.builder();
  if (e.features().nvptx && a->getType()->isFloatTy()) {
    return ir.CreateBinaryIntrinsic(is_max ? llvm::Intrinsic::maximum : llvm::Intrinsic::minimum, a,
                                    b);
  }
  const auto pick = [&](Value* x, Value* y) {
    Value* first = is_max ? ir.CreateFCmpOGT(x, y) : ir.CreateFCmpOLT(x, y);
    return ir.CreateBitCast(ir.CreateSelect(first, x, y), e.Shaped(ir.getIntNTy(Width(x)), x));
  };
  // A number other than zero as one side: the pick that gives the other side when it is NaN.
  const auto is_number = [](Value* x) {
    const llvm::APFloat* number = nullptr;
    return match(x, llvm::PatternMatch::m_APFloat(number)) && !number->isZero() && !number->isNaN();
  };
  if (is_number(a)) return ir.CreateBitCast(pick(a, b), a->getType());
  if (is_number(b)) return ir.CreateBitCast(pick(b, a), a->getType());
  Value* one = pick(a, b);
  Value* other = pick(b, a);
  if (!is_max) return ir.CreateBitCast(ir.CreateOr(one, other), a->getType());
  Value* nan = ir.CreateSExt(ir.CreateFCmpUNO(a, b), one->getType());
  return ir.CreateBitCast(ir.CreateOr(ir.CreateAnd(one, other), nan), a->getType());
}

// Division by zero, and of the least value by -1, must not reach LLVM's instruction.
struct SafeDivisor {
  Value* zero;
  Value* minus_one;  // nullptr: unsigned
  Value* divisor;
};
SafeDivisor MakeSafe(Elements& e, ElementType type, Value* b) {
  llvm::IRBuilder<>& ir = e.builder();
  SafeDivisor safe{ir.CreateICmpEQ(b, e.Int(b, 0)), nullptr, b};
  Value* unsafe = safe.zero;
  if (IsSigned(type)) {
    safe.minus_one = ir.CreateICmpEQ(b, e.Int(b, ~uint64_t{0}));
    unsafe = ir.CreateOr(unsafe, safe.minus_one);
  }
  safe.divisor = ir.CreateSelect(unsafe, e.Int(b, 1), b);
  return safe;
}

Value* Divide(Elements& e, ElementType type, Operands v) {
  llvm::IRBuilder<>& ir = e.builder();
  const SafeDivisor safe = MakeSafe(e, type, v[1]);
  Value* result =
      IsSigned(type) ? ir.CreateSDiv(v[0], safe.divisor) : ir.CreateUDiv(v[0], safe.divisor);
  if (safe.minus_one) result = ir.CreateSelect(safe.minus_one, ir.CreateNeg(v[0]), result);
  return ir.CreateSelect(safe.zero, e.Int(v[0], ~uint64_t{0}), result);
}

// The divisor 1 gives remainder 0, which is right for -1.
Value* Remainder(Elements& e, ElementType type, Operands v) {
  llvm::IRBuilder<>& ir = e.builder();
  const SafeDivisor safe = MakeSafe(e, type, v[1]);
  Value* result =
      IsSigned(type) ? ir.CreateSRem(v[0], safe.divisor) : ir.CreateURem(v[0], safe.divisor);
  return ir.CreateSelect(safe.zero, v[0], result);
}

Value* HighProduct(Elements& e, ElementType type, Operands v) {
  llvm::IRBuilder<>& ir = e.builder();
  const int width = Width(v[0]);
  llvm::Type* wide = e.Shaped(ir.getIntNTy(2 * width), v[0]);
  Value* a = IsSigned(type) ? ir.CreateSExt(v[0], wide) : ir.CreateZExt(v[0], wide);
  Value* b = IsSigned(type) ? ir.CreateSExt(v[1], wide) : ir.CreateZExt(v[1], wide);
  Value* product = ir.CreateMul(a, b);
  return ir.CreateTrunc(ir.CreateLShr(product, e.Int(product, width)), v[0]->getType());
}

// An amount of the width or more, unsigned, shifts everything out.
Value* Shift(Elements& e, Opcode opcode, Value* a, Value* amount) {
  llvm::IRBuilder<>& ir = e.builder();
  Value* inside = ir.CreateICmpULT(amount, e.Int(amount, Width(a)));
  if (opcode == Opcode::kAshr) {
    return ir.CreateAShr(a, ir.CreateSelect(inside, amount, e.Int(amount, Width(a) - 1)));
  }
  Value* safe = ir.CreateSelect(inside, amount, e.Int(amount, 0));
  Value* shifted = opcode == Opcode::kShl ? ir.CreateShl(a, safe) : ir.CreateLShr(a, safe);
  return ir.CreateSelect(inside, shifted, e.Int(a, 0));
}

// PTX's prmt: nibble i of the selector picks byte i of the result from the eight bytes of b:a, its
// top bit spreads that byte's sign instead.
Value* Permute(Elements& e, Operands v) {
  llvm::IRBuilder<>& ir = e.builder();
  if (e.features().nvptx) {
    return ir.CreateIntrinsic(llvm::Intrinsic::nvvm_prmt, {}, {v[0], v[1], v[2]});
  }
  llvm::Type* wide = e.Shaped(ir.getInt64Ty(), v[0]);
  Value* high = ir.CreateZExt(v[1], wide);
  Value* pair = ir.CreateOr(ir.CreateZExt(v[0], wide), ir.CreateShl(high, e.Int(high, 32)));
  Value* result = e.Int(v[0], 0);
  for (int i = 0; i < 4; ++i) {
    Value* nibble = ir.CreateLShr(v[2], e.Int(v[2], 4 * i));
    Value* shift = ir.CreateShl(ir.CreateAnd(nibble, e.Int(nibble, 7)), e.Int(nibble, 3));
    Value* byte = ir.CreateTrunc(ir.CreateLShr(pair, ir.CreateZExt(shift, wide)),
                                 e.Shaped(ir.getInt8Ty(), pair));
    Value* spread = ir.CreateICmpNE(ir.CreateAnd(nibble, e.Int(nibble, 8)), e.Int(nibble, 0));
    byte = ir.CreateSelect(spread, ir.CreateAShr(byte, e.Int(byte, 7)), byte);
    Value* placed = ir.CreateZExt(byte, v[0]->getType());
    result = ir.CreateOr(result, ir.CreateShl(placed, e.Int(placed, 8 * i)));
  }
  return result;
}

// Negation and absolute value of floats: the sign bit flipped or cleared, of a NaN too.
Value* WithSign(Elements& e, ElementType type, Value* a, bool clear_sign) {
  llvm::IRBuilder<>& ir = e.builder();
  Value* bits = e.ToBits(a, type);
  const uint64_t sign = uint64_t{1} << (Width(bits) - 1);
  bits =
      clear_sign ? ir.CreateAnd(bits, e.Int(bits, ~sign)) : ir.CreateXor(bits, e.Int(bits, sign));
  return e.FromBits(bits, type);
}

// A row's lambda: `ir` is the IRBuilder, `v` the operands.
#define EMIT(expression)                                                     \
  [](Elements& e, [[maybe_unused]] ElementType type, Operands v) -> Value* { \
    [[maybe_unused]] llvm::IRBuilder<>& ir = e.builder();                    \
    return expression;                                                       \
  }
#define EMIT_BY_SIGN(Signed, Unsigned) \
  EMIT(IsSigned(type) ? ir.Signed(v[0], v[1]) : ir.Unsigned(v[0], v[1]))
// Integer selects, not intrinsics: they fold to constants as they are made.
#define EMIT_SELECT(Signed, Unsigned)                                                          \
  EMIT(ir.CreateSelect(IsSigned(type) ? ir.Signed(v[0], v[1]) : ir.Unsigned(v[0], v[1]), v[0], \
                       v[1]))

const Row kRows[] = {
    {Opcode::kNeg, false, EMIT(WithSign(e, type, v[0], false)), EMIT(ir.CreateNeg(v[0]))},
    {Opcode::kAbs, false, EMIT(WithSign(e, type, v[0], true)),
     EMIT(ir.CreateSelect(ir.CreateICmpSLT(v[0], e.Int(v[0], 0)), ir.CreateNeg(v[0]), v[0]))},
    {Opcode::kSqrt, true, EMIT(Call(e, llvm::Intrinsic::sqrt, v[0])), nullptr},
    {Opcode::kFloor, true, EMIT(Call(e, llvm::Intrinsic::floor, v[0])), nullptr},
    {Opcode::kCeil, true, EMIT(Call(e, llvm::Intrinsic::ceil, v[0])), nullptr},
    {Opcode::kTrunc, true, EMIT(Call(e, llvm::Intrinsic::trunc, v[0])), nullptr},
    {Opcode::kRoundEven, true, EMIT(Call(e, llvm::Intrinsic::roundeven, v[0])), nullptr},
    {Opcode::kNot, false, nullptr, EMIT(ir.CreateNot(v[0]))},
    {Opcode::kPopcnt, false, nullptr, EMIT(Call(e, llvm::Intrinsic::ctpop, v[0]))},
    {Opcode::kClz, false, nullptr,
     EMIT(ir.CreateBinaryIntrinsic(llvm::Intrinsic::ctlz, v[0], ir.getFalse()))},

    {Opcode::kAdd, true, EMIT(ir.CreateFAdd(v[0], v[1])), EMIT(ir.CreateAdd(v[0], v[1]))},
    {Opcode::kSub, true, EMIT(ir.CreateFSub(v[0], v[1])), EMIT(ir.CreateSub(v[0], v[1]))},
    {Opcode::kMul, true, EMIT(ir.CreateFMul(v[0], v[1])), EMIT(ir.CreateMul(v[0], v[1]))},
    {Opcode::kDiv, true, EMIT(ir.CreateFDiv(v[0], v[1])), EMIT(Divide(e, type, v))},
    {Opcode::kRem, false, nullptr, EMIT(Remainder(e, type, v))},
    {Opcode::kMin, true, EMIT(MinMax(e, v[0], v[1], false)),
     EMIT_SELECT(CreateICmpSLT, CreateICmpULT)},
    {Opcode::kMax, true, EMIT(MinMax(e, v[0], v[1], true)),
     EMIT_SELECT(CreateICmpSGT, CreateICmpUGT)},
    {Opcode::kAnd, false, nullptr, EMIT(ir.CreateAnd(v[0], v[1]))},
    {Opcode::kOr, false, nullptr, EMIT(ir.CreateOr(v[0], v[1]))},
    {Opcode::kXor, false, nullptr, EMIT(ir.CreateXor(v[0], v[1]))},
    {Opcode::kShl, false, nullptr, EMIT(Shift(e, Opcode::kShl, v[0], v[1]))},
    {Opcode::kLshr, false, nullptr, EMIT(Shift(e, Opcode::kLshr, v[0], v[1]))},
    {Opcode::kAshr, false, nullptr, EMIT(Shift(e, Opcode::kAshr, v[0], v[1]))},
    {Opcode::kMulhi, false, nullptr, EMIT(HighProduct(e, type, v))},

    {Opcode::kEq, true, EMIT(ir.CreateFCmpOEQ(v[0], v[1])), EMIT(ir.CreateICmpEQ(v[0], v[1]))},
    {Opcode::kNe, true, EMIT(ir.CreateFCmpUNE(v[0], v[1])), EMIT(ir.CreateICmpNE(v[0], v[1]))},
    {Opcode::kLt, true, EMIT(ir.CreateFCmpOLT(v[0], v[1])),
     EMIT_BY_SIGN(CreateICmpSLT, CreateICmpULT)},
    {Opcode::kLe, true, EMIT(ir.CreateFCmpOLE(v[0], v[1])),
     EMIT_BY_SIGN(CreateICmpSLE, CreateICmpULE)},
    {Opcode::kGt, true, EMIT(ir.CreateFCmpOGT(v[0], v[1])),
     EMIT_BY_SIGN(CreateICmpSGT, CreateICmpUGT)},
    {Opcode::kGe, true, EMIT(ir.CreateFCmpOGE(v[0], v[1])),
     EMIT_BY_SIGN(CreateICmpSGE, CreateICmpUGE)},

    {Opcode::kFma, false,
     EMIT(ir.CreateIntrinsic(llvm::Intrinsic::fma, {v[0]->getType()}, {v[0], v[1], v[2]})),
     nullptr},
    {Opcode::kPermute, false, nullptr, EMIT(Permute(e, v))},
};

#undef EMIT
#undef EMIT_BY_SIGN
#undef EMIT_SELECT

}  // namespace

Value* Elements::Arithmetic(Opcode opcode, ElementType type, Operands operands) {
  for (const Row& row : kRows) {
    if (row.opcode != opcode) continue;
    const Emit emit = IsFloat(type) ? row.floats : row.integers;
    INGOT_CHECK(emit != nullptr) << kernel::NameOf(opcode) << " of " << ElementTypeName(type);
    if (!row.widens || !IsFloat(type) || BitWidth(type) >= 32) return emit(*this, type, operands);
    llvm::SmallVector<Value*, 3> wide;
    for (Value* operand : operands) wide.push_back(ToSingle(operand, type));
    Value* result = emit(*this, ElementType::kF32, wide);
    const bool is_mask = kernel::InfoOf(opcode).op_class == kernel::OpClass::kCompare;
    return is_mask ? result : FromSingle(result, type);
  }
  INGOT_UNREACHABLE() << kernel::NameOf(opcode) << " has no row";
  return nullptr;
}

}  // namespace ingot::codegen
