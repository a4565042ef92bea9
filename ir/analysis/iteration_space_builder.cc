#include "ir/analysis/iteration_space_builder.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "ir/analysis/op_facts.h"

namespace ingot {
namespace {

constexpr int kNone = -1;
constexpr int kUnknown = -2;

// Whether a value's elements have the row-major numbers of its first operand's.
bool KeepsNumbers(const Instruction& instruction, const EdgeRelation& relation) {
  if (instruction.opcode() == Opcode::kCopy) return !relation.opaque;
  return relation.same_number &&
         std::is_sorted(relation.consumer_order.begin(), relation.consumer_order.end()) &&
         std::is_sorted(relation.operand_order.begin(), relation.operand_order.end());
}

}  // namespace

void IterationSpaceBuilder::Build() {
  MakeAtoms();
  for (int edge : EdgesInOrder()) UniteEdge(edge);
  if (!reshapes_not_in_space_.empty()) CancelReshapes();
  ExpandLeaves();
  LinkLeaves();
  CutBoundaries();
  NumberClasses();
  ListParts();
  MarkReduced();
  space_.steps_ = atoms_.steps();
}

void IterationSpaceBuilder::MakeAtoms() {
  for (int v = 0; v < graph_.value_count(); ++v) {
    space_.first_dimension_.push_back(static_cast<int>(slot_atoms_.size()));
    elements_.push_back(ElementsOf(graph_.value(v).shape()));
    const int first = atoms_.count();
    for (int64_t size : CommonDimensions(graph_.value(v).shape())) {
      slot_atoms_.push_back(size == 1 ? kNone : atoms_.Add(size));
    }
    list_a_.resize(atoms_.count() - first);
    std::iota(list_a_.begin(), list_a_.end(), first);
    atoms_.Meet(list_a_);
  }
  space_.first_dimension_.push_back(static_cast<int>(slot_atoms_.size()));
}

std::vector<int> IterationSpaceBuilder::EdgesInOrder() {
  std::vector<std::tuple<int64_t, int, int>> keys;
  keys.reserve(graph_.edges().size());
  for (int e = 0; e < static_cast<int>(graph_.edges().size()); ++e) {
    const FusionEdge& edge = graph_.edges()[e];
    GetRelation(graph_.value(edge.consumer), edge.operand_number, relation_);
    keys.push_back({-elements_[edge.operand], relation_.priority, e});
  }
  std::sort(keys.begin(), keys.end());
  std::vector<int> order;
  order.reserve(keys.size());
  for (const auto& key : keys) order.push_back(std::get<2>(key));
  space_.accesses_.resize(order.size());
  return order;
}

// ---- unions

void IterationSpaceBuilder::UniteEdge(int e) {
  const FusionEdge& edge = graph_.edges()[e];
  GetRelation(graph_.value(edge.consumer), edge.operand_number, relation_);
  const bool united = relation_.same_number ? UniteNumbers(edge) : UnitePairs(edge);
  const Access otherwise = relation_.opaque ? Access::kOpaque : Access::kMapped;
  space_.accesses_[e] = {united ? Access::kInSpace : otherwise, edge.operand};
  if (relation_.same_number && !united) reshapes_not_in_space_.push_back(e);
}

bool IterationSpaceBuilder::UniteSlots(int a, int b) {
  const int atom_a = slot_atoms_[a];
  const int atom_b = slot_atoms_[b];
  if (atom_a == kNone || atom_b == kNone) return atom_a == atom_b;
  return atoms_.Unify(absl::MakeConstSpan(&atom_a, 1), absl::MakeConstSpan(&atom_b, 1));
}

bool IterationSpaceBuilder::UnitePairs(const FusionEdge& edge) {
  if (!HasCommonDimensions(graph_.value(edge.operand).shape())) return false;
  int open = 0;
  for (int d = 0; d < RankOf(edge.operand); ++d) {
    if (slot_atoms_[SlotOf(edge.operand, d)] != kNone) ++open;
  }
  bool united = true;
  for (const EdgeRelation::Pair& pair : relation_.same) {
    if (slot_atoms_[SlotOf(edge.operand, pair.operand)] == kNone) continue;
    --open;
    united &= UniteSlots(SlotOf(edge.consumer, pair.consumer), SlotOf(edge.operand, pair.operand));
  }
  // The operands of one reduction run along the reduced dimensions together.
  const int first_operand = graph_.EdgesOf(edge.consumer)[0].operand;
  for (int d : relation_.accumulated) {
    if (slot_atoms_[SlotOf(edge.operand, d)] == kNone) continue;
    --open;
    united &= UniteSlots(SlotOf(first_operand, d), SlotOf(edge.operand, d));
  }
  return united && open == 0;
}

bool IterationSpaceBuilder::UniteNumbers(const FusionEdge& edge) {
  list_a_.clear();
  list_b_.clear();
  for (int d : relation_.consumer_order) {
    const int atom = slot_atoms_[SlotOf(edge.consumer, d)];
    if (atom != kNone) list_a_.push_back(atom);
  }
  for (int d : relation_.operand_order) {
    const int atom = slot_atoms_[SlotOf(edge.operand, d)];
    if (atom != kNone) list_b_.push_back(atom);
  }
  return atoms_.Unify(list_a_, list_b_);
}

void IterationSpaceBuilder::CancelReshapes() {
  // For each value, the one that reshapes made it of; for each of these and each list of sizes, the
  // first value of such.
  std::vector<int> origin(graph_.value_count());
  absl::flat_hash_map<std::pair<int, std::vector<int64_t>>, int> first;
  for (int v = 0; v < graph_.value_count(); ++v) {
    origin[v] = v;
    if (!graph_.EdgesOf(v).empty()) {
      GetRelation(graph_.value(v), 0, relation_);
      if (KeepsNumbers(graph_.value(v), relation_))
        origin[v] = origin[graph_.EdgesOf(v)[0].operand];
    }
    const absl::Span<const int64_t> sizes = CommonDimensions(graph_.value(v).shape());
    first.insert({{origin[v], std::vector<int64_t>(sizes.begin(), sizes.end())}, v});
  }
  for (int e : reshapes_not_in_space_) {
    const int consumer = graph_.edges()[e].consumer;
    if (origin[consumer] == consumer) continue;
    const absl::Span<const int64_t> sizes = CommonDimensions(graph_.value(consumer).shape());
    const int source =
        first.at({origin[consumer], std::vector<int64_t>(sizes.begin(), sizes.end())});
    if (source == consumer) continue;
    bool united = true;
    for (int d = 0; d < RankOf(consumer); ++d) {
      united &= UniteSlots(SlotOf(consumer, d), SlotOf(source, d));
    }
    if (united) space_.accesses_[e] = {Access::kInSpace, source};
  }
}

// ---- from leaves to classes

void IterationSpaceBuilder::ExpandLeaves() {
  for (int atom : slot_atoms_) {
    first_leaf_.push_back(static_cast<int>(leaves_.size()));
    if (atom != kNone) atoms_.Expand(atom, leaves_);
  }
  first_leaf_.push_back(static_cast<int>(leaves_.size()));
}

void IterationSpaceBuilder::LinkLeaves() {
  next_.assign(atoms_.count(), kUnknown);
  previous_.assign(atoms_.count(), kUnknown);
  const auto learn = [](int& known, int found) {
    known = known == kUnknown || known == found ? found : kNone;
  };
  for (int v = 0; v < graph_.value_count(); ++v) {
    const absl::Span<const int> leaves = LeavesOfValue(v);
    for (size_t i = 0; i < leaves.size(); ++i) {
      learn(next_[leaves[i]], i + 1 < leaves.size() ? leaves[i + 1] : kNone);
      learn(previous_[leaves[i]], i > 0 ? leaves[i - 1] : kNone);
      // A class of no elements has no parts to tell apart.
      if (atoms_.size(leaves[i]) == 0) next_[leaves[i]] = previous_[leaves[i]] = kNone;
    }
  }
}

void IterationSpaceBuilder::CutBoundaries() {
  // Reshapes that cancelled tell nothing apart.
  std::vector<bool> is_asked(graph_.value_count());
  for (int v = graph_.value_count() - 1; v >= 0; --v) {
    if (graph_.IsRoot(v)) is_asked[v] = true;
    if (!is_asked[v]) continue;
    for (const FusionEdge& edge : graph_.EdgesOf(v)) {
      is_asked[space_.accesses_[graph_.FirstEdgeOf(v) + edge.operand_number].source] = true;
    }
  }
  for (int e = 0; e < static_cast<int>(graph_.edges().size()); ++e) {
    if (space_.accesses_[e].access == Access::kInSpace) continue;
    const FusionEdge& edge = graph_.edges()[e];
    GetRelation(graph_.value(edge.consumer), edge.operand_number, relation_);
    if (!relation_.same_number) {
      CutPairs(edge);
    } else if (is_asked[edge.consumer]) {
      CutNumbers(edge);
    }
  }
}

void IterationSpaceBuilder::CutAround(int slot) {
  const absl::Span<const int> leaves = LeavesOf(slot);
  if (leaves.empty()) return;
  previous_[leaves.front()] = kNone;
  next_[leaves.back()] = kNone;
}

// The dimensions that are not the same on both sides.
void IterationSpaceBuilder::CutPairs(const FusionEdge& edge) {
  std::vector<bool> keep_consumer(RankOf(edge.consumer), false);
  std::vector<bool> keep_operand(RankOf(edge.operand), false);
  for (int d : relation_.choosing) keep_consumer[d] = true;
  for (const EdgeRelation::Pair& pair : relation_.same) {
    const bool same = LeavesOf(SlotOf(edge.consumer, pair.consumer)) ==
                      LeavesOf(SlotOf(edge.operand, pair.operand));
    keep_consumer[pair.consumer] = keep_operand[pair.operand] = same;
  }
  for (int d = 0; d < RankOf(edge.consumer); ++d) {
    if (!keep_consumer[d]) CutAround(SlotOf(edge.consumer, d));
  }
  for (int d = 0; d < RankOf(edge.operand); ++d) {
    if (!keep_operand[d]) CutAround(SlotOf(edge.operand, d));
  }
}

// The dimensions between the outermost and the innermost that are the same on both sides.
void IterationSpaceBuilder::CutNumbers(const FusionEdge& edge) {
  const std::vector<int>& consumer = relation_.consumer_order;
  const std::vector<int>& operand = relation_.operand_order;
  const auto same = [&](size_t i, size_t j) {
    return LeavesOf(SlotOf(edge.consumer, consumer[i])) ==
           LeavesOf(SlotOf(edge.operand, operand[j]));
  };
  const size_t shorter = std::min(consumer.size(), operand.size());
  size_t outer = 0;
  while (outer < shorter && same(outer, outer)) ++outer;
  size_t inner = 0;
  while (outer + inner < shorter && same(consumer.size() - 1 - inner, operand.size() - 1 - inner)) {
    ++inner;
  }
  for (size_t i = outer; i + inner < consumer.size(); ++i) {
    CutAround(SlotOf(edge.consumer, consumer[i]));
  }
  for (size_t j = outer; j + inner < operand.size(); ++j) {
    CutAround(SlotOf(edge.operand, operand[j]));
  }
}

void IterationSpaceBuilder::NumberClasses() {
  leaf_class_.assign(atoms_.count(), kNone);
  leaf_stride_.assign(atoms_.count(), 1);
  const auto largest = std::max_element(elements_.begin(), elements_.end());
  if (largest != elements_.end()) {
    NumberClassesOf(static_cast<int>(largest - elements_.begin()));
  }
  for (int v = 0; v < graph_.value_count(); ++v) NumberClassesOf(v);
}

// Leaves that are linked stand together in every value, so the first that is met of a class is its
// outermost.
void IterationSpaceBuilder::NumberClassesOf(int value) {
  for (int leaf : LeavesOfValue(value)) {
    if (leaf_class_[leaf] != kNone) continue;
    const int number = static_cast<int>(space_.classes_.size());
    int64_t size = atoms_.size(leaf);
    leaf_class_[leaf] = number;
    list_a_ = {leaf};
    int next = next_[leaf];
    // Beside a dimension of size 0, others may be larger than any array.
    while (next >= 0 && previous_[next] == list_a_.back() &&
           !__builtin_mul_overflow(size, atoms_.size(next), &size)) {
      leaf_class_[next] = number;
      list_a_.push_back(next);
      next = next_[next];
    }
    int64_t stride = 1;
    for (size_t i = list_a_.size(); i-- > 0;) {
      leaf_stride_[list_a_[i]] = stride;
      stride *= atoms_.size(list_a_[i]);
    }
    space_.classes_.push_back({stride, false});
  }
}

void IterationSpaceBuilder::ListParts() {
  for (int v = 0; v < graph_.value_count(); ++v) {
    const int first_class = static_cast<int>(space_.value_classes_.size());
    space_.first_class_.push_back(first_class);
    for (int d = 0; d < RankOf(v); ++d) {
      const size_t first_part = space_.parts_.size();
      space_.first_part_.push_back(static_cast<int>(first_part));
      for (int leaf : LeavesOf(SlotOf(v, d))) {
        const int number = leaf_class_[leaf];
        const bool continues = static_cast<int>(space_.value_classes_.size()) > first_class &&
                               space_.value_classes_.back() == number;
        if (!continues) space_.value_classes_.push_back(number);
        if (continues && space_.parts_.size() > first_part) {
          space_.parts_.back().stride = leaf_stride_[leaf];
          space_.parts_.back().size *= atoms_.size(leaf);
        } else {
          space_.parts_.push_back({number, leaf_stride_[leaf], atoms_.size(leaf)});
        }
      }
    }
  }
  space_.first_class_.push_back(static_cast<int>(space_.value_classes_.size()));
  space_.first_part_.push_back(static_cast<int>(space_.parts_.size()));
}

void IterationSpaceBuilder::MarkReduced() {
  for (const FusionEdge& edge : graph_.edges()) {
    if (graph_.value(edge.consumer).opcode() != Opcode::kReduce || edge.operand_number != 0) {
      continue;
    }
    for (int number : space_.EndedBy(edge.consumer)) space_.classes_[number].reduced = true;
  }
}

}  // namespace ingot
