#include "passes/group_graph.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "ir/analysis/op_facts.h"

namespace ingot {
namespace {

// Vertices between the two groups of a merge, in topological order, among which a path around it is
// looked for.
constexpr int kMostBetween = 1000;

// Copied into every group that asks for it: it costs a kernel nothing.
bool IsCopied(const Instruction& instruction) {
  return IsFree(instruction) || instruction.opcode() == Opcode::kReshape;
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
  for (FusionGroup& group : groups) {
    const int number = size();
    vertices_.emplace_back();
    Vertex& vertex = vertices_.back();
    vertex.open = true;
    for (Instruction* member : group.members) {
      if (IsCopied(*member) && member != group.roots[0]) continue;
      vertex.own.push_back(member);
      vertex.open = vertex.open && AccumulationOf(*member) != Accumulation::kOpaque;
      vertex_of_[member] = number;
    }
    vertex.original = std::move(group);
  }
  for (Instruction* instruction : computation.instructions()) {
    if (VertexOf(instruction) >= 0 || IsCopied(*instruction)) continue;
    // The results of an op with several go where it goes.
    if (instruction->opcode() == Opcode::kGetTupleElement) {
      const int vertex = VertexOf(instruction->operand(0));
      if (vertex >= 0 && vertices_[vertex].closed == nullptr) {
        vertex_of_[instruction] = vertex;
        vertices_[vertex].own.push_back(instruction);
        continue;
      }
    }
    vertex_of_[instruction] = size();
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

int GroupGraph::VertexOf(const Instruction* instruction) const {
  const auto found = vertex_of_.find(instruction);
  return found == vertex_of_.end() ? -1 : found->second;
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

template <typename Visit>
void GroupGraph::ForEachConsumer(int vertex, const Visit& visit) const {
  const Vertex& v = vertices_[vertex];
  std::vector<const Instruction*> pending(v.own.begin(), v.own.end());
  if (v.closed != nullptr) pending.push_back(v.closed);
  absl::flat_hash_set<const Instruction*> seen;
  for (size_t i = 0; i < pending.size(); ++i) {
    for (const Instruction* user : pending[i]->users()) {
      const int consumer = VertexOf(user);
      if (consumer >= 0) {
        if (consumer != vertex) visit(consumer);
      } else if (seen.insert(user).second) {
        pending.push_back(user);
      }
    }
  }
}

std::vector<int> GroupGraph::ConsumersOf(int vertex) const {
  std::vector<int> consumers;
  absl::flat_hash_set<int> seen;
  ForEachConsumer(vertex, [&](int consumer) {
    if (seen.insert(consumer).second) consumers.push_back(consumer);
  });
  return consumers;
}

std::vector<int> GroupGraph::ReadersOf(const Instruction* value) const {
  std::vector<const Instruction*> pending = {value};
  absl::flat_hash_set<const Instruction*> seen;
  std::vector<int> readers;
  for (size_t i = 0; i < pending.size(); ++i) {
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

GroupGraph::Path GroupGraph::FindPath(int from, int to) const {
  Path path;
  bool leads_elsewhere = false;
  ForEachConsumer(from, [&](int consumer) { leads_elsewhere |= consumer != to; });
  if (!leads_elsewhere) return path;
  const int last = PositionOf(to);
  path.length = last - PositionOf(from);
  if (path.length > kMostBetween) {
    path.kind = Path::Kind::kTooFar;
    return path;
  }
  std::vector<int> pending = {from};
  while (!pending.empty()) {
    const int next = pending.back();
    pending.pop_back();
    ForEachConsumer(next, [&](int consumer) {
      if (consumer == to) {
        if (next != from) path.through = next;
      } else if (PositionOf(consumer) < last && path.between.insert(consumer).second) {
        pending.push_back(consumer);
      }
    });
    if (path.through < 0) continue;
    path.kind = Path::Kind::kFound;
    return path;
  }
  return path;
}

void GroupGraph::Merge(int from, int to, std::vector<Instruction*> both, const Path& path) {
  for (const Instruction* member : vertices_[from].own) vertex_of_[member] = to;
  Reorder(from, to, path.between);
  vertices_[from].own.clear();
  vertices_[from].open = false;
  vertices_[to].own = std::move(both);
  vertices_[to].changed = true;
}

void GroupGraph::Reorder(int from, int to, const absl::flat_hash_set<int>& between) {
  const int first = PositionOf(from), last = PositionOf(to);
  if (between.empty()) {
    order_[first] = -1;
    return;
  }
  std::vector<int> before, behind;
  for (int i = first; i <= last; ++i) {
    const int vertex = order_[i];
    if (vertex < 0 || vertex == from || vertex == to) continue;
    (between.contains(vertex) ? behind : before).push_back(vertex);
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
  for (const Instruction* member : moved) vertex_of_[member] = to;
  source.changed = target.changed = true;
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
