#include "compiler/plan/analysis.h"

#include <algorithm>

#include "ir/analysis/op_facts.h"

namespace ingot::plan {

std::optional<Opcode> SimpleCombiner(const Computation& computation) {
  const Instruction& root = *computation.root();
  if (computation.parameters().size() != 2 || root.operand_count() != 2) return std::nullopt;
  if (!HasFact(root.opcode(), kCommutative)) return std::nullopt;
  const Instruction* x = computation.parameters()[0];
  const Instruction* y = computation.parameters()[1];
  const bool both = (root.operand(0) == x && root.operand(1) == y) ||
                    (root.operand(0) == y && root.operand(1) == x);
  if (!both || !root.shape().IsScalar()) return std::nullopt;
  return root.opcode();
}

ElementType ComputeType(ElementType type) {
  if (IsFloat(type)) return BitWidth(type) < 32 ? ElementType::kF32 : type;
  if (IsSigned(type)) return BitWidth(type) < 8 ? ElementType::kS8 : type;
  if (IsUnsigned(type)) return BitWidth(type) < 8 ? ElementType::kU8 : type;
  return type;
}

ElementType SumType(ElementType type) { return ComputeType(AccumulatorType(type)); }

bool IsAssociative(const Instruction& scan) {
  const ScanAttributes& attributes = scan.attributes<ScanAttributes>();
  const int64_t inputs = scan.operand_count() - attributes.num_carries;
  const Instruction& body = *scan.to_apply()->root();
  if (!attributes.is_associative.value_or(false) || inputs == 0 ||
      inputs != attributes.num_carries || body.opcode() != Opcode::kTuple ||
      body.operand_count() != 2 * inputs) {
    return false;
  }
  for (int64_t k = 0; k < inputs; ++k) {
    if (!Shape::SameDimensions(scan.operand(k)->shape(), scan.operand(0)->shape())) return false;
    const ElementType type = scan.operand(k)->shape().element_type();
    const bool shuffles = !IsComplex(type) && type != ElementType::kPred && BitWidth(type) >= 8 &&
                          (BitWidth(type) > 8 || !IsFloat(type));
    if (!shuffles || scan.operand(inputs + k)->shape().element_type() != type ||
        body.operand(k) != body.operand(inputs + k)) {
      return false;
    }
  }
  return true;
}

bool AlwaysInside(const WindowDimension& window, int64_t base, int64_t outputs) {
  const int64_t last = (outputs - 1) * window.stride + (window.size - 1) * window.window_dilation;
  return window.base_dilation == 1 && window.padding_low <= 0 && last - window.padding_low < base;
}

ScatterDimensions ScatterDimensionsOf(const Instruction& scatter) {
  const ScatterAttributes& attributes = scatter.attributes<ScatterAttributes>();
  const Shape& update = scatter.operands().back()->shape();
  const auto contains = [](const std::vector<int64_t>& list, int64_t value) {
    return std::find(list.begin(), list.end(), value) != list.end();
  };
  ScatterDimensions result;
  size_t window = 0;
  for (int64_t d = 0; d < scatter.operand(0)->shape().rank(); ++d) {
    const bool batching = contains(attributes.input_batching_dims, d);
    const bool inserted = contains(attributes.inserted_window_dims, d);
    const bool indexed = contains(attributes.scatter_dims_to_operand_dims, d);
    result.update_dim.push_back(batching || inserted ? -1
                                                     : attributes.update_window_dims[window++]);
    (indexed ? result.scattered : result.owned).push_back(d);
    const int64_t update_dim = result.update_dim.back();
    result.window.push_back(update_dim < 0 ? 1 : update.dimension(update_dim));
  }
  for (int64_t d = 0; d < update.rank(); ++d) {
    if (!contains(attributes.update_window_dims, d)) result.batch.push_back(update.dimension(d));
  }
  return result;
}

namespace {

int64_t SizeOfPadding(int64_t padding) {
  return padding < 0 ? -std::max(padding, -kMostReach - 1) : padding;
}

int64_t ReachOfPadding(const Instruction& pad) {
  const Padding& padding = pad.attributes<PadAttributes>().padding;
  int64_t reach = 0;
  for (size_t d = 0; d < padding.size(); ++d) {
    int64_t own = SaturatingMultiply(pad.operand(0)->shape().dimension(d),
                                     SaturatingAdd(padding[d].interior, 1));
    own = SaturatingAdd(own, SizeOfPadding(padding[d].low));
    reach = std::max(reach, SaturatingAdd(own, SizeOfPadding(padding[d].high)));
  }
  return reach;
}

}  // namespace

int64_t WindowReach(const Instruction& instruction) {
  if (instruction.opcode() == Opcode::kPad) return ReachOfPadding(instruction);
  const Attributes& attributes = instruction.all_attributes();
  const Window* window = nullptr;
  if (const auto* own = std::get_if<WindowAttributes>(&attributes)) window = &own->window;
  if (const auto* own = std::get_if<ConvolutionAttributes>(&attributes)) window = &own->window;
  if (window == nullptr) return 0;
  int64_t longest = 1;
  const auto measure = [&](const Shape& shape) {
    for (const Shape& leaf : Leaves(shape)) {
      for (int64_t size : leaf.dimensions()) longest = std::max(longest, size);
    }
  };
  measure(instruction.shape());
  for (const Instruction* operand : instruction.operands()) measure(operand->shape());
  int64_t reach = 0;
  for (const WindowDimension& along : window->dimensions) {
    int64_t own = SaturatingMultiply(longest, along.stride);
    own = SaturatingAdd(own, SaturatingMultiply(longest, along.base_dilation));
    own = SaturatingAdd(own, SaturatingMultiply(along.size, along.window_dilation));
    for (int64_t padding : {along.padding_low, along.padding_high}) {
      own = SaturatingAdd(own, SizeOfPadding(padding));
    }
    reach = std::max(reach, own);
  }
  return reach;
}

ElementType IndexTypeOf(const Instruction& instruction) {
  if (WindowReach(instruction) > kMostNarrowOffset) return ElementType::kS64;
  for (const Shape& leaf : Leaves(instruction.shape())) {
    if (leaf.IsArray() && leaf.ElementCount() > kMostNarrowOffset) return ElementType::kS64;
  }
  return ElementType::kS32;
}

ElementType IndexTypeOf(const Computation& fusion) {
  for (const Instruction* instruction : fusion.instructions()) {
    if (IndexTypeOf(*instruction) == ElementType::kS64) return ElementType::kS64;
  }
  return ElementType::kS32;
}

std::vector<int64_t> SizesOf(const Shape& shape, absl::Span<const int64_t> dimensions) {
  std::vector<int64_t> sizes;
  for (int64_t dimension : dimensions) sizes.push_back(shape.dimension(dimension));
  return sizes;
}

std::vector<Shape> Leaves(const Shape& shape) {
  return shape.IsTuple() ? shape.tuple_shapes() : std::vector<Shape>{shape};
}

int ResultCount(const FusionView& view) {
  int results = 0;
  for (const Instruction* root : view.roots) {
    results += static_cast<int>(Leaves(root->shape()).size());
  }
  return results;
}

bool HasArraysOnly(const Computation& fusion) {
  for (const Instruction* instruction : fusion.instructions()) {
    for (const Shape& leaf : Leaves(instruction->shape())) {
      if (!leaf.IsArray() || leaf.HasDynamicDimension()) return false;
    }
  }
  return true;
}

bool Contains(absl::Span<const int> list, int value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

bool KeepsPlaces(const Instruction& instruction) {
  return instruction.kind() == OpKind::kElementwise ||
         (instruction.kind() == OpKind::kDataMovement && instruction.operand_count() == 1 &&
          instruction.opcode() != Opcode::kBitcastConvert);
}

}  // namespace ingot::plan
