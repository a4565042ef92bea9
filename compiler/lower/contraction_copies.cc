#include "compiler/lower/contraction_copies.h"

#include <vector>

#include "ir/base/shape.h"

namespace ingot::lower {

using kernel::Expr;
using kernel::Value;

namespace {

constexpr int kVectorBytes = 16;

}  // namespace

Expr Quotient(Expr a, int64_t divisor) {
  return {a.builder(), IndexMath(&a.builder(), a.element()).Div(a.value(), divisor)};
}
Expr Remainder(Expr a, int64_t divisor) {
  return {a.builder(), IndexMath(&a.builder(), a.element()).Rem(a.value(), divisor)};
}

Value Below(Expr coordinate, int64_t size, int tile) {
  if (size % tile == 0) return coordinate.builder().True();
  return (coordinate < static_cast<double>(size)).value();
}

ProductCopies::ProductCopies(Frame& frame, const plan::ProductOperand& operand,
                             const plan::MatrixTile& plan, int outer, int64_t outer_size, int depth,
                             int64_t depth_size)
    : frame_(frame),
      operand_(operand),
      plan_(plan),
      outer_(outer),
      outer_size_(outer_size),
      depth_(depth),
      depth_size_(depth_size),
      width_(ByteWidth(operand.parameter->shape().element_type())),
      address_(
          ingot::AddressOf(operand.map, RowMajorStrides(operand.parameter->shape().dimensions()))),
      from_(frame.memory.operands[operand.parameter->parameter_number()]) {}

void ProductCopies::CopyVector(Value batch, Expr m, Expr k, kernel::Buffer* tile, Expr to) const {
  kernel::Builder& b = frame_.builder;
  if (plan_.copy_bytes == 0) {
    kernel::AccessOptions options;
    options.alignment = kVectorBytes;
    b.Store(tile, to.value(), LoadElements(batch, m, k), options);
    return;
  }
  const int each = plan_.copy_bytes / width_;
  for (int i = 0; i < kVectorBytes / width_; i += each) {
    const auto [address, inside] = AddressOf(batch, m, k, i);
    const Value wanted =
        b.Select(inside, b.Integer(kernel::kU32, plan_.copy_bytes), b.Integer(kernel::kU32, 0));
    b.Call(kernel::Intrinsic::kCopyAsync, {(to + i).value(), address, wanted}, {plan_.copy_bytes},
           {tile, from_});
  }
}

Value ProductCopies::LoadElements(Value batch, Expr m, Expr k) const {
  kernel::Builder& b = frame_.builder;
  std::vector<Value> lanes;
  for (int i = 0; i < kVectorBytes / width_; ++i) {
    const auto [address, inside] = AddressOf(batch, m, k, i);
    kernel::AccessOptions options;
    options.mask = inside;
    lanes.push_back(b.Load(from_, address, 1, options));
  }
  return b.Build(lanes);
}

std::pair<Value, Value> ProductCopies::AddressOf(Value batch, Expr m, Expr k, int i) const {
  kernel::Builder& b = frame_.builder;
  (plan_.depth_major ? k : m) = (plan_.depth_major ? k : m) + i;
  IndexMath& math = frame_.context.math;
  const std::vector<Value> at = {batch, m.value(), k.value()};
  Value inside = b.And(Below(m, outer_size_, outer_), Below(k, depth_size_, depth_));
  for (const IndexCondition& condition : operand_.map.conditions) {
    const Value value = math.Emit(condition.value, at);
    inside = b.And(inside, b.And(b.Ge(value, math.Const(condition.lower)),
                                 b.Lt(value, math.Const(condition.limit))));
  }
  return {b.Select(inside, math.Emit(address_, at), math.Const(0)), inside};
}

}  // namespace ingot::lower
