#include "passes/sequence_for_memory.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "ir/analysis/leaves.h"
#include "ir/analysis/op_facts.h"
#include "passes/fusion_util.h"
#include "passes/memory_order.h"

namespace ingot {
namespace {

constexpr int kNoArray = -1;  // what is not in the arena

void SortEachOnce(std::vector<int>& numbers) {
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
}

bool HasArrays(const Instruction& instruction) {
  return instruction.opcode() != Opcode::kParameter && instruction.opcode() != Opcode::kConstant;
}

// Of a computation, whose instructions are numbered in their order.
class GraphBuilder {
 public:
  // `peaks`: of the computations that it calls.
  GraphBuilder(const Computation& computation,
               const absl::flat_hash_map<const Computation*, int64_t>& peaks)
      : computation_(computation), peaks_(peaks) {}

  MemoryGraph Run() {
    for (const Instruction* instruction : computation_.instructions()) {
      number_[instruction] = static_cast<int>(graph_.commands.size());
      graph_.commands.emplace_back();
      AddBefore(*instruction, graph_.commands.back());
      AddArrays(*instruction, graph_.commands.back());
    }
    const bool is_entry = computation_.parent()->entry() == &computation_;
    for (int array : leaves_.at(computation_.root())) {
      if (array == kNoArray) continue;
      graph_.arrays[array].kept = true;
      if (is_entry) graph_.arrays[array].bytes = 0;
    }
    return std::move(graph_);
  }

 private:
  void AddBefore(const Instruction& instruction, MemoryGraph::Command& command) {
    for (const Instruction* operand : instruction.operands()) {
      command.before.push_back(number_.at(operand));
    }
    for (const Instruction* predecessor : instruction.control_predecessors()) {
      command.before.push_back(number_.at(predecessor));
    }
    if (instruction.HasSideEffect()) {
      if (last_effect_ >= 0) command.before.push_back(last_effect_);
      last_effect_ = number_.at(&instruction);
    }
    SortEachOnce(command.before);
  }

  void AddArrays(const Instruction& instruction, MemoryGraph::Command& command) {
    if (auto passed_on = PassedOnLeaves(instruction, leaves_, begins_)) {
      leaves_[&instruction] = *std::move(passed_on);
      command.only_names = true;
      return;
    }
    for (const Instruction* operand : instruction.operands()) {
      for (int array : leaves_.at(operand)) {
        if (array != kNoArray) command.reads.push_back(array);
      }
    }
    SortEachOnce(command.reads);
    for (const Computation* callee : instruction.called_computations()) {
      const auto peak = peaks_.find(callee);
      if (peak != peaks_.end()) command.bytes = std::max(command.bytes, peak->second);
    }
    std::vector<int>& own = leaves_[&instruction];
    for (const Shape& shape : LeafShapes(instruction.shape())) {
      own.push_back(kNoArray);
      if (!HasArrays(instruction)) continue;
      own.back() = static_cast<int>(graph_.arrays.size());
      graph_.arrays.push_back({BytesOf(shape, ElementsOf(shape)), false});
      command.defines.push_back(own.back());
    }
    command.only_names = !HasArrays(instruction);
  }

  const Computation& computation_;
  const absl::flat_hash_map<const Computation*, int64_t>& peaks_;
  MemoryGraph graph_;
  absl::flat_hash_map<const Instruction*, int> number_;
  LeafValues<int> leaves_;
  LeafBegins begins_;
  int last_effect_ = -1;
};

}  // namespace

// Algorithm: computations callees first; of each the graph of what its instructions define and
// read, and the best order of it.
absl::StatusOr<bool> SequenceForMemory(Module& module, const PassContext&) {
  const std::vector<Computation*> found = SequentialComputations(module);
  const absl::flat_hash_set<const Computation*> sequential(found.begin(), found.end());
  absl::flat_hash_map<const Computation*, int64_t> peaks;
  bool changed = false;
  for (Computation* computation : module.computations()) {
    if (!sequential.contains(computation)) continue;
    const MemoryGraph graph = GraphBuilder(*computation, peaks).Run();
    const std::vector<int> order = OrderForMemory(graph);
    peaks[computation] = PeakOf(graph, order);
    if (std::is_sorted(order.begin(), order.end())) continue;
    std::vector<Instruction*> instructions;
    for (int number : order) instructions.push_back(computation->instructions()[number]);
    computation->SetOrder(std::move(instructions));
    changed = true;
  }
  return changed;
}

}  // namespace ingot
