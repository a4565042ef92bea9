#include "passes/around_dots.h"

#include <algorithm>

#include "ir/analysis/op_facts.h"
#include "passes/fusion_util.h"

namespace ingot {
namespace {

// Whether the value's elements are those of its operand, at offsets that are sums over dimensions.
bool MovesByStrides(const Instruction& instruction) {
  return IsOneOf(instruction.opcode(),
                 {Opcode::kBroadcast, Opcode::kReshape, Opcode::kSlice, Opcode::kTranspose}) &&
         !IsFree(instruction);
}

bool KeepsElements(const Instruction& instruction) {
  return instruction.opcode() == Opcode::kReshape || instruction.opcode() == Opcode::kTranspose;
}

// Whether it is a product of matrices, as dots are: groups of few features are windows.
bool IsDenseConvolution(const Instruction& instruction) {
  if (instruction.opcode() != Opcode::kConvolution) return false;
  const auto& attributes = instruction.attributes<ConvolutionAttributes>();
  return attributes.feature_group_count == 1 && attributes.batch_group_count == 1;
}

}  // namespace

bool IsEpilogue(const Instruction& instruction) {
  if (KeepsElements(instruction)) return true;
  return instruction.kind() == OpKind::kElementwise && instruction.opcode() != Opcode::kMap;
}

// Algorithm:
// 1. From the last instruction to the first: data movement for dots, or for such data movement, may
//    be read through; so that nobody needs it stored, other users are elementwise ops that had best
//    read it through as well.
// 2. From the first to the last: not so what a dot that nobody else asks for can store in this
//    order, nor a reshape of what is not read through, which is another name for the same bytes.
AroundDots::AroundDots(const Computation& computation, int64_t most_convolution_bytes)
    : enabled_(true), most_convolution_bytes_(most_convolution_bytes) {
  int64_t last_id = -1;
  for (const Instruction* instruction : computation.instructions()) {
    last_id = std::max(last_id, instruction->id());
  }
  read_through_.assign(last_id + 1, false);
  std::vector<bool> stored_by_dot(last_id + 1, false);
  const std::vector<Instruction*>& order = computation.instructions();
  for (auto it = order.rbegin(); it != order.rend(); ++it) {
    const Instruction& value = **it;
    if (!MovesByStrides(value) || &value == computation.root()) continue;
    const auto reads_through = [&](const Instruction* user) {
      return (user->opcode() == Opcode::kDot && IsDot(*user)) || IsReadThrough(*user);
    };
    const std::vector<Instruction*>& users = value.users();
    read_through_[value.id()] =
        std::any_of(users.begin(), users.end(), reads_through) &&
        std::all_of(users.begin(), users.end(), [&](const Instruction* user) {
          return reads_through(user) || (IsEpilogue(*user) && IsReadThroughBest(value));
        });
  }
  for (const Instruction* value : order) {
    stored_by_dot[value->id()] = IsDot(*value);
    if (!MovesByStrides(*value)) continue;
    const Instruction& operand = *value->operand(0);
    stored_by_dot[value->id()] =
        KeepsElements(*value) && stored_by_dot[operand.id()] && operand.users().size() == 1;
    const bool is_name = value->opcode() == Opcode::kReshape && !IsReadThrough(operand);
    if (stored_by_dot[value->id()] || is_name) read_through_[value->id()] = false;
  }
}

bool AroundDots::IsDot(const Instruction& instruction) const {
  if (!enabled_ || !instruction.control_predecessors().empty()) return false;
  return instruction.opcode() == Opcode::kDot ||
         (IsDenseConvolution(instruction) &&
          instruction.shape().ByteSize() <= most_convolution_bytes_);
}

}  // namespace ingot
