#include "passes/fusion_util.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "ir/analysis/op_facts.h"

namespace ingot {

bool NeedsKernel(const Instruction& instruction) {
  switch (instruction.kind()) {
    case OpKind::kElementwise:
    case OpKind::kReduction:
    case OpKind::kContraction:
    case OpKind::kIndexing:
    case OpKind::kSorting:
    case OpKind::kRandom:
    case OpKind::kLinearAlgebra:
      return true;
    case OpKind::kDataMovement:
      // Row-major reshapes are another name for the same bytes.
      return instruction.opcode() != Opcode::kReshape;
    case OpKind::kStructure:
    case OpKind::kControlFlow:
    case OpKind::kCollective:
    case OpKind::kExternal:
      return false;
  }
  return false;
}

bool IsReadThroughBest(const Instruction& instruction) {
  const Instruction* value = &instruction;
  while (value->opcode() == Opcode::kReshape) value = value->operand(0);
  if (value->opcode() == Opcode::kBroadcast) return true;
  // An operand is kept longer for the readers of a slice.
  return value->opcode() == Opcode::kSlice && SaturatingMultiply(4, ElementsOf(value->shape())) >=
                                                  ElementsOf(value->operand(0)->shape());
}

Instruction* TransposeOf(Instruction* x, std::vector<int64_t> permutation) {
  if (std::is_sorted(permutation.begin(), permutation.end())) return x;
  std::vector<int64_t> sizes;
  for (int64_t d : permutation) sizes.push_back(x->shape().dimension(d));
  return x->parent()->Add(
      Opcode::kTranspose,
      Shape::ArrayWithDefaultLayout(x->shape().element_type(), std::move(sizes)), {x},
      DimensionsAttributes{std::move(permutation)});
}

Instruction* FirstOf(Instruction* x, const std::vector<int64_t>& sizes) {
  if (x->shape().dimensions() == sizes) return x;
  SliceAttributes slice;
  for (int64_t size : sizes) slice.slice.push_back({0, size, 1});
  return x->parent()->Add(Opcode::kSlice,
                          Shape::ArrayWithDefaultLayout(x->shape().element_type(), sizes), {x},
                          std::move(slice));
}

Instruction* ZeroPadded(Instruction* x, const Padding& padding) {
  const Shape& shape = x->shape();
  std::vector<int64_t> sizes = shape.dimensions();
  for (size_t d = 0; d < sizes.size(); ++d) sizes[d] += padding[d].low + padding[d].high;
  if (sizes == shape.dimensions()) return x;
  Instruction* zero = x->parent()->AddConstant(Literal::Scalar(shape.element_type(), 0));
  return x->parent()->Add(Opcode::kPad,
                          Shape::ArrayWithDefaultLayout(shape.element_type(), std::move(sizes)),
                          {x, zero}, PadAttributes{padding});
}

std::vector<int64_t> InverseOf(const std::vector<int64_t>& permutation) {
  std::vector<int64_t> inverse(permutation.size());
  for (size_t i = 0; i < permutation.size(); ++i) inverse[permutation[i]] = static_cast<int64_t>(i);
  return inverse;
}

bool IsPlainDot(const Instruction& instruction) {
  if (instruction.opcode() != Opcode::kDot || instruction.operand_count() != 2) return false;
  const auto& attributes = instruction.attributes<DotAttributes>();
  return attributes.sparsity.text.empty() && attributes.algorithm.text.empty();
}

std::vector<Computation*> SequentialComputations(const Module& module) {
  std::vector<Computation*> found = {module.entry()};
  absl::flat_hash_set<const Computation*> seen = {module.entry()};
  for (size_t i = 0; i < found.size(); ++i) {
    for (const Instruction* instruction : found[i]->instructions()) {
      const Opcode opcode = instruction->opcode();
      if (opcode != Opcode::kWhile && opcode != Opcode::kConditional && opcode != Opcode::kCall)
        continue;
      for (Computation* callee : instruction->called_computations()) {
        if (seen.insert(callee).second) found.push_back(callee);
      }
    }
  }
  return found;
}

bool ReplaceEach(Module& module,
                 const std::function<Instruction*(Computation&, const Instruction&)>& replacement) {
  bool changed = false;
  for (Computation* computation : SequentialComputations(module)) {
    const std::vector<Instruction*> instructions = computation->instructions();
    for (Instruction* instruction : instructions) {
      Instruction* other = replacement(*computation, *instruction);
      if (other == nullptr) continue;
      computation->ReplaceAllUses(instruction, other);
      computation->Remove(instruction);
      changed = true;
    }
  }
  return changed;
}

namespace {

// An input, and the permutation of the transpose that reads it.
using InputRead = std::pair<const Instruction*, std::vector<int64_t>>;

// The order in which the same fusion is always written, wherever its members stood.
class CanonicalOrder {
 public:
  // `members` is in topological order.
  CanonicalOrder(absl::Span<Instruction* const> members, absl::Span<Instruction* const> roots)
      : roots_(roots.begin(), roots.end()) {
    for (Instruction* member : members) keys_[member] = KeyOf(*member);
    std::stable_sort(roots_.begin(), roots_.end(), [&](const Instruction* a, const Instruction* b) {
      const int64_t size_a = ElementsOf(a->shape()), size_b = ElementsOf(b->shape());
      return std::pair(-size_a, keys_.at(a)) < std::pair(-size_b, keys_.at(b));
    });
    for (Instruction* root : roots_) VisitFrom(root);
    for (Instruction* member : members) VisitFrom(member);
  }

  // The largest first, then by what they compute.
  const std::vector<Instruction*>& roots() const { return roots_; }
  // Depth first from the roots.
  const std::vector<Instruction*>& members() const { return members_; }

 private:
  // The same in every process, unlike HashOperation.
  static uint64_t Mix(uint64_t hash, uint64_t value) {
    hash = (hash ^ value) * 0x9e3779b97f4a7c15;
    return hash ^ (hash >> 29);
  }
  // Not of sizes: fusions of other sizes are in the same order.
  static uint64_t Mix(uint64_t hash, const Shape& shape) {
    if (!shape.IsArray()) return Mix(hash, shape.tuple_shapes().size());
    return Mix(Mix(hash, static_cast<uint64_t>(shape.element_type())), shape.rank());
  }
  // Of opcodes, types and ranks, down to what is no member.
  uint64_t KeyOf(const Instruction& instruction) const {
    uint64_t key = Mix(static_cast<uint64_t>(instruction.opcode()) + 1, instruction.shape());
    for (const Instruction* operand : instruction.operands()) {
      const auto member = keys_.find(operand);
      key = member == keys_.end() ? Mix(key, operand->shape()) : Mix(key, member->second);
    }
    return key;
  }

  void VisitFrom(Instruction* start) {
    std::vector<Instruction*> stack = {start};
    while (!stack.empty()) {
      Instruction* next = stack.back();
      if (done_.contains(next) || !opened_.insert(next).second) {
        stack.pop_back();
        if (done_.insert(next).second) members_.push_back(next);
        continue;
      }
      for (auto it = next->operands().rbegin(); it != next->operands().rend(); ++it) {
        if (keys_.contains(*it) && !opened_.contains(*it)) stack.push_back(*it);
      }
    }
  }

  absl::flat_hash_map<const Instruction*, uint64_t> keys_;  // of the members
  std::vector<Instruction*> roots_, members_;
  absl::flat_hash_set<const Instruction*> opened_, done_;
};

}  // namespace

Instruction* Outline(Computation& computation, absl::Span<Instruction* const> members,
                     absl::Span<Instruction* const> roots, absl::string_view name) {
  const CanonicalOrder order(members, roots);
  Computation* body = computation.parent()->AddComputation(name);
  absl::flat_hash_map<const Instruction*, Instruction*> map;
  absl::flat_hash_map<InputRead, Instruction*> parameters;
  std::vector<Instruction*> inputs;
  const bool accumulates = std::any_of(members.begin(), members.end(), [](const auto* member) {
    return AccumulationOf(*member) != Accumulation::kNone;
  });
  for (Instruction* member : order.members()) {
    std::vector<Instruction*> operands;
    for (Instruction* operand : member->operands()) {
      if (const auto found = map.find(operand); found != map.end()) {
        operands.push_back(found->second);
        continue;
      }
      InputRead read = {operand, {}};
      if (member->opcode() == Opcode::kTranspose && !accumulates) {
        read.second = member->dimensions();
      }
      Instruction*& inside = parameters[read];
      if (inside == nullptr) {
        inside = body->AddParameter(static_cast<int64_t>(inputs.size()), operand->shape(),
                                    absl::StrCat("param_", inputs.size()));
        inputs.push_back(operand);
      }
      operands.push_back(inside);
    }
    map[member] = body->AddClone(*member, std::move(operands));
  }
  Instruction* inside_root = map.at(roots[0]);
  if (roots.size() > 1) {
    std::vector<Shape> shapes;
    std::vector<Instruction*> results;
    for (const Instruction* root : order.roots()) {
      shapes.push_back(root->shape());
      results.push_back(map.at(root));
    }
    inside_root = body->Add(Opcode::kTuple, Shape::Tuple(std::move(shapes)), std::move(results));
  }
  body->set_root(inside_root);
  body->Normalize();
  Instruction* fusion = computation.Add(Opcode::kFusion, inside_root->shape(), std::move(inputs),
                                        roots.back()->name());
  fusion->set_called_computations({body});
  fusion->mutable_annotations().metadata = roots.back()->annotations().metadata;
  for (size_t i = 0; i < roots.size(); ++i) {
    Instruction* result = fusion;
    if (roots.size() > 1) {
      result = computation.Add(Opcode::kGetTupleElement, order.roots()[i]->shape(), {fusion},
                               TupleIndexAttributes{static_cast<int64_t>(i)});
    }
    computation.ReplaceAllUses(order.roots()[i], result);
  }
  for (auto it = members.rbegin(); it != members.rend(); ++it) {
    if ((*it)->users().empty()) computation.Remove(*it);
  }
  return fusion;
}

}  // namespace ingot
