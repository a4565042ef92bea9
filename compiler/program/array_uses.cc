#include "compiler/program/array_uses.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

namespace ingot::program {
namespace {

// Whether the program makes buffers for what the instruction computes.
bool HasBuffers(const Instruction& instruction) {
  return instruction.opcode() == Opcode::kFusion || instruction.opcode() == Opcode::kWhile ||
         instruction.opcode() == Opcode::kConditional;
}

// Of each leaf of a loop's state, whether the body leaves it as it is.
std::vector<bool> KeptByBody(const Computation& body) {
  LeafValues<int> values;  // the leaf of the state that a leaf is, or -1
  LeafBegins begins;
  for (const Instruction* instruction : body.instructions()) {
    std::vector<int>& leaves = values[instruction];
    if (auto passed_on = PassedOnLeaves(*instruction, values, begins)) {
      leaves = *std::move(passed_on);
      continue;
    }
    leaves.assign(LeafShapes(instruction->shape()).size(), -1);
    if (instruction->opcode() == Opcode::kParameter) std::iota(leaves.begin(), leaves.end(), 0);
  }
  const std::vector<int>& next = values.at(body.root());
  std::vector<bool> kept(next.size());
  for (size_t i = 0; i < next.size(); ++i) kept[i] = next[i] == static_cast<int>(i);
  return kept;
}

}  // namespace

ResultMemories MemoriesOfState(const Computation& body) {
  ResultMemories memories(LeafShapes(body.root()->shape()).size());
  std::iota(memories.begin(), memories.end(), 0);
  return memories;
}

ArrayUses::ArrayUses(const Computation& computation, const ResultMemories& memories) {
  CollectReads(computation, memories);
  CollectResults(computation);
}

void ArrayUses::CollectReads(const Computation& computation, const ResultMemories& memories) {
  const auto new_array = [&] {
    uses_.emplace_back();
    return static_cast<int>(uses_.size() - 1);
  };
  std::vector<int> parameters;  // by leaf of the parameters
  for (const Instruction* parameter : computation.parameters()) {
    parameters.resize(parameters.size() + LeafShapes(parameter->shape()).size(), kNotOwn);
  }
  memory_of_result_.assign(LeafShapes(computation.root()->shape()).size(), kNotOwn);
  for (size_t result = 0; result < memories.size(); ++result) {
    if (memories[result] < 0) continue;
    memory_of_result_[result] = parameters[memories[result]] = new_array();
  }
  auto own_parameter = parameters.begin();
  for (const Instruction* parameter : computation.parameters()) {
    const auto end = own_parameter + static_cast<int64_t>(LeafShapes(parameter->shape()).size());
    arrays_[parameter].assign(std::exchange(own_parameter, end), end);
  }
  int64_t position = -1;
  for (const Instruction* instruction : computation.instructions()) {
    positions_[instruction] = ++position;
    if (instruction->opcode() == Opcode::kParameter) continue;
    if (auto passed_on = PassedOnLeaves(*instruction, arrays_, begins_)) {
      arrays_[instruction] = *std::move(passed_on);
      continue;
    }
    int leaf = 0;
    for (const Instruction* operand : instruction->operands()) {
      for (const int array : arrays_.at(operand)) {
        if (array != kNotOwn) {
          Use& use = uses_[array];
          use.once = use.last != position;
          use.last = position;
          use.leaf = leaf;
        }
        ++leaf;
      }
    }
    std::vector<int>& own = arrays_[instruction];
    own.assign(LeafShapes(instruction->shape()).size(), kNotOwn);
    if (!HasBuffers(*instruction)) continue;
    std::vector<bool> kept(own.size(), false);
    if (instruction->opcode() == Opcode::kWhile) {
      kept = KeptByBody(*instruction->while_body());
      kept_[instruction] = kept;
    }
    for (size_t i = 0; i < own.size(); ++i) {
      own[i] = kept[i] ? arrays_.at(instruction->operand(0))[i] : new_array();
    }
  }
}

void ArrayUses::CollectResults(const Computation& computation) {
  const std::vector<int>& results = arrays_.at(computation.root());
  for (size_t result = 0; result < results.size(); ++result) {
    if (results[result] == kNotOwn) continue;
    uses_[results[result]].last = kAtEnd;
    uses_[results[result]].results.push_back(static_cast<int>(result));
  }
  const std::vector<Instruction*>& instructions = computation.instructions();
  // What a loop makes in the memory of its operand is there from the operand on.
  for (auto it = instructions.rbegin(); it != instructions.rend(); ++it) {
    if ((*it)->opcode() != Opcode::kWhile) continue;
    const std::vector<int>& operand = arrays_.at((*it)->operand(0));
    for (size_t leaf = 0; leaf < operand.size(); ++leaf) {
      if (!MakesInPlace(**it, static_cast<int>(leaf))) continue;
      uses_[operand[leaf]].results = uses_[arrays_.at(*it)[leaf]].results;
    }
  }
  for (const Use& use : uses_) {
    if (use.last == kNever || use.last == kAtEnd || !use.once) continue;
    const Instruction* reader = instructions[use.last];
    // A fusion's operands are arrays.
    if (reader->opcode() == Opcode::kFusion) last_reads_[reader].push_back(use.leaf);
  }
  for (auto& [fusion, operands] : last_reads_) std::sort(operands.begin(), operands.end());
}

const ArrayUses::Use* ArrayUses::Of(const Instruction& instruction, int64_t leaf) const {
  const int array = arrays_.at(&instruction)[leaf];
  return array == kNotOwn ? nullptr : &uses_[array];
}

bool ArrayUses::IsKept(const Instruction& loop, int leaf) const { return kept_.at(&loop)[leaf]; }

bool ArrayUses::MakesInPlace(const Instruction& loop, int leaf) const {
  const Use* use = Of(*loop.operand(0), leaf);
  return use != nullptr && use->once && use->last == PositionOf(loop);
}

absl::Span<const int> ArrayUses::LastReadsOf(const Instruction& fusion) const {
  const auto found = last_reads_.find(&fusion);
  return found == last_reads_.end() ? absl::Span<const int>() : found->second;
}

std::vector<plan::InPlacePair> ArrayUses::PairsOf(const Instruction& fusion) const {
  std::vector<plan::InPlacePair> pairs;
  const std::vector<int>& own = arrays_.at(&fusion);
  for (size_t leaf = 0; leaf < own.size(); ++leaf) {
    for (int result : uses_[own[leaf]].results) {
      for (int operand : LastReadsOf(fusion)) {
        if (arrays_.at(fusion.operand(operand))[0] != memory_of_result_[result]) continue;
        pairs.push_back({static_cast<int>(leaf), operand});
      }
    }
  }
  return pairs;
}

}  // namespace ingot::program
