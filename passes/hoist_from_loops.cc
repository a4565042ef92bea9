#include "passes/hoist_from_loops.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "ir/analysis/op_facts.h"
#include "ir/analysis/trip_count.h"
#include "passes/fusion_util.h"
#include "passes/loop_invariants.h"

namespace ingot {
namespace {

// Below this a value is no kernel's worth of work.
constexpr int64_t kLeastBytes = 1024;
// A product of all slices may be so many times as large as what it is made of.
constexpr int64_t kMostGrowth = 8;
// A value that is made of more is left where it is.
constexpr size_t kMostInstructions = 256;

int64_t BytesOf(const Instruction& value) {
  return value.shape().IsArray() ? value.shape().ByteSize() : 0;
}

// A dot of which one operand is a slice, along one dimension, of an array that is the same in every
// trip; between the slice and the dot stands a reshape that leaves out its dimension of size 1.
struct DotOfSlice {
  int side = 0;  // of the slice
  const Instruction* slice = nullptr;
  int64_t dimension = 0;  // of the array, along which it is sliced
};

// The dimensions of `to`, which are those of `from` without one of size 1.
bool LeavesOut(const Shape& from, int64_t dimension, const Shape& to) {
  std::vector<int64_t> sizes = from.dimensions();
  sizes.erase(sizes.begin() + dimension);
  return sizes == to.dimensions();
}

class Hoister {
 public:
  Hoister(Computation& outside, Instruction& loop, const PassContext& context)
      : outside_(outside),
        loop_(loop),
        condition_(*loop.while_condition()),
        body_(*loop.while_body()),
        context_(context),
        invariants_(loop) {}

  bool Run() {
    if (!invariants_.HasState() || !condition_.parameters()[0]->shape().IsTuple()) return false;
    const std::vector<Instruction*> instructions = body_.instructions();
    for (Instruction* instruction : instructions) {
      if (const auto dot = FindDotOfSlice(*instruction)) HoistDot(*instruction, *dot);
    }
    for (Instruction* instruction : instructions) {
      if (IsFrontier(*instruction) && IsWorthIt(*instruction)) {
        body_.ReplaceAllUses(instruction, StateOf(Outside(instruction)));
      }
    }
    if (added_.empty()) return false;
    Rebuild();
    return true;
  }

 private:
  // ----- values

  // Same in every trip, and somebody who is not asks for it.
  bool IsFrontier(const Instruction& value) const {
    if (!invariants_.Contains(value) || invariants_.IsElement(value) || !value.shape().IsArray()) {
      return false;
    }
    return std::any_of(value.users().begin(), value.users().end(),
                       [&](const Instruction* user) { return !invariants_.Contains(*user); });
  }

  // What a value is made of, itself included, down to elements of the state, in the order of the
  // body; empty where it is more than `most` instructions.
  std::vector<const Instruction*> MadeOf(const Instruction& value, size_t most) const {
    std::vector<const Instruction*> found = {&value};
    absl::flat_hash_set<const Instruction*> seen = {&value};
    for (size_t i = 0; i < found.size(); ++i) {
      if (invariants_.IsElement(*found[i])) continue;
      for (const Instruction* operand : found[i]->operands()) {
        if (seen.insert(operand).second) found.push_back(operand);
      }
      if (found.size() > most) return {};
    }
    std::sort(found.begin(), found.end(),
              [](const Instruction* a, const Instruction* b) { return a->id() < b->id(); });
    return found;
  }

  bool IsWorthIt(const Instruction& value) const {
    int64_t read = 0;
    bool works = false, sums = false;
    for (const Instruction* instruction : MadeOf(value, kMostInstructions)) {
      if (invariants_.IsElement(*instruction)) read += BytesOf(*instruction);
      works = works || instruction->opcode() == Opcode::kOptimizationBarrier ||
              (instruction->kind() == OpKind::kElementwise && BytesOf(*instruction) >= kLeastBytes);
      sums = sums || (NeedsKernel(*instruction) && instruction->kind() != OpKind::kElementwise &&
                      instruction->kind() != OpKind::kDataMovement);
    }
    if (IsReadThroughBest(value) || value.opcode() == Opcode::kConstant) return false;
    return (works || sums) && BytesOf(value) >= kLeastBytes && BytesOf(value) <= read;
  }

  // A copy of an invariant value in front of the loop.
  Instruction* Outside(const Instruction* value) {
    for (const Instruction* part : MadeOf(*value, body_.instructions().size())) {
      Instruction*& copy = outside_of_[part];
      if (copy != nullptr) continue;
      if (invariants_.IsElement(*part)) {
        copy = Element(loop_.operands()[0], part->attributes<TupleIndexAttributes>().index);
        continue;
      }
      std::vector<Instruction*> operands;
      for (const Instruction* operand : part->operands()) {
        operands.push_back(outside_of_.at(operand));
      }
      copy = outside_.AddClone(*part, std::move(operands));
    }
    return outside_of_.at(value);
  }

  static Instruction* Element(Instruction* tuple, int64_t index) {
    if (tuple->opcode() == Opcode::kTuple) return tuple->operands()[index];
    return tuple->parent()->Add(Opcode::kGetTupleElement, tuple->shape().tuple_shapes()[index],
                                {tuple}, TupleIndexAttributes{index});
  }

  // Inside of the body: the value outside of it, as a new element of the state.
  Instruction* StateOf(Instruction* outside) {
    Instruction* parameter = body_.parameters()[0];
    const auto index =
        static_cast<int64_t>(parameter->shape().tuple_shapes().size() + added_.size());
    added_.push_back(outside);
    Instruction* element = body_.Add(Opcode::kGetTupleElement, outside->shape(), {parameter},
                                     TupleIndexAttributes{index});
    elements_.push_back(element);
    return element;
  }

  // ----- products of slices

  std::optional<DotOfSlice> FindDotOfSlice(const Instruction& dot) const {
    if (context_.product_cost == nullptr || !IsPlainDot(dot) || invariants_.Contains(dot) ||
        dot.users().empty() || !dot.control_predecessors().empty()) {
      return std::nullopt;
    }
    for (int side : {0, 1}) {
      if (!invariants_.Contains(*dot.operand(1 - side))) continue;
      const Instruction& reshape = *dot.operand(side);
      if (reshape.opcode() != Opcode::kReshape) continue;
      const Instruction& slice = *reshape.operand(0);
      if (slice.opcode() != Opcode::kDynamicSlice) continue;
      const Instruction& array = *slice.operand(0);
      if (!invariants_.Contains(array)) continue;
      DotOfSlice found{side, &slice, -1};
      int sliced = 0;
      for (int64_t d = 0; d < array.shape().rank(); ++d) {
        if (slice.shape().dimension(d) == array.shape().dimension(d)) continue;
        ++sliced;
        found.dimension = d;
      }
      if (sliced == 1 && slice.shape().dimension(found.dimension) == 1 &&
          LeavesOut(slice.shape(), found.dimension, reshape.shape())) {
        return found;
      }
    }
    return std::nullopt;
  }

  // The dot of the whole array, whose free dimensions have one more; and where that one is in the
  // result.
  struct Whole {
    DotAttributes attributes;
    Shape shape;
    int64_t dimension = 0;
  };
  static Whole WholeOf(const Instruction& dot, const DotOfSlice& of) {
    Whole whole;
    whole.attributes = dot.attributes<DotAttributes>();
    const bool left = of.side == 0;
    std::vector<int64_t>& batch =
        left ? whole.attributes.lhs_batch_dims : whole.attributes.rhs_batch_dims;
    std::vector<int64_t>& contracting =
        left ? whole.attributes.lhs_contracting_dims : whole.attributes.rhs_contracting_dims;
    const std::vector<int64_t> free =
        FreeDimensions(dot.operand(of.side)->shape(), batch, contracting);
    const auto behind = [&](int64_t d) { return d >= of.dimension ? d + 1 : d; };
    const int64_t before = std::count_if(free.begin(), free.end(),
                                         [&](int64_t d) { return behind(d) < of.dimension; });
    for (int64_t& d : batch) d = behind(d);
    for (int64_t& d : contracting) d = behind(d);
    const auto batches = static_cast<int64_t>(batch.size());
    const int64_t others = dot.shape().rank() - batches - static_cast<int64_t>(free.size());
    whole.dimension = batches + before + (left ? 0 : others);
    std::vector<int64_t> sizes = dot.shape().dimensions();
    sizes.insert(sizes.begin() + whole.dimension,
                 of.slice->operand(0)->shape().dimension(of.dimension));
    whole.shape = Shape::ArrayWithDefaultLayout(dot.shape().element_type(), std::move(sizes));
    return whole;
  }

  double Microseconds(const Instruction& dot, const Whole* whole, const DotOfSlice& of) const {
    Module module("loops");
    Computation* computation = module.AddComputation("product");
    std::vector<Instruction*> operands;
    for (int side : {0, 1}) {
      const Shape& shape = whole != nullptr && side == of.side ? of.slice->operand(0)->shape()
                                                               : dot.operand(side)->shape();
      operands.push_back(computation->AddParameter(side, shape));
    }
    Instruction* copy = computation->AddClone(dot, std::move(operands));
    if (whole != nullptr) {
      copy->mutable_attributes<DotAttributes>() = whole->attributes;
      copy->set_shape(whole->shape);
    }
    computation->set_root(copy);
    return context_.product_cost(*computation);
  }

  bool IsFaster(const Instruction& dot, const Whole& whole, const DotOfSlice& of) const {
    const std::optional<int64_t> trips = TripCountOf(loop_);
    const Instruction& array = *of.slice->operand(0);
    if (!trips.has_value() || array.shape().dimension(of.dimension) > *trips) return false;
    if (MadeOf(array, kMostInstructions).empty() ||
        MadeOf(*dot.operand(1 - of.side), kMostInstructions).empty()) {
      return false;
    }
    const int64_t made_of = BytesOf(array) + BytesOf(*dot.operand(1 - of.side));
    if (whole.shape.ByteSize() / kMostGrowth > made_of) return false;
    const auto count = static_cast<double>(*trips);
    const double slices =
        count * (static_cast<double>(BytesOf(dot)) / context_.bytes_per_microsecond);
    return Microseconds(dot, &whole, of) + slices < count * Microseconds(dot, nullptr, of);
  }

  void HoistDot(Instruction& dot, const DotOfSlice& of) {
    const Whole whole = WholeOf(dot, of);
    if (!IsFaster(dot, whole, of)) return;
    std::vector<Instruction*> operands(2);
    operands[of.side] = Outside(of.slice->operand(0));
    operands[1 - of.side] = Outside(dot.operand(1 - of.side));
    Instruction* all = outside_.AddClone(dot, std::move(operands));
    all->mutable_attributes<DotAttributes>() = whole.attributes;
    all->set_shape(whole.shape);
    // The slice of a trip: at the array's index along its dimension, else at 0.
    const Instruction& slice = *of.slice;
    Instruction* at = slice.operands()[1 + of.dimension];
    Instruction* zero = body_.AddConstant(Literal::Zeros(at->shape()).value());
    DynamicSliceAttributes sizes;
    sizes.dynamic_slice_sizes = whole.shape.dimensions();
    sizes.dynamic_slice_sizes[whole.dimension] = 1;
    const Shape shape =
        Shape::ArrayWithDefaultLayout(whole.shape.element_type(), sizes.dynamic_slice_sizes);
    std::vector<Instruction*> arguments = {StateOf(all)};
    for (int64_t d = 0; d < whole.shape.rank(); ++d) {
      arguments.push_back(d == whole.dimension ? at : zero);
    }
    Instruction* part =
        body_.Add(Opcode::kDynamicSlice, shape, std::move(arguments), std::move(sizes));
    part = body_.Add(Opcode::kReshape, dot.shape(), {part});
    body_.ReplaceAllUses(&dot, part);
  }

  // ----- the loop

  // The loop with the new elements of its state.
  void Rebuild() {
    const Shape old = loop_.shape();
    std::vector<Shape> shapes = old.tuple_shapes();
    std::vector<Instruction*> first;
    for (size_t i = 0; i < shapes.size(); ++i) {
      first.push_back(Element(loop_.operands()[0], static_cast<int64_t>(i)));
    }
    for (Instruction* value : added_) {
      shapes.push_back(value->shape());
      first.push_back(value);
    }
    const Shape state = Shape::Tuple(shapes);
    condition_.parameters()[0]->set_shape(state);
    body_.parameters()[0]->set_shape(state);
    std::vector<Instruction*> next = body_.root()->operands();
    next.insert(next.end(), elements_.begin(), elements_.end());
    body_.set_root(body_.Add(Opcode::kTuple, state, std::move(next)));
    Instruction* init = outside_.Add(Opcode::kTuple, state, std::move(first));
    Instruction* loop = outside_.AddClone(loop_, {init});
    loop->set_shape(state);
    // Who asks for elements may ask the new one.
    const std::vector<Instruction*> users = loop_.users();
    const bool by_elements =
        &loop_ != outside_.root() && std::all_of(users.begin(), users.end(), [](const auto* user) {
          return user->opcode() == Opcode::kGetTupleElement;
        });
    if (by_elements) {
      outside_.ReplaceAllUses(&loop_, loop);
      return;
    }
    std::vector<Instruction*> results;
    for (size_t i = 0; i < old.tuple_shapes().size(); ++i) {
      results.push_back(Element(loop, static_cast<int64_t>(i)));
    }
    outside_.ReplaceAllUses(&loop_, outside_.Add(Opcode::kTuple, old, std::move(results)));
  }

  Computation& outside_;
  Instruction& loop_;
  Computation& condition_;
  Computation& body_;
  const PassContext& context_;
  const LoopInvariants invariants_;
  absl::flat_hash_map<const Instruction*, Instruction*> outside_of_;
  std::vector<Instruction*> added_;     // in front of the loop
  std::vector<Instruction*> elements_;  // the same in its body
};

}  // namespace

// Algorithm: loops inside of loops first, so that what they give up can go on from the next.
absl::StatusOr<bool> HoistFromLoops(Module& module, const PassContext& context) {
  bool changed = false;
  std::vector<Computation*> computations = SequentialComputations(module);
  std::reverse(computations.begin(), computations.end());
  for (Computation* computation : computations) {
    const std::vector<Instruction*> instructions = computation->instructions();
    bool changed_here = false;
    for (Instruction* instruction : instructions) {
      if (instruction->opcode() != Opcode::kWhile || !instruction->control_predecessors().empty()) {
        continue;
      }
      if (!Hoister(*computation, *instruction, context).Run()) continue;
      Computation* body = instruction->while_body();
      body->RemoveDead();
      body->Normalize();
      changed_here = true;
    }
    if (!changed_here) continue;
    computation->RemoveDead();
    computation->Normalize();
    changed = true;
  }
  return changed;
}

}  // namespace ingot
