// Data movement: what the index maps say, as strided copies.
#include <algorithm>
#include <utility>

#include "ir/base/status.h"
#include "ir/evaluator/context.h"
#include "ir/evaluator/strided_copy.h"
#include "ir/index_map/index_map.h"

namespace ingot::evaluator {
namespace {

int64_t FloorDivide(int64_t a, int64_t b) { return a / b - (a % b < 0); }
int64_t CeilDivide(int64_t a, int64_t b) { return -FloorDivide(-a, b); }

// Narrows the box first ≤ i < last to where lower ≤ factor * i + constant < limit.
void Narrow(int64_t factor, int64_t constant, int64_t lower, int64_t limit, int64_t& first,
            int64_t& last) {
  if (factor < 0) return Narrow(-factor, -constant, 1 - limit, 1 - lower, first, last);
  first = std::max(first, CeilDivide(lower - constant, factor));
  last = std::max(first, std::min(last, CeilDivide(limit - constant, factor)));
}

// The part of the domain where all conditions hold, when it is a box: every condition is on one
// coordinate, without division.
std::optional<std::vector<std::pair<int64_t, int64_t>>> BoxOf(const IndexMap& map) {
  std::vector<std::pair<int64_t, int64_t>> box;
  for (int64_t size : map.sizes) box.push_back({0, size});
  for (const IndexCondition& condition : map.conditions) {
    const std::optional<AffineForm> form = AsAffine(condition.value, map.rank());
    if (!form.has_value()) return std::nullopt;
    const auto is_used = [](int64_t coefficient) { return coefficient != 0; };
    const auto used = std::find_if(form->coefficients.begin(), form->coefficients.end(), is_used);
    if (std::count_if(form->coefficients.begin(), form->coefficients.end(), is_used) > 1) {
      return std::nullopt;
    }
    if (used == form->coefficients.end()) {
      const bool holds = condition.lower <= form->constant && form->constant < condition.limit;
      if (!holds && !box.empty()) box[0].second = box[0].first;
      continue;
    }
    auto& [first, last] = box[used - form->coefficients.begin()];
    Narrow(*used, form->constant, condition.lower, condition.limit, first, last);
  }
  return box;
}

// result[i] = operand[map(i)] where the map is defined.
void Read(const IndexMap& map, const Literal& operand, Literal& result, Context& context) {
  StridedCopy copy;
  copy.width = ByteWidth(result.shape().element_type());
  copy.target = result.MutableBytes().data();
  copy.source = operand.bytes().data();
  const std::vector<int64_t> strides = RowMajorStrides(map.sizes);
  const IndexExpr address = AddressOf(map, RowMajorStrides(operand.shape().dimensions()));
  const std::optional<AffineForm> form = AsAffine(address, map.rank());
  const auto box = BoxOf(map);
  if (form.has_value() && box.has_value()) {
    copy.source_offset = form->constant;
    copy.source_strides = form->coefficients;
    copy.target_strides = strides;
    for (int64_t d = 0; d < map.rank(); ++d) {
      const auto [first, last] = (*box)[d];
      copy.sizes.push_back(last - first);
      copy.source_offset += first * copy.source_strides[d];
      copy.target_offset += first * copy.target_strides[d];
    }
    return Run(copy, context);
  }
  context.ParallelFor(result.size(), 8, [&](int64_t begin, int64_t end) {
    StridedCopy one = copy;
    Odometer at(map.sizes, {}, begin);
    for (int64_t i = begin; i < end; ++i, at.Next()) {
      const bool is_defined =
          std::all_of(map.conditions.begin(), map.conditions.end(),
                      [&](const IndexCondition& c) { return c.Holds(at.index()); });
      if (!is_defined) continue;
      std::copy_n(copy.source + address.Evaluate(at.index()) * copy.width, copy.width,
                  copy.target + i * copy.width);
    }
  });
}

// Elements of another width: the bits of the innermost dimension, least significant first.
absl::StatusOr<Literal> BitcastConvert(const Instruction& instruction, Operands& operands,
                                       Context&) {
  const Literal& operand = operands[0];
  const Shape& to = instruction.shape();
  const int from_bits = BitWidth(operand.shape().element_type());
  const int to_bits = BitWidth(to.element_type());
  INGOT_ASSIGN_OR_RETURN(Literal result, Literal::Zeros(to));
  if (from_bits == to_bits || (from_bits >= 8 && to_bits >= 8)) {
    std::copy(operand.bytes().begin(), operand.bytes().end(), result.MutableBytes().begin());
    return result;
  }
  // Sub-byte elements take a byte each: gather and spread their bits.
  const auto is_set = [&](int64_t bit) {
    const int64_t byte = from_bits < 8 ? bit / from_bits : bit / 8;
    const int64_t in_byte = from_bits < 8 ? bit % from_bits : bit % 8;
    return (static_cast<int>(operand.bytes()[byte]) >> in_byte & 1) != 0;
  };
  const absl::Span<std::byte> target = result.MutableBytes();
  for (int64_t bit = 0; bit < result.size() * to_bits; ++bit) {
    const int64_t byte = to_bits < 8 ? bit / to_bits : bit / 8;
    const int64_t in_byte = to_bits < 8 ? bit % to_bits : bit % 8;
    if (is_set(bit)) target[byte] |= std::byte{1} << in_byte;
  }
  if (to_bits < 8 && IsSigned(to.element_type())) {
    for (int64_t i = 0; i < result.size(); ++i) result.SetInteger(i, result.AsInteger(i));
  }
  return result;
}

absl::StatusOr<Literal> Iota(const Instruction& instruction, Operands&, Context&) {
  const Shape& shape = instruction.shape();
  INGOT_ASSIGN_OR_RETURN(Literal result, Literal::Zeros(shape));
  if (result.size() == 0) return result;
  const int64_t d = instruction.attributes<IotaAttributes>().iota_dimension;
  const ElementType type = shape.element_type();
  const int64_t width = ByteWidth(type);
  const int64_t inner = RowMajorStrides(shape.dimensions())[d];
  std::byte* bytes = result.MutableBytes().data();
  // One period of the pattern, then copies of it.
  const int64_t period = shape.dimension(d) * inner;
  for (int64_t i = 0; i < shape.dimension(d); ++i) {
    StoreFrom(type, &i, 1, bytes + i * inner * width, 1);
    for (int64_t k = 1; k < inner; ++k) {
      std::copy_n(bytes + i * inner * width, width, bytes + (i * inner + k) * width);
    }
  }
  for (int64_t at = period; at < result.size(); at += period) {
    std::copy_n(bytes, period * width, bytes + at * width);
  }
  return result;
}

absl::StatusOr<Literal> Pad(const Instruction& instruction, Operands& operands, Context& context) {
  INGOT_ASSIGN_OR_RETURN(Literal result, Literal::Zeros(instruction.shape()));
  Read(*IndexMapOf(instruction, 1), operands[1], result, context);
  // Walks over the operand, which interior padding does not fill with holes.
  const Padding& padding = instruction.attributes<PadAttributes>().padding;
  const std::vector<int64_t>& from = operands[0].shape().dimensions();
  StridedCopy copy;
  copy.width = ByteWidth(instruction.shape().element_type());
  copy.target = result.MutableBytes().data();
  copy.source = operands[0].bytes().data();
  copy.source_strides = RowMajorStrides(from);
  copy.target_strides = RowMajorStrides(instruction.shape().dimensions());
  for (size_t d = 0; d < from.size(); ++d) {
    const int64_t step = padding[d].interior + 1;
    int64_t first = 0, last = from[d];
    Narrow(step, padding[d].low, 0, instruction.shape().dimension(d), first, last);
    copy.sizes.push_back(last - first);
    copy.source_offset += first * copy.source_strides[d];
    copy.target_offset += (padding[d].low + first * step) * copy.target_strides[d];
    copy.target_strides[d] *= step;
  }
  Run(copy, context);
  return result;
}

// Literals are row-major whatever their layouts: no element moves.
absl::StatusOr<Literal> Reshape(const Instruction& instruction, Operands& operands, Context&) {
  return operands[0].Reshaped(instruction.shape());
}

absl::StatusOr<Literal> GetDimensionSize(const Instruction& instruction, Operands& operands,
                                         Context&) {
  return Literal::ScalarInteger(instruction.shape().element_type(),
                                operands[0].shape().dimension(instruction.dimensions()[0]));
}

// Ops that are no index map, or go faster without.
constexpr Row kRowsOfTheirOwn[] = {
    {Opcode::kBitcastConvert, BitcastConvert},
    {Opcode::kCopy, Reshape},
    {Opcode::kGetDimensionSize, GetDimensionSize},
    {Opcode::kIota, Iota},
    {Opcode::kPad, Pad},
    {Opcode::kReshape, Reshape},
};

}  // namespace

absl::StatusOr<Literal> EvaluateDataMovement(const Instruction& instruction, Operands& operands,
                                             Context& context) {
  for (const Row& row : kRowsOfTheirOwn) {
    if (row.opcode == instruction.opcode()) return row.function(instruction, operands, context);
  }
  INGOT_ASSIGN_OR_RETURN(Literal result, Literal::Zeros(instruction.shape()));
  for (size_t k = 0; k < operands.size(); ++k) {
    const std::optional<IndexMap> map = IndexMapOf(instruction, k);
    if (!map.has_value()) return NotEvaluated(instruction);
    Read(*map, operands[k], result, context);
  }
  return result;
}

}  // namespace ingot::evaluator
