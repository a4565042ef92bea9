#include "compiler/kernel/dead_code.h"

#include <algorithm>
#include <vector>

#include "absl/container/flat_hash_set.h"

namespace ingot::kernel {
namespace {

// A var that turns out to be read makes its writes live, and those may read more vars: so many
// rounds at most, then every var counts as read.
constexpr int kMaxRounds = 100;

// Marks what has to stay, from the effects backwards.
class Liveness {
 public:
  explicit Liveness(const Kernel& kernel) : live_(kernel.operation_count(), false) {
    for (int round = 0; changed_; ++round) {
      changed_ = false;
      keep_all_vars_ = round >= kMaxRounds;
      Visit(*kernel.body());
    }
  }

  bool IsLive(const Operation& op) const { return live_[op.id]; }

 private:
  bool IsRoot(const Operation& op) const {
    if ((op.effects() & (kWritesMemory | kSynchronizes)) != 0) return true;
    // A loop that might not end stays: what comes after it might never run.
    if (op.opcode == Opcode::kWhile || op.opcode == Opcode::kYield) return true;
    if ((op.effects() & kWritesVar) == 0) return false;
    // (Intrinsics that write vars are roots by their synchronisation.)
    return keep_all_vars_ || read_.contains(op.Get<VarAttributes>().var);
  }

  // Users come after their operands, so backwards finds them first.
  void Visit(const Block& block) {
    for (auto it = block.operations.rbegin(); it != block.operations.rend(); ++it) {
      const Operation& op = **it;
      for (const Block* nested : op.blocks) Visit(*nested);
      if (live_[op.id] || IsRoot(op) || HoldsLive(op)) MarkLive(op);
    }
  }

  bool HoldsLive(const Operation& op) const {
    for (const Block* nested : op.blocks) {
      for (const Operation* inner : nested->operations) {
        if (live_[inner->id]) return true;
      }
    }
    return false;
  }

  void Mark(const Operation& op) {
    if (live_[op.id]) return;
    live_[op.id] = true;
    changed_ = true;
  }

  void MarkLive(const Operation& op) {
    Mark(op);
    for (const Operation* operand : op.operands) Mark(*operand);
    if (op.opcode == Opcode::kVarRead) MarkRead(op.Get<VarAttributes>().var);
    if (const auto* call = std::get_if<IntrinsicAttributes>(&op.attributes)) {
      for (const Var* var : call->vars) MarkRead(var);
    }
  }

  void MarkRead(const Var* var) {
    if (read_.insert(var).second) changed_ = true;
  }

  std::vector<bool> live_;                // by operation id
  absl::flat_hash_set<const Var*> read_;  // by something live; only asked for members
  bool keep_all_vars_ = false;
  bool changed_ = true;
};

bool Sweep(Block& block, const Liveness& liveness) {
  const auto dead = [&](const Operation* op) { return !liveness.IsLive(*op); };
  std::vector<Operation*>& ops = block.operations;
  const auto end = std::remove_if(ops.begin(), ops.end(), dead);
  bool changed = end != ops.end();
  ops.erase(end, ops.end());
  for (Operation* op : ops) {
    for (Block* nested : op->blocks) changed |= Sweep(*nested, liveness);
  }
  return changed;
}

}  // namespace

bool RemoveDeadCode(Kernel& kernel) { return Sweep(*kernel.body(), Liveness(kernel)); }

}  // namespace ingot::kernel
