// The arrays that a value is made of, tuples taken apart in order, and the instructions that only
// give arrays of their operands another name.
#ifndef INGOT_IR_ANALYSIS_LEAVES_H_
#define INGOT_IR_ANALYSIS_LEAVES_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "ir/module.h"

namespace ingot {

std::vector<Shape> LeafShapes(const Shape& shape);

// Where the leaves of each element of a tuple begin among its leaves.
class LeafBegins {
 public:
  // One number for each element, and where the last ends.  Counted once for each value: wide tuples
  // have as many readers as elements.
  const std::vector<int64_t>& Of(const Instruction& tuple);

 private:
  absl::flat_hash_map<const Instruction*, std::vector<int64_t>> begins_;
};

// For each instruction something that is known of each of its leaves.
template <typename Leaf>
using LeafValues = absl::flat_hash_map<const Instruction*, std::vector<Leaf>>;

// The leaves of an instruction that computes nothing, of those of its operands; nullopt for others.
template <typename Leaf>
std::optional<std::vector<Leaf>> PassedOnLeaves(const Instruction& instruction,
                                                const LeafValues<Leaf>& values,
                                                LeafBegins& begins) {
  const Opcode opcode = instruction.opcode();
  if (opcode == Opcode::kTuple) {
    std::vector<Leaf> leaves;
    for (const Instruction* operand : instruction.operands()) {
      const std::vector<Leaf>& part = values.at(operand);
      leaves.insert(leaves.end(), part.begin(), part.end());
    }
    return leaves;
  }
  if (opcode == Opcode::kGetTupleElement) {
    const std::vector<Leaf>& whole = values.at(instruction.operand(0));
    const std::vector<int64_t>& begin = begins.Of(*instruction.operand(0));
    const int64_t index = instruction.tuple_index();
    return std::vector<Leaf>(whole.begin() + begin[index], whole.begin() + begin[index + 1]);
  }
  if (IsOneOf(opcode, {Opcode::kReshape, Opcode::kOptimizationBarrier, Opcode::kAddDependency,
                       Opcode::kDomain})) {
    return values.at(instruction.operand(0));
  }
  if (opcode == Opcode::kAfterAll) return std::vector<Leaf>();
  return std::nullopt;
}

}  // namespace ingot

#endif  // INGOT_IR_ANALYSIS_LEAVES_H_
