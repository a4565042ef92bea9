#include "passes/split_concatenates.h"

#include <utility>
#include <vector>

#include "ir/analysis/op_facts.h"
#include "passes/fusion_util.h"

namespace ingot {
namespace {

// The concatenate of operands [begin, end) of `whole`, or that operand itself.
Instruction* Part(Computation& computation, const Instruction& whole,
                  const std::vector<Instruction*>& operands, size_t begin, size_t end) {
  if (end - begin == 1) return operands[begin];
  const int64_t dimension = whole.dimensions()[0];
  std::vector<int64_t> sizes = whole.shape().dimensions();
  sizes[dimension] = 0;
  for (size_t i = begin; i < end; ++i)
    sizes[dimension] += operands[i]->shape().dimension(dimension);
  return computation.Add(
      Opcode::kConcatenate,
      Shape::ArrayWithDefaultLayout(whole.shape().element_type(), std::move(sizes)),
      std::vector<Instruction*>(operands.begin() + begin, operands.begin() + end),
      DimensionsAttributes{{dimension}}, whole.name());
}

// Algorithm: deal the operands out to as few parts as will do, of nearly equal numbers of operands,
// until there are few enough parts for one concatenate.
Instruction* Tree(Computation& computation, const Instruction& whole) {
  std::vector<Instruction*> operands = whole.operands();
  while (operands.size() > kMostPieces) {
    const size_t count = operands.size();
    const size_t parts = (count + kMostPieces - 1) / kMostPieces;
    std::vector<Instruction*> next;
    for (size_t i = 0; i < parts; ++i) {
      next.push_back(
          Part(computation, whole, operands, count * i / parts, count * (i + 1) / parts));
    }
    operands = std::move(next);
  }
  return Part(computation, whole, operands, 0, operands.size());
}

}  // namespace

absl::StatusOr<bool> SplitConcatenates(Module& module, const PassContext& context) {
  const bool has_copies = context.fusion_cost != nullptr && context.target != nullptr &&
                          context.target->platform == Platform::kCuda;
  return ReplaceEach(module,
                     [&](Computation& computation, const Instruction& instruction) -> Instruction* {
                       if (instruction.opcode() != Opcode::kConcatenate ||
                           instruction.operand_count() <= kMostPieces ||
                           instruction.shape().HasDynamicDimension() ||
                           (has_copies && HasCopiedPieces(instruction))) {
                         return nullptr;
                       }
                       return Tree(computation, instruction);
                     });
}

}  // namespace ingot
