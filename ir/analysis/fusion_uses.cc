#include "ir/analysis/fusion_uses.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/hash/hash.h"
#include "ir/analysis/op_facts.h"

namespace ingot {
namespace {

// Uses go through data movement as long as they are few and their maps are small.
constexpr size_t kMostUsesPassedOn = 8;
constexpr int64_t kLargestMapPassedOn = 64;

}  // namespace

// Walks from consumers to operands: when a value is met, all its uses are known.
class UseCollector {
 public:
  UseCollector(const FusionGraph& graph, const IterationSpace& space, FusionUses& result)
      : graph_(graph), space_(space), result_(result) {}

  void Collect() {
    result_.uses_.resize(graph_.value_count());
    result_.needed_.resize(graph_.value_count(), 0);
    for (int v = 0; v < graph_.value_count(); ++v) {
      elements_.push_back(ElementsOf(graph_.value(v).shape()));
      if (graph_.IsRoot(v)) result_.uses_[v].in_space_elements = elements_[v];
    }
    for (int v = graph_.value_count() - 1; v >= 0; --v) {
      int64_t asked = result_.uses_[v].in_space_elements;
      for (const BoundaryUse& use : result_.uses_[v].boundary) {
        asked = SaturatingAdd(asked, use.elements);
      }
      result_.needed_[v] = std::min(asked, elements_[v]);
      if (result_.needed_[v] > 0) AskOperands(v);
    }
  }

 private:
  void AskOperands(int v) {
    const bool passes_on = PassesUsesOn(v);
    const ValueUses& uses = result_.uses_[v];
    for (const FusionEdge& edge : graph_.EdgesOf(v)) {
      const EdgeAccess access = space_.AccessOf(graph_.FirstEdgeOf(v) + edge.operand_number);
      ++result_.steps_;
      // What data movement is asked for elsewhere, it asks for elsewhere.
      const int64_t here = passes_on ? uses.in_space_elements : result_.needed_[v];
      if (here > 0) Ask(edge, access, ElementsAsked(edge, here));
      if (!passes_on || uses.boundary.empty()) continue;
      const std::optional<IndexMap> map = MapOf(edge, access);
      for (const BoundaryUse& use : uses.boundary) {
        ++result_.steps_;
        BoundaryUse through = use;
        through.map.reset();
        if (use.map.has_value() && map.has_value()) through.map = Compose(*use.map, *map);
        through.elements = ElementsAsked(edge, use.elements);
        AddBoundary(access.source, std::move(through));
      }
    }
  }

  bool PassesUsesOn(int v) const {
    const std::vector<BoundaryUse>& boundary = result_.uses_[v].boundary;
    return !graph_.IsRoot(v) && graph_.value(v).kind() == OpKind::kDataMovement &&
           boundary.size() <= kMostUsesPassedOn &&
           std::all_of(boundary.begin(), boundary.end(), [](const BoundaryUse& use) {
             return !use.map.has_value() || use.map->NodeCount() <= kLargestMapPassedOn;
           });
  }

  std::optional<IndexMap> MapOf(const FusionEdge& edge, const EdgeAccess& access) const {
    if (access.access == Access::kOpaque) return std::nullopt;
    const Instruction& consumer = graph_.value(edge.consumer);
    if (access.source != edge.operand) return IndexMap::Identity(consumer.shape().dimensions());
    return ElementMapOf(consumer, edge.operand_number);
  }

  // What no element of the result can be asked of alone.
  static bool NeedsAll(const Instruction& consumer) {
    const OpKind kind = consumer.kind();
    return kind == OpKind::kControlFlow || kind == OpKind::kCollective ||
           kind == OpKind::kExternal || kind == OpKind::kRandom ||
           !HasCommonDimensions(consumer.shape());
  }

  // Different elements of the operand that `elements` elements of the consumer need.
  int64_t ElementsAsked(const FusionEdge& edge, int64_t elements) const {
    const Instruction& consumer = graph_.value(edge.consumer);
    const int64_t all = elements_[edge.operand];
    const int64_t results = std::max<int64_t>(elements_[edge.consumer], 1);
    const int64_t k = edge.operand_number;
    if (NeedsAll(consumer)) return all;
    switch (AccumulationOf(consumer)) {
      case Accumulation::kOpaque:
        return all;
      case Accumulation::kReduce:
        return std::min(all, SaturatingMultiply(elements, std::max<int64_t>(all / results, 1)));
      case Accumulation::kNone:
        break;
    }
    if (consumer.opcode() == Opcode::kDynamicUpdateSlice && k == 0) {
      return std::min(elements, all - std::min(all, ElementsOf(consumer.operand(1)->shape())));
    }
    // Where an element is made of several: a change of width, a gather's index.
    const bool of_several = consumer.opcode() == Opcode::kBitcastConvert ||
                            (consumer.opcode() == Opcode::kGather && k == 1);
    const int64_t each = of_several ? std::max<int64_t>(all / results, 1) : 1;
    return std::min(all, SaturatingMultiply(elements, each));
  }

  void Ask(const FusionEdge& edge, const EdgeAccess& access, int64_t elements) {
    if (elements == 0) return;
    if (access.access == Access::kInSpace) {
      int64_t& asked = result_.uses_[access.source].in_space_elements;
      asked = std::max(asked, elements);
      return;
    }
    AddBoundary(access.source, {edge.consumer, edge.operand_number, MapOf(edge, access), elements});
  }

  void AddBoundary(int source, BoundaryUse use) {
    if (use.elements == 0) return;
    ValueUses& uses = result_.uses_[source];
    if (IsInSpace(source, use)) {
      uses.in_space_elements = std::max(uses.in_space_elements, use.elements);
      return;
    }
    std::vector<int>& alike = by_hash_[{source, HashOf(use)}];
    for (int i : alike) {
      ++result_.steps_;
      BoundaryUse& other = uses.boundary[i];
      if (!AskTheSame(other, use)) continue;
      other.elements = std::max(other.elements, use.elements);
      return;
    }
    alike.push_back(static_cast<int>(uses.boundary.size()));
    uses.boundary.push_back(std::move(use));
  }

  // Whether the map gives the value the index that it has at the consumer's point of the space.
  bool IsInSpace(int source, const BoundaryUse& use) const {
    if (!use.map.has_value() || !use.map->conditions.empty()) return false;
    const absl::Span<const int64_t> sizes = CommonDimensions(graph_.value(use.consumer).shape());
    for (size_t d = 0; d < use.map->results.size(); ++d) {
      const absl::Span<const ClassPart> parts = space_.PartsOf(source, d);
      if (parts.empty()) continue;
      const IndexExpr& coordinate = use.map->results[d];
      if (coordinate.kind() != IndexExpr::Kind::kDimension ||
          coordinate.value() >= static_cast<int64_t>(sizes.size()) ||
          parts != space_.PartsOf(use.consumer, coordinate.value())) {
        return false;
      }
    }
    return true;
  }

  bool AskTheSame(const BoundaryUse& a, const BoundaryUse& b) const {
    if (!a.map.has_value() || !b.map.has_value()) {
      return a.map.has_value() == b.map.has_value() && a.consumer == b.consumer &&
             a.operand_number == b.operand_number;
    }
    if (!(*a.map == *b.map)) return false;
    if (a.consumer == b.consumer) return true;
    for (int64_t d = 0; d < a.map->rank(); ++d) {
      if (PartsOf(a, d) != PartsOf(b, d) || (PartsOf(a, d).empty() && a.map->sizes[d] != 1)) {
        return false;
      }
    }
    return true;
  }

  // Of coordinate d of the use's map.  None for one along which the consumer accumulates.
  absl::Span<const ClassPart> PartsOf(const BoundaryUse& use, int64_t d) const {
    const size_t rank = CommonDimensions(graph_.value(use.consumer).shape()).size();
    if (d >= static_cast<int64_t>(rank)) return {};
    return space_.PartsOf(use.consumer, d);
  }

  // Equal for uses that ask the same: of the map's values at one index, which tell most apart.
  size_t HashOf(const BoundaryUse& use) const {
    if (!use.map.has_value()) return absl::HashOf(use.consumer, use.operand_number);
    std::vector<int64_t> index;
    for (int64_t d = 0; d < use.map->rank(); ++d) index.push_back(use.map->sizes[d] * 5 / 8);
    size_t hash = use.map->conditions.size();
    for (const IndexExpr& result : use.map->results) {
      hash = absl::HashOf(hash, result.Evaluate(index), result.NodeCount());
    }
    for (const IndexCondition& condition : use.map->conditions) {
      hash = absl::HashOf(hash, condition.value.Evaluate(index), condition.lower, condition.limit);
    }
    return hash;
  }

  const FusionGraph& graph_;
  const IterationSpace& space_;
  FusionUses& result_;
  std::vector<int64_t> elements_;  // of each value
  // For each value and hash, numbers of its boundary uses.
  absl::flat_hash_map<std::pair<int, size_t>, std::vector<int>> by_hash_;
};

FusionUses::FusionUses(const FusionGraph& graph, const IterationSpace& space) {
  UseCollector(graph, space, *this).Collect();
}

}  // namespace ingot
