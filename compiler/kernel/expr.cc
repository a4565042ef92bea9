#include "compiler/kernel/expr.h"

#include <limits>

namespace ingot::kernel {

Expr Expr::Number(double value) const {
  if (IsFloat(element())) return {*builder_, builder_->Float(type(), value)};
  return {*builder_, builder_->Integer(type(), static_cast<int64_t>(value))};
}
Expr Expr::Infinity() const { return Number(std::numeric_limits<double>::infinity()); }
Expr Expr::Nan() const { return Number(std::numeric_limits<double>::quiet_NaN()); }

Expr Expr::As(ElementType element) const {
  return {*builder_, builder_->Bitcast(value_, type().WithElement(element))};
}
Expr Expr::AsFloat() const { return As(IsF64() ? ElementType::kF64 : ElementType::kF32); }
Expr Expr::AsSigned() const { return As(IsF64() ? ElementType::kS64 : ElementType::kS32); }
Expr Expr::AsUnsigned() const { return As(IsF64() ? ElementType::kU64 : ElementType::kU32); }
Expr Expr::ToFloat() const { return To(IsF64() ? ElementType::kF64 : ElementType::kF32); }
Expr Expr::To(ElementType element) const { return {*builder_, builder_->Convert(value_, element)}; }

}  // namespace ingot::kernel
