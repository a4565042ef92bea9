#include "passes/copy_results.h"

#include <algorithm>
#include <vector>

namespace ingot {
namespace {

// A shorter copy takes the time of a launch, whoever makes it.
constexpr int64_t kLeastBytes = int64_t{1} << 20;

// The parameter whose bytes a value has; null where it has others.
const Instruction* ParameterOf(const Instruction& value) {
  const Instruction* at = &value;
  while (at->opcode() == Opcode::kReshape || at->opcode() == Opcode::kGetTupleElement) {
    at = at->operand(0);
  }
  return at->opcode() == Opcode::kParameter ? at : nullptr;
}

bool IsDonated(const Module& module, const Instruction& parameter) {
  const auto is_own = [&](const auto& use) {
    return use.parameter == parameter.parameter_number();
  };
  return std::any_of(module.input_output_aliases.begin(), module.input_output_aliases.end(),
                     is_own) ||
         std::any_of(module.buffer_donors.begin(), module.buffer_donors.end(), is_own);
}

bool WantsKernel(const Module& module, const Instruction& result) {
  if (!result.shape().IsArray() || result.shape().ByteSize() < kLeastBytes) return false;
  const Instruction* parameter = ParameterOf(result);
  return parameter != nullptr && !IsDonated(module, *parameter);
}

}  // namespace

absl::StatusOr<bool> CopyResults(Module& module, const PassContext& context) {
  if (context.target == nullptr || context.target->platform != Platform::kCuda) return false;
  Computation& entry = *module.entry();
  Instruction* root = entry.root();
  const auto copy = [&](Instruction* value) {
    return entry.Add(Opcode::kCopy, value->shape(), {value});
  };
  if (root->opcode() != Opcode::kTuple) {
    if (!WantsKernel(module, *root)) return false;
    entry.set_root(copy(root));
    return true;
  }
  bool changed = false;
  for (int64_t i = 0; i < root->operand_count(); ++i) {
    if (!WantsKernel(module, *root->operand(i))) continue;
    root->ReplaceOperand(i, copy(root->operand(i)));
    changed = true;
  }
  return changed;
}

}  // namespace ingot
