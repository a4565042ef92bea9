#include "compiler/lower/tile_reduction.h"

#include <utility>

#include "absl/strings/str_cat.h"

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

void Accumulator::StartLoop(ElementEmitter& e, const TileReduction& reduction, int lanes) {
  const std::optional<Elements> identity = reduction.combination.Identity(e);
  const Elements& start = identity.has_value() ? *identity : reduction.combination.initial;
  for (const Element& element : start) {
    cells_.push_back(e.Declare("sum", e.Broadcast(element, lanes)));
  }
  if (!identity.has_value()) valid_cell_ = e.b().DeclareVar("valid", e.b().False());
}

void Accumulator::Take(ElementEmitter& e, const TileReduction& reduction, Elements elements,
                       Value inside) {
  const std::optional<Elements> identity = reduction.combination.Identity(e);
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
  for (size_t i = 0; i < cells_.size(); ++i) e.Write(cells_[i], elements_[i]);
  if (valid_cell_ != nullptr) {
    e.b().Write(valid_cell_, valid_ == nullptr ? e.b().True() : valid_);
  }
}

void Accumulator::FinishLoop(ElementEmitter& e) {
  if (cells_.empty()) return;
  elements_.clear();
  for (const ElementVar& cell : cells_) elements_.push_back(e.Read(cell));
  valid_ = valid_cell_ == nullptr ? nullptr : e.b().Read(valid_cell_);
}

void Accumulator::Merge(ElementEmitter& e, const TileReduction& reduction,
                        const Accumulator& other) {
  Elements both =
      reduction.combination.Apply(e, *reduction.instruction, elements_, other.elements_);
  if (other.valid_ != nullptr) both = SelectAll(e, other.valid_, both, elements_);
  if (valid_ != nullptr) {
    both = SelectAll(e, valid_, both, other.elements_);
    valid_ = other.valid_ == nullptr ? nullptr : e.b().Or(valid_, other.valid_);
  }
  elements_ = std::move(both);
}

void Accumulator::CombineVector(ElementEmitter& e, const TileReduction& reduction) {
  for (int lanes = elements_[0].lanes(); lanes > 1; lanes /= 2) {
    Accumulator high;
    Elements low;
    for (const Element& element : elements_) {
      low.push_back({Part(e, element.re, 0, lanes / 2), Part(e, element.im, 0, lanes / 2)});
      high.elements_.push_back(
          {Part(e, element.re, lanes / 2, lanes / 2), Part(e, element.im, lanes / 2, lanes / 2)});
    }
    elements_ = std::move(low);
    elements_ = reduction.combination.Apply(e, *reduction.instruction, elements_, high.elements_);
  }
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
