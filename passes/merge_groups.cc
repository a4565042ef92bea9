#include "passes/merge_groups.h"

#include <algorithm>
#include <numeric>
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
// Vertices between the two groups of a merge, in topological order, among which a path around it is
// looked for.
constexpr int kMostBetween = 1000;

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
    for (Instruction* instruction : computation.instructions()) {
      if (NodeOf(instruction) >= 0 || IsCopied(*instruction)) continue;
      // The results of an op with several go where it goes.
      if (instruction->opcode() == Opcode::kGetTupleElement) {
        const int node = NodeOf(instruction->operand(0));
        if (node >= 0 && nodes_[node].closed == nullptr) {
          group_of_[instruction] = node;
          nodes_[node].own.push_back(instruction);
          continue;
        }
      }
      group_of_[instruction] = static_cast<int>(nodes_.size());
      nodes_.emplace_back();
      nodes_.back().closed = instruction;
    }
    // A group's value is its root's, so that these are in topological order.
    std::vector<int> order(nodes_.size());
    std::iota(order.begin(), order.end(), 0);
    const auto last = [&](int node) {
      return nodes_[node].closed != nullptr ? nodes_[node].closed->id()
                                            : nodes_[node].original.roots[0]->id();
    };
    std::sort(order.begin(), order.end(), [&](int a, int b) { return last(a) < last(b); });
    order_ = std::move(order);
    for (size_t i = 0; i < order_.size(); ++i) nodes_[order_[i]].position = static_cast<int>(i);
  }

  std::vector<FusionGroup> Run() {
    for (size_t i = 0; i < nodes_.size(); ++i) AddEdgesInto(static_cast<int>(i));
    // Algorithm: the edge with most bytes first; after a merge the edges of the merged group anew.
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
    for (int consumer : order_) {
      if (consumer >= 0 && Reduces(nodes_[consumer])) MoveUp(consumer);
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
    bool merged = false;                  // own is no longer what original has
    const Instruction* closed = nullptr;  // of no group: a vertex of the graph only
    int position = 0;                     // in order_
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

  // The vertex of an instruction; -1 for what is copied.
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
        if (NodeOf(operand) < 0 && seen.insert(operand).second) all.push_back(operand);
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
      if (NodeOf(user) >= 0 || IsUsedOutside(user, inside)) return true;
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
    if (node.closed != nullptr) return false;
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

  // Calls `visit` with the vertex of each user of the node's values, those behind copies included.
  template <typename Visit>
  void ForEachConsumer(const Node& node, const Visit& visit) const {
    std::vector<const Instruction*> pending(node.own.begin(), node.own.end());
    if (node.closed != nullptr) pending.push_back(node.closed);
    absl::flat_hash_set<const Instruction*> seen;
    for (size_t i = 0; i < pending.size(); ++i) {
      for (const Instruction* user : pending[i]->users()) {
        const int consumer = NodeOf(user);
        if (consumer >= 0) {
          if (&nodes_[consumer] != &node) visit(consumer);
        } else if (seen.insert(user).second) {
          pending.push_back(user);
        }
      }
    }
  }

  void AddEdgesFrom(int producer) {
    absl::flat_hash_set<int> consumers;
    std::vector<int> order;
    ForEachConsumer(nodes_[producer], [&](int consumer) {
      if (consumers.insert(consumer).second) order.push_back(consumer);
    });
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

  // The vertices that `from` leads to and that come before `to`; nullopt where one of them leads to
  // `to`, or where too many would have to be looked at.
  std::optional<absl::flat_hash_set<int>> Between(int from, int to) const {
    const int last = nodes_[to].position;
    if (last - nodes_[from].position > kMostBetween) return std::nullopt;
    absl::flat_hash_set<int> found;
    std::vector<int> pending = {from};
    bool around = false;
    while (!pending.empty() && !around) {
      const int next = pending.back();
      pending.pop_back();
      ForEachConsumer(nodes_[next], [&](int consumer) {
        if (consumer == to) {
          around = around || next != from;
        } else if (nodes_[consumer].position < last && found.insert(consumer).second) {
          pending.push_back(consumer);
        }
      });
    }
    if (around) return std::nullopt;
    return found;
  }

  // After `from` became part of `to`: what `from` leads to comes behind, all else stays in order
  // before.
  void Reorder(int from, int to, const absl::flat_hash_set<int>& between) {
    const int first = nodes_[from].position, last = nodes_[to].position;
    std::vector<int> before, behind;
    for (int i = first; i <= last; ++i) {
      const int node = order_[i];
      if (node < 0 || node == from || node == to) continue;
      (between.contains(node) ? behind : before).push_back(node);
    }
    before.push_back(to);
    before.insert(before.end(), behind.begin(), behind.end());
    for (int i = first; i <= last; ++i) {
      const size_t k = static_cast<size_t>(i - first);
      order_[i] = k < before.size() ? before[k] : -1;
      if (order_[i] >= 0) nodes_[order_[i]].position = i;
    }
  }

  void TryMerge(int producer, int consumer) {
    Node& a = nodes_[producer];
    Node& b = nodes_[consumer];
    if (a.own.size() + b.own.size() > kMostMembers) return;
    const std::optional<absl::flat_hash_set<int>> between = Between(producer, consumer);
    if (!between.has_value()) return;
    std::vector<Instruction*> both;
    std::merge(a.own.begin(), a.own.end(), b.own.begin(), b.own.end(), std::back_inserter(both),
               [](const auto* x, const auto* y) { return x->id() < y->id(); });
    const FusionGroup group = GroupOf(both);
    if (group.members.size() > kMostMembers || group.roots.size() > kMostRoots) return;
    for (const Instruction* root : group.roots) {
      if (root->shape().IsTuple()) return;
    }
    const FusionView view = ViewOfGroup(group);
    if (view.inputs.size() + view.roots.size() > kMostBuffers) return;
    const FusionCostEstimate cost = cost_(view);
    if (!cost.one_walk) return;
    if (cost.microseconds >= CostOf(a).microseconds + CostOf(b).microseconds) return;
    for (const Instruction* member : a.own) group_of_[member] = consumer;
    Reorder(producer, consumer, *between);
    a.own.clear();
    ++a.version;
    b.own = std::move(both);
    b.cost = cost;
    b.merged = true;
    ++b.version;
    AddEdgesInto(consumer);
    AddEdgesFrom(consumer);
  }

  bool Reduces(const Node& node) const {
    return IsOpen(node) && std::any_of(node.own.begin(), node.own.end(), [](const auto* member) {
             return AccumulationOf(*member) == Accumulation::kReduce;
           });
  }

  // Values of rows that stand between a producer and the reductions of a group that did not merge
  // with it go to the producer where that pays: it stores one value of each row for all those that
  // this one is made of.
  void MoveUp(int consumer) {
    std::vector<int> producers;
    absl::flat_hash_set<int> seen;
    ForEachProducer(nodes_[consumer], [&](int producer, const Instruction*) {
      if (IsOpen(nodes_[producer]) && seen.insert(producer).second) producers.push_back(producer);
    });
    for (int producer : producers) TryMove(producer, consumer);
  }

  // Whether the instruction could be computed in the group, by what it reads: values of that group
  // or of `movable`, and of groups that come before it.
  bool CanMove(const Instruction* instruction, int to,
               const absl::flat_hash_set<const Instruction*>& movable) const {
    return std::all_of(instruction->operands().begin(), instruction->operands().end(),
                       [&](const Instruction* operand) {
                         const int node = NodeOf(operand);
                         if (node < 0) return CanMove(operand, to, movable);
                         return movable.contains(operand) ||
                                nodes_[node].position <= nodes_[to].position;
                       });
  }

  static int64_t ElementsOfLargest(const std::vector<Instruction*>& members) {
    int64_t most = 0;
    for (const Instruction* member : members) most = std::max(most, ElementsOf(member->shape()));
    return most;
  }

  static int64_t BytesOfRoots(const FusionGroup& group) {
    int64_t bytes = 0;
    for (const Instruction* root : group.roots) {
      bytes = SaturatingAdd(bytes, root->shape().ByteSize());
    }
    return bytes;
  }

  void TryMove(int producer, int consumer) {
    Node& a = nodes_[producer];
    Node& b = nodes_[consumer];
    const int64_t whole = ElementsOfLargest(a.own);
    absl::flat_hash_set<const Instruction*> movable;
    std::vector<Instruction*> above = a.own, below;
    for (Instruction* member : b.own) {
      const bool moves = AccumulationOf(*member) == Accumulation::kNone &&
                         ElementsOf(member->shape()) < whole && CanMove(member, producer, movable);
      if (moves) movable.insert(member);
      (moves ? above : below).push_back(member);
    }
    if (movable.empty() || below.empty()) return;
    std::sort(above.begin(), above.end(),
              [](const auto* x, const auto* y) { return x->id() < y->id(); });
    const FusionGroup group = GroupOf(above);
    if (group.members.size() > kMostMembers || group.roots.size() > kMostRoots) return;
    if (BytesOfRoots(group) > BytesOfRoots(GroupOf(a.own))) return;
    const FusionView view = ViewOfGroup(group);
    if (view.inputs.size() + view.roots.size() > kMostBuffers) return;
    const FusionCostEstimate cost = cost_(view);
    if (!cost.one_walk) return;
    const FusionCostEstimate rest = cost_(ViewOfGroup(GroupOf(below)));
    if (cost.microseconds + rest.microseconds >= CostOf(a).microseconds + CostOf(b).microseconds) {
      return;
    }
    for (const Instruction* member : movable) group_of_[member] = producer;
    a.own = std::move(above);
    b.own = std::move(below);
    a.cost = cost;
    b.cost = rest;
    a.merged = b.merged = true;
  }

  const Computation& computation_;
  const FusionCostFunction& cost_;
  std::vector<Node> nodes_;
  absl::flat_hash_map<const Instruction*, int> group_of_;
  std::vector<int> order_;  // the vertices, topologically; -1 where there is none any more
  std::priority_queue<Edge> queue_;
};

}  // namespace

std::vector<FusionGroup> MergeGroups(const Computation& computation,
                                     std::vector<FusionGroup> groups,
                                     const FusionCostFunction& cost) {
  return Merger(computation, std::move(groups), cost).Run();
}

}  // namespace ingot
