#include "passes/fuse.h"

#include <algorithm>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "ir/analysis/op_facts.h"
#include "passes/fusion_util.h"
#include "passes/merge_groups.h"
#include "passes/recompute.h"

namespace ingot {
namespace {

// What may stand inside a fusion above its root.
bool IsProducer(const Instruction& instruction) {
  switch (instruction.kind()) {
    case OpKind::kElementwise:
      return instruction.opcode() != Opcode::kMap;
    case OpKind::kDataMovement:
      return true;
    default:
      return false;
  }
}

// Whether a fusion may be grown from this root.
bool IsRoot(const Instruction& instruction) {
  switch (instruction.kind()) {
    case OpKind::kElementwise:
      return instruction.opcode() != Opcode::kMap;
    case OpKind::kDataMovement:
      return NeedsKernel(instruction);
    case OpKind::kReduction:
      return instruction.opcode() == Opcode::kReduce;
    case OpKind::kIndexing:
      return instruction.opcode() != Opcode::kScatter;
    default:
      return false;
  }
}

// Whether `instruction` reads its operands where it writes its result, scalars among them aside.
bool KeepsIndex(const Instruction& instruction) {
  return instruction.kind() == OpKind::kElementwise;
}

// Values that a group reads: a kernel has a parameter for each, and a GPU bounds their bytes.
constexpr size_t kMostInputs = 128;

// Grows the fusion that ends with one root.
//
// Each member is computed at one index for an element of the root.  Which index that is has a
// number: the same as its user's behind an elementwise op, a new one behind anything that moves
// data.  A value that would be needed at two indices stays outside, or chains such as
// concatenate(f(v), v) would double the kernel at every step.
//
// Code and inputs are bounded, so that compiling a large graph takes linear time.
class Group {
 public:
  explicit Group(Instruction* root) { Join(root, 0); }

  // Takes in operands until none can join.  `taken` are the members of other groups.  Depth first:
  // where a bound ends the growth, the group has whole subtrees, whose inputs are few.
  void Grow(const absl::flat_hash_set<const Instruction*>& taken) {
    std::vector<std::pair<Instruction*, int64_t>> path = {{members_[0], 0}};
    while (!path.empty()) {
      auto& [member, next] = path.back();
      if (next == member->operand_count()) {
        path.pop_back();
        continue;
      }
      Instruction* operand = member->operand(next++);
      if (index_.contains(operand) || taken.contains(operand)) continue;
      if (!IsProducer(*operand) || !HasRoomFor(*operand)) continue;
      const std::optional<int> index = IndexOfUses(*operand);
      if (!index.has_value()) continue;
      Join(operand, *index);
      path.emplace_back(operand, 0);
    }
  }

  // Members in the order of ids, which is topological; the root is last.
  std::vector<Instruction*> Sorted() const {
    std::vector<Instruction*> sorted = members_;
    std::sort(sorted.begin(), sorted.end(),
              [](const auto* a, const auto* b) { return a->id() < b->id(); });
    return sorted;
  }
  const std::vector<Instruction*>& members() const { return members_; }

 private:
  // Free values that the instruction reads join with it.
  void Join(Instruction* instruction, int index) {
    Add(instruction, index);
    inputs_.erase(instruction);
    for (Instruction* operand : instruction->operands()) {
      if (!IsFree(*operand)) {
        if (!index_.contains(operand)) inputs_.insert(operand);
        continue;
      }
      for (Instruction* part = operand; !index_.contains(part); part = part->operand(0)) {
        Add(part, next_index_++);
        if (!KeepsFree(*part)) break;
      }
    }
  }

  void Add(Instruction* instruction, int index) {
    members_.push_back(instruction);
    index_[instruction] = index;
    code_ = SaturatingAdd(code_, CodeSize(*instruction));
  }

  // The code of a free value and of those that it is made of, as far as none is a member.
  int64_t CodeOfFree(const Instruction& value) const {
    int64_t code = 0;
    for (const Instruction* part = &value; !index_.contains(part); part = part->operand(0)) {
      code = SaturatingAdd(code, CodeSize(*part));
      if (!KeepsFree(*part)) break;
    }
    return code;
  }

  // Within the bounds, with the free values that it brings.
  bool HasRoomFor(const Instruction& producer) const {
    int64_t code = SaturatingAdd(code_, CodeSize(producer));
    for (const Instruction* operand : producer.operands()) {
      if (IsFree(*operand)) code = SaturatingAdd(code, CodeOfFree(*operand));
    }
    if (code > kMostCodeOfFusion) return false;
    size_t inputs = inputs_.size();
    for (const Instruction* operand : producer.operands()) {
      if (!index_.contains(operand) && !inputs_.contains(operand)) ++inputs;
    }
    return inputs <= kMostInputs;
  }

  // The one index at which all users want `producer`; nullopt where a user is outside, work would
  // be repeated, or two uses want it at different indices.
  std::optional<int> IndexOfUses(const Instruction& producer) {
    std::optional<int> index;
    for (const Instruction* user : producer.users()) {
      const auto at = index_.find(user);
      if (at == index_.end()) return std::nullopt;
      for (int64_t i = 0; i < user->operand_count(); ++i) {
        if (user->operand(i) != &producer) continue;
        if (!ReadsOnce(*user, i)) return std::nullopt;
        const int wanted = KeepsIndex(*user) ? at->second : next_index_++;
        if (index.has_value() && *index != wanted) return std::nullopt;
        index = wanted;
      }
    }
    return index;
  }

  std::vector<Instruction*> members_;
  absl::flat_hash_map<const Instruction*, int> index_;
  absl::flat_hash_set<const Instruction*> inputs_;  // of the members, free values apart
  int64_t code_ = 0;
  int next_index_ = 1;
};

// The groups of a computation's instructions that grow around their roots; what joins none has no
// group.
std::vector<FusionGroup> GrowGroups(const Computation& computation) {
  // Users before operands, so that a group is as large as it can be when its root is met.
  const std::vector<Instruction*> order(computation.instructions().rbegin(),
                                        computation.instructions().rend());
  absl::flat_hash_set<const Instruction*> taken;
  std::vector<FusionGroup> groups;
  for (Instruction* instruction : order) {
    if (taken.contains(instruction) || !IsRoot(*instruction)) continue;
    if (IsFree(*instruction) && !instruction->users().empty())
      continue;  // its users copy it, or wrap it later
    Group group(instruction);
    group.Grow(taken);
    for (const Instruction* member : group.members()) {
      if (!IsFree(*member)) taken.insert(member);
    }
    groups.push_back({group.Sorted(), {instruction}});
  }
  return groups;
}

}  // namespace

// Algorithm:
// 1. Walk each computation that runs as commands from its last instruction to its first.
// 2. An instruction that no group has taken starts one as its root; the group takes in operands
// while every use of
//    theirs is inside it and no work would be repeated; free values are copied in.
// 3. Where the context tells costs, groups are merged from a queue (MergeGroups), and results that
// would be kept for readers are computed again by them (RecomputeForReaders); where it has a log,
// each decision is written there.
// 4. Each group of more than one member becomes a fusion.
absl::StatusOr<bool> Fuse(Module& module, const PassContext& context) {
  bool changed = false;
  for (Computation* computation : SequentialComputations(module)) {
    std::vector<FusionGroup> groups = GrowGroups(*computation);
    if (context.fusion_cost != nullptr || context.fusion_log != nullptr) {
      groups = MergeGroups(*computation, std::move(groups), context);
    }
    if (context.fusion_cost != nullptr) {
      groups = RecomputeForReaders(*computation, std::move(groups), context);
    }
    for (const FusionGroup& group : groups) {
      if (group.members.size() == 1) continue;
      Outline(*computation, group.members, group.roots,
              absl::StrCat("fused_", OpcodeName(group.members.back()->opcode())));
      changed = true;
    }
  }
  return changed;
}

}  // namespace ingot
