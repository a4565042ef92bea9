#include "compiler/kernel/uniformity.h"

#include <algorithm>

namespace ingot::kernel {
namespace {

constexpr int kMaxRounds = 100;

// The scope whose threads are `threads` consecutive ones, or a divisor of that.
Scope ScopeOfThreads(int64_t threads) {
  if (threads % kWarpgroupSize == 0) return Scope::kWarpgroup;
  return threads % kWarpSize == 0 ? Scope::kWarp : Scope::kThread;
}

Scope ScopeOfWarps(const WarpRange& warps) {
  const bool whole_groups = warps.first % 4 == 0 && (warps.last + 1) % 4 == 0;
  return whole_groups ? Scope::kWarpgroup : Scope::kWarp;
}

}  // namespace

Uniformity::Uniformity(const Kernel& kernel)
    : kernel_(kernel),
      values_(kernel.operation_count(), Scope::kGrid),
      controls_(kernel.operation_count(), Scope::kGrid),
      loops_(kernel.operation_count(), Scope::kGrid) {
  // From "everything is uniform" downwards; each round lowers a var or a loop, of six scopes.
  for (int round = 0; round < kMaxRounds; ++round) {
    changed_ = false;
    Visit(*kernel.body(), Scope::kGrid);
    if (!changed_) return;
  }
  // A chain through so many vars is not written by lowering: give up on vars and loops.
  for (auto& [var, scope] : vars_) scope = Scope::kThread;
  std::fill(loops_.begin(), loops_.end(), Scope::kThread);
  Visit(*kernel.body(), Scope::kGrid);
}

void Uniformity::Narrow(Scope& scope, Scope to) {
  if (to >= scope) return;
  scope = to;
  changed_ = true;
}

void Uniformity::Visit(const Block& block, Scope control) {
  for (const Operation* op : block.operations) {
    controls_[op->id] = control;
    values_[op->id] = Derive(*op);
    if (op->opcode == Opcode::kVar || op->opcode == Opcode::kVarWrite) {
      Scope& var = vars_.try_emplace(op->Get<VarAttributes>().var, Scope::kGrid).first->second;
      Narrow(var, std::min(control, OfOperands(*op)));
    }
    if (const auto* call = std::get_if<IntrinsicAttributes>(&op->attributes)) {
      for (const Var* var : call->vars) {
        Narrow(vars_.try_emplace(var, Scope::kGrid).first->second, Scope::kThread);
      }
    }
    VisitBlocks(*op, control);
  }
}

void Uniformity::VisitBlocks(const Operation& op, Scope control) {
  if (op.opcode == Opcode::kRoles) {
    const std::vector<WarpRange>& warps = op.Get<RolesAttributes>().warps;
    for (size_t i = 0; i < op.blocks.size(); ++i) {
      Visit(*op.blocks[i], std::min(control, ScopeOfWarps(warps[i])));
    }
    return;
  }
  if (op.opcode == Opcode::kWhile) {
    const Scope inside = std::min(control, loops_[op.id]);
    Visit(*op.blocks[0], inside);
    const std::vector<Operation*>& condition = op.blocks[0]->operations;
    if (!condition.empty()) Narrow(loops_[op.id], OfOperands(*condition.back()));
    Visit(*op.blocks[1], std::min(control, loops_[op.id]));
    return;
  }
  for (const Block* block : op.blocks) Visit(*block, std::min(control, OfOperands(op)));
}

Scope Uniformity::OfOperands(const Operation& op) const {
  Scope scope = Scope::kGrid;
  for (const Operation* operand : op.operands) scope = std::min(scope, values_[operand->id]);
  return scope;
}

Scope Uniformity::OfThreadId(int axis) const {
  const std::array<int, 3>& block = kernel_.launch().block;
  if (block[axis] == 1) return Scope::kGrid;
  // Threads count x first: y is the same over block.x consecutive ones.
  if (axis == 0) return Scope::kThread;
  return ScopeOfThreads(axis == 1 ? block[0] : int64_t{1} * block[0] * block[1]);
}

// thread / 32, thread >> 5, warp / 4 of a block with one axis.
Scope Uniformity::OfDivision(const Operation& op) const {
  const Operation& id = *op.operands[0];
  const Scope whole = OfOperands(op);
  const bool shifts = op.opcode == Opcode::kLshr || op.opcode == Opcode::kAshr;
  const bool divides = op.opcode == Opcode::kDiv && IsInteger(op.type.element);
  if ((!shifts && !divides) || !op.operands[1]->IsConstant()) return whole;
  const int64_t amount = op.operands[1]->ConstantInteger();
  if (amount < (shifts ? 0 : 1) || amount > (shifts ? 30 : 1 << 30)) return whole;
  int64_t threads = shifts ? int64_t{1} << amount : amount;
  const Launch& launch = kernel_.launch();
  if (id.opcode == Opcode::kWarp) {
    threads *= kWarpSize;
  } else if (id.opcode != Opcode::kThread || id.Get<IdAttributes>().axis != 0 ||
             launch.block[0] != launch.block_threads()) {
    return whole;
  }
  return std::max(whole, ScopeOfThreads(threads));
}

Scope Uniformity::Derive(const Operation& op) const {
  switch (InfoOf(op.opcode).op_class) {
    case OpClass::kOrigin:
      return Scope::kGrid;
    case OpClass::kId:
      if (op.opcode == Opcode::kThread) return OfThreadId(op.Get<IdAttributes>().axis);
      if (op.opcode == Opcode::kWarp) return Scope::kWarp;
      if (op.opcode == Opcode::kBlocks) return Scope::kGrid;
      if (op.opcode == Opcode::kClusterBlock) return Scope::kBlock;
      return op.opcode == Opcode::kBlock ? Scope::kBlock : Scope::kThread;
    case OpClass::kVar: {
      if (op.opcode != Opcode::kVarRead) return Scope::kThread;
      const auto found = vars_.find(op.Get<VarAttributes>().var);
      const Scope var = found == vars_.end() ? Scope::kThread : found->second;
      return std::min(var, OfOperands(op));
    }
    case OpClass::kMemory: {
      if (op.opcode != Opcode::kLoad) return Scope::kThread;
      const auto& access = op.Get<MemoryAttributes>();
      if (access.order != Order::kPlain) return Scope::kThread;
      return std::min(OfOperands(op), access.buffer->readonly ? Scope::kGrid : Scope::kBlock);
    }
    case OpClass::kIntrinsic: {
      const IntrinsicInfo& info = InfoOf(op.Get<IntrinsicAttributes>().intrinsic);
      // What is made of agreed values only is agreed on as widely; not what state says.
      const bool has_state = (info.effects & kReadsState) != 0;
      if (op.operands.empty() || has_state) return info.result_scope;
      return std::max(info.result_scope, OfOperands(op));
    }
    case OpClass::kControl:
      // The variable of a loop: threads that are in it together are in the same iteration.
      if (op.opcode != Opcode::kFor || op.operands.empty()) return Scope::kGrid;
      return std::min(values_[op.operands[0]->id], values_[op.operands[2]->id]);
    case OpClass::kBinary:
      return OfDivision(op);
    case OpClass::kUnary:
    case OpClass::kCompare:
    case OpClass::kTernary:
    case OpClass::kSelect:
    case OpClass::kConvert:
    case OpClass::kVector:
    case OpClass::kHorizontal:
      return OfOperands(op);
  }
  return Scope::kThread;
}

}  // namespace ingot::kernel
