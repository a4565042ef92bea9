#include "compiler/lower/tile_reduction.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "compiler/lower/tile_joined.h"
#include "compiler/plan/analysis.h"
#include "ir/base/check.h"

namespace ingot::lower {

using kernel::Value;

namespace {

Elements SelectAll(ElementEmitter& e, Value mask, const Elements& on_true,
                   const Elements& on_false) {
  Elements result;
  for (size_t i = 0; i < on_true.size(); ++i) {
    result.push_back(e.Select(mask, on_true[i], on_false[i]));
  }
  return result;
}

// Vectors of a row from which on a thread has one accumulator for all lanes.
constexpr int64_t kManyVectors = 16;

// The element of the lane whose number differs by `mask`; pred goes as s32.
Value Shuffle(ElementEmitter& e, Value value, int mask) {
  if (value == nullptr) return nullptr;
  if (value->type.lanes > 1) {
    std::vector<Value> lanes;
    for (int i = 0; i < value->type.lanes; ++i) {
      lanes.push_back(Shuffle(e, e.b().Extract(value, i), mask));
    }
    return e.b().Build(lanes);
  }
  const ElementType type = value->type.element;
  const bool is_pred = type == ElementType::kPred;
  if (is_pred) value = e.b().Convert(value, ElementType::kS32);
  value = e.b().Call(kernel::Intrinsic::kShuffleXor, {value, e.b().Index(mask)});
  return is_pred ? e.b().Convert(value, type) : value;
}

// Lanes [first, first + count) of a vector.
Value Part(ElementEmitter& e, Value vector, int first, int count) {
  if (vector == nullptr) return nullptr;
  if (count == 1) return e.b().Extract(vector, first);
  std::vector<int> lanes(count);
  for (int i = 0; i < count; ++i) lanes[i] = first + i;
  return e.b().VectorShuffle(vector, vector, std::move(lanes));
}

}  // namespace

std::vector<TileReduction> FindReductions(const FusionInfo& info,
                                          const std::vector<plan::Join>& joins,
                                          const plan::PassLevels& levels) {
  const FusionGraph& graph = info.graph();
  std::vector<TileReduction> found;
  const auto base_of = [&](int value) -> TileReduction& {
    const auto base = std::find_if(found.begin(), found.end(), [&](const TileReduction& reduction) {
      return reduction.value == value;
    });
    INGOT_CHECK(base != found.end()) << "value " << value << " is no reduction of its own";
    return *base;
  };
  int scratch = 0;
  for (const Reduction& own : info.reductions()) {
    const Instruction& instruction = graph.value(own.value);
    const auto join = std::find_if(joins.begin(), joins.end(), [&](const plan::Join& candidate) {
      return candidate.reduction == own.value;
    });
    if (join != joins.end()) {
      JoinedReduction joined;
      joined.join = *join;
      joined.instruction = &instruction;
      joined.reference = &graph.value(join->reference);
      if (join->otherwise >= 0) joined.otherwise = &graph.value(join->otherwise);
      base_of(join->base).scratch.push_back(scratch++);
      base_of(join->base).joined.push_back(std::move(joined));
      continue;
    }
    TileReduction reduction;
    reduction.instruction = &instruction;
    reduction.value = own.value;
    reduction.level = levels.of[own.value];
    reduction.classes = own.classes;
    const size_t leaves = plan::Leaves(instruction.shape()).size();
    for (size_t i = 0; i < leaves && levels.HasParts(own.value); ++i) {
      reduction.scratch.push_back(scratch++);
    }
    found.push_back(std::move(reduction));
  }
  for (int base : plan::CountedBases(joins)) {
    base_of(base).counted = true;
    base_of(base).scratch.push_back(scratch++);
  }
  return found;
}

const Instruction* ProductOf(ElementEmitter& e, const TileReduction& reduction) {
  if (e.context().approximation != Approximation::kFast || !reduction.joined.empty()) {
    return nullptr;
  }
  const Instruction* product = plan::UnroundedProduct(*reduction.instruction);
  const Instruction* source = e.context().tile->SourceOf(*reduction.instruction, 0);
  return product != nullptr && source == product ? product : nullptr;
}

int AccumulatorLanes(const FusionInfo& info, const plan::TilePlan& plan,
                     const TileReduction& reduction, bool parts) {
  for (int c = 0; c < static_cast<int>(plan.classes.size()); ++c) {
    const bool own = c < static_cast<int>(info.space().classes().size());
    if (plan.classes[c].vector == 1 || !own) continue;
    const bool ended =
        std::find(reduction.classes.begin(), reduction.classes.end(), c) != reduction.classes.end();
    const absl::Span<const int> kept = info.space().ClassesOf(reduction.value);
    if ((ended && !parts) || std::find(kept.begin(), kept.end(), c) != kept.end()) {
      return plan.classes[c].vector;
    }
  }
  return 1;
}

int EndedLanes(const plan::TilePlan& plan, const TileReduction& reduction) {
  int lanes = 1;
  for (int c : reduction.classes) lanes *= plan.classes[c].vector;
  return lanes;
}

bool TakesOneLane(const plan::TilePlan& plan, const std::vector<int>& reduced) {
  int64_t registers = 1;
  bool ends = false;
  for (int c : reduced) {
    if (plan.classes[c].loop > 1) return false;
    registers *= plan.classes[c].registers;
    ends = ends || plan.classes[c].vector > 1;
  }
  return ends && registers >= kManyVectors;
}

std::vector<ElementType> TileReduction::AccumulatorTypes() const {
  std::vector<ElementType> types = combination.AccumulatorTypes();
  for (const JoinedReduction& j : joined) types.push_back(j.combination.AccumulatorTypes()[0]);
  if (counted) types.push_back(types[0]);
  return types;
}

std::optional<Elements> TileReduction::Identity(ElementEmitter& e) const {
  std::optional<Elements> identity = combination.Identity(e);
  for (const JoinedReduction& j : joined) identity->push_back((*j.combination.Identity(e))[0]);
  if (counted) identity->push_back(e.Zero(combination.AccumulatorTypes()[0]));
  return identity;
}

Elements TileReduction::Combine(ElementEmitter& e, const Elements& a, const Elements& b) const {
  return joined.empty() ? combination.Apply(e, *instruction, a, b) : CombineJoined(e, *this, a, b);
}

Elements CombineVector(
    ElementEmitter& e, Elements elements,
    const std::function<Elements(const Elements& low, const Elements& high)>& combine) {
  for (int lanes = elements[0].lanes(); lanes > 1; lanes /= 2) {
    Elements low, high;
    for (const Element& element : elements) {
      low.push_back({Part(e, element.re, 0, lanes / 2), Part(e, element.im, 0, lanes / 2)});
      high.push_back(
          {Part(e, element.re, lanes / 2, lanes / 2), Part(e, element.im, lanes / 2, lanes / 2)});
    }
    elements = combine(low, high);
  }
  return elements;
}

void Accumulator::StartLoop(ElementEmitter& e, const TileReduction& reduction, int lanes) {
  const std::optional<Elements> identity = reduction.Identity(e);
  const Elements& start = identity.has_value() ? *identity : reduction.combination.initial;
  for (size_t i = 0; i < start.size(); ++i) {
    cells_.push_back(e.Declare("sum", e.Broadcast(start[i], reduction.IsCount(i) ? 1 : lanes)));
  }
  if (!identity.has_value()) valid_cell_ = e.b().DeclareVar("valid", e.b().False());
}

void Accumulator::Take(ElementEmitter& e, const TileReduction& reduction, Elements elements,
                       Value inside) {
  const std::optional<Elements> identity = reduction.Identity(e);
  if (inside != nullptr && identity.has_value()) {
    elements = SelectAll(e, inside, elements, *identity);
    inside = nullptr;
  }
  FinishLoop(e);
  if (elements_.empty()) {
    elements_ = std::move(elements);
    valid_ = inside;
  } else {
    Merge(e, reduction, Accumulator(std::move(elements), inside));
  }
  WriteCells(e);
}

void Accumulator::TakeProduct(ElementEmitter& e, const TileReduction& reduction, Element lhs,
                              Element rhs, Value inside) {
  FinishLoop(e);
  if (elements_.empty()) {
    return Take(e, reduction, {{e.b().Mul(lhs.re, rhs.re), nullptr}}, inside);
  }
  const Element sum = {e.b().Fma(lhs.re, rhs.re, elements_[0].re), nullptr};
  elements_[0] = inside == nullptr ? sum : e.Select(inside, sum, elements_[0]);
  WriteCells(e);
}

void Accumulator::TakeProductOfLanes(ElementEmitter& e, const TileReduction& reduction, Element lhs,
                                     Element rhs, Value inside) {
  for (int lane = 0; lane < lhs.lanes(); ++lane) {
    const auto one = [&](const Element& factor) {
      return Element{e.b().Extract(factor.re, lane), nullptr};
    };
    TakeProduct(e, reduction, one(lhs), one(rhs), inside);
  }
}

void Accumulator::Replace(ElementEmitter& e, Elements elements) {
  elements_ = std::move(elements);
  WriteCells(e);
}

void Accumulator::WriteCells(ElementEmitter& e) {
  e.Write(cells_, elements_);
  if (valid_cell_ != nullptr) {
    e.b().Write(valid_cell_, valid_ == nullptr ? e.b().True() : valid_);
  }
}

void Accumulator::FinishLoop(ElementEmitter& e) {
  if (cells_.empty()) return;
  elements_ = e.Read(cells_);
  valid_ = valid_cell_ == nullptr ? nullptr : e.b().Read(valid_cell_);
}

void Accumulator::Merge(ElementEmitter& e, const TileReduction& reduction,
                        const Accumulator& other) {
  Elements both = reduction.Combine(e, elements_, other.elements_);
  if (other.valid_ != nullptr) both = SelectAll(e, other.valid_, both, elements_);
  if (valid_ != nullptr) {
    both = SelectAll(e, valid_, both, other.elements_);
    valid_ = other.valid_ == nullptr ? nullptr : e.b().Or(valid_, other.valid_);
  }
  elements_ = std::move(both);
}

void Accumulator::CombineVector(ElementEmitter& e, const TileReduction& reduction) {
  elements_ = lower::CombineVector(
      e, std::move(elements_),
      [&](const Elements& low, const Elements& high) { return reduction.Combine(e, low, high); });
}

void Accumulator::CombineLanes(ElementEmitter& e, const TileReduction& reduction,
                               const std::vector<int>& masks) {
  for (int mask : masks) {
    Elements others;
    for (const Element& element : elements_) {
      others.push_back({Shuffle(e, element.re, mask), Shuffle(e, element.im, mask)});
    }
    Merge(e, reduction, Accumulator(std::move(others), Shuffle(e, valid_, mask)));
  }
}

Elements Accumulator::Result(ElementEmitter& e, const TileReduction& reduction) const {
  const Combination& combination = reduction.combination;
  if (combination.simple.has_value()) return combination.Finish(e, elements_);
  const Elements result =
      combination.Apply(e, *reduction.instruction, combination.initial, elements_);
  return valid_ == nullptr ? result : SelectAll(e, valid_, result, combination.initial);
}

Accumulator CombineTree(ElementEmitter& e, const TileReduction& reduction,
                        std::vector<Accumulator> parts) {
  while (parts.size() > 1) {
    std::vector<Accumulator> pairs;
    for (size_t i = 0; i < parts.size(); i += 2) {
      if (i + 1 < parts.size()) parts[i].Merge(e, reduction, parts[i + 1]);
      pairs.push_back(std::move(parts[i]));
    }
    parts = std::move(pairs);
  }
  return std::move(parts[0]);
}

}  // namespace ingot::lower
