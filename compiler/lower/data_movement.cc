// Data movement: the operand's element at the mapped index.
#include <algorithm>
#include <functional>
#include <optional>
#include <vector>

#include "compiler/lower/emitter.h"
#include "compiler/lower/scalar.h"
#include "ir/index_map/index_map.h"

namespace ingot::lower {

using kernel::Type;
using kernel::Value;

namespace {

// Where operand number `operand` is read; nullopt when the lanes must be done one by one.  In the
// domain of the map only.
std::optional<Index> OperandIndex(ElementEmitter& e, const Instruction& instruction,
                                  int64_t operand, const Index& index) {
  const auto lanes = plan::OperandLanes(instruction, index.lane);
  if (!lanes.has_value()) return std::nullopt;
  const std::vector<int64_t>& dimensions = instruction.shape().dimensions();
  Index result;
  result.lane = (*lanes)[operand];
  if (instruction.operand(operand)->shape().IsScalar()) return result;
  const bool keeps_order = plan::KeepsOrder(instruction);
  if (keeps_order) {
    const bool scalar_by_number = index.lanes() == 1 && index.linear != nullptr;
    if (result.flat() || (scalar_by_number && index.dims.empty())) {
      result.linear = e.math().Linear(index, dimensions);
      return result;
    }
    result.linear = index.linear;
  }
  const std::optional<IndexMap> map = IndexMapOf(instruction, operand);
  if (!map.has_value()) {
    e.Unsupported(instruction, "its index is not a function of the shape");
    return result;
  }
  std::optional<Index> with_dims = e.math().WithDims(index, dimensions);
  if (!with_dims.has_value()) {
    // One element for all lanes, wherever they are.
    with_dims = Index{};
    with_dims->dims.assign(dimensions.size(), e.math().Const(0));
  }
  for (const IndexExpr& expr : map->results) {
    result.dims.push_back(e.math().Emit(expr, with_dims->dims));
  }
  return result;
}

// Whether lane 0, and with it every lane, is in the domain of the operand's map; constant where no
// index is: pad may cut all of its operand off.
Value InDomain(ElementEmitter& e, const Instruction& instruction, int64_t operand,
               const Index& index) {
  const std::optional<Index> with_dims = e.math().WithDims(index, instruction.shape().dimensions());
  const std::optional<IndexMap> map = IndexMapOf(instruction, operand);
  Value inside = e.b().True();
  if (!map.has_value() || !with_dims.has_value()) return inside;
  for (const IndexCondition& condition : map->conditions) {
    const IndexRange range = RangeOf(condition.value, map->sizes);
    if (range.max < condition.lower || range.min >= condition.limit) return e.b().False();
    const Value value = e.math().Emit(condition.value, with_dims->dims);
    if (range.min < condition.lower) {
      inside = e.b().And(inside, e.b().Ge(value, e.math().Const(condition.lower)));
    }
    if (range.max >= condition.limit) {
      inside = e.b().And(inside, e.b().Lt(value, e.math().Const(condition.limit)));
    }
  }
  return inside;
}

Elements EmitMoved(ElementEmitter& e, const Instruction& instruction, const Index& index) {
  const std::optional<Index> operand = OperandIndex(e, instruction, 0, index);
  if (!operand.has_value()) return {};
  return {e.Emit(*instruction.operand(0), *operand)};
}

// Index of piece k, which has every element; nothing where the lanes cannot be done at once.
std::optional<Index> PieceIndex(ElementEmitter& e, const Instruction& instruction, int64_t k,
                                const Index& index) {
  if (instruction.operand(k)->shape().IsScalar()) return Index{};
  return OperandIndex(e, instruction, k, index);
}

// The pieces of a concatenate that hold the element, found by halves; `ends` are the coordinates
// behind each along its dimension.
void EmitPieceOf(ElementEmitter& e, Value coordinate, absl::Span<const int64_t> ends, int64_t first,
                 int64_t past, const std::function<void(int64_t)>& take) {
  if (past - first == 1) return take(first);
  const int64_t middle = first + (past - first) / 2;
  e.If(
      e.b().Lt(coordinate, e.math().Const(ends[middle - 1])),
      [&] { EmitPieceOf(e, coordinate, ends, first, middle, take); },
      [&] { EmitPieceOf(e, coordinate, ends, middle, past, take); });
}

// The coordinate, or what is nearest to it of 0 to `last`.
Value Nearest(ElementEmitter& e, Value coordinate, int64_t last) {
  return e.b().Max(e.b().Min(coordinate, e.math().Const(last)), e.math().Const(0));
}

// One element of a pad: of its operand's nearest one, so that no control flow stands between loads,
// or of the padding.
Element EmitPadded(ElementEmitter& e, const Instruction& pad, const Index& index) {
  Index operand = PieceIndex(e, pad, 0, index).value_or(Index{});
  operand.linear = nullptr;
  const std::vector<int64_t>& dimensions = pad.operand(0)->shape().dimensions();
  for (size_t d = 0; d < operand.dims.size(); ++d) {
    operand.dims[d] = Nearest(e, operand.dims[d], dimensions[d] - 1);
  }
  return e.Select(InDomain(e, pad, 0, index), e.Emit(*pad.operand(0), operand),
                  e.EmitScalar(*pad.operand(1)));
}

// Rows of a concatenate of operands that have one element each of a row.
Element EmitInterleaved(ElementEmitter& e, const Instruction& concatenate, const Index& index,
                        const plan::Lanes& lanes) {
  Index row;
  row.lane = lanes;
  if (index.flat()) {
    row.linear = e.math().Div(index.linear, concatenate.operand_count());
  } else {
    row.dims = index.dims;
    row.dims.back() = e.math().Const(0);
  }
  Elements operands;
  for (const Instruction* operand : concatenate.operands()) {
    operands.push_back(e.Broadcast(e.Emit(*operand, row), lanes.count));
  }
  std::vector<Element> elements;
  for (int lane = 0; lane < lanes.count; ++lane) {
    for (const Element& operand : operands) {
      elements.push_back({e.b().Extract(operand.re, lane), nullptr});
    }
  }
  return e.Build(elements);
}

// Whether computing `instruction` where nobody asks for it costs little: a few instructions and
// loads.
bool IsLight(const Instruction& instruction) {
  constexpr size_t kMostInstructions = 8;
  std::vector<const Instruction*> reached = {&instruction};
  for (size_t i = 0; i < reached.size(); ++i) {
    const Instruction& one = *reached[i];
    const bool is_scalar = one.opcode() == Opcode::kConstant && one.shape().IsScalar();
    if (one.opcode() == Opcode::kParameter || is_scalar) continue;
    const bool is_light =
        one.kind() == OpKind::kElementwise
            ? !HasFact(one.opcode(), OpFact::kSpecial) && one.called_computations().empty()
            : one.operand_count() == 1 && IndexMapOf(one, 0).has_value();
    if (!is_light || reached.size() > kMostInstructions) return false;
    for (const Instruction* operand : one.operands()) reached.push_back(operand);
  }
  return true;
}

// One of two pieces, where a warp's threads are likely to be in both: each thread computes both,
// the one that it is not in at its nearest place there, so that no control flow stands between
// loads.
std::optional<Element> EmitEither(ElementEmitter& e, const Instruction& concatenate,
                                  const Index& index) {
  const int64_t d = concatenate.dimensions()[0];
  const int64_t rank = concatenate.shape().rank();
  if (e.b().kernel().IsHost() || concatenate.operand_count() != 2 || d != rank - 1) {
    return std::nullopt;
  }
  std::vector<Index> places;
  std::vector<int64_t> last;  // of each piece, the furthest place of its lanes
  for (int k = 0; k < 2; ++k) {
    const Instruction& operand = *concatenate.operand(k);
    const std::optional<Index> at = PieceIndex(e, concatenate, k, index);
    if (!at.has_value() || !at->has_dims(rank) || !IsLight(operand)) return std::nullopt;
    // Flat lanes may be along the dimension in a piece.
    const int64_t lanes = at->lane.dim == d ? at->lanes() : 1;
    const int64_t size = operand.shape().dimension(d);
    if (size == 0 || size % lanes != 0 || at->lane.stride != 1 ||
        concatenate.shape().dimension(d) > kernel::kWarpSize * lanes) {
      return std::nullopt;
    }
    places.push_back(*at);
    last.push_back(size - lanes);
  }
  std::vector<Element> pieces;
  for (int k = 0; k < 2; ++k) {
    Index& at = places[k];
    at.linear = nullptr;
    at.dims[d] = Nearest(e, at.dims[d], last[k]);
    pieces.push_back(e.Emit(*concatenate.operand(k), at));
  }
  return e.Select(InDomain(e, concatenate, 0, index), pieces[0], pieces[1]);
}

// Operand k where its map is defined, the first of them: concatenate and pad.  Pieces are under
// control flow or at their nearest places, so that nothing outside an operand is read.
Elements EmitPiecewise(ElementEmitter& e, const Instruction& instruction, const Index& index) {
  if (!IndexMapOf(instruction, 0).has_value()) {
    e.Unsupported(instruction, "its index is not a function of the shape");
    return {};
  }
  if (const auto turns = plan::InterleavedLanes(instruction, index.lane);
      turns.has_value() && index.lanes() > 1) {
    return {EmitInterleaved(e, instruction, index, *turns)};
  }
  const int64_t pieces = instruction.operand_count();
  if (instruction.opcode() == Opcode::kPad && index.lanes() == 1 &&
      instruction.operand(0)->shape().ElementCount() > 0) {
    return {EmitPadded(e, instruction, index)};
  }
  if (instruction.opcode() == Opcode::kConcatenate) {
    const std::optional<Element> either = EmitEither(e, instruction, index);
    if (either.has_value()) return {*either};
  }
  std::vector<Index> operands;  // of lanes: they can be done at once, or not at all
  for (int64_t k = 0; k < pieces && index.lanes() > 1; ++k) {
    const std::optional<Index> operand = PieceIndex(e, instruction, k, index);
    if (!operand.has_value()) return {};
    operands.push_back(*operand);
  }
  const Element zero = e.Zero(instruction.shape().element_type());
  const ElementVar piece = e.Declare("piece", e.Broadcast(zero, index.lanes()));
  const auto take = [&](int64_t k) {
    const Index operand =
        operands.empty() ? PieceIndex(e, instruction, k, index).value_or(Index{}) : operands[k];
    e.Write(piece, e.Emit(*instruction.operand(k), operand));
  };
  const std::optional<Index> with_dims = e.math().WithDims(index, instruction.shape().dimensions());
  if (instruction.opcode() == Opcode::kConcatenate && with_dims.has_value()) {
    const int64_t d = instruction.dimensions()[0];
    std::vector<int64_t> ends;
    for (const Instruction* operand : instruction.operands()) {
      ends.push_back((ends.empty() ? 0 : ends.back()) + operand->shape().dimension(d));
    }
    EmitPieceOf(e, with_dims->dims[d], ends, 0, pieces, take);
    return {e.Read(piece)};
  }
  // The first piece that is defined wins, so it is written last.
  for (int64_t k = pieces - 1; k >= 0; --k) {
    e.If(instruction.operand(k)->shape().IsScalar() && k > 0 ? e.b().True()
                                                             : InDomain(e, instruction, k, index),
         [&] { take(k); });
  }
  return {e.Read(piece)};
}

Elements EmitIota(ElementEmitter& e, const Instruction& instruction, const Index& index) {
  const int64_t d = instruction.attributes<IotaAttributes>().iota_dimension;
  const ElementType type = instruction.shape().element_type();
  const std::optional<Index> with_dims = e.math().WithDims(index, instruction.shape().dimensions());
  if (!with_dims.has_value()) return {};
  Value value = with_dims->dims[d];
  if (with_dims->lane.dim == d) {
    const Type vector = value->type.WithLanes(index.lanes());
    const Value lane = e.b().Mul(e.b().Iota(vector), e.b().Integer(vector, with_dims->lane.stride));
    value = e.b().Add(e.b().Broadcast(value, index.lanes()), lane);
  }
  return {e.Convert({value, nullptr}, e.math().type(), type)};
}

// Between types of different widths: a row of narrow elements is one wide element, the first one in
// the low bits.
Elements EmitBitcastConvert(ElementEmitter& e, const Instruction& instruction, const Index& index) {
  const Instruction& operand = *instruction.operand(0);
  const ElementType from = operand.shape().element_type();
  const ElementType to = instruction.shape().element_type();
  if (IsComplex(from) || IsComplex(to) || BitWidth(from) == 6 || BitWidth(to) == 6) {
    e.Unsupported(instruction, absl::StrCat("from ", ElementTypeName(from)));
    return {e.Zero(to)};
  }
  if (BitWidth(from) == BitWidth(to)) {
    const Value value = e.Emit(operand, index).re;
    return {{FromBits(e.b(), BitsOf(e.b(), value), to), nullptr}};
  }
  if (index.lanes() > 1) return {};
  Index at = *e.math().WithDims(index, instruction.shape().dimensions());
  at.linear = nullptr;
  if (BitWidth(from) > BitWidth(to)) {
    const Value part = at.dims.back();
    at.dims.pop_back();
    const Value bits = BitsOf(e.b(), e.Emit(operand, at).re);
    const Value shift = e.b().Mul(part, e.math().Const(BitWidth(to)));
    return {
        {FromBits(e.b(), e.b().Lshr(bits, e.b().Convert(shift, bits->type.element)), to), nullptr}};
  }
  Value bits = nullptr;
  for (int64_t part = 0; part < BitWidth(to) / BitWidth(from); ++part) {
    Index narrow = at;
    narrow.dims.push_back(e.math().Const(part));
    Value piece = e.b().Convert(BitsOf(e.b(), e.Emit(operand, narrow).re), ElementType::kU64);
    piece = e.b().Shl(piece, e.b().Integer(piece->type, part * BitWidth(from)));
    bits = bits == nullptr ? piece : e.b().Or(bits, piece);
  }
  return {{FromBits(e.b(), bits, to), nullptr}};
}

}  // namespace

Value BitsOf(kernel::Builder& b, Value value) {
  static constexpr ElementType kUnsignedOf[] = {ElementType::kU8, ElementType::kU16,
                                                ElementType::kU32, ElementType::kU64};
  const ElementType type = value->type.element;
  if (type == ElementType::kPred) return b.Convert(value, ElementType::kU8);
  if (BitWidth(type) == 2) value = b.Bitcast(value, value->type.WithElement(ElementType::kU2));
  if (BitWidth(type) == 4) value = b.Bitcast(value, value->type.WithElement(ElementType::kU4));
  if (BitWidth(type) < 8) return b.Convert(value, ElementType::kU8);
  const int log2_bytes = ByteWidth(type) == 1   ? 0
                         : ByteWidth(type) == 2 ? 1
                         : ByteWidth(type) == 4 ? 2
                                                : 3;
  return b.Bitcast(value, value->type.WithElement(kUnsignedOf[log2_bytes]));
}

Value FromBits(kernel::Builder& b, Value bits, ElementType type) {
  static constexpr ElementType kUnsignedOf[] = {ElementType::kU2,  ElementType::kU4,
                                                ElementType::kU8,  ElementType::kU16,
                                                ElementType::kU32, ElementType::kU64};
  if (type == ElementType::kPred) return b.Convert(bits, type);
  int i = 0;
  while (BitWidth(kUnsignedOf[i]) < BitWidth(type)) ++i;
  const Value narrow = b.Convert(bits, kUnsignedOf[i]);
  return b.Bitcast(narrow, narrow->type.WithElement(type));
}

Elements EmitDataMovement(ElementEmitter& e, const Instruction& instruction, const Index& index) {
  if (instruction.opcode() == Opcode::kIota) return EmitIota(e, instruction, index);
  if (instruction.opcode() == Opcode::kBitcastConvert) {
    return EmitBitcastConvert(e, instruction, index);
  }
  if (instruction.operand_count() == 1) return EmitMoved(e, instruction, index);
  return EmitPiecewise(e, instruction, index);
}

}  // namespace ingot::lower
