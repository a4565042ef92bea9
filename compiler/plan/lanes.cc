#include "compiler/plan/lanes.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "compiler/plan/analysis.h"
#include "ir/analysis/op_facts.h"
#include "ir/analysis/windows.h"

namespace ingot::plan {
namespace {

// The lane's part of an expression whose last coordinate is the lane number, and the greatest
// divisor known of the rest.
struct LanePart {
  int64_t stride = 0;
  int64_t align = 0;
};

// nullopt when the lane number stands inside a division or a remainder.
std::optional<LanePart> SplitLane(const IndexExpr& expr, int64_t lane) {
  LanePart part;
  const IndexSum sum = SumOf(expr);
  part.align = sum.constant < 0 ? -sum.constant : sum.constant;
  for (const IndexSum::Term& term : sum.terms) {
    if (term.atom == IndexExpr::Dimension(lane)) {
      part.stride = term.coefficient;
    } else if (term.atom.DependsOn(lane)) {
      return std::nullopt;
    } else {
      part.align = std::gcd(part.align, term.coefficient);
    }
  }
  if (part.align == 0) part.align = kAnyAlign;
  return part;
}

}  // namespace

std::optional<Lanes> LanesAlongDimension(const Lanes& lanes, absl::Span<const int64_t> dimensions) {
  if (!lanes.flat()) return lanes;
  Lanes result = lanes;
  for (size_t i = 0; i < dimensions.size(); ++i) {
    if (dimensions[i] == 1) continue;
    if (result.dim >= 0) return std::nullopt;
    result.dim = static_cast<int>(i);
  }
  if (result.dim < 0) return std::nullopt;
  result.stride = 1;
  return result;
}

// The lane coordinate d becomes step * t + stride * u with a new coordinate u, the lane number; the
// simplifier then knows by ranges which divisions u cannot cross.
std::optional<Lanes> MapLanes(const IndexMap& map, const Lanes& lanes) {
  if (lanes.count == 1) return Lanes{};
  const int64_t size = map.sizes[lanes.dim];
  const int64_t step =
      lanes.stride == 1 && lanes.align % lanes.count == 0 && size % lanes.count == 0 ? lanes.count
                                                                                     : 1;
  const int64_t lane = map.rank();
  std::vector<int64_t> sizes = map.sizes;
  sizes[lanes.dim] = size / step;
  sizes.push_back(lanes.count);
  std::vector<IndexExpr> coordinates;
  for (int64_t i = 0; i < map.rank(); ++i) {
    IndexExpr d = IndexExpr::Dimension(i);
    if (i == lanes.dim) {
      d = IndexExpr::Add(IndexExpr::Multiply(d, step),
                         IndexExpr::Multiply(IndexExpr::Dimension(lane), lanes.stride));
    }
    coordinates.push_back(d);
  }
  for (const IndexCondition& condition : map.conditions) {
    const std::optional<LanePart> part =
        SplitLane(Simplify(condition.value.Substitute(coordinates), sizes), lane);
    if (!part.has_value()) return std::nullopt;
    if (part->stride == 0) continue;
    // Aligned lanes are all on one side of aligned bounds.
    if (part->stride != 1 || part->align % lanes.count != 0 || condition.lower % lanes.count != 0 ||
        condition.limit % lanes.count != 0) {
      return std::nullopt;
    }
  }
  Lanes result;
  for (size_t k = 0; k < map.results.size(); ++k) {
    const std::optional<LanePart> part =
        SplitLane(Simplify(map.results[k].Substitute(coordinates), sizes), lane);
    if (!part.has_value()) return std::nullopt;
    if (part->stride == 0) continue;
    if (result.count > 1) return std::nullopt;
    result = Lanes{lanes.count, static_cast<int>(k), part->stride, part->align};
  }
  return result;
}

std::optional<Lanes> InterleavedLanes(const Instruction& instruction, const Lanes& lanes) {
  if (instruction.opcode() != Opcode::kConcatenate) return std::nullopt;
  const int64_t last = instruction.shape().rank() - 1, operands = instruction.operand_count();
  const bool by_turns =
      instruction.dimensions()[0] == last && instruction.shape().dimension(last) == operands &&
      std::all_of(
          instruction.operands().begin(), instruction.operands().end(),
          [&](const Instruction* operand) { return operand->shape().dimension(last) == 1; });
  const bool is_row = lanes.flat() || (lanes.dim == last && lanes.stride == 1);
  if (!by_turns || !is_row || lanes.count % operands != 0 || lanes.align % operands != 0) {
    return std::nullopt;
  }
  const int count = lanes.count / static_cast<int>(operands);
  if (count == 1) return Lanes{};
  return Lanes{count, -1, 1, lanes.align / operands};
}

bool KeepsOrder(const Instruction& instruction) {
  return instruction.opcode() == Opcode::kCopy || instruction.opcode() == Opcode::kReshape ||
         instruction.opcode() == Opcode::kBitcast;
}

namespace {

using OptionalLanes = std::optional<std::vector<Lanes>>;

bool Contains(const std::vector<int64_t>& list, int64_t value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

// `lanes` of the result become the same lanes along dimension `dim` of an operand.
Lanes Along(const Lanes& lanes, int64_t dim) {
  Lanes result = lanes;
  result.dim = static_cast<int>(dim);
  return result;
}

std::vector<Lanes> OneEach(const Instruction& instruction) {
  return std::vector<Lanes>(instruction.operand_count());
}

std::optional<Lanes> MovedLanes(const Instruction& instruction, int64_t operand,
                                const Lanes& lanes) {
  const Shape& shape = instruction.shape();
  const Shape& from = instruction.operand(operand)->shape();
  if (from.IsScalar()) return Lanes{};
  if (lanes.flat() && KeepsOrder(instruction)) return lanes;
  const std::optional<IndexMap> map = IndexMapOf(instruction, operand);
  if (!map.has_value()) return std::nullopt;
  // One element is the same for all lanes, unless only some of them read it.
  if (from.ElementCount() == 1 && map->IsTotal()) return Lanes{};
  const std::optional<Lanes> along = LanesAlongDimension(lanes, shape.dimensions());
  if (!along.has_value()) return std::nullopt;
  if (std::optional<Lanes> mapped = MapLanes(*map, *along)) return mapped;
  if (!KeepsOrder(instruction) || along->stride != 1) return std::nullopt;
  // Lanes side by side in memory stay so under any reshape.
  for (int64_t i = along->dim + 1; i < shape.rank(); ++i) {
    if (shape.dimension(i) != 1) return std::nullopt;
  }
  return Lanes{along->count, -1, 1, std::gcd(along->align, shape.dimension(along->dim))};
}

OptionalLanes DataMovementLanes(const Instruction& instruction, const Lanes& lanes) {
  if (instruction.opcode() == Opcode::kIota &&
      !LanesAlongDimension(lanes, instruction.shape().dimensions()).has_value()) {
    return std::nullopt;
  }
  if (instruction.opcode() == Opcode::kBitcastConvert) {
    const int from = BitWidth(instruction.operand(0)->shape().element_type());
    if (from != BitWidth(instruction.shape().element_type())) return std::nullopt;
    return std::vector<Lanes>{lanes};
  }
  if (const std::optional<Lanes> turns = InterleavedLanes(instruction, lanes)) {
    return std::vector<Lanes>(instruction.operand_count(), *turns);
  }
  std::vector<Lanes> result;
  for (int64_t k = 0; k < instruction.operand_count(); ++k) {
    const std::optional<Lanes> moved = MovedLanes(instruction, k, lanes);
    if (!moved.has_value()) return std::nullopt;
    result.push_back(*moved);
  }
  return result;
}

std::vector<int64_t> KeptDimensions(const Instruction& reduce) {
  std::vector<int64_t> kept;
  for (int64_t d = 0; d < reduce.operand(0)->shape().rank(); ++d) {
    if (!Contains(reduce.dimensions(), d)) kept.push_back(d);
  }
  return kept;
}

OptionalLanes ReductionLanes(const Instruction& instruction, const Lanes& lanes) {
  std::vector<Lanes> result = OneEach(instruction);
  const size_t inputs = result.size() / 2;
  if (instruction.opcode() == Opcode::kReduce) {
    const Lanes read = Along(lanes, KeptDimensions(instruction)[lanes.dim]);
    std::fill(result.begin(), result.begin() + inputs, read);
    return result;
  }
  if (instruction.opcode() != Opcode::kReduceWindow) return std::nullopt;
  const WindowDimension& window =
      instruction.attributes<WindowAttributes>().window.dimensions[lanes.dim];
  const int64_t outputs = Leaves(instruction.shape())[0].dimension(lanes.dim);
  const int64_t base = instruction.operand(0)->shape().dimension(lanes.dim);
  if (!AlwaysInside(window, base, outputs)) return std::nullopt;
  Lanes read = lanes;
  read.stride *= window.stride;
  if (window.size > 1 || window.padding_low != 0) read.align = 1;
  std::fill(result.begin(), result.begin() + inputs, read);
  return result;
}

OptionalLanes DotLanes(const Instruction& dot, const Lanes& lanes) {
  const DotAttributes& a = dot.attributes<DotAttributes>();
  const int64_t batch = static_cast<int64_t>(a.lhs_batch_dims.size());
  const std::vector<int64_t> lhs =
      FreeDimensions(dot.operand(0)->shape(), a.lhs_batch_dims, a.lhs_contracting_dims);
  const std::vector<int64_t> rhs =
      FreeDimensions(dot.operand(1)->shape(), a.rhs_batch_dims, a.rhs_contracting_dims);
  const int64_t rhs_first = batch + static_cast<int64_t>(lhs.size());
  std::vector<Lanes> result = OneEach(dot);
  if (lanes.dim < batch) {
    result[0] = Along(lanes, a.lhs_batch_dims[lanes.dim]);
    result[1] = Along(lanes, a.rhs_batch_dims[lanes.dim]);
  } else if (lanes.dim < rhs_first) {
    result[0] = Along(lanes, lhs[lanes.dim - batch]);
  } else {
    result[1] = Along(lanes, rhs[lanes.dim - rhs_first]);
  }
  return result;
}

OptionalLanes ConvolutionLanes(const Instruction& convolution, const Lanes& lanes) {
  const auto& attributes = convolution.attributes<ConvolutionAttributes>();
  const ConvolutionDimensions& labels = attributes.dim_labels;
  std::vector<Lanes> result = OneEach(convolution);
  if (lanes.dim == labels.output_batch) {
    result[0] = Along(lanes, labels.input_batch);
    if (attributes.batch_group_count > 1) result[0].align = 1;
    return result;
  }
  if (lanes.dim != labels.output_feature) return std::nullopt;
  if (IsDepthwise(convolution)) {
    result[0] = Along(lanes, labels.input_feature);
    result[1] = Along(lanes, labels.kernel_output_feature);
    return result;
  }
  // All lanes in one group: they read the same input.
  const int64_t features = convolution.shape().dimension(labels.output_feature);
  for (int64_t groups : {attributes.feature_group_count, attributes.batch_group_count}) {
    if (groups == 1) continue;
    const int64_t size = features / groups;
    if (lanes.stride != 1 || size % lanes.count != 0 || lanes.align % lanes.count != 0) {
      return std::nullopt;
    }
  }
  result[1] = Along(lanes, labels.kernel_output_feature);
  return result;
}

OptionalLanes ContractionLanes(const Instruction& instruction, const Lanes& lanes) {
  if (instruction.opcode() == Opcode::kConvolution) return ConvolutionLanes(instruction, lanes);
  if (instruction.opcode() == Opcode::kDot && instruction.operand_count() == 2) {
    return DotLanes(instruction, lanes);
  }
  return std::nullopt;
}

OptionalLanes GatherLanes(const Instruction& gather, const Lanes& lanes) {
  const GatherAttributes& attributes = gather.attributes<GatherAttributes>();
  const std::vector<int64_t>& offset_dims = attributes.offset_dims;
  const auto offset = std::find(offset_dims.begin(), offset_dims.end(), lanes.dim);
  if (offset == offset_dims.end()) return std::nullopt;
  std::vector<int64_t> window;  // the operand's dimensions that offset_dims go with, in order
  for (int64_t d = 0; d < gather.operand(0)->shape().rank(); ++d) {
    if (Contains(attributes.collapsed_slice_dims, d)) continue;
    if (!Contains(attributes.operand_batching_dims, d)) window.push_back(d);
  }
  const int64_t d = window[offset - offset_dims.begin()];
  std::vector<Lanes> result = OneEach(gather);
  result[0] = Along(lanes, d);
  const bool moves = Contains(attributes.start_index_map, d) &&
                     attributes.slice_sizes[d] < gather.operand(0)->shape().dimension(d);
  if (moves) result[0].align = 1;
  return result;
}

OptionalLanes IndexingLanes(const Instruction& instruction, const Lanes& lanes) {
  std::vector<Lanes> result = OneEach(instruction);
  const int64_t size = instruction.shape().IsArray() ? instruction.shape().dimension(lanes.dim) : 0;
  if (instruction.opcode() == Opcode::kGather) return GatherLanes(instruction, lanes);
  if (instruction.opcode() == Opcode::kDynamicSlice) {
    result[0] = lanes;
    if (instruction.operand(0)->shape().dimension(lanes.dim) > size) result[0].align = 1;
    return result;
  }
  if (instruction.opcode() == Opcode::kDynamicUpdateSlice) {
    // Lanes are inside the update all together or not at all.
    if (instruction.operand(1)->shape().dimension(lanes.dim) != size) return std::nullopt;
    result[0] = lanes;
    result[1] = lanes;
    return result;
  }
  return std::nullopt;
}

std::vector<Lanes> ElementwiseLanes(const Instruction& instruction, const Lanes& lanes) {
  std::vector<Lanes> result;
  for (const Instruction* operand : instruction.operands()) {
    const bool spread = operand->shape().IsScalar() && !instruction.shape().IsScalar();
    result.push_back(spread ? Lanes{} : lanes);
  }
  return result;
}

OptionalLanes StructureLanes(const Instruction& instruction, const Lanes& lanes) {
  if (instruction.opcode() == Opcode::kConstant) {
    const Literal& literal = instruction.literal();
    if (literal.size() > 1 && !literal.is_elided() && !literal.IsSplat()) return std::nullopt;
  }
  return std::vector<Lanes>(instruction.operand_count(), lanes);
}

}  // namespace

OptionalLanes OperandLanes(const Instruction& instruction, const Lanes& lanes) {
  if (lanes.count == 1) return OneEach(instruction);
  const Shape shape = Leaves(instruction.shape())[0];
  // These know lanes along a dimension only.
  const std::optional<Lanes> along = LanesAlongDimension(lanes, shape.dimensions());
  switch (instruction.kind()) {
    case OpKind::kElementwise:
      return ElementwiseLanes(instruction, lanes);
    case OpKind::kDataMovement:
      return DataMovementLanes(instruction, lanes);
    case OpKind::kReduction:
      return along.has_value() ? ReductionLanes(instruction, *along) : std::nullopt;
    case OpKind::kContraction:
      return along.has_value() ? ContractionLanes(instruction, *along) : std::nullopt;
    case OpKind::kIndexing:
      return along.has_value() ? IndexingLanes(instruction, *along) : std::nullopt;
    case OpKind::kStructure:
      return StructureLanes(instruction, lanes);
    case OpKind::kSorting:
    case OpKind::kRandom:
    case OpKind::kLinearAlgebra:
    case OpKind::kControlFlow:
    case OpKind::kCollective:
    case OpKind::kExternal:
      return std::nullopt;
  }
  return std::nullopt;
}

OptionalLanes InnerLanes(const Instruction& instruction, int count) {
  std::vector<Lanes> result = OneEach(instruction);
  const auto along = [&](int64_t dim) { return Lanes{count, static_cast<int>(dim), 1, count}; };
  if (instruction.opcode() == Opcode::kReduce) {
    if (instruction.operand_count() != 2 || instruction.dimensions().empty()) return std::nullopt;
    if (!SimpleCombiner(*instruction.to_apply()).has_value()) return std::nullopt;
    const std::vector<int64_t>& reduced = instruction.dimensions();
    result[0] = along(*std::max_element(reduced.begin(), reduced.end()));
    return result;
  }
  if (instruction.opcode() == Opcode::kDot && instruction.operand_count() == 2) {
    const DotAttributes& attributes = instruction.attributes<DotAttributes>();
    if (attributes.lhs_contracting_dims.empty()) return std::nullopt;
    result[0] = along(attributes.lhs_contracting_dims.back());
    result[1] = along(attributes.rhs_contracting_dims.back());
    return result;
  }
  if (instruction.opcode() == Opcode::kConvolution) {
    const auto& attributes = instruction.attributes<ConvolutionAttributes>();
    const ConvolutionDimensions& labels = attributes.dim_labels;
    result[0] = along(labels.input_feature);
    result[1] = along(labels.kernel_input_feature);
    const int64_t inputs = instruction.operand(1)->shape().dimension(labels.kernel_input_feature);
    if (attributes.feature_group_count > 1 && inputs % count != 0) result[0].align = 1;
    return result;
  }
  return std::nullopt;
}

}  // namespace ingot::plan
