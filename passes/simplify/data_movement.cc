#include <algorithm>
#include <numeric>

#include "passes/simplify/simplify.h"

namespace ingot {
namespace {

bool IsIdentity(const std::vector<int64_t>& permutation) {
  for (size_t i = 0; i < permutation.size(); ++i) {
    if (permutation[i] != static_cast<int64_t>(i)) return false;
  }
  return true;
}

Instruction* AddDimensions(Instruction* like, Opcode opcode, Instruction* x,
                           std::vector<int64_t> dimensions) {
  return like->parent()->Add(opcode, like->shape(), {x},
                             DimensionsAttributes{std::move(dimensions)});
}

Instruction* AddReshape(Instruction* like, Instruction* x) {
  return like->parent()->Add(Opcode::kReshape, like->shape(), {x});
}

bool SameShape(const Instruction* a, const Instruction* b) {
  return Shape::SameIgnoringLayout(a->shape(), b->shape());
}

// op(x) with x's own shape, where that means nothing moves  →  x
Instruction* SameShapeIsIdentity(Instruction* instruction) {
  return SameShape(instruction, instruction->operand(0)) ? instruction->operand(0) : nullptr;
}

// copy(x)  →  x: layouts are all row-major
Instruction* CopyIsIdentity(Instruction* copy) { return copy->operand(0); }

// reshape(reshape(x))  →  reshape(x)
Instruction* ReshapeOfReshape(Instruction* outer) {
  Instruction* inner = outer->operand(0);
  return inner->opcode() == Opcode::kReshape ? AddReshape(outer, inner->operand(0)) : nullptr;
}

// reshape(broadcast(scalar))  →  broadcast(scalar)
Instruction* ReshapeOfScalarBroadcast(Instruction* reshape) {
  Instruction* broadcast = reshape->operand(0);
  if (broadcast->opcode() != Opcode::kBroadcast || !broadcast->operand(0)->shape().IsScalar())
    return nullptr;
  if (reshape->shape().IsScalar()) return broadcast->operand(0);
  return AddDimensions(reshape, Opcode::kBroadcast, broadcast->operand(0), {});
}

// transpose(x, identity)  →  x
Instruction* TransposeIdentity(Instruction* transpose) {
  return IsIdentity(transpose->dimensions()) ? transpose->operand(0) : nullptr;
}

// transpose(transpose(x, p), q)  →  transpose(x, p∘q)
Instruction* TransposeOfTranspose(Instruction* outer) {
  Instruction* inner = outer->operand(0);
  if (inner->opcode() != Opcode::kTranspose) return nullptr;
  std::vector<int64_t> composed;
  for (int64_t dimension : outer->dimensions()) composed.push_back(inner->dimensions()[dimension]);
  return AddDimensions(outer, Opcode::kTranspose, inner->operand(0), std::move(composed));
}

// transpose that moves only dimensions of size one  →  reshape
Instruction* TransposeOfUnitDimensions(Instruction* transpose) {
  int64_t previous = -1;
  for (int64_t dimension : transpose->dimensions()) {
    if (transpose->operand(0)->shape().dimension(dimension) == 1) continue;
    if (dimension < previous) return nullptr;
    previous = dimension;
  }
  return AddReshape(transpose, transpose->operand(0));
}

// transpose(broadcast(x, q), p), where x lies along the result as well  →  broadcast(x, p⁻¹∘q)
Instruction* TransposeOfBroadcast(Instruction* transpose) {
  Instruction* broadcast = transpose->operand(0);
  if (broadcast->opcode() != Opcode::kBroadcast) return nullptr;
  const std::vector<int64_t>& permutation = transpose->dimensions();
  std::vector<int64_t> dimensions;
  for (int64_t d : broadcast->dimensions()) {
    dimensions.push_back(std::find(permutation.begin(), permutation.end(), d) -
                         permutation.begin());
  }
  if (!std::is_sorted(dimensions.begin(), dimensions.end())) return nullptr;
  return AddDimensions(transpose, Opcode::kBroadcast, broadcast->operand(0), std::move(dimensions));
}

// broadcast(x) to x's own shape, dimensions in place  →  x
Instruction* BroadcastIdentity(Instruction* broadcast) {
  return SameShape(broadcast, broadcast->operand(0)) && IsIdentity(broadcast->dimensions())
             ? broadcast->operand(0)
             : nullptr;
}

// broadcast(broadcast(x, p), q)  →  broadcast(x, q∘p)
Instruction* BroadcastOfBroadcast(Instruction* outer) {
  Instruction* inner = outer->operand(0);
  if (inner->opcode() != Opcode::kBroadcast) return nullptr;
  std::vector<int64_t> composed;
  for (int64_t dimension : inner->dimensions()) composed.push_back(outer->dimensions()[dimension]);
  return AddDimensions(outer, Opcode::kBroadcast, inner->operand(0), std::move(composed));
}

// broadcast(reshape(x)), where the reshape only puts in dimensions of size one  →  broadcast(x)
Instruction* BroadcastOfUnitReshape(Instruction* broadcast) {
  Instruction* reshape = broadcast->operand(0);
  if (reshape->opcode() != Opcode::kReshape) return nullptr;
  const std::vector<int64_t>& from = reshape->operand(0)->shape().dimensions();
  const std::vector<int64_t>& to = reshape->shape().dimensions();
  std::vector<int64_t> dimensions;
  size_t next = 0;
  for (size_t i = 0; i < to.size(); ++i) {
    if (next < from.size() && to[i] == from[next]) {
      dimensions.push_back(broadcast->dimensions()[i]);
      ++next;
    } else if (to[i] != 1) {
      return nullptr;
    }
  }
  if (next != from.size()) return nullptr;
  return AddDimensions(broadcast, Opcode::kBroadcast, reshape->operand(0), std::move(dimensions));
}

// concatenate(x)  →  x
Instruction* ConcatenateOfOne(Instruction* concatenate) {
  return concatenate->operand_count() == 1 ? concatenate->operand(0) : nullptr;
}

// slice(pad(x, v)) without strides and holes, which has elements of x  →  pad(x, v) with the edges
// that are left, which are negative where x is cut; x where there are none
Instruction* SliceOfPad(Instruction* slice) {
  Instruction* pad = slice->operand(0);
  if (pad->opcode() != Opcode::kPad) return nullptr;
  Padding edges = pad->attributes<PadAttributes>().padding;
  const SliceDimensions& taken = slice->attributes<SliceAttributes>().slice;
  bool is_all = true;
  for (size_t d = 0; d < edges.size(); ++d) {
    const int64_t size = pad->operand(0)->shape().dimension(static_cast<int64_t>(d));
    if (taken[d].stride != 1 || edges[d].interior != 0) return nullptr;
    const int64_t low = edges[d].low - taken[d].start;
    const int64_t high = taken[d].limit - (edges[d].low + size);
    if (std::max<int64_t>(-low, 0) + std::max<int64_t>(-high, 0) >= size) return nullptr;
    is_all = is_all && low == 0 && high == 0;
    edges[d] = {low, high, 0};
  }
  if (is_all) return pad->operand(0);
  return slice->parent()->Add(Opcode::kPad, slice->shape(), {pad->operand(0), pad->operand(1)},
                              PadAttributes{std::move(edges)});
}

constexpr SimplifyRule kRules[] = {
    {Opcode::kBroadcast, "broadcast-identity", BroadcastIdentity},
    {Opcode::kBroadcast, "broadcast-of-broadcast", BroadcastOfBroadcast},
    {Opcode::kBroadcast, "broadcast-of-unit-reshape", BroadcastOfUnitReshape},
    {Opcode::kConcatenate, "concatenate-of-one", ConcatenateOfOne},
    {Opcode::kCopy, "copy-is-identity", CopyIsIdentity},
    {Opcode::kReshape, "reshape-of-reshape", ReshapeOfReshape},
    {Opcode::kReshape, "reshape-of-scalar-broadcast", ReshapeOfScalarBroadcast},
    {Opcode::kReshape, "reshape-to-same-shape", SameShapeIsIdentity},
    {Opcode::kSlice, "slice-of-all", SameShapeIsIdentity},
    {Opcode::kSlice, "slice-of-pad", SliceOfPad},
    {Opcode::kTranspose, "transpose-identity", TransposeIdentity},
    {Opcode::kTranspose, "transpose-of-broadcast", TransposeOfBroadcast},
    {Opcode::kTranspose, "transpose-of-transpose", TransposeOfTranspose},
    {Opcode::kTranspose, "transpose-of-unit-dimensions", TransposeOfUnitDimensions},
};

}  // namespace

absl::Span<const SimplifyRule> DataMovementRules() { return kRules; }

}  // namespace ingot
