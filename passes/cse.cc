#include "passes/cse.h"

#include "absl/container/flat_hash_set.h"
#include "ir/equality.h"

namespace ingot {
namespace {

struct Hash {
  size_t operator()(const Instruction* instruction) const { return HashInstruction(*instruction); }
};
struct Equal {
  bool operator()(const Instruction* a, const Instruction* b) const {
    return a == b || SameInstruction(*a, *b);
  }
};

// In topological order: when an instruction is looked at, equal operands are already one
// instruction.
bool RunOnComputation(Computation& computation) {
  bool changed = false;
  absl::flat_hash_set<Instruction*, Hash, Equal> first;
  for (Instruction* instruction : computation.instructions()) {
    if (instruction->opcode() == Opcode::kParameter || instruction->HasSideEffect() ||
        !instruction->control_predecessors().empty()) {
      continue;
    }
    const auto [it, inserted] = first.insert(instruction);
    if (inserted) continue;
    computation.ReplaceAllUses(instruction, *it);
    changed = true;
  }
  return changed;
}

}  // namespace

absl::StatusOr<bool> EliminateCommonSubexpressions(Module& module, const PassContext&) {
  bool changed = false;
  for (Computation* computation : module.computations()) {
    if (RunOnComputation(*computation)) {
      computation->RemoveDead();
      changed = true;
    }
  }
  return changed;
}

}  // namespace ingot
