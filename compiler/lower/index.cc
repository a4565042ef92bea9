#include "compiler/lower/index.h"

#include <bit>

#include "ir/base/shape.h"

namespace ingot::lower {

using kernel::Value;

Value IndexMath::Const(int64_t value) { return b_.Integer(kernel::Type::Scalar(type_), value); }

Value IndexMath::Div(Value a, int64_t divisor) {
  if (divisor == 1) return a;
  if (std::has_single_bit(static_cast<uint64_t>(divisor))) {
    return b_.Lshr(a, Const(std::countr_zero(static_cast<uint64_t>(divisor))));
  }
  return b_.Div(a, Const(divisor));
}

Value IndexMath::Rem(Value a, int64_t divisor) {
  if (divisor == 1) return Const(0);
  if (std::has_single_bit(static_cast<uint64_t>(divisor))) return b_.And(a, Const(divisor - 1));
  return b_.Rem(a, Const(divisor));
}

Value IndexMath::IsBelow(Value a, int64_t size) {
  const auto type =
      kernel::Type::Scalar(BitWidth(type_) == 64 ? ElementType::kU64 : ElementType::kU32);
  return b_.Lt(b_.Bitcast(a, type), b_.Integer(type, size));
}

Value IndexMath::Dot(absl::Span<const Value> dims, absl::Span<const int64_t> strides) {
  Value sum = Const(0);
  for (size_t i = 0; i < dims.size(); ++i) sum = b_.Add(sum, Mul(dims[i], strides[i]));
  return sum;
}

std::vector<Value> IndexMath::Delinearize(Value linear, absl::Span<const int64_t> dimensions) {
  std::vector<Value> dims(dimensions.size());
  int64_t outermost = -1;  // the first dimension larger than 1: it needs no remainder
  for (size_t i = 0; i < dimensions.size() && outermost < 0; ++i) {
    if (dimensions[i] != 1) outermost = static_cast<int64_t>(i);
  }
  Value rest = linear;
  for (int64_t i = static_cast<int64_t>(dimensions.size()) - 1; i >= 0; --i) {
    if (dimensions[i] <= 1) {
      dims[i] = Const(0);
    } else if (i == outermost) {
      dims[i] = rest;
    } else {
      dims[i] = Rem(rest, dimensions[i]);
      rest = Div(rest, dimensions[i]);
    }
  }
  return dims;
}

Value IndexMath::Linear(const Index& index, absl::Span<const int64_t> dimensions) {
  if (index.linear != nullptr) return index.linear;
  INGOT_CHECK(index.dims.size() == dimensions.size()) << index.dims.size() << " coordinates";
  return Dot(index.dims, RowMajorStrides(dimensions));
}

std::optional<Index> IndexMath::WithDims(const Index& index, absl::Span<const int64_t> dimensions) {
  if (index.has_dims(static_cast<int64_t>(dimensions.size()))) return index;
  Index result = index;
  if (!index.flat()) {
    result.dims = Delinearize(index.linear, dimensions);
    return result;
  }
  const std::optional<plan::Lanes> along = plan::LanesAlongDimension(index.lane, dimensions);
  if (!along.has_value()) return std::nullopt;
  result.dims.assign(dimensions.size(), Const(0));
  result.dims[along->dim] = index.linear;
  result.lane = *along;
  return result;
}

Index IndexMath::Lane(const Index& index, int lane, absl::Span<const int64_t> dimensions) {
  Index result;
  if (index.flat()) {
    result.linear = Add(index.linear, lane);
    return result;
  }
  INGOT_CHECK(index.has_dims(static_cast<int64_t>(dimensions.size()))) << "lanes without dims";
  result.dims = index.dims;
  if (index.lane.dim >= 0) {
    Value& moved = result.dims[index.lane.dim];
    moved = Add(moved, lane * index.lane.stride);
  }
  return result;
}

// Coordinates are not negative, and what is divided was brought into range first: a negative value
// stands only where a condition of the map has failed already, or as a term of a sum.
Value IndexMath::Emit(const IndexExpr& expr, absl::Span<const Value> dims) {
  switch (expr.kind()) {
    case IndexExpr::Kind::kConstant:
      return Const(expr.value());
    case IndexExpr::Kind::kDimension:
      return dims[expr.value()];
    case IndexExpr::Kind::kAdd:
      return b_.Add(Emit(expr.lhs(), dims), Emit(expr.rhs(), dims));
    case IndexExpr::Kind::kMultiply:
      return Mul(Emit(expr.lhs(), dims), expr.value());
    case IndexExpr::Kind::kFloorDivide:
      return Div(Emit(expr.lhs(), dims), expr.value());
    case IndexExpr::Kind::kModulo:
      return Rem(Emit(expr.lhs(), dims), expr.value());
  }
  INGOT_UNREACHABLE() << "index expression";
  return nullptr;
}

}  // namespace ingot::lower
