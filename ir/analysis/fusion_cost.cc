#include "ir/analysis/fusion_cost.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "ir/module.h"

namespace ingot {
namespace {

using Operations = std::array<int64_t, kUnitCount>;

int64_t& CountOf(Operations& operations, Unit unit) { return operations[static_cast<int>(unit)]; }

bool Computes(const Instruction& instruction) {
  return UnitOf(instruction).has_value() || AccumulationOf(instruction) != Accumulation::kNone;
}

int64_t PositionsOf(const Window& window) {
  int64_t positions = 1;
  for (const WindowDimension& dimension : window.dimensions) {
    positions = SaturatingMultiply(positions, dimension.size);
  }
  return positions;
}

// Products that are summed up for one element of the result.
int64_t TermsOf(const Instruction& contraction) {
  const Shape& rhs = contraction.operand(1)->shape();
  const auto product = [&](const std::vector<int64_t>& dimensions) {
    int64_t terms = 1;
    for (int64_t d : dimensions) terms = SaturatingMultiply(terms, rhs.dimension(d));
    return terms;
  };
  const Attributes& attributes = contraction.all_attributes();
  if (const auto* dot = std::get_if<DotAttributes>(&attributes)) {
    return product(dot->rhs_contracting_dims);
  }
  if (const auto* ragged = std::get_if<RaggedDotAttributes>(&attributes)) {
    return product(ragged->rhs_contracting_dims);
  }
  const ConvolutionDimensions& labels = contraction.attributes<ConvolutionAttributes>().dim_labels;
  return ElementsOf(rhs) / std::max<int64_t>(1, rhs.dimension(labels.kernel_output_feature));
}

class CostCounter {
 public:
  CostCounter(const FusionGraph& graph, const FusionUses& uses) : graph_(graph), uses_(uses) {}

  FusionCost Count() {
    CountInputs();
    CountMembers();
    CountResults();
    CountLiveValues();
    return std::move(cost_);
  }

 private:
  void CountInputs() {
    for (int v = 0; v < graph_.input_count(); ++v) {
      const Shape& shape = graph_.value(v).shape();
      cost_.input_bytes.push_back(BytesOf(shape, uses_.ElementsNeeded(v)));
      cost_.buffers += ArraysOf(shape);
    }
  }

  void CountResults() {
    for (const Instruction* root : graph_.view().roots) {
      cost_.result_bytes.push_back(BytesOf(root->shape(), ElementsOf(root->shape())));
      cost_.buffers += ArraysOf(root->shape());
    }
  }

  static int ArraysOf(const Shape& shape) {
    return shape.IsTuple() ? static_cast<int>(shape.tuple_shapes().size()) : 1;
  }

  void CountMembers() {
    std::vector<int> depth(graph_.value_count(), 0);
    for (int v = graph_.input_count(); v < graph_.value_count(); ++v) {
      const Instruction& member = graph_.value(v);
      for (const FusionEdge& edge : graph_.EdgesOf(v)) {
        depth[v] = std::max(depth[v], depth[edge.operand]);
      }
      if (member.opcode() == Opcode::kConstant && !member.shape().IsScalar()) {
        const int64_t bytes = BytesOf(member.shape(), uses_.ElementsNeeded(v));
        cost_.constant_bytes = SaturatingAdd(cost_.constant_bytes, bytes);
        ++cost_.buffers;
      }
      if (!Computes(member)) continue;
      ++cost_.operation_count;
      cost_.depth = std::max(cost_.depth, ++depth[v]);
      AddOperations(v);
    }
  }

  void AddOperations(int v) {
    const Instruction& member = graph_.value(v);
    const int64_t elements = uses_.ElementsNeeded(v);
    if (member.opcode() == Opcode::kMap) {
      AddCalled(*member.to_apply(), elements);
    } else if (const std::optional<Unit> unit = UnitOf(member)) {
      int64_t each = 1;
      if (*unit == Unit::kMatrix) each = TermsOf(member);
      // About as many comparisons as the logarithm of what is sorted.
      if (member.kind() == OpKind::kSorting) {
        each = std::max<int64_t>(1, std::llround(std::log2(elements + 1.0)));
      }
      Add(*unit, SaturatingMultiply(elements, each));
    } else if (member.opcode() == Opcode::kReduce) {
      AddCalled(*member.to_apply(), ElementsNeededOfOperand(v));
    } else if (member.opcode() == Opcode::kReduceWindow) {
      const int64_t window = PositionsOf(member.attributes<WindowAttributes>().window);
      AddCalled(*member.to_apply(), SaturatingMultiply(elements, window));
    } else if (member.opcode() == Opcode::kScan || member.opcode() == Opcode::kScatter) {
      AddCalled(*member.to_apply(), ElementsNeededOfOperand(v));
    } else {
      Add(Unit::kAlu, ElementsNeededOfOperand(v));
    }
  }

  // Of the operand that is accumulated: a scatter's updates, another op's first.
  int64_t ElementsNeededOfOperand(int v) const {
    const Instruction& member = graph_.value(v);
    if (uses_.ElementsNeeded(v) == 0 || member.operand_count() == 0) return 0;
    if (member.opcode() == Opcode::kScatter) return ElementsOf(member.operands().back()->shape());
    const int64_t of_operand = ElementsOf(member.operand(0)->shape());
    if (member.opcode() != Opcode::kReduce) return of_operand;
    const int64_t each = of_operand / std::max<int64_t>(1, ElementsOf(member.shape()));
    return SaturatingMultiply(uses_.ElementsNeeded(v), each);
  }

  void Add(Unit unit, int64_t count) {
    CountOf(cost_.operations, unit) = SaturatingAdd(CountOf(cost_.operations, unit), count);
  }

  // The operations of a called computation on scalars, `times` times.
  void AddCalled(const Computation& called, int64_t times) {
    const auto [at, is_new] = called_.insert({&called, Operations{}});
    if (is_new) {
      for (const Instruction* instruction : called.instructions()) {
        if (const std::optional<Unit> unit = UnitOf(*instruction)) ++CountOf(at->second, *unit);
      }
    }
    for (int unit = 0; unit < kUnitCount; ++unit) {
      Add(static_cast<Unit>(unit), SaturatingMultiply(at->second[unit], times));
    }
  }

  // A value is alive from when it is written (an input: from its first use) to its last use.  At
  // time 2v the operands of v are read, at 2v + 1 its result is written.
  void CountLiveValues() {
    const int values = graph_.value_count();
    std::vector<int> first(values, 2 * values), last(values, -1);
    for (int v = values - 1; v >= graph_.input_count(); --v) {
      const bool computes = Computes(graph_.value(v)) || graph_.IsRoot(v);
      if (computes) first[v] = last[v] = std::max(last[v], 2 * v + 1);
      for (const FusionEdge& edge : graph_.EdgesOf(v)) {
        last[edge.operand] = std::max(last[edge.operand], computes ? 2 * v : last[v]);
        first[edge.operand] = std::min(first[edge.operand], computes ? 2 * v : first[v]);
      }
    }
    std::vector<int> change(2 * values + 2, 0);
    for (int v = 0; v < values; ++v) {
      if (last[v] < 0) continue;
      const bool computes = Computes(graph_.value(v));
      if (!graph_.IsInput(v) && !computes) continue;
      ++change[computes ? 2 * v + 1 : first[v]];
      --change[last[v] + 1];
    }
    int alive = 0;
    for (int step : change) cost_.live_values = std::max(cost_.live_values, alive += step);
  }

  const FusionGraph& graph_;
  const FusionUses& uses_;
  absl::flat_hash_map<const Computation*, Operations> called_;
  FusionCost cost_;
};

int64_t SumOf(const std::vector<int64_t>& counts) {
  return std::accumulate(counts.begin(), counts.end(), int64_t{0}, SaturatingAdd);
}

}  // namespace

int64_t FusionCost::bytes_read() const { return SaturatingAdd(SumOf(input_bytes), constant_bytes); }

int64_t FusionCost::bytes_written() const { return SumOf(result_bytes); }

FusionCost CostOf(const FusionGraph& graph, const FusionUses& uses) {
  return CostCounter(graph, uses).Count();
}

}  // namespace ingot
