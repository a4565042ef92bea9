#include "compiler/kernel/inliner.h"

#include <algorithm>

#include "compiler/kernel/text.h"

namespace ingot::kernel {
namespace {

// Expressions nest no deeper than this on one line, for the reader.
constexpr int kMaxInline = 8;
static_assert(kMaxInline < kMaxTextDepth);

bool IsLoad(const Operation& op) { return (op.effects() & kReadsMemory) != 0; }

}  // namespace

bool IsLeaf(const Operation& op) {
  const OpClass op_class = InfoOf(op.opcode).op_class;
  return op_class == OpClass::kOrigin || op_class == OpClass::kId;
}

Inliner::Inliner(const Kernel& kernel) : facts_(kernel.operation_count()) {
  Scan(*kernel.body());
  Decide(*kernel.body());
}

void Inliner::Scan(const Block& block) {
  int changes = 0, loads = 0, load_uses = 0;
  for (const Operation* op : block.operations) {
    Fact& fact = facts_[op->id];
    fact.block = &block;
    fact.changes = changes;
    fact.loads = loads;
    fact.load_uses = load_uses;
    if (IsLoad(*op)) ++loads;
    if (std::any_of(op->operands.begin(), op->operands.end(),
                    [](const Operation* operand) { return IsLoad(*operand); })) {
      ++load_uses;
    }
    const bool acts = op->type.IsNone() && (op->effects() & kSynchronizes) != 0;
    const bool writes = (op->effects() & (kWritesVar | kWritesMemory)) != 0;
    if (acts || writes || !op->blocks.empty()) ++changes;
    for (const Operation* operand : op->operands) {
      ++facts_[operand->id].uses;
      facts_[operand->id].user = op;
    }
    for (const Block* nested : op->blocks) Scan(*nested);
  }
}

// Loads stay in their order, and before uses of other loads: that is how many are under way.
// Between this one and its user only other operands of the user are loaded, and between it and
// the statement only what is printed there too.
bool Inliner::KeepsOrder(const Operation& op, const Fact& fact) const {
  const Operation& user = *fact.user;
  if (facts_[user.id].load_uses != fact.load_uses) return false;
  const int between = facts_[user.id].loads - fact.loads - 1;
  const auto is_other_load = [&](const Operation* operand) {
    return operand != &op && IsLoad(*operand) && facts_[operand->id].block == fact.block &&
           facts_[operand->id].loads > fact.loads;
  };
  const Fact& root = facts_[facts_[user.id].root->id];
  return between == std::count_if(user.operands.begin(), user.operands.end(), is_other_load) &&
         root.loads - fact.loads - 1 == root.inlined_loads;
}

// Backwards: where the user is printed is known first.
void Inliner::Decide(const Block& block) {
  for (auto it = block.operations.rbegin(); it != block.operations.rend(); ++it) {
    const Operation& op = **it;
    Fact& fact = facts_[op.id];
    fact.root = &op;
    for (const Block* nested : op.blocks) Decide(*nested);
    if (!op.name.empty() || !op.comment.empty() || fact.uses != 1) continue;
    const bool may_move = (op.effects() & (kWritesVar | kWritesMemory)) == 0 && op.blocks.empty();
    const Fact& user = facts_[fact.user->id];
    if (!may_move || op.type.IsNone() || user.block != &block || user.depth >= kMaxInline) {
      continue;
    }
    const bool pure = op.effects() == kPure;
    if (!pure && facts_[user.root->id].changes != fact.changes) continue;
    if (IsLoad(op) && !KeepsOrder(op, fact)) continue;
    if (IsLoad(op)) ++facts_[user.root->id].inlined_loads;
    fact.inlined = true;
    fact.root = user.root;
    fact.depth = user.depth + 1;
  }
}

}  // namespace ingot::kernel
