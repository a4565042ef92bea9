#include "passes/fuse.h"

#include <algorithm>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "ir/analysis/op_facts.h"
#include "ir/analysis/windows.h"
#include "passes/around_dots.h"
#include "passes/fusion_util.h"
#include "passes/merge_groups.h"
#include "passes/recompute.h"
#include "passes/split_concatenates.h"

namespace ingot {
namespace {

// What may stand inside a fusion above its root.
bool IsProducer(const Instruction& instruction) {
  if (instruction.kind() == OpKind::kElementwise) return instruction.opcode() != Opcode::kMap;
  if (instruction.opcode() == Opcode::kGather) return true;
  return instruction.kind() == OpKind::kDataMovement;
}

// Whether a fusion may be grown from this root; `has_windows`: plans have windows with what stands
// around them.
bool IsRoot(const Instruction& instruction, bool has_windows) {
  if (has_windows && WindowOf(instruction).has_value()) return true;
  switch (instruction.kind()) {
    case OpKind::kElementwise:
      return instruction.opcode() != Opcode::kMap;
    case OpKind::kDataMovement:
      return NeedsKernel(instruction);
    case OpKind::kReduction:
      return instruction.opcode() == Opcode::kReduce;
    case OpKind::kIndexing:
      return true;
    case OpKind::kContraction:
    case OpKind::kSorting:
    case OpKind::kRandom:
    case OpKind::kLinearAlgebra:
    case OpKind::kStructure:
    case OpKind::kControlFlow:
    case OpKind::kCollective:
    case OpKind::kExternal:
      return false;
  }
  return false;
}

// Whether a reshape does nothing but add or leave out dimensions of one element.
bool HasSameSizesButOnes(const Instruction& reshape) {
  std::vector<int64_t> sizes[2] = {reshape.shape().dimensions(),
                                   reshape.operand(0)->shape().dimensions()};
  for (std::vector<int64_t>& of : sizes) std::erase(of, 1);
  return sizes[0] == sizes[1];
}

// Whether `instruction` reads the operand where it writes its result, if it is no scalar.
bool KeepsIndex(const Instruction& instruction, int64_t operand) {
  if (instruction.opcode() == Opcode::kReshape) return HasSameSizesButOnes(instruction);
  if (instruction.opcode() != Opcode::kGather) return instruction.kind() == OpKind::kElementwise;
  const GatherAttributes& attributes = instruction.attributes<GatherAttributes>();
  return operand == 1 && attributes.offset_dims.empty() &&
         attributes.index_vector_dim == instruction.operand(1)->shape().rank();
}

// What several kernels of one fusion copy together, which compute nothing.
bool HasManyPieces(const Instruction& instruction) {
  return instruction.opcode() == Opcode::kConcatenate && instruction.operand_count() > kMostPieces;
}

// Values that a group reads: a kernel has a parameter for each, and a GPU bounds their bytes.
constexpr size_t kMostInputs = 128;
// Arrays of as many elements as a dot that the kernel of the dot reads besides its operands.
constexpr size_t kMostBesideDot = 2;
// How often a value of one operation is computed for an element of the root.
constexpr int kMostTimes = 2;

// Grows the fusion that ends with one root.
//
// Each member is computed at one index for an element of the root.  Which index that is has a
// number: the same as its user's behind an elementwise op, a new one behind anything that moves
// data.  A value that would be needed at two indices stays outside, or chains such as
// concatenate(f(v), v) would double the kernel at every step; but for one operation, which takes no
// longer than to read it, at two indices in all.  What is best read through is copied where others
// ask for it too.
//
// A dot may be a member: one, with nothing but IsEpilogue between it and the root.  What it reads
// through joins it, and nothing else does from below.
//
// A window may be a member: one, computed at the root's index.  Its operand is computed for each
// window that has it, so that only one operation joins from below.
//
// Code and inputs are bounded, so that compiling a large graph takes linear time.
class Group {
 public:
  Group(Instruction* root, const AroundDots& dots, bool asks_costs)
      : dots_(&dots), asks_costs_(asks_costs) {
    Join(root, {0, 1});
  }

  // Takes in operands until none can join.  `taken` are the members of other groups.
  void Grow(const absl::flat_hash_set<const Instruction*>& taken) {
    GrowFrom(members_[0], taken);
    if (!has_dot_) return;
    // A dot's work is known now, beside which little is repeated at no cost.
    for (size_t i = 0; i < members_.size(); ++i) GrowFrom(members_[i], taken);
  }

  // Whether the kernel would read so much besides the operands of its dot that it had better be
  // two: one of the dot, and one that can compute again what it reads.
  bool ReadsMuchBesideDot() const {
    if (!has_dot_) return false;
    absl::flat_hash_set<const Instruction*> read;
    for (const Instruction* member : epilogue_) {
      for (const Instruction* operand : member->operands()) {
        if (inputs_.contains(operand) &&
            ElementsOf(operand->shape()) >= ElementsOf(members_[0]->shape())) {
          read.insert(operand);
        }
      }
    }
    return read.size() > kMostBesideDot;
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
  // The number of the index at which a member is computed, and how often for an element of the
  // root.
  struct Place {
    int index;
    int times;
    bool copied = false;  // others may compute it as well
  };

  // Depth first: where a bound ends the growth, the group has whole subtrees, whose inputs are few.
  void GrowFrom(Instruction* first, const absl::flat_hash_set<const Instruction*>& taken) {
    std::vector<std::pair<Instruction*, int64_t>> path = {{first, 0}};
    while (!path.empty()) {
      auto& [member, next] = path.back();
      if (next == member->operand_count()) {
        path.pop_back();
        continue;
      }
      Instruction* operand = member->operand(next++);
      if (places_.contains(operand)) continue;
      const std::optional<Place> place = PlaceOf(*operand, *member, taken.contains(operand));
      if (!place.has_value()) continue;
      Join(operand, *place);
      path.emplace_back(operand, 0);
    }
  }

  // Where an operand of a member is computed, if it joins.
  std::optional<Place> PlaceOf(const Instruction& operand, const Instruction& member, bool taken) {
    const Place copied = {next_index_++, places_.at(&member).times, /*copied=*/true};
    if (!HasRoomFor(operand)) return std::nullopt;
    if (dots_->IsReadThrough(operand)) return copied;
    if (!MayJoin(operand, member)) return std::nullopt;
    if (!taken) {
      const std::optional<Place> place = PlaceOfUses(operand);
      const bool at_root = place && place->index == 0 && place->times == 1 &&
                           Shape::SameDimensions(operand.shape(), members_[0]->shape());
      if (place.has_value() && (at_root || !IsWindow(operand))) return place;
    }
    return IsReadThroughBest(operand) ? std::make_optional(copied) : std::nullopt;
  }

  // Free values that the instruction reads join with it.
  void Join(Instruction* instruction, Place place) {
    Add(instruction, place);
    for (Instruction* operand : instruction->operands()) {
      if (!IsFree(*operand)) {
        if (!places_.contains(operand)) inputs_.insert(operand);
        continue;
      }
      for (Instruction* part = operand; !places_.contains(part); part = part->operand(0)) {
        Add(part, {next_index_++, place.times, /*copied=*/true});
        if (!KeepsFree(*part)) break;
      }
    }
  }

  void Add(Instruction* instruction, Place place) {
    if (IsEpilogue(*instruction) && (members_.empty() || HasEpilogueUsersOnly(*instruction))) {
      epilogue_.insert(instruction);
    }
    has_dot_ = has_dot_ || dots_->IsDot(*instruction);
    has_window_ = has_window_ || IsWindow(*instruction);
    members_.push_back(instruction);
    places_[instruction] = place;
    code_ = SaturatingAdd(code_, CodeSize(*instruction));
    inputs_.erase(instruction);
  }

  // Whether the kernel of `member` may compute the operand, if that repeats no work.
  bool MayJoin(const Instruction& operand, const Instruction& member) const {
    if (dots_->IsDot(member) || dots_->IsReadThrough(member)) return false;
    if (HasManyPieces(member) || HasManyPieces(operand)) return false;
    // A scatter's indices are read several times, by all owners of its result or in each pass.
    if (member.opcode() == Opcode::kScatter && !IsOneOperation(operand) &&
        member.operand(member.operand_count() / 2) == &operand) {
      return false;
    }
    // Few elements of a gather are left to the walk that has the others.
    if (operand.opcode() == Opcode::kGather && members_[0]->opcode() == Opcode::kReduce) {
      return false;
    }
    // What else is reduced may lie across a transpose: plans know.
    if (asks_costs_ && operand.opcode() == Opcode::kTranspose &&
        members_[0]->opcode() == Opcode::kReduce) {
      return false;
    }
    // Weights are read by every thread, and lie as the layouts' pass wants them.
    if (IsWindow(member) && operand.opcode() == Opcode::kTranspose &&
        member.opcode() == Opcode::kConvolution && member.operand(1) == &operand) {
      return false;
    }
    if (IsWindow(operand)) return !has_window_ && !has_dot_;
    if (dots_->IsDot(operand)) return !has_dot_ && !has_window_ && StoresNoMoreThan(operand);
    // The slice of a trip; a dot's kernel reads it in place of a copy.
    if (operand.opcode() == Opcode::kDynamicSlice) return has_dot_;
    return IsProducer(operand);
  }

  // Whether nothing but an epilogue stands between the dot and a result of no more bytes.
  bool StoresNoMoreThan(const Instruction& dot) const {
    return members_[0]->shape().ByteSize() <= dot.shape().ByteSize() && HasEpilogueUsersOnly(dot);
  }

  bool HasEpilogueUsersOnly(const Instruction& instruction) const {
    return std::all_of(instruction.users().begin(), instruction.users().end(),
                       [&](const Instruction* user) { return epilogue_.contains(user); });
  }

  // The code of a free value and of those that it is made of, as far as none is a member.
  int64_t CodeOfFree(const Instruction& value) const {
    int64_t code = 0;
    for (const Instruction* part = &value; !places_.contains(part); part = part->operand(0)) {
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
      if (!places_.contains(operand) && !inputs_.contains(operand)) ++inputs;
    }
    return inputs <= kMostInputs;
  }

  // Where all users want `producer`; nullopt where a user is outside, or work would be repeated.
  std::optional<Place> PlaceOfUses(const Instruction& producer) {
    std::optional<Place> place;
    for (const Instruction* user : producer.users()) {
      const auto at = places_.find(user);
      if (at == places_.end() || at->second.copied) return std::nullopt;
      for (int64_t i = 0; i < user->operand_count(); ++i) {
        if (user->operand(i) != &producer) continue;
        if (!ReadsOnce(*user, i) && !RepeatsLittle(producer, *user, i)) return std::nullopt;
        const int wanted = KeepsIndex(*user, i) ? at->second.index : next_index_++;
        if (!place.has_value()) {
          place = {wanted, at->second.times};
        } else if (place->index != wanted) {
          place = {next_index_++, place->times + at->second.times};
          if (!IsOneOperation(producer) || place->times > kMostTimes) return std::nullopt;
        }
      }
    }
    return place;
  }

  // Whether computing the value again for each reader takes no longer than to read it: of one
  // operation beside a dot and in a window, and where a gather asks for more elements than there
  // are, another gather too.
  bool RepeatsLittle(const Instruction& producer, const Instruction& user, int64_t operand) const {
    if (user.opcode() == Opcode::kGather && operand == 0) {
      const bool is_little = producer.opcode() == Opcode::kGather || IsOneOperation(producer);
      return is_little && ElementsOf(user.shape()) >= ElementsOf(producer.shape());
    }
    return (has_dot_ || IsWindow(user)) && IsOneOperation(producer);
  }

  bool IsWindow(const Instruction& instruction) const {
    return asks_costs_ && WindowOf(instruction).has_value();
  }

  // Whether to compute the value takes no longer than to read it: a change of type, a mask of
  // coordinates.
  static bool IsOneOperation(const Instruction& value) { return CodeSize(value) <= 1; }

  const AroundDots* dots_;
  bool asks_costs_;  // groups are merged by what plans cost
  std::vector<Instruction*> members_;
  absl::flat_hash_map<const Instruction*, Place> places_;
  // The root, and members all of whose users are here, if each is an IsEpilogue.
  absl::flat_hash_set<const Instruction*> epilogue_;
  bool has_dot_ = false;
  bool has_window_ = false;
  absl::flat_hash_set<const Instruction*> inputs_;  // of the members, free values apart
  int64_t code_ = 0;
  int next_index_ = 1;
};

// The groups of a computation's instructions that grow around their roots; what joins none has no
// group.
std::vector<FusionGroup> GrowGroups(const Computation& computation, const AroundDots& dots,
                                    bool asks_costs) {
  // Users before operands, so that a group is as large as it can be when its root is met.
  const std::vector<Instruction*> order(computation.instructions().rbegin(),
                                        computation.instructions().rend());
  const AroundDots no_dots;
  absl::flat_hash_set<const Instruction*> taken;
  std::vector<FusionGroup> groups;
  for (Instruction* instruction : order) {
    if (taken.contains(instruction)) continue;
    if (!IsRoot(*instruction, asks_costs) && !dots.IsDot(*instruction)) continue;
    if (IsFree(*instruction) && !instruction->users().empty())
      continue;  // its users copy it, or wrap it later
    Group group(instruction, dots, asks_costs);
    group.Grow(taken);
    if (group.ReadsMuchBesideDot()) {
      group = Group(instruction, no_dots, asks_costs);
      group.Grow(taken);
    }
    const bool is_alone = group.members().size() == 1;
    if (is_alone && (dots.IsDot(*instruction) || !IsRoot(*instruction, false))) continue;
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
// while
//    every use of theirs is inside it and no work would be repeated; free values, and what is best
//    read through, are copied in; a transpose joins a reduction by its cost only.
// 3. Where the context tells costs, groups are merged from a queue (MergeGroups), and results that
// would be kept for readers are computed again by them (RecomputeForReaders); where it has a log,
// each decision is written there.
// 4. Each group of more than one member becomes a fusion.
absl::StatusOr<bool> Fuse(Module& module, const PassContext& context) {
  bool changed = false;
  for (Computation* computation : SequentialComputations(module)) {
    const AroundDots dots =
        context.fusion_cost != nullptr ? AroundDots(*computation, context) : AroundDots();
    std::vector<FusionGroup> groups =
        GrowGroups(*computation, dots, context.fusion_cost != nullptr);
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
