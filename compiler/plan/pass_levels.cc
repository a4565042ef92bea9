#include "compiler/plan/pass_levels.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "compiler/plan/analysis.h"

namespace ingot::plan {
namespace {

// A bit each.
constexpr size_t kMostGroups = 64;

// The reductions that end one set of classes.
struct Group {
  std::vector<int> classes;     // ascending
  std::vector<int> reductions;  // values
  bool walked = false;          // what depends on them is computed along the classes, or reduced
  bool ends_innermost = false;  // of an operand
};

std::vector<Group> GroupsOf(const FusionInfo& info) {
  std::vector<Group> groups;
  for (const Reduction& reduction : info.reductions()) {
    std::vector<int> classes = reduction.classes;
    std::sort(classes.begin(), classes.end());
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const Group& other) { return other.classes == classes; });
    if (group == groups.end()) {
      group = groups.emplace(group);
      group->classes = std::move(classes);
    }
    group->reductions.push_back(reduction.value);
    const int operand = info.graph().EdgesOf(reduction.value)[0].operand;
    const absl::Span<const int> own = info.space().ClassesOf(operand);
    group->ends_innermost |= !own.empty() && Contains(group->classes, own.back());
  }
  return groups;
}

// Sets Group::walked.
void FindWalked(const FusionInfo& info, std::vector<Group>& groups) {
  const FusionGraph& graph = info.graph();
  std::vector<uint64_t> depends(graph.value_count(), 0);  // on groups
  for (int v = graph.input_count(); v < graph.value_count(); ++v) {
    for (const FusionEdge& edge : graph.EdgesOf(v)) depends[v] |= depends[edge.operand];
    const auto own = std::find_if(groups.begin(), groups.end(), [&](const Group& group) {
      return Contains(group.reductions, v);
    });
    for (size_t g = 0; depends[v] != 0 && g < groups.size(); ++g) {
      if ((depends[v] >> g & 1) == 0) continue;
      const absl::Span<const int> classes = info.space().ClassesOf(v);
      groups[g].walked |=
          own != groups.end() || std::any_of(classes.begin(), classes.end(),
                                             [&](int c) { return Contains(groups[g].classes, c); });
    }
    if (own != groups.end()) depends[v] |= uint64_t{1} << (own - groups.begin());
  }
}

// The reductions that do not end what the walk does: those of the walk have what depends on them
// along its classes; where none has, they are those that end fewest classes along memory.
std::vector<int> FindAcross(const FusionInfo& info) {
  std::vector<Group> groups = GroupsOf(info);
  if (groups.size() < 2 || groups.size() > kMostGroups) return {};
  FindWalked(info, groups);
  const Group* walk = nullptr;
  for (const Group& group : groups) {
    if (!group.walked) continue;
    if (walk != nullptr) return {};
    walk = &group;
  }
  for (const Group& group : groups) {
    if (walk != nullptr && (walk->walked || !group.ends_innermost)) continue;
    if (walk == nullptr || !walk->ends_innermost || group.classes.size() < walk->classes.size()) {
      walk = &group;
    }
  }
  std::vector<int> across;
  for (const Group& group : groups) {
    if (&group == walk) continue;
    across.insert(across.end(), group.reductions.begin(), group.reductions.end());
  }
  std::sort(across.begin(), across.end());
  return across;
}

template <typename... Details>
absl::Status No(absl::string_view kind, const Details&... details) {
  return absl::FailedPreconditionError(absl::StrCat(kind, ": ", details...));
}

}  // namespace

PassLevels::PassLevels(const FusionInfo& info, const std::vector<Join>& joins)
    : of(info.graph().value_count(), 0), ended(info.space().classes().size(), false) {
  const FusionGraph& graph = info.graph();
  const std::vector<int> lying_across = FindAcross(info);
  std::vector<bool> is_late(graph.value_count(), false);
  auto reduction = info.reductions().begin();
  for (int v = graph.input_count(); v < graph.value_count(); ++v) {
    for (const FusionEdge& edge : graph.EdgesOf(v)) {
      of[v] = std::max(of[v], of[edge.operand]);
      is_late[v] = is_late[v] || is_late[edge.operand];
    }
    if (reduction == info.reductions().end() || reduction->value != v) continue;
    const std::vector<int>& classes = (reduction++)->classes;
    if (Contains(lying_across, v)) {
      is_late[v] = true;
      for (int c : info.space().ClassesOf(v)) {
        if (!Contains(late, c)) late.push_back(c);
      }
      continue;
    }
    for (int c : classes) ended[c] = true;
    const bool joined = std::any_of(joins.begin(), joins.end(),
                                    [&](const Join& join) { return join.reduction == v; });
    if (!joined) ++of[v];
    last = std::max(last, of[v]);
  }
  if (lying_across.empty()) return;
  across = ++last;
  for (int v = 0; v < graph.value_count(); ++v) {
    if (is_late[v]) of[v] = across;
  }
  for (const Reduction& found : info.reductions()) {
    for (int c : found.classes) {
      if (IsAcross(found.value) && !ended[c] && !Contains(shared, c)) shared.push_back(c);
    }
  }
}

bool PassLevels::IsReduced(const TilePlan& tile, int c) const {
  if (c >= static_cast<int>(ended.size())) return true;
  return IsLate(tile) ? !Contains(late, c) : ended[c];
}

bool PassLevels::HasReduced(const FusionInfo& info, const TilePlan& tile, int value) const {
  const absl::Span<const int> own = info.space().ClassesOf(value);
  return std::any_of(own.begin(), own.end(), [&](int c) { return IsReduced(tile, c); });
}

bool PassLevels::HasEnded(const FusionInfo& info, int value) const {
  const absl::Span<const int> own = info.space().ClassesOf(value);
  return std::any_of(own.begin(), own.end(), [&](int c) { return ended[c]; });
}

absl::Status CheckAcross(const FusionInfo& info, const PassLevels& levels) {
  if (levels.across == 0) return absl::OkStatus();
  const FusionGraph& graph = info.graph();
  std::vector<bool> reduces(graph.value_count(), false);
  for (const Reduction& reduction : info.reductions()) {
    reduces[reduction.value] = true;
    if (!levels.IsAcross(reduction.value)) continue;
    const std::string& name = graph.value(reduction.value).name();
    for (int c : levels.shared) {
      if (!Contains(reduction.classes, c)) {
        return No("reductions across a walk end different dimensions", name);
      }
    }
    for (const FusionEdge& edge : graph.EdgesOf(reduction.value)) {
      if (levels.of[edge.operand] == levels.across) {
        return No("a reduction depends on one across the walk", name);
      }
    }
  }
  if (levels.shared.empty()) return No("reductions end different dimensions", "of rows");
  for (int v = graph.input_count(); v < graph.value_count(); ++v) {
    if (levels.of[v] != levels.across || reduces[v]) continue;
    const std::string& name = graph.value(v).name();
    for (int c : info.space().ClassesOf(v)) {
      if (!Contains(levels.late, c)) {
        return No("a value that depends on a reduction across the walk has dimensions of its own",
                  name);
      }
    }
    for (const FusionEdge& edge : graph.EdgesOf(v)) {
      const int level = levels.of[edge.operand];
      if (level > 0 && level < levels.across) {
        return No("a value depends on reductions of a walk and across it", name);
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace ingot::plan
