#include "passes/group_graph.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "ir/analysis/op_facts.h"

namespace ingot {
namespace {

// Of the vertices between the two groups of a merge, in topological order, those that are looked at
// for a path around it, and those that are put into another order.
constexpr int kMostBetween = 1000;
constexpr int kMostReordered = 10000;

// Copied into every group that asks for it: it costs a kernel nothing.
bool IsCopied(const Instruction& instruction) {
  return IsFree(instruction) || instruction.opcode() == Opcode::kReshape;
}

// By id: what costs a kernel nothing, and members of groups that others ask for as well.
std::vector<bool> FindCopied(const Computation& computation, const std::vector<FusionGroup>& groups,
                             int64_t last_id) {
  // The one group that holds an instruction.
  constexpr int kNone = -1, kSeveral = -2;
  std::vector<int> holder(last_id + 1, kNone);
  std::vector<bool> copied(last_id + 1, false);
  for (size_t g = 0; g < groups.size(); ++g) {
    for (const Instruction* member : groups[g].members) {
      int& held = holder[member->id()];
      held = held == kNone ? static_cast<int>(g) : kSeveral;
    }
  }
  for (const Instruction* instruction : computation.instructions()) {
    const int held = holder[instruction->id()];
    const auto asks_besides = [&](const Instruction* user) { return holder[user->id()] != held; };
    const bool shared =
        held >= 0 && instruction != groups[held].roots[0] &&
        std::any_of(instruction->users().begin(), instruction->users().end(), asks_besides);
    copied[instruction->id()] = IsCopied(*instruction) || held == kSeveral || shared;
  }
  return copied;
}

}  // namespace

bool ById(const Instruction* a, const Instruction* b) { return a->id() < b->id(); }

FusionView ViewOf(const FusionGroup& group) {
  FusionView view;
  view.members.assign(group.members.begin(), group.members.end());
  view.roots.assign(group.roots.begin(), group.roots.end());
  absl::flat_hash_set<const Instruction*> seen(view.members.begin(), view.members.end());
  for (const Instruction* member : view.members) {
    for (const Instruction* operand : member->operands()) {
      if (seen.insert(operand).second) view.inputs.push_back(operand);
    }
  }
  return view;
}

GroupGraph::GroupGraph(const Computation& computation, std::vector<FusionGroup> groups)
    : computation_(computation) {
  int64_t last_id = -1;
  for (const Instruction* instruction : computation.instructions()) {
    last_id = std::max(last_id, instruction->id());
  }
  vertex_of_.assign(last_id + 1, -1);
  const std::vector<bool> copied = FindCopied(computation, groups, last_id);
  for (FusionGroup& group : groups) {
    const int number = size();
    vertices_.emplace_back();
    Vertex& vertex = vertices_.back();
    vertex.open = true;
    for (Instruction* member : group.members) {
      if (copied[member->id()] && member != group.roots[0]) continue;
      vertex.own.push_back(member);
      vertex.open = vertex.open && AccumulationOf(*member) != Accumulation::kOpaque;
      vertex_of_[member->id()] = number;
    }
    vertex.original = std::move(group);
  }
  for (Instruction* instruction : computation.instructions()) {
    if (VertexOf(instruction) >= 0 || copied[instruction->id()]) continue;
    // The results of an op with several go where it goes.
    if (instruction->opcode() == Opcode::kGetTupleElement) {
      const int vertex = VertexOf(instruction->operand(0));
      if (vertex >= 0 && vertices_[vertex].closed == nullptr) {
        vertex_of_[instruction->id()] = vertex;
        vertices_[vertex].own.push_back(instruction);
        continue;
      }
    }
    vertex_of_[instruction->id()] = size();
    vertices_.emplace_back();
    vertices_.back().closed = instruction;
  }
  // A group's value is its root's, so that these are in topological order.
  order_.resize(vertices_.size());
  std::iota(order_.begin(), order_.end(), 0);
  const auto last = [&](int vertex) {
    return vertices_[vertex].closed != nullptr ? vertices_[vertex].closed->id()
                                               : vertices_[vertex].original.roots[0]->id();
  };
  std::sort(order_.begin(), order_.end(), [&](int a, int b) { return last(a) < last(b); });
  for (size_t i = 0; i < order_.size(); ++i) vertices_[order_[i]].position = static_cast<int>(i);
}

std::vector<int> GroupGraph::InOrder() const {
  std::vector<int> found;
  for (int vertex : order_) {
    if (vertex >= 0) found.push_back(vertex);
  }
  return found;
}

std::string GroupGraph::NameOf(int vertex) const {
  const Vertex& v = vertices_[vertex];
  if (v.closed != nullptr) return v.closed->name();
  return v.changed ? GroupOf(v.own).roots.back()->name() : v.original.roots.back()->name();
}

// The members with what they ask for that is copied, by id.
std::vector<Instruction*> GroupGraph::WithCopies(const std::vector<Instruction*>& own) const {
  std::vector<Instruction*> all = own;
  absl::flat_hash_set<const Instruction*> seen(own.begin(), own.end());
  for (size_t i = 0; i < all.size(); ++i) {
    for (Instruction* operand : all[i]->operands()) {
      if (VertexOf(operand) < 0 && seen.insert(operand).second) all.push_back(operand);
    }
  }
  std::sort(all.begin(), all.end(), ById);
  return all;
}

// Whether somebody else than `inside`, and the copies in it, asks for the value.
bool GroupGraph::IsUsedOutside(const Instruction* value,
                               const absl::flat_hash_set<const Instruction*>& inside) const {
  if (value == computation_.root()) return true;
  for (const Instruction* user : value->users()) {
    if (inside.contains(user)) continue;
    if (VertexOf(user) >= 0 || IsUsedOutside(user, inside)) return true;
  }
  return false;
}

FusionGroup GroupGraph::GroupOf(const std::vector<Instruction*>& own) const {
  FusionGroup group;
  group.members = WithCopies(own);
  const absl::flat_hash_set<const Instruction*> inside(own.begin(), own.end());
  for (Instruction* member : own) {
    if (IsUsedOutside(member, inside)) group.roots.push_back(member);
  }
  return group;
}

std::vector<int> GroupGraph::FindConsumers(int vertex) {
  const Vertex& v = vertices_[vertex];
  std::vector<const Instruction*> pending(v.own.begin(), v.own.end());
  if (v.closed != nullptr) pending.push_back(v.closed);
  ++walk_;
  Mark(vertex);
  std::vector<int> consumers;
  absl::flat_hash_set<const Instruction*> copies;
  for (size_t i = 0; i < pending.size(); ++i) {
    for (const Instruction* user : pending[i]->users()) {
      const int consumer = VertexOf(user);
      if (consumer < 0) {
        if (copies.insert(user).second) pending.push_back(user);
      } else if (Mark(consumer)) {
        consumers.push_back(consumer);
      }
    }
  }
  return consumers;
}

int GroupGraph::Resolve(int vertex) {
  int last = vertex;
  while (vertices_[last].merged_into >= 0) last = vertices_[last].merged_into;
  // Each vertex on the way is nearer the next time.
  while (vertex != last) vertex = std::exchange(vertices_[vertex].merged_into, last);
  return last;
}

std::vector<int>& GroupGraph::KnownConsumersOf(int vertex) {
  Vertex& v = vertices_[vertex];
  if (!v.consumers_known) v.consumers = FindConsumers(vertex);
  v.consumers_known = true;
  return v.consumers;
}

absl::Span<const int> GroupGraph::ConsumersOf(int vertex) {
  std::vector<int>& consumers = KnownConsumersOf(vertex);
  ++walk_;
  size_t count = 0;
  for (int consumer : consumers) {
    const int now = Resolve(consumer);
    if (Mark(now)) consumers[count++] = now;
  }
  consumers.resize(count);
  return consumers;
}

std::vector<int> GroupGraph::ReadersOf(const Instruction* value, size_t most) const {
  std::vector<const Instruction*> pending = {value};
  absl::flat_hash_set<const Instruction*> seen;
  std::vector<int> readers;
  size_t users = 0;
  for (size_t i = 0; i < pending.size(); ++i) {
    users += pending[i]->users().size();
    if (users > most) return {};
    for (const Instruction* user : pending[i]->users()) {
      const int reader = VertexOf(user);
      if (reader < 0) {
        if (seen.insert(user).second) pending.push_back(user);
      } else if (vertices_[reader].open) {
        readers.push_back(reader);
      }
    }
  }
  std::sort(readers.begin(), readers.end(),
            [&](int a, int b) { return PositionOf(a) < PositionOf(b); });
  readers.erase(std::unique(readers.begin(), readers.end()), readers.end());
  return readers;
}

GroupGraph::Path GroupGraph::FindPath(int from, int to) {
  Path path;
  const absl::Span<const int> consumers = ConsumersOf(from);
  if (std::all_of(consumers.begin(), consumers.end(), [&](int c) { return c == to; })) return path;
  const int last = PositionOf(to);
  path.length = last - PositionOf(from);
  if (path.length > kMostReordered) path.kind = Path::Kind::kTooFar;
  ++path_walk_;
  std::vector<int> pending = {from};
  while (!pending.empty() && path.kind == Path::Kind::kNone) {
    const int next = pending.back();
    pending.pop_back();
    // May name one vertex several times, by those that were merged into it.
    for (int consumer : KnownConsumersOf(next)) {
      consumer = Resolve(consumer);
      if (consumer == to) {
        if (next != from) path.through = next;
      } else if (PositionOf(consumer) < last &&
                 std::exchange(vertices_[consumer].path_mark, path_walk_) != path_walk_) {
        pending.push_back(consumer);
        path.between.push_back(consumer);
      }
    }
    if (path.through >= 0) {
      path.kind = Path::Kind::kFound;
    } else if (path.between.size() > kMostBetween) {
      path.kind = Path::Kind::kTooFar;
    }
  }
  return path;
}

void GroupGraph::Merge(int from, int to, std::vector<Instruction*> both, const Path& path) {
  for (const Instruction* member : vertices_[from].own) vertex_of_[member->id()] = to;
  Reorder(from, to, path.between);
  vertices_[from].own.clear();
  vertices_[from].open = false;
  vertices_[from].merged_into = to;
  vertices_[to].consumers_known = false;
  vertices_[to].own = std::move(both);
  vertices_[to].changed = true;
}

void GroupGraph::Reorder(int from, int to, absl::Span<const int> between) {
  const int first = PositionOf(from), last = PositionOf(to);
  if (between.empty()) {
    order_[first] = -1;
    return;
  }
  ++walk_;
  for (int vertex : between) Mark(vertex);
  std::vector<int> before, behind;
  for (int i = first; i <= last; ++i) {
    const int vertex = order_[i];
    if (vertex < 0 || vertex == from || vertex == to) continue;
    (vertices_[vertex].mark == walk_ ? behind : before).push_back(vertex);
  }
  before.push_back(to);
  before.insert(before.end(), behind.begin(), behind.end());
  for (int i = first; i <= last; ++i) {
    const size_t k = static_cast<size_t>(i - first);
    order_[i] = k < before.size() ? before[k] : -1;
    if (order_[i] >= 0) vertices_[order_[i]].position = i;
  }
}

void GroupGraph::Move(int from, int to, const absl::flat_hash_set<const Instruction*>& moved) {
  Vertex& source = vertices_[from];
  Vertex& target = vertices_[to];
  std::vector<Instruction*> rest;
  for (Instruction* member : source.own) {
    (moved.contains(member) ? target.own : rest).push_back(member);
  }
  source.own = std::move(rest);
  std::sort(target.own.begin(), target.own.end(), ById);
  for (const Instruction* member : moved) vertex_of_[member->id()] = to;
  source.changed = target.changed = true;
  for (Vertex& vertex : vertices_) vertex.consumers_known = false;
}

std::vector<FusionGroup> GroupGraph::Take() {
  std::vector<FusionGroup> groups;
  for (Vertex& vertex : vertices_) {
    if (vertex.own.empty()) continue;
    groups.push_back(vertex.changed ? GroupOf(vertex.own) : std::move(vertex.original));
  }
  return groups;
}

}  // namespace ingot
