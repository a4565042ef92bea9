#include "passes/sink_transposes.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "passes/fusion_util.h"

namespace ingot {
namespace {

using Dimensions = std::vector<int64_t>;

// The instruction's array in the order that `permutation` of a transpose would make its own.
Shape ShapeBefore(const Shape& shape, const Dimensions& permutation) {
  Dimensions sizes(permutation.size());
  for (size_t i = 0; i < permutation.size(); ++i) sizes[permutation[i]] = shape.dimension(i);
  return Shape::ArrayWithDefaultLayout(shape.element_type(), std::move(sizes));
}

// Finds for values a value of which they are the transpose.
class Sinker {
 public:
  explicit Sinker(const Instruction& transpose) : permutation_(transpose.dimensions()) {}

  const Dimensions& permutation() const { return permutation_; }

  bool Has(const Instruction& value) const {
    if (value.shape().IsTuple() || value.shape().HasDynamicDimension()) return false;
    return value.shape().IsScalar() || IsTranspose(value) || value.opcode() == Opcode::kIota ||
           BroadcastBefore(value).has_value();
  }

  // Requires: Has(value).
  Instruction* Before(Instruction* value) const {
    if (value->shape().IsScalar()) return value;
    if (IsTranspose(*value)) return value->operand(0);
    const Shape shape = ShapeBefore(value->shape(), permutation_);
    if (value->opcode() == Opcode::kIota) {
      const int64_t d = value->attributes<IotaAttributes>().iota_dimension;
      return value->parent()->Add(Opcode::kIota, shape, {}, IotaAttributes{permutation_[d]});
    }
    Broadcast broadcast = *BroadcastBefore(*value);
    return value->parent()->Add(Opcode::kBroadcast, shape, {broadcast.operand},
                                DimensionsAttributes{std::move(broadcast.dimensions)});
  }

 private:
  struct Broadcast {
    Instruction* operand;
    Dimensions dimensions;
  };

  bool IsTranspose(const Instruction& value) const {
    return value.opcode() == Opcode::kTranspose && value.dimensions() == permutation_;
  }

  // One that reads its operand, or what that is a transpose of, along memory.
  std::optional<Broadcast> BroadcastBefore(const Instruction& value) const {
    if (value.opcode() != Opcode::kBroadcast) return std::nullopt;
    Broadcast broadcast = {value.operands()[0], {}};
    for (int64_t d : value.dimensions()) broadcast.dimensions.push_back(permutation_[d]);
    if (std::is_sorted(broadcast.dimensions.begin(), broadcast.dimensions.end())) return broadcast;
    if (broadcast.operand->opcode() != Opcode::kTranspose) return std::nullopt;
    Dimensions dimensions(broadcast.dimensions.size());
    for (size_t i = 0; i < dimensions.size(); ++i) {
      dimensions[broadcast.operand->dimensions()[i]] = broadcast.dimensions[i];
    }
    if (!std::is_sorted(dimensions.begin(), dimensions.end())) return std::nullopt;
    return Broadcast{broadcast.operand->operand(0), std::move(dimensions)};
  }

  Dimensions permutation_;
};

// The transpose that `instruction` would be moved in front of, with all its arrays; none where some
// are no transposes of that kind.
std::optional<Sinker> SinkerOf(const Instruction& instruction, int64_t arrays) {
  for (int64_t k = 0; k < arrays; ++k) {
    const Instruction& operand = *instruction.operands()[k];
    if (operand.opcode() != Opcode::kTranspose) continue;
    Sinker sinker(operand);
    for (int64_t i = 0; i < arrays; ++i) {
      if (!sinker.Has(*instruction.operands()[i])) return std::nullopt;
    }
    return sinker;
  }
  return std::nullopt;
}

// f(transpose(x, p), transpose(y, p))  →  transpose(f(x, y), p)
Instruction* SinkBelowElementwise(Instruction* instruction) {
  if (instruction->opcode() == Opcode::kMap) return nullptr;
  const std::optional<Sinker> sinker = SinkerOf(*instruction, instruction->operand_count());
  if (!sinker.has_value()) return nullptr;
  std::vector<Instruction*> operands;
  for (Instruction* operand : instruction->operands()) operands.push_back(sinker->Before(operand));
  Instruction* result = instruction->parent()->AddClone(*instruction, std::move(operands));
  result->set_shape(ShapeBefore(instruction->shape(), sinker->permutation()));
  return TransposeOf(result, sinker->permutation());
}

// The order of the dimensions that are not reduced, among themselves.
Dimensions OrderOfKept(const Dimensions& permutation, const Dimensions& reduced) {
  Dimensions kept;
  for (size_t i = 0; i < permutation.size(); ++i) {
    if (std::find(reduced.begin(), reduced.end(), i) == reduced.end()) {
      kept.push_back(permutation[i]);
    }
  }
  Dimensions order;
  for (int64_t d : kept) {
    order.push_back(std::count_if(kept.begin(), kept.end(), [&](int64_t k) { return k < d; }));
  }
  return order;
}

// reduce(transpose(x, p), dimensions)  →  transpose(reduce(x, p(dimensions)), p of what is kept)
Instruction* SinkBelowReduce(Instruction* reduce) {
  const int64_t arrays = reduce->operand_count() / 2;
  const std::optional<Sinker> sinker = SinkerOf(*reduce, arrays);
  if (!sinker.has_value()) return nullptr;
  std::vector<Instruction*> operands = reduce->operands();
  for (int64_t k = 0; k < arrays; ++k) operands[k] = sinker->Before(operands[k]);
  const Dimensions order = OrderOfKept(sinker->permutation(), reduce->dimensions());
  Dimensions dimensions;
  for (int64_t d : reduce->dimensions()) dimensions.push_back(sinker->permutation()[d]);
  std::sort(dimensions.begin(), dimensions.end());
  Instruction* result = reduce->parent()->AddClone(*reduce, std::move(operands));
  result->mutable_attributes<DimensionsAttributes>().dimensions = std::move(dimensions);
  if (!reduce->shape().IsTuple()) {
    result->set_shape(ShapeBefore(reduce->shape(), order));
    return TransposeOf(result, order);
  }
  std::vector<Shape> shapes;
  for (const Shape& leaf : reduce->shape().tuple_shapes())
    shapes.push_back(ShapeBefore(leaf, order));
  result->set_shape(Shape::Tuple(shapes));
  std::vector<Instruction*> results;
  for (size_t i = 0; i < shapes.size(); ++i) {
    Instruction* leaf = reduce->parent()->Add(Opcode::kGetTupleElement, shapes[i], {result},
                                              TupleIndexAttributes{static_cast<int64_t>(i)});
    results.push_back(TransposeOf(leaf, order));
  }
  return reduce->parent()->Add(Opcode::kTuple, reduce->shape(), std::move(results));
}

Dimensions DimensionsNotOne(const Shape& shape) {
  Dimensions dimensions;
  for (int64_t d = 0; d < shape.rank(); ++d) {
    if (shape.dimension(d) != 1) dimensions.push_back(d);
  }
  return dimensions;
}

// reshape(transpose(x, p)), where the reshape puts in or leaves out dimensions of size 1
//   →  transpose(reshape(x), q), where these stay in place
Instruction* SinkBelowReshape(Instruction* reshape) {
  const Instruction& transpose = *reshape->operand(0);
  if (transpose.opcode() != Opcode::kTranspose || reshape->shape().HasDynamicDimension()) {
    return nullptr;
  }
  const Dimensions from = DimensionsNotOne(transpose.shape()),
                   to = DimensionsNotOne(reshape->shape());
  const auto same = [&](int64_t a, int64_t b) {
    return transpose.shape().dimension(a) == reshape->shape().dimension(b);
  };
  if (!std::equal(from.begin(), from.end(), to.begin(), to.end(), same)) return nullptr;
  Dimensions before;  // the dimensions of `from`, before they were transposed
  for (int64_t d : from) before.push_back(transpose.dimensions()[d]);
  Dimensions permutation(reshape->shape().rank());
  std::iota(permutation.begin(), permutation.end(), 0);
  for (size_t i = 0; i < to.size(); ++i) {
    const auto rank = std::count_if(before.begin(), before.end(),
                                    [&](int64_t other) { return other < before[i]; });
    permutation[to[i]] = to[rank];
  }
  Instruction* result = reshape->parent()->Add(
      Opcode::kReshape, ShapeBefore(reshape->shape(), permutation), {transpose.operands()[0]});
  return TransposeOf(result, std::move(permutation));
}

// What each dimension has, in the order of the dimensions before they were transposed.
template <typename Vector>
void MoveBefore(const Dimensions& permutation, Vector& each) {
  Vector before = each;
  for (size_t i = 0; i < permutation.size(); ++i) before[permutation[i]] = each[i];
  each = std::move(before);
}

// f(transpose(x, p)), where f has something for each dimension by itself: pads, slices, windows
//   →  transpose(f(x), p)
Instruction* SinkBelowEachDimension(Instruction* instruction) {
  const bool is_concatenate = instruction->opcode() == Opcode::kConcatenate;
  if (instruction->shape().IsTuple() || instruction->shape().HasDynamicDimension()) return nullptr;
  const int64_t arrays = is_concatenate ? instruction->operand_count() : 1;
  const std::optional<Sinker> sinker = SinkerOf(*instruction, arrays);
  if (!sinker.has_value()) return nullptr;
  std::vector<Instruction*> operands = instruction->operands();
  for (int64_t k = 0; k < arrays; ++k) operands[k] = sinker->Before(operands[k]);
  const Dimensions& permutation = sinker->permutation();
  Instruction* result = instruction->parent()->AddClone(*instruction, std::move(operands));
  result->set_shape(ShapeBefore(instruction->shape(), permutation));
  if (is_concatenate) {
    int64_t& dimension = result->mutable_attributes<DimensionsAttributes>().dimensions[0];
    dimension = permutation[dimension];
  } else if (result->opcode() == Opcode::kPad) {
    MoveBefore(permutation, result->mutable_attributes<PadAttributes>().padding);
  } else if (result->opcode() == Opcode::kSlice) {
    MoveBefore(permutation, result->mutable_attributes<SliceAttributes>().slice);
  } else {
    MoveBefore(permutation, result->mutable_attributes<WindowAttributes>().window.dimensions);
  }
  return TransposeOf(result, permutation);
}

bool HasEachDimension(const Instruction& instruction) {
  return IsOneOf(instruction.opcode(),
                 {Opcode::kConcatenate, Opcode::kPad, Opcode::kReduceWindow, Opcode::kSlice});
}

Instruction* Sink(Instruction* instruction) {
  if (HasEachDimension(*instruction)) return SinkBelowEachDimension(instruction);
  if (instruction->kind() == OpKind::kElementwise) return SinkBelowElementwise(instruction);
  if (instruction->opcode() == Opcode::kReduce) return SinkBelowReduce(instruction);
  if (instruction->opcode() == Opcode::kReshape) return SinkBelowReshape(instruction);
  return nullptr;
}

}  // namespace

bool KeepsOrderOfDimensions(const Instruction& instruction) {
  if (instruction.kind() == OpKind::kElementwise) return instruction.opcode() != Opcode::kMap;
  return HasEachDimension(instruction);
}

// Algorithm: walk the instructions in order, so that a transpose is carried behind a chain in one
// walk.
absl::StatusOr<bool> SinkTransposes(Module& module, const PassContext&) {
  bool changed = false;
  for (Computation* computation : module.computations()) {
    bool changed_here = false;
    const std::vector<Instruction*> instructions = computation->instructions();
    for (Instruction* instruction : instructions) {
      if (!instruction->control_predecessors().empty()) continue;
      Instruction* value = Sink(instruction);
      if (value == nullptr) continue;
      computation->ReplaceAllUses(instruction, value);
      changed_here = true;
    }
    if (!changed_here) continue;
    computation->RemoveDead();
    computation->Normalize();
    changed = true;
  }
  return changed;
}

}  // namespace ingot
