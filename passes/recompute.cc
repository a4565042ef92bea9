#include "passes/recompute.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <queue>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "ir/analysis/op_facts.h"
#include "ir/base/check.h"
#include "passes/fusion_log.h"
#include "passes/merge_groups.h"

namespace ingot {
namespace {

constexpr size_t kMostReaders = 8;
// Smaller results are kept.
constexpr int64_t kLeastBytes = 32 << 10;
// One part of so many may be kept besides, where time is saved: what stands for a row.
constexpr int64_t kLittle = 64;

using InstructionSet = absl::flat_hash_set<const Instruction*>;

bool Contains(const std::vector<Instruction*>& sorted, const Instruction* instruction) {
  return std::binary_search(sorted.begin(), sorted.end(), instruction, ById);
}

void Insert(std::vector<Instruction*>& sorted, Instruction* instruction) {
  const auto at = std::lower_bound(sorted.begin(), sorted.end(), instruction, ById);
  if (at == sorted.end() || *at != instruction) sorted.insert(at, instruction);
}

int64_t BytesOf(const Instruction& value) {
  return ingot::BytesOf(value.shape(), ElementsOf(value.shape()));
}

bool IsRootOf(const FusionGroup& group, const Instruction* value) {
  return std::find(group.roots.begin(), group.roots.end(), value) != group.roots.end();
}

// Whether an element of the value is made of few elements of its operands.
bool CanBeRepeated(const Instruction& value) {
  return (value.kind() == OpKind::kElementwise && value.opcode() != Opcode::kMap) ||
         value.kind() == OpKind::kDataMovement || IsFree(value);
}

class Recomputer {
 public:
  Recomputer(const Computation& computation, std::vector<FusionGroup> groups,
             const PassContext& context)
      : context_(context),
        root_(computation.root()),
        groups_(std::move(groups)),
        costs_(groups_.size()) {
    for (size_t g = 0; g < groups_.size(); ++g) {
      Enter(g);
      for (const Instruction* member : groups_[g].members) {
        if (AccumulationOf(*member) == Accumulation::kOpaque) has_own_kernel_.insert(g);
      }
    }
  }

  std::vector<FusionGroup> Run() {
    std::vector<size_t> order = ReadersFirst();
    std::reverse(order.begin(), order.end());
    for (size_t group : order) {
      const std::vector<Instruction*> results = groups_[group].roots;
      if (Try(group, results)) continue;
      for (Instruction* result : results) Try(group, {&result, 1});
    }
    std::vector<FusionGroup> groups;
    for (size_t group : ReadersFirst()) {
      if (!groups_[group].members.empty()) groups.push_back(std::move(groups_[group]));
    }
    return groups;
  }

 private:
  // How a result is computed again, and by which groups.
  struct Recipe {
    Instruction* result;
    std::vector<size_t> readers;
    std::vector<Instruction*> members;  // by id
    std::vector<Instruction*> from;     // what they read besides
  };

  // The groups that have results that this one reads, or computes too; some more than once.
  std::vector<size_t> ProducersOf(size_t group) const {
    const FusionView view = ViewOf(groups_[group]);
    std::vector<size_t> producers;
    for (const auto* values : {&view.inputs, &view.members}) {
      for (const Instruction* value : *values) {
        for (size_t g : StoringGroupsOf(value)) {
          if (g != group) producers.push_back(g);
        }
      }
    }
    return producers;
  }

  // The groups, each behind those that read its results or compute them too, else by number.
  std::vector<size_t> ReadersFirst() const {
    std::vector<int64_t> readers(groups_.size(), 0);
    for (size_t g = 0; g < groups_.size(); ++g) {
      for (size_t producer : ProducersOf(g)) ++readers[producer];
    }
    std::priority_queue<size_t, std::vector<size_t>, std::greater<size_t>> ready;
    for (size_t g = 0; g < groups_.size(); ++g) {
      if (readers[g] == 0) ready.push(g);
    }
    std::vector<size_t> order;
    while (!ready.empty()) {
      order.push_back(ready.top());
      ready.pop();
      for (size_t producer : ProducersOf(order.back())) {
        if (--readers[producer] == 0) ready.push(producer);
      }
    }
    INGOT_CHECK(order.size() == groups_.size()) << "groups read one another";
    return order;
  }

  // Where the group stands about, as ids count: its first result is asked for soon.
  int64_t PositionOf(size_t group) const {
    const std::vector<Instruction*>& roots = groups_[group].roots;
    return (*std::min_element(roots.begin(), roots.end(), ById))->id();
  }

  using GroupsByInstruction = absl::flat_hash_map<const Instruction*, std::vector<size_t>>;

  static absl::Span<const size_t> Find(const GroupsByInstruction& groups,
                                       const Instruction* instruction) {
    const auto found = groups.find(instruction);
    return found == groups.end() ? absl::Span<const size_t>() : found->second;
  }
  // The groups that compute the instruction, and those that store it: many may compute what is
  // copied, which few store.
  absl::Span<const size_t> GroupsOf(const Instruction* instruction) const {
    return Find(groups_of_, instruction);
  }
  absl::Span<const size_t> StoringGroupsOf(const Instruction* instruction) const {
    return Find(storing_groups_of_, instruction);
  }

  void Enter(size_t group) {
    for (const Instruction* member : groups_[group].members) groups_of_[member].push_back(group);
    for (const Instruction* root : groups_[group].roots) storing_groups_of_[root].push_back(group);
  }

  // Whether a group, another one than `group`, stores the value.
  bool IsResultBeside(size_t group, const Instruction* value) const {
    const absl::Span<const size_t> groups = StoringGroupsOf(value);
    return std::any_of(groups.begin(), groups.end(), [&](size_t g) { return g != group; });
  }
  bool IsResult(const Instruction* value) const { return IsResultBeside(groups_.size(), value); }

  // Whether an instruction of no group reads the value of this member of groups, which is no result
  // of theirs: another name for what it reads.
  bool IsNamedOutside(const Instruction* copy) const {
    if (copy == root_) return true;
    const auto is_outside = [&](const Instruction* user) {
      const absl::Span<const size_t> groups = GroupsOf(user);
      return std::none_of(groups.begin(), groups.end(),
                          [&](size_t g) { return Contains(groups_[g].members, copy); });
    };
    return std::any_of(copy->users().begin(), copy->users().end(), is_outside);
  }

  // The groups that read the result of `group` and do not compute it; nullopt where others do, or a
  // group that takes nothing in, such as a dot's.
  std::optional<std::vector<size_t>> ReadersOf(size_t group, const Instruction* result) const {
    if (result == root_) return std::nullopt;
    std::vector<size_t> readers;
    for (const Instruction* user : result->users()) {
      if (GroupsOf(user).empty()) return std::nullopt;
      if (!IsResult(user) && IsNamedOutside(user)) return std::nullopt;
      for (size_t g : GroupsOf(user)) {
        if (g == group || Contains(groups_[g].members, result)) continue;
        if (has_own_kernel_.contains(g)) return std::nullopt;
        readers.push_back(g);
      }
    }
    std::sort(readers.begin(), readers.end());
    readers.erase(std::unique(readers.begin(), readers.end()), readers.end());
    if (readers.size() > kMostReaders) return std::nullopt;
    return readers;
  }

  // nullopt where the result is small, is read by others than groups, or where a value that is as
  // large would have to be kept for it.
  std::optional<Recipe> RecipeOf(size_t group, Instruction* result) const {
    if (!result->shape().IsArray() || BytesOf(*result) < kLeastBytes) return std::nullopt;
    auto readers = ReadersOf(group, result);
    if (!readers.has_value() || readers->empty()) return std::nullopt;
    const FusionGroup& own = groups_[group];
    const int64_t elements = ElementsOf(result->shape());
    Recipe recipe = {result, *std::move(readers), {}, {}};
    InstructionSet seen = {result};
    std::vector<Instruction*> pending = {result};
    while (!pending.empty()) {
      Instruction* value = pending.back();
      pending.pop_back();
      const bool inside = Contains(own.members, value);
      const bool small = ElementsOf(value->shape()) < elements;
      const bool kept =
          value != result && IsRootOf(own, value) && !ReadersOf(group, value).has_value();
      const bool copied = IsFree(*value) || value->opcode() == Opcode::kReshape;
      if (!inside || kept || (small && !copied)) {
        // One group stores it: this one, or the one that does.
        if (inside && !IsResult(value) && GroupsOf(value).size() > 1) return std::nullopt;
        recipe.from.push_back(value);
        continue;
      }
      if (!CanBeRepeated(*value)) return std::nullopt;
      recipe.members.push_back(value);
      for (Instruction* operand : value->operands()) {
        if (seen.insert(operand).second) pending.push_back(operand);
      }
    }
    std::sort(recipe.members.begin(), recipe.members.end(), ById);
    return recipe;
  }

  int64_t LastReadOf(const Instruction* value) const {
    if (value == root_) return std::numeric_limits<int64_t>::max();
    int64_t last = 0;
    for (const Instruction* user : value->users()) {
      if (GroupsOf(user).empty()) last = std::max(last, user->id());
      for (size_t g : GroupsOf(user)) {
        if (!Contains(groups_[g].members, value)) last = std::max(last, PositionOf(g));
      }
    }
    return last;
  }

  // Bytes that live for the recipes alone, if readers follow them.
  int64_t BytesKept(absl::Span<const Recipe> recipes) const {
    int64_t bytes = 0;
    InstructionSet counted;
    for (const Recipe& recipe : recipes) {
      int64_t last = 0;
      for (size_t reader : recipe.readers) last = std::max(last, PositionOf(reader));
      for (const Instruction* value : recipe.from) {
        const bool has_buffer =
            value->opcode() != Opcode::kParameter && value->opcode() != Opcode::kConstant;
        if (has_buffer && LastReadOf(value) < last && counted.insert(value).second) {
          bytes = SaturatingAdd(bytes, BytesOf(*value));
        }
      }
    }
    return bytes;
  }

  // The group without the results, and with what the recipes read of it.
  FusionGroup ProducerWithout(size_t producer, absl::Span<const Recipe> recipes) const {
    FusionGroup group = groups_[producer];
    for (const Recipe& recipe : recipes) std::erase(group.roots, recipe.result);
    for (const Recipe& recipe : recipes) {
      for (Instruction* value : recipe.from) {
        const bool stored = IsRootOf(group, value) || IsResultBeside(producer, value);
        if (Contains(group.members, value) && !stored) group.roots.push_back(value);
      }
    }
    std::sort(group.roots.begin(), group.roots.end(), ById);
    InstructionSet needed(group.roots.begin(), group.roots.end());
    for (auto it = group.members.rbegin(); it != group.members.rend(); ++it) {
      if (!needed.contains(*it)) continue;
      needed.insert((*it)->operands().begin(), (*it)->operands().end());
    }
    std::erase_if(group.members,
                  [&](const Instruction* member) { return !needed.contains(member); });
    return group;
  }

  // nullopt where no kernel computes the group in one walk.
  std::optional<double> CostOf(const FusionGroup& group) const {
    if (group.members.empty()) return 0;
    const FusionView view = ViewOf(group);
    if (group.members.size() > kMostMembers || group.roots.size() > kMostRoots ||
        view.inputs.size() + view.roots.size() > kMostBuffers) {
      return std::nullopt;
    }
    const FusionCostEstimate cost = context_.fusion_cost(view);
    return cost.one_walk ? std::make_optional(cost.microseconds) : std::nullopt;
  }

  std::optional<double> CostOf(size_t group) {
    if (!costs_[group].has_value()) costs_[group] = CostOf(groups_[group]);
    return *costs_[group];
  }

  // The changed groups by number, if the readers follow the recipes.
  std::map<size_t, FusionGroup> Follow(size_t producer, absl::Span<const Recipe> recipes) const {
    std::map<size_t, FusionGroup> changed;
    changed[producer] = ProducerWithout(producer, recipes);
    for (const Recipe& recipe : recipes) {
      for (size_t reader : recipe.readers) {
        FusionGroup& group = changed.try_emplace(reader, groups_[reader]).first->second;
        for (Instruction* member : recipe.members) Insert(group.members, member);
      }
    }
    return changed;
  }

  // Has those of the results that can be computed again by all their readers, if that pays.
  bool Try(size_t producer, absl::Span<Instruction* const> results) {
    std::vector<Recipe> recipes;
    int64_t bytes = 0;
    for (Instruction* result : results) {
      std::optional<Recipe> recipe = RecipeOf(producer, result);
      if (!recipe.has_value()) continue;
      bytes = SaturatingAdd(bytes, BytesOf(*result));
      recipes.push_back(*std::move(recipe));
    }
    if (recipes.empty()) return false;
    const int64_t kept = BytesKept(recipes);
    if (kept > SaturatingAdd(bytes, bytes / kLittle)) return false;
    std::map<size_t, FusionGroup> changed = Follow(producer, recipes);
    double before = 0, after = 0;
    for (const auto& [number, group] : changed) {
      const std::optional<double> old_cost = CostOf(number);
      if (!old_cost.has_value()) return false;
      const std::optional<double> new_cost = CostOf(group);
      if (!new_cost.has_value()) return false;
      before += *old_cost;
      after += *new_cost;
    }
    if (kept < bytes ? after > before : after >= before) return false;
    Log(producer, recipes, before - after);
    for (auto& [number, group] : changed) Replace(number, std::move(group));
    return true;
  }

  // What is saved is saved together: it stands with the first pair.
  void Log(size_t producer, absl::Span<const Recipe> recipes, double saved) {
    if (context_.fusion_log == nullptr) return;
    const std::string from = groups_[producer].roots.back()->name();
    std::optional<double> share = saved;
    for (const Recipe& recipe : recipes) {
      for (size_t reader : recipe.readers) {
        context_.fusion_log->parts.back().decisions.push_back(
            {from, groups_[reader].roots.back()->name(), /*siblings=*/false,
             FusionDecision::Verdict::kRecomputed, std::exchange(share, std::nullopt),
             absl::StrCat("a result is not kept for its readers: ", recipe.result->name(), ", ",
                          BytesOf(*recipe.result), " bytes")});
      }
    }
  }

  void Replace(size_t number, FusionGroup group) {
    for (const Instruction* member : groups_[number].members) {
      std::erase(groups_of_[member], number);
    }
    for (const Instruction* root : groups_[number].roots) {
      std::erase(storing_groups_of_[root], number);
    }
    groups_[number] = std::move(group);
    Enter(number);
    costs_[number].reset();
  }

  const PassContext& context_;
  const Instruction* const root_;
  std::vector<FusionGroup> groups_;
  std::vector<std::optional<std::optional<double>>> costs_;  // CostOf, where it was asked for
  GroupsByInstruction groups_of_, storing_groups_of_;
  absl::flat_hash_set<size_t> has_own_kernel_;  // groups of opaque accumulations
};

}  // namespace

std::vector<FusionGroup> RecomputeForReaders(const Computation& computation,
                                             std::vector<FusionGroup> groups,
                                             const PassContext& context) {
  return Recomputer(computation, std::move(groups), context).Run();
}

}  // namespace ingot
