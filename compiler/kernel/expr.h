// Expr: values of kernel IR as C++ expressions.
//
//   const Expr x(b, value);
//   Value result = Select(x < 0, -x, Sqrt(x) * 0.5).value();
//
// All is lane-wise and of one width: next to f32 stand s32, u32 and pred, next to f64 s64, u64 and
// pred, with as many lanes.
#ifndef INGOT_COMPILER_KERNEL_EXPR_H_
#define INGOT_COMPILER_KERNEL_EXPR_H_

#include <cstdint>

#include "compiler/kernel/builder.h"

namespace ingot::kernel {

// A value and the builder that operations on it are appended to.  A number beside an Expr is a
// constant of its type; >> shifts the sign in for signed types.
class Expr {
 public:
  Expr(Builder& builder, Value value) : builder_(&builder), value_(value) {}

  Builder& builder() const { return *builder_; }
  Value value() const { return value_; }
  Type type() const { return value_->type; }
  ElementType element() const { return value_->type.element; }

  bool IsF64() const { return width() == 64; }
  // Of the float type of this width: bits of a lane, of the significand with the leading one, and
  // the bias of the exponent.
  int width() const { return BitWidth(element()); }
  int precision() const { return IsF64() ? 53 : 24; }
  int bias() const { return IsF64() ? 1023 : 127; }

  // A constant of this type, rounded once; of an integer type it must be an integer.
  Expr Number(double value) const;
  // One for each float type.
  Expr Number(double for_f32, double for_f64) const { return Number(IsF64() ? for_f64 : for_f32); }
  Expr Pattern(uint64_t bits) const { return {*builder_, builder_->Constant(type(), bits)}; }
  Expr Infinity() const;
  Expr Nan() const;

  // The same bits as another type of this width.
  Expr AsFloat() const;
  Expr AsSigned() const;
  Expr AsUnsigned() const;
  Expr As(ElementType element) const;
  // The value, converted: to the float type of this width; to any.
  Expr ToFloat() const;
  Expr To(ElementType element) const;

 private:
  Builder* builder_;
  Value value_;
};

// One function for each row: Expr Abs(Expr), Expr Add(Expr, Expr), Expr Lt(Expr, Expr), …
#define INGOT_KERNEL_UNARY(Name, ...) \
  inline Expr Name(Expr a) { return {a.builder(), a.builder().Name(a.value())}; }
#define INGOT_KERNEL_BINARY(Name, ...) \
  inline Expr Name(Expr a, Expr b) { return {a.builder(), a.builder().Name(a.value(), b.value())}; }
#define INGOT_KERNEL_COMPARE(Name, ...) \
  inline Expr Name(Expr a, Expr b) { return {a.builder(), a.builder().Name(a.value(), b.value())}; }
#include "compiler/kernel/ops.def"

// Ashr or Lshr, by the type.
inline Expr Shr(Expr a, Expr b) { return IsSigned(a.element()) ? Ashr(a, b) : Lshr(a, b); }

inline Expr operator-(Expr a) { return Neg(a); }
inline Expr operator!(Expr a) { return Not(a); }
#define INGOT_EXPR_OPERATOR(symbol, Name)                                        \
  inline Expr operator symbol(Expr a, Expr b) { return Name(a, b); }             \
  inline Expr operator symbol(Expr a, double b) { return Name(a, a.Number(b)); } \
  inline Expr operator symbol(double a, Expr b) { return Name(b.Number(a), b); }
INGOT_EXPR_OPERATOR(+, Add)
INGOT_EXPR_OPERATOR(-, Sub)
INGOT_EXPR_OPERATOR(*, Mul)
INGOT_EXPR_OPERATOR(/, Div)
INGOT_EXPR_OPERATOR(%, Rem)
INGOT_EXPR_OPERATOR(&, And)
INGOT_EXPR_OPERATOR(|, Or)
INGOT_EXPR_OPERATOR(^, Xor)
INGOT_EXPR_OPERATOR(<<, Shl)
INGOT_EXPR_OPERATOR(>>, Shr)
INGOT_EXPR_OPERATOR(==, Eq)
INGOT_EXPR_OPERATOR(!=, Ne)
INGOT_EXPR_OPERATOR(<, Lt)
INGOT_EXPR_OPERATOR(<=, Le)
INGOT_EXPR_OPERATOR(>, Gt)
INGOT_EXPR_OPERATOR(>=, Ge)
#undef INGOT_EXPR_OPERATOR

// a × b + c, rounded once.
inline Expr Fma(Expr a, Expr b, Expr c) {
  return {a.builder(), a.builder().Fma(a.value(), b.value(), c.value())};
}
inline Expr Select(Expr mask, Expr on_true, Expr on_false) {
  return {mask.builder(), mask.builder().Select(mask.value(), on_true.value(), on_false.value())};
}
inline Expr IsNan(Expr a) { return a != a; }

}  // namespace ingot::kernel

#endif  // INGOT_COMPILER_KERNEL_EXPR_H_
