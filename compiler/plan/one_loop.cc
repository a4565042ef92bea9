#include "compiler/plan/one_loop.h"

#include <algorithm>
#include <vector>

#include "compiler/plan/analysis.h"
#include "ir/base/integers.h"

namespace ingot::plan {
namespace {

// Elements of the widest vector: cuts along memory at multiples of it part none.
constexpr int64_t kWholeVectors = 16;
// Operations of a load with its address.
constexpr int64_t kLoadCode = 4;
// The code may be so many times that of each value computed once, and a little more.
constexpr int64_t kMostTimes = 2;
constexpr int64_t kLittleCode = 64;

bool IsWhole(int64_t elements) { return elements % kWholeVectors == 0; }

// Whether elements side by side in the result are so in what it is made of, in pieces of whole
// vectors.
bool KeepsVectors(const Instruction& op) {
  const Shape& shape = op.shape();
  if (op.operand_count() == 0 || shape.rank() == 0 || op.operand(0)->shape().rank() == 0)
    return true;
  const int64_t last = shape.rank() - 1;
  switch (op.opcode()) {
    case Opcode::kBroadcast:
    case Opcode::kCopy:
    case Opcode::kReshape:
      return true;
    case Opcode::kBitcastConvert:
      return Shape::SameDimensions(shape, op.operand(0)->shape());
    case Opcode::kConcatenate:
      return op.dimensions()[0] != last ||
             std::all_of(op.operands().begin(), op.operands().end(),
                         [&](const Instruction* x) { return IsWhole(x->shape().dimension(last)); });
    case Opcode::kPad: {
      const PaddingDimension& edge = op.attributes<PadAttributes>().padding.back();
      return edge.interior == 0 && IsWhole(edge.low) &&
             (edge == PaddingDimension() || IsWhole(op.operand(0)->shape().dimension(last)));
    }
    case Opcode::kSlice: {
      const SliceDimension& taken = op.attributes<SliceAttributes>().slice.back();
      return taken.stride == 1 && IsWhole(taken.start) &&
             (taken.start == 0 || IsWhole(op.operand(0)->shape().dimension(last)));
    }
    case Opcode::kTranspose:
      return op.dimensions().back() == last;
    default:
      return false;
  }
}

bool IsScalar(const Instruction& value) {
  return value.shape().IsArray() && ElementsOf(value.shape()) == 1;
}

// Whether one loop walks over the elements of all results and reads, besides what lies as they do,
// slices of its inputs: the parts of an array that was computed for several uses, or one trip's.
bool WalksOverSlices(const FusionInfo& info) {
  const FusionGraph& graph = info.graph();
  const auto& roots = graph.view().roots;
  if (!info.reductions().empty() || roots.empty()) return false;
  for (const Instruction* root : roots) {
    if (!Shape::SameDimensions(root->shape(), roots[0]->shape())) return false;
  }
  int64_t code = 0;
  for (const Instruction* member : graph.view().members) {
    code = SaturatingAdd(code, CodeSize(*member));
    const bool passes =
        member->kind() == OpKind::kElementwise || member->opcode() == Opcode::kSlice ||
        member->opcode() == Opcode::kDynamicSlice || IsFree(*member) ||
        member->opcode() == Opcode::kReshape || member->opcode() == Opcode::kBroadcast;
    if (!passes || member->opcode() == Opcode::kMap) return false;
  }
  if (code > kMostCodeOfFusion) return false;
  bool slices = false;
  for (size_t i = 0; i < graph.edges().size(); ++i) {
    const FusionEdge& edge = graph.edges()[i];
    if (info.space().AccessOf(static_cast<int>(i)).access == Access::kInSpace) continue;
    const Opcode consumer = graph.value(edge.consumer).opcode();
    const bool is_slice = consumer == Opcode::kSlice || consumer == Opcode::kDynamicSlice;
    if (!graph.IsInput(edge.operand) ||
        (!is_slice && ElementsOf(graph.value(edge.operand).shape()) > 1)) {
      return false;
    }
    slices = slices || is_slice;
  }
  return slices;
}

// Whether it moves arrays in other ways too, or computes values at several indices, at the speed of
// memory nevertheless.
bool KeepsPace(const FusionInfo& info) {
  const FusionGraph& graph = info.graph();
  const std::vector<const Instruction*>& roots = graph.view().roots;
  if (roots.empty()) return false;
  for (const Instruction* root : roots) {
    if (!root->shape().IsArray() || IsComplex(root->shape().element_type()) ||
        !Shape::SameDimensions(root->shape(), roots[0]->shape())) {
      return false;
    }
  }
  // At how many places each value is computed for an element of the results.
  std::vector<int64_t> shared(graph.value_count(), 0), others(graph.value_count(), 0);
  for (const Instruction* root : roots) shared[graph.NumberOf(*root)] = 1;
  int64_t once = 0, all = 0;
  for (int v = graph.value_count() - 1; v >= 0; --v) {
    const Instruction& value = graph.value(v);
    const int64_t places = SaturatingAdd(shared[v], others[v]);
    const int64_t code = graph.IsInput(v) ? kLoadCode : CodeSize(value);
    once = SaturatingAdd(once, code);
    all = SaturatingAdd(all, SaturatingMultiply(places, code));
    if (graph.IsInput(v)) continue;
    if (value.kind() == OpKind::kDataMovement) {
      if (!KeepsVectors(value)) return false;
    } else if (value.kind() != OpKind::kElementwise && value.opcode() != Opcode::kConstant) {
      return false;
    }
    const int first = graph.FirstEdgeOf(v);
    const absl::Span<const FusionEdge> edges = graph.EdgesOf(v);
    for (size_t k = 0; k < edges.size(); ++k) {
      const int operand = edges[k].operand;
      if (IsScalar(graph.value(operand))) {
        shared[operand] = 1;
      } else if (info.space().AccessOf(first + static_cast<int>(k)).access == Access::kInSpace) {
        shared[operand] = std::max(shared[operand], places);
      } else {
        others[operand] = SaturatingAdd(others[operand], places);
      }
    }
  }
  return all <= std::min(kMostCodeOfFusion, SaturatingAdd(kMostTimes * once, kLittleCode));
}

}  // namespace

bool IsOneLoop(const FusionInfo& info, const Target& target) {
  return WalksOverSlices(info) || (target.platform == Platform::kCuda && KeepsPace(info));
}

}  // namespace ingot::plan
