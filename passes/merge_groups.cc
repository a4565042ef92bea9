#include "passes/merge_groups.h"

#include <algorithm>
#include <optional>
#include <queue>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "ir/analysis/op_facts.h"
#include "passes/fusion_util.h"

namespace ingot {
namespace {

constexpr size_t kMostMembers = 512;
constexpr size_t kMostBuffers = 64;
constexpr size_t kMostRoots = 16;
// Instructions that are looked at for a path around a merge.
constexpr int kMostVisited = 1000;

// Copied into every group that asks for it: it costs a kernel nothing.
bool IsCopied(const Instruction& instruction) {
  return IsFree(instruction) || instruction.opcode() == Opcode::kReshape;
}

class Merger {
 public:
  Merger(const Computation& computation, std::vector<FusionGroup> groups,
         const FusionCostFunction& cost)
      : computation_(computation), cost_(cost) {
    for (FusionGroup& group : groups) {
      const int number = static_cast<int>(nodes_.size());
      nodes_.emplace_back();
      Node& node = nodes_.back();
      for (Instruction* member : group.members) {
        if (IsCopied(*member) && member != group.roots[0]) continue;
        node.own.push_back(member);
        group_of_[member] = number;
      }
      node.original = std::move(group);
    }
  }

  std::vector<FusionGroup> Run() {
    for (size_t i = 0; i < nodes_.size(); ++i) AddEdgesInto(static_cast<int>(i));
    while (!queue_.empty()) {
      const Edge edge = queue_.top();
      queue_.pop();
      const int producer = edge.producer, consumer = edge.consumer;
      if (nodes_[producer].version != edge.producer_version ||
          nodes_[consumer].version != edge.consumer_version) {
        continue;
      }
      TryMerge(producer, consumer);
    }
    std::vector<FusionGroup> groups;
    for (Node& node : nodes_) {
      if (node.own.empty()) continue;
      groups.push_back(node.merged ? GroupOf(node.own) : std::move(node.original));
    }
    return groups;
  }

 private:
  struct Node {
    FusionGroup original;
    std::vector<Instruction*> own;  // by id; empty once merged into another
    std::optional<FusionCostEstimate> cost;
    int version = 0;
    bool merged = false;
  };
  struct Edge {
    int64_t bytes;  // of the values that go from one to the other
    int producer, consumer;
    int producer_version, consumer_version;
    bool operator<(const Edge& other) const {
      if (bytes != other.bytes) return bytes < other.bytes;
      return std::pair(producer, consumer) > std::pair(other.producer, other.consumer);
    }
  };

  int NodeOf(const Instruction* instruction) const {
    const auto found = group_of_.find(instruction);
    return found == group_of_.end() ? -1 : found->second;
  }

  // The members with what they ask for that is copied, by id.
  std::vector<Instruction*> WithCopies(const std::vector<Instruction*>& own) const {
    std::vector<Instruction*> all = own;
    absl::flat_hash_set<const Instruction*> seen(own.begin(), own.end());
    for (size_t i = 0; i < all.size(); ++i) {
      for (Instruction* operand : all[i]->operands()) {
        if (IsCopied(*operand) && seen.insert(operand).second) all.push_back(operand);
      }
    }
    std::sort(all.begin(), all.end(),
              [](const auto* a, const auto* b) { return a->id() < b->id(); });
    return all;
  }

  // Whether somebody else than `inside`, and the copies in it, asks for the value.
  bool IsUsedOutside(const Instruction* value,
                     const absl::flat_hash_set<const Instruction*>& inside) const {
    if (value == computation_.root()) return true;
    for (const Instruction* user : value->users()) {
      if (inside.contains(user)) continue;
      if (!IsCopied(*user) || NodeOf(user) >= 0 || IsUsedOutside(user, inside)) return true;
    }
    return false;
  }

  FusionGroup GroupOf(const std::vector<Instruction*>& own) const {
    FusionGroup group;
    group.members = WithCopies(own);
    const absl::flat_hash_set<const Instruction*> inside(own.begin(), own.end());
    for (Instruction* member : own) {
      if (IsUsedOutside(member, inside)) group.roots.push_back(member);
    }
    return group;
  }

  static FusionView ViewOfGroup(const FusionGroup& group) {
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

  const FusionCostEstimate& CostOf(Node& node) {
    if (!node.cost.has_value()) node.cost = cost_(ViewOfGroup(GroupOf(node.own)));
    return *node.cost;
  }

  // What a kernel can take in besides others: elements computed from elements.
  bool IsOpen(const Node& node) const {
    for (const Instruction* member : node.own) {
      if (AccumulationOf(*member) == Accumulation::kOpaque) return false;
    }
    return true;
  }

  void AddEdge(int producer, int consumer, int64_t bytes) {
    queue_.push({bytes, producer, consumer, nodes_[producer].version, nodes_[consumer].version});
  }

  // Calls `visit` with the group and the value of each operand that another group computes.
  template <typename Visit>
  void ForEachProducer(const Node& node, const Visit& visit) const {
    for (Instruction* member : WithCopies(node.own)) {
      for (Instruction* operand : member->operands()) {
        const int producer = NodeOf(operand);
        if (producer >= 0 && &nodes_[producer] != &node) visit(producer, operand);
      }
    }
  }

  void AddEdgesInto(int consumer) {
    if (!IsOpen(nodes_[consumer])) return;
    absl::flat_hash_map<int, int64_t> bytes;
    absl::flat_hash_set<const Instruction*> seen;
    std::vector<int> order;
    ForEachProducer(nodes_[consumer], [&](int producer, const Instruction* value) {
      if (!IsOpen(nodes_[producer])) return;
      if (!bytes.contains(producer)) order.push_back(producer);
      if (seen.insert(value).second) bytes[producer] += value->shape().ByteSize();
    });
    for (int producer : order) AddEdge(producer, consumer, bytes[producer]);
  }

  void AddEdgesFrom(int producer) {
    absl::flat_hash_set<int> consumers;
    std::vector<int> order;
    std::vector<const Instruction*> pending(nodes_[producer].own.begin(),
                                            nodes_[producer].own.end());
    absl::flat_hash_set<const Instruction*> seen;
    for (size_t i = 0; i < pending.size(); ++i) {
      for (const Instruction* user : pending[i]->users()) {
        const int consumer = NodeOf(user);
        if (consumer < 0 && IsCopied(*user) && seen.insert(user).second) pending.push_back(user);
        if (consumer < 0 || consumer == producer) continue;
        if (consumers.insert(consumer).second) order.push_back(consumer);
      }
    }
    for (int consumer : order) {
      int64_t bytes = 0;
      if (!IsOpen(nodes_[consumer])) continue;
      absl::flat_hash_set<const Instruction*> values;
      ForEachProducer(nodes_[consumer], [&](int from, const Instruction* value) {
        if (from == producer && values.insert(value).second) bytes += value->shape().ByteSize();
      });
      if (bytes > 0) AddEdge(producer, consumer, bytes);
    }
  }

  // Whether a path leads from one to the other through a third; true when too much would have to be
  // looked at.
  bool HasOtherPath(const Node& from, const Node& to, int from_number, int to_number) const {
    const int64_t last = to.own.back()->id();
    std::vector<const Instruction*> pending;
    absl::flat_hash_set<const Instruction*> seen;
    const auto enter = [&](const Instruction* user) {
      if (user->id() <= last && seen.insert(user).second) pending.push_back(user);
    };
    for (const Instruction* member : from.own) {
      for (const Instruction* user : member->users()) {
        const int node = NodeOf(user);
        // An edge between the two, also through copies, is what the merge is for.
        if (node != from_number && node != to_number) enter(user);
      }
    }
    while (!pending.empty()) {
      if (seen.size() > kMostVisited) return true;
      const Instruction* next = pending.back();
      pending.pop_back();
      const int node = NodeOf(next);
      if (node == from_number) return true;
      const bool copy = node < 0 && IsCopied(*next);
      for (const Instruction* user : next->users()) {
        // Whoever is asked for by a copy alone asks for what is copied.
        if (NodeOf(user) == to_number) {
          if (!copy || !OnlyCopies(next, from_number)) return true;
        } else {
          enter(user);
        }
      }
      if (node < 0) continue;
      for (const Instruction* member : nodes_[node].own) enter(member);
    }
    return false;
  }

  // Whether a copied value is made of values of this node and of copies alone.
  bool OnlyCopies(const Instruction* value, int node) const {
    for (const Instruction* operand : value->operands()) {
      if (NodeOf(operand) == node) continue;
      if (NodeOf(operand) >= 0 || !IsCopied(*operand) || !OnlyCopies(operand, node)) return false;
    }
    return true;
  }

  void TryMerge(int producer, int consumer) {
    Node& a = nodes_[producer];
    Node& b = nodes_[consumer];
    if (a.own.size() + b.own.size() > kMostMembers) return;
    if (HasOtherPath(a, b, producer, consumer)) return;
    std::vector<Instruction*> both;
    std::merge(a.own.begin(), a.own.end(), b.own.begin(), b.own.end(), std::back_inserter(both),
               [](const auto* x, const auto* y) { return x->id() < y->id(); });
    const FusionGroup group = GroupOf(both);
    if (group.members.size() > kMostMembers || group.roots.size() > kMostRoots) return;
    const FusionView view = ViewOfGroup(group);
    if (view.inputs.size() + view.roots.size() > kMostBuffers) return;
    const FusionCostEstimate cost = cost_(view);
    if (!cost.one_walk) return;
    if (cost.microseconds >= CostOf(a).microseconds + CostOf(b).microseconds) return;
    for (const Instruction* member : a.own) group_of_[member] = consumer;
    a.own.clear();
    ++a.version;
    b.own = std::move(both);
    b.cost = cost;
    b.merged = true;
    ++b.version;
    AddEdgesInto(consumer);
    AddEdgesFrom(consumer);
  }

  const Computation& computation_;
  const FusionCostFunction& cost_;
  std::vector<Node> nodes_;
  absl::flat_hash_map<const Instruction*, int> group_of_;
  std::priority_queue<Edge> queue_;
};

}  // namespace

std::vector<FusionGroup> MergeGroups(const Computation& computation,
                                     std::vector<FusionGroup> groups,
                                     const FusionCostFunction& cost) {
  return Merger(computation, std::move(groups), cost).Run();
}

}  // namespace ingot
