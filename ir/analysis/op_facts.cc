#include "ir/analysis/op_facts.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "ir/module.h"

namespace ingot {
namespace {

constexpr int64_t kMostDimensions = 64;
// Constants whose elements are compared.
constexpr int64_t kMostComparedBytes = 64 * 1024;

// From (the result's coordinates, those along the reduced dimensions) to an operand's index.
IndexMap ReduceMap(const Instruction& reduce, const Shape& operand) {
  IndexMap map;
  map.sizes = std::vector<int64_t>(CommonDimensions(reduce.shape()).begin(),
                                   CommonDimensions(reduce.shape()).end());
  const std::vector<int64_t>& reduced = reduce.dimensions();
  int64_t kept = 0;
  int64_t next_reduced = map.rank();
  for (int64_t d = 0; d < operand.rank(); ++d) {
    const bool is_reduced = std::find(reduced.begin(), reduced.end(), d) != reduced.end();
    if (is_reduced) map.sizes.push_back(operand.dimension(d));
    map.results.push_back(IndexExpr::Dimension(is_reduced ? next_reduced++ : kept++));
  }
  return Simplify(map);
}

// Of computations, each looked at once: callers may share them.
using CalleeSizes = absl::flat_hash_map<const Computation*, int64_t>;

int64_t SizeWithCallees(const Instruction& instruction, CalleeSizes& callees) {
  // A complex function is made of several real ones.
  constexpr int64_t kComplexFactor = 4;
  // Offsets in memory, loops and their bounds.
  constexpr int64_t kAccess = 8;
  int64_t called = 0;
  for (const Computation* callee : instruction.called_computations()) {
    if (!callees.contains(callee)) {
      int64_t size = 0;
      for (const Instruction* inner : callee->instructions()) {
        size = SaturatingAdd(size, SizeWithCallees(*inner, callees));
      }
      callees[callee] = size;
    }
    called = SaturatingAdd(called, callees[callee]);
  }
  switch (instruction.kind()) {
    case OpKind::kElementwise: {
      const bool is_complex = instruction.operand_count() > 0 &&
                              instruction.operand(0)->shape().IsArray() &&
                              IsComplex(instruction.operand(0)->shape().element_type());
      return SaturatingAdd(
          called, InfoOf(instruction.opcode()).operations * (is_complex ? kComplexFactor : 1));
    }
    case OpKind::kDataMovement:
      // One operand's element is another index; several are under conditions.
      return instruction.operand_count() > 1 ? kAccess * instruction.operand_count() : 1;
    case OpKind::kStructure:
      // An array of one value is a broadcast of it.
      return instruction.opcode() == Opcode::kConstant && !instruction.shape().IsScalar() ? 1 : 0;
    case OpKind::kReduction:
    case OpKind::kContraction:
    case OpKind::kIndexing:
    case OpKind::kSorting:
    case OpKind::kRandom:
    case OpKind::kLinearAlgebra:
    case OpKind::kControlFlow:
    case OpKind::kCollective:
    case OpKind::kExternal:
      break;
  }
  return SaturatingAdd(called, kAccess * (1 + instruction.operand_count()));
}

}  // namespace

bool ReadsOnce(const Instruction& consumer, int64_t operand) {
  // The index is data: a table may be asked for one of its elements by all, as starts are.
  if (consumer.kind() == OpKind::kIndexing && consumer.opcode() != Opcode::kScatter) {
    // Each slice of one element has an index of its own.
    if (consumer.opcode() == Opcode::kGather && operand == 1) {
      return ElementsOf(consumer.shape()) <= ElementsOf(consumer.operand(1)->shape());
    }
    return consumer.opcode() == Opcode::kDynamicSlice && operand == 0;
  }
  const std::optional<IndexMap> map = ElementMapOf(consumer, operand);
  // Under a condition (of pad, concatenate) an element is in one place of the result at the most;
  // else a map is one to one if it asks for no more elements than there are.
  if (!map.has_value() || !map->IsTotal()) return true;
  int64_t reads = 1;
  for (int64_t size : map->sizes) reads = SaturatingMultiply(reads, size);
  return reads <= ElementsOf(consumer.operand(operand)->shape());
}

bool IsFree(const Instruction& instruction) {
  const Instruction* value = &instruction;
  while (KeepsFree(*value)) value = value->operand(0);
  return value->opcode() == Opcode::kIota || IsConstantOfOneValue(*value);
}

bool IsConstantOfOneValue(const Instruction& instruction) {
  if (instruction.opcode() != Opcode::kConstant) return false;
  if (instruction.shape().IsScalar()) return true;
  return instruction.shape().ByteSize() <= kMostComparedBytes && instruction.literal().IsSplat();
}

bool KeepsFree(const Instruction& instruction) {
  return instruction.opcode() == Opcode::kBroadcast || instruction.opcode() == Opcode::kReshape ||
         instruction.opcode() == Opcode::kConvert;
}

bool UpdatesFew(const Instruction& instruction) {
  if (instruction.opcode() != Opcode::kDynamicUpdateSlice) return false;
  const int64_t updated = ElementsOf(instruction.operand(1)->shape());
  return SaturatingMultiply(4, updated) <= ElementsOf(instruction.shape());
}

Accumulation AccumulationOf(const Instruction& instruction) {
  switch (instruction.kind()) {
    case OpKind::kReduction:
      return instruction.opcode() == Opcode::kReduce ? Accumulation::kReduce
                                                     : Accumulation::kOpaque;
    case OpKind::kContraction:
    case OpKind::kSorting:
    case OpKind::kLinearAlgebra:
      return Accumulation::kOpaque;
    case OpKind::kIndexing:
      return instruction.opcode() == Opcode::kScatter || UpdatesFew(instruction)
                 ? Accumulation::kOpaque
                 : Accumulation::kNone;
    case OpKind::kElementwise:
    case OpKind::kDataMovement:
    case OpKind::kRandom:
    case OpKind::kStructure:
    case OpKind::kControlFlow:
    case OpKind::kCollective:
    case OpKind::kExternal:
      return Accumulation::kNone;
  }
  return Accumulation::kNone;
}

absl::string_view UnitName(Unit unit) {
  switch (unit) {
    case Unit::kAlu:
      return "alu";
    case Unit::kFma:
      return "fma";
    case Unit::kSpecial:
      return "special";
    case Unit::kConversion:
      return "conversion";
    case Unit::kMatrix:
      return "matrix";
  }
  return "";
}

std::optional<Unit> UnitOf(const Instruction& instruction) {
  const OpKind kind = instruction.kind();
  if (kind == OpKind::kContraction) return Unit::kMatrix;
  if (kind == OpKind::kRandom || kind == OpKind::kSorting) return Unit::kAlu;
  if (kind != OpKind::kElementwise) return std::nullopt;
  const bool is_float = instruction.operand_count() > 0 &&
                        instruction.operand(0)->shape().IsArray() &&
                        (IsFloat(instruction.operand(0)->shape().element_type()) ||
                         IsComplex(instruction.operand(0)->shape().element_type()));
  const Opcode opcode = instruction.opcode();
  if (HasFact(opcode, kFma)) return is_float ? Unit::kFma : Unit::kAlu;
  if (HasFact(opcode, kSpecial)) return Unit::kSpecial;
  return HasFact(opcode, kConversion) ? Unit::kConversion : Unit::kAlu;
}

int64_t CodeSize(const Instruction& instruction) {
  CalleeSizes callees;
  return SizeWithCallees(instruction, callees);
}

bool HasCommonDimensions(const Shape& shape) {
  if (shape.IsArray()) {
    const std::vector<int64_t>& sizes = shape.dimensions();
    const auto ones = std::count(sizes.begin(), sizes.end(), 1);
    return static_cast<int64_t>(sizes.size()) - ones <= kMostDimensions &&
           std::find(sizes.begin(), sizes.end(), kUnboundedSize) == sizes.end();
  }
  const std::vector<Shape>& elements = shape.tuple_shapes();
  return !elements.empty() && elements[0].IsArray() && HasCommonDimensions(elements[0]) &&
         std::all_of(elements.begin(), elements.end(), [&](const Shape& element) {
           return element.IsArray() && element.dimensions() == elements[0].dimensions();
         });
}

absl::Span<const int64_t> CommonDimensions(const Shape& shape) {
  if (!HasCommonDimensions(shape)) return {};
  return (shape.IsArray() ? shape : shape.tuple_shapes()[0]).dimensions();
}

int64_t ElementsOf(const Shape& shape) {
  const absl::Span<const int64_t> sizes = CommonDimensions(shape);
  if (std::find(sizes.begin(), sizes.end(), 0) != sizes.end()) return 0;
  int64_t elements = 1;
  for (int64_t size : sizes) elements = SaturatingMultiply(elements, size);
  return elements;
}

int64_t BytesOf(const Shape& shape, int64_t elements) {
  if (shape.IsArray()) {
    return HasCommonDimensions(shape)
               ? SaturatingMultiply(elements, ByteWidth(shape.element_type()))
               : 0;
  }
  const bool common = HasCommonDimensions(shape);
  int64_t bytes = 0;
  for (const Shape& element : shape.tuple_shapes()) {
    bytes = SaturatingAdd(bytes, BytesOf(element, common ? elements : ElementsOf(element)));
  }
  return bytes;
}

int64_t SaturatingAdd(int64_t a, int64_t b) {
  int64_t sum;
  return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<int64_t>::max() : sum;
}

int64_t SaturatingMultiply(int64_t a, int64_t b) {
  int64_t product;
  return __builtin_mul_overflow(a, b, &product) ? std::numeric_limits<int64_t>::max() : product;
}

std::vector<int64_t> FreeDimensions(const Shape& operand, absl::Span<const int64_t> batch,
                                    absl::Span<const int64_t> contracting) {
  const auto has = [](absl::Span<const int64_t> list, int64_t d) {
    return std::find(list.begin(), list.end(), d) != list.end();
  };
  std::vector<int64_t> free;
  for (int64_t d = 0; d < operand.rank(); ++d) {
    if (!has(batch, d) && !has(contracting, d)) free.push_back(d);
  }
  return free;
}

bool HasShortPieces(const Instruction& concatenate) {
  // Bytes of a row's part that are short, on average and at the most; and rows that are many.
  constexpr int64_t kShortPiece = 256;
  constexpr int64_t kMostShortPiece = 2048;
  constexpr int64_t kManyRows = 32;
  const Shape& shape = concatenate.shape();
  int64_t rows = 1, widest = 0;
  for (int64_t d = 0; d < concatenate.dimensions()[0]; ++d) rows *= shape.dimension(d);
  for (const Instruction* piece : concatenate.operands()) {
    widest = std::max(widest, piece->shape().ByteSize());
  }
  return rows >= kManyRows && widest / rows <= kMostShortPiece &&
         shape.ByteSize() / rows < kShortPiece * concatenate.operand_count();
}

bool HasCopiedPieces(const Instruction& concatenate) {
  // Long pieces of which code has as many copies as there are: more would take long to compile.
  constexpr int64_t kMostLongPieces = 256;
  const Shape& shape = concatenate.shape();
  const ElementType type = shape.element_type();
  if (shape.HasDynamicDimension() || shape.ElementCount() == 0) return false;
  if (BitWidth(type) < 8 && type != ElementType::kPred) return false;
  if (concatenate.operand_count() > kMostLongPieces && !HasShortPieces(concatenate)) return false;
  return std::none_of(concatenate.operands().begin(), concatenate.operands().end(),
                      [](const Instruction* piece) { return IsFree(*piece); });
}

std::optional<IndexMap> ElementMapOf(const Instruction& consumer, int64_t operand) {
  if (consumer.kind() == OpKind::kDataMovement) return IndexMapOf(consumer, operand);
  const Shape& from = consumer.operand(operand)->shape();
  if (!from.IsArray() || from.HasDynamicDimension()) return std::nullopt;
  const absl::Span<const int64_t> sizes = CommonDimensions(consumer.shape());
  IndexMap map = IndexMap::Identity(std::vector<int64_t>(sizes.begin(), sizes.end()));
  if (consumer.kind() == OpKind::kElementwise) {
    if (from.rank() != 0 && from.rank() != map.rank()) return std::nullopt;
    if (from.rank() == 0) map.results.clear();
    return Simplify(map);
  }
  if (consumer.opcode() != Opcode::kReduce) return std::nullopt;
  if (2 * operand < consumer.operand_count()) return ReduceMap(consumer, from);
  map.results.clear();
  return map;
}

}  // namespace ingot
