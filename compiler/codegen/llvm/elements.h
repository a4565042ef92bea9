// Scalar arithmetic and conversions in LLVM IR: what one lane does.
//
// Every function takes values that are scalars, or vectors of any length, of the representation of
// an element type, and works lane by lane; so the host (vectors) and the GPU (scalars) share them.
//
// Representation of an element in a register:
//   pred                   i1
//   s8 … u64               i8 … i64
//   f32, f64               float, double
//   f16, bf16              i16, the bits
//   f8, f6, f4, s4, u2, …  i8, the bits in the low end and zeros above
#ifndef INGOT_COMPILER_CODEGEN_LLVM_ELEMENTS_H_
#define INGOT_COMPILER_CODEGEN_LLVM_ELEMENTS_H_

#include <cstdint>

#include "compiler/kernel/ops.h"
#include "ir/base/element_type.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/IR/IRBuilder.h"

namespace ingot::codegen {

// What the machine has besides what every row needs.
struct MachineFeatures {
  bool nvptx = false;
  int capability = 0;              // GPU: times 10
  bool half_conversions = true;    // f16 ↔ f32 in one instruction (x86: F16C)
  bool fused_multiply_add = true;  // x86: FMA
};

class Elements {
 public:
  Elements(llvm::IRBuilder<>* builder, MachineFeatures features)
      : b_(*builder), features_(features) {}

  llvm::IRBuilder<>& builder() { return b_; }
  const MachineFeatures& features() const { return features_; }

  llvm::Type* Representation(ElementType type) const;
  // One element of that type with these bits.
  llvm::Constant* Constant(ElementType type, uint64_t bits) const;

  // A lane-wise row (unary, binary, compare, fma, permute) on operands of element type `type`.
  llvm::Value* Arithmetic(kernel::Opcode opcode, ElementType type,
                          llvm::ArrayRef<llvm::Value*> operands);
  // `convert`, lane by lane.
  llvm::Value* Convert(llvm::Value* value, ElementType from, ElementType to);

  // An integer as wide as the element's bits (i4 for s4), and back.
  llvm::Value* ToBits(llvm::Value* value, ElementType type);
  llvm::Value* FromBits(llvm::Value* bits, ElementType type);

  // `scalar`, or a vector of it with as many lanes as `like`.
  llvm::Type* Shaped(llvm::Type* scalar, const llvm::Value* like) const;
  // A constant of the type of `like`: an integer, or a float of that value.
  llvm::Constant* Int(const llvm::Value* like, uint64_t value) const;
  llvm::Constant* Float(const llvm::Value* like, double value) const;
  llvm::Value* Clamp(llvm::Value* value, int64_t low, int64_t high);  // signed integers

 private:
  // Floats narrower than f32: to f32 (exact) and back (rounded once).
  llvm::Value* ToSingle(llvm::Value* bits, ElementType from);
  llvm::Value* FromSingle(llvm::Value* value, ElementType to);
  // By integer arithmetic, for any format of up to 16 bits.
  llvm::Value* DecodeBits(llvm::Value* bits, const FloatFormat& format);
  llvm::Value* EncodeUpperHalf(llvm::Value* bits);
  llvm::Value* EncodeBits(llvm::Value* value, ElementType to);
  llvm::Value* EncodeExponentOnly(llvm::Value* bits);
  // f64 → f32, rounded to odd: rounding the result again to 22 bits or fewer is then right.
  llvm::Value* RoundToOdd(llvm::Value* value);
  llvm::Value* FloatToFloat(llvm::Value* value, ElementType from, ElementType to);
  llvm::Value* FloatToInteger(llvm::Value* value, ElementType from, ElementType to);
  llvm::Value* IntegerToFloat(llvm::Value* value, ElementType from, ElementType to);
  llvm::Value* IntegerToInteger(llvm::Value* value, ElementType from, ElementType to);

  llvm::IRBuilder<>& b_;
  MachineFeatures features_;
};

}  // namespace ingot::codegen

#endif  // INGOT_COMPILER_CODEGEN_LLVM_ELEMENTS_H_
