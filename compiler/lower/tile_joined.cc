#include "compiler/lower/tile_joined.h"

#include <limits>
#include <utility>

#include "compiler/lower/fold.h"
#include "compiler/lower/math/expression.h"
#include "compiler/lower/scalar.h"

namespace ingot::lower {

using kernel::Value;
using plan::JoinRule;

namespace {

// The type in which a joined reduction's reference is computed.
ElementType ReferenceType(const JoinedReduction& joined) {
  return ComputeType(joined.reference->shape().element_type());
}

// 1 / max(count, 1).  A mean that is some units in the last place off is a reference for squares as
// good as any; when they are rebased on another, (mean - reference) times the references'
// difference is left out, some units of the mean for each of its deviations.
Element PartOfOne(ElementEmitter& e, ElementType type, Element count) {
  const Element one = e.FromDouble(type, 1);
  const Element divisor = Combine(e, Opcode::kMaximum, type, count, one);
  if (type != ElementType::kF32 || e.context().approximation != Approximation::kFast) {
    return Combine(e, Opcode::kDivide, type, one, divisor);
  }
  const math::Expr y(e.b(), divisor.re);
  return {math::Approximate(kernel::Intrinsic::kRcpApproxFtz, y).value(), nullptr};
}

// What the reference is where the base's accumulator and the count are these.  That of exponentials
// is finite, so that no difference to it is NaN unless x is: exp(s · (-inf - r)) is 0.
Element ReferenceOf(ElementEmitter& e, const TileReduction& reduction,
                    const JoinedReduction& joined, const Elements& accumulator) {
  const ElementType base_type = reduction.AccumulatorTypes()[0];
  const ElementType type = ReferenceType(joined);
  switch (joined.join.rule) {
    case JoinRule::kTies:
      return accumulator[0];
    case JoinRule::kExponentials: {
      const double most = type == ElementType::kF64 ? std::numeric_limits<double>::max()
                                                    : std::numeric_limits<float>::max();
      const Element base = e.Convert(accumulator[0], base_type, type);
      const Element below = Combine(e, Opcode::kMinimum, type, base, e.FromDouble(type, most));
      return Combine(e, Opcode::kMaximum, type, below, e.FromDouble(type, -most));
    }
    case JoinRule::kSquares: {
      const Element part = PartOfOne(e, base_type, accumulator.back());
      return e.Convert(Combine(e, Opcode::kMultiply, base_type, accumulator[0], part), base_type,
                       type);
    }
  }
  return accumulator[0];
}

// A partial result relative to `from`, made one relative to `to`; `count` elements are in it.
Element Rebase(ElementEmitter& e, const TileReduction& reduction, const JoinedReduction& joined,
               Element partial, Element from, Element to, Element count) {
  const ElementType base_type = reduction.AccumulatorTypes()[0];
  const ElementType own = joined.combination.AccumulatorTypes()[0];
  if (joined.join.rule == JoinRule::kTies) {
    Element otherwise = e.Zero(own);
    if (joined.otherwise != nullptr) {
      otherwise = joined.combination.Accumulators(e, {e.EmitScalar(*joined.otherwise)})[0];
    }
    const int lanes = std::max(from.lanes(), to.lanes());
    const Value same = e.b().Eq(e.Broadcast(from, lanes).re, e.Broadcast(to, lanes).re);
    return e.Select(same, partial, otherwise);
  }
  const ElementType type = ReferenceType(joined);
  const Element difference = Combine(e, Opcode::kSubtract, type, from, to);
  if (joined.join.rule == JoinRule::kSquares) {
    // An empty partial result's is 0, whatever the difference.
    const Element part =
        Combine(e, Opcode::kMultiply, type, e.Convert(count, base_type, type), difference);
    const Element more = Combine(e, Opcode::kMultiply, type, part, difference);
    return Combine(e, Opcode::kAdd, own, partial, e.Convert(more, type, own));
  }
  Element exponent = difference;
  if (joined.join.scale != 1) {
    exponent =
        Combine(e, Opcode::kMultiply, type, difference, e.FromDouble(type, joined.join.scale));
  }
  absl::StatusOr<Value> factor =
      EmitRealScalar(e.b(), Opcode::kExp, type, {exponent.re}, {e.context().approximation, type});
  if (!factor.ok()) {
    e.context().Fail(factor.status());
    return partial;
  }
  return Combine(e, Opcode::kMultiply, own, partial, e.Convert({*factor, nullptr}, type, own));
}

// The partial result `j` of accumulator `from`, relative to the reference of `to`.
Element RebaseTo(ElementEmitter& e, const TileReduction& reduction, size_t j, const Elements& from,
                 const Elements& to) {
  const JoinedReduction& joined = reduction.joined[j];
  const bool same_count = !reduction.counted || from.back().re == to.back().re;
  if (from[0].re == to[0].re && same_count) return from[j + 1];
  return Rebase(e, reduction, joined, from[j + 1], ReferenceOf(e, reduction, joined, from),
                ReferenceOf(e, reduction, joined, to), from.back());
}

// As many elements as `trip` has inside.
Element CountOf(ElementEmitter& e, ElementType type, absl::Span<const TripPlace> trip,
                int elements) {
  int64_t always = 0;
  Element count;
  for (const TripPlace& place : trip) {
    if (place.inside == nullptr) {
      always += elements;
      continue;
    }
    const Element own = e.Select(place.inside, e.FromDouble(type, elements), e.Zero(type));
    count = count.re == nullptr ? own : Combine(e, Opcode::kAdd, type, count, own);
  }
  const Element all = e.FromDouble(type, static_cast<double>(always));
  return count.re == nullptr ? all : Combine(e, Opcode::kAdd, type, count, all);
}

// What a reduction asks for at a place, combined with `sum`, if there is one already.
Element Taken(ElementEmitter& e, const Instruction& reduce, const Combination& combination,
              const TripPlace& place, Element sum) {
  Index at;
  at.point = place.point;
  Element element = combination.Accumulators(e, {e.EmitOperand(reduce, 0, at)})[0];
  if (place.inside != nullptr) {
    element = e.Select(place.inside, element, (*combination.Identity(e))[0]);
  }
  return sum.re == nullptr ? element : combination.Apply(e, reduce, {sum}, {element})[0];
}

// The accumulator of a vector's elements, where `elements` of a place are reduced.
Element OfVector(ElementEmitter& e, const Instruction& reduce, const Combination& combination,
                 Element sum, int elements) {
  if (elements == 1) return sum;
  return CombineVector(e, {e.Broadcast(sum, elements)}, [&](const Elements& a, const Elements& b) {
    return combination.Apply(e, reduce, a, b);
  })[0];
}

}  // namespace

void AccumulateTrip(ElementEmitter& e, const TileReduction& reduction,
                    absl::Span<const TripPlace> trip, int elements, Accumulator& accumulator) {
  accumulator.FinishLoop(e);
  const Elements& old = accumulator.elements();
  Element base;
  for (const TripPlace& place : trip) {
    base = Taken(e, *reduction.instruction, reduction.combination, place, base);
  }
  base = OfVector(e, *reduction.instruction, reduction.combination, base, elements);
  if (!old.empty()) {
    base = reduction.combination.Apply(e, *reduction.instruction, {old[0]}, {base})[0];
  }
  Elements next = {base};
  next.resize(reduction.AccumulatorTypes().size());
  if (reduction.counted) {
    const ElementType type = reduction.AccumulatorTypes()[0];
    next.back() = CountOf(e, type, trip, elements);
    if (!old.empty()) next.back() = Combine(e, Opcode::kAdd, type, old.back(), next.back());
  }
  // What is computed of a reference is not what the same instructions are in the end.
  e.Scoped([&] {
    std::vector<Element> sums(reduction.joined.size());
    for (const TripPlace& place : trip) {
      for (size_t j = 0; j < sums.size(); ++j) {
        const JoinedReduction& joined = reduction.joined[j];
        const Instruction& reference = *joined.reference;
        Element element = ReferenceOf(e, reduction, joined, next);
        // A comparison is one of values as they are; a difference may be one of wider ones.
        if (joined.join.rule == JoinRule::kTies) {
          element =
              e.Convert(element, reduction.AccumulatorTypes()[0], reference.shape().element_type());
        }
        e.Provide(reference, e.context().tile->IndexAt(reference, place.point), 0, element);
        sums[j] = Taken(e, *joined.instruction, joined.combination, place, sums[j]);
      }
    }
    for (size_t j = 0; j < sums.size(); ++j) {
      const JoinedReduction& joined = reduction.joined[j];
      next[j + 1] = OfVector(e, *joined.instruction, joined.combination, sums[j], elements);
    }
  });
  for (size_t j = 0; !old.empty() && j < reduction.joined.size(); ++j) {
    const JoinedReduction& joined = reduction.joined[j];
    const Element rebased = RebaseTo(e, reduction, j, old, next);
    next[j + 1] = joined.combination.Apply(e, *joined.instruction, {rebased}, {next[j + 1]})[0];
  }
  accumulator.Replace(e, std::move(next));
}

Elements CombineJoined(ElementEmitter& e, const TileReduction& reduction, const Elements& a,
                       const Elements& b) {
  Elements both(a.size());
  both[0] = reduction.combination.Apply(e, *reduction.instruction, {a[0]}, {b[0]})[0];
  if (reduction.counted) {
    both.back() = Combine(e, Opcode::kAdd, reduction.AccumulatorTypes()[0], a.back(), b.back());
  }
  for (size_t j = 0; j < reduction.joined.size(); ++j) {
    const JoinedReduction& joined = reduction.joined[j];
    const auto rebased = [&](const Elements& side) -> Elements {
      return {RebaseTo(e, reduction, j, side, both)};
    };
    both[j + 1] = joined.combination.Apply(e, *joined.instruction, rebased(a), rebased(b))[0];
  }
  return both;
}

void CombineThreadsJoined(ElementEmitter& e, TileReduction& reduction,
                          const std::function<void(TileReduction&)>& combine_threads) {
  const auto together = [&](const Instruction& instruction, Combination combination,
                            const std::vector<Element>& elements) {
    TileReduction leaf;
    leaf.instruction = &instruction;
    leaf.combination = std::move(combination);
    for (const Element& element : elements) leaf.accumulators.emplace_back(Elements{element});
    combine_threads(leaf);
    std::vector<Element> combined;
    for (const Accumulator& accumulator : leaf.accumulators) {
      combined.push_back(accumulator.elements()[0]);
    }
    return combined;
  };
  std::vector<Elements> own;
  for (Accumulator& accumulator : reduction.accumulators) {
    accumulator.FinishLoop(e);
    own.push_back(accumulator.elements());
  }
  std::vector<Elements> all = own;
  std::vector<Element> leaf(own.size());
  const auto replace = [&](size_t number, const Instruction& instruction,
                           const Combination& combination) {
    leaf = together(instruction, combination, leaf);
    for (size_t i = 0; i < all.size(); ++i) all[i][number] = leaf[i];
  };
  for (size_t i = 0; i < own.size(); ++i) leaf[i] = own[i][0];
  replace(0, *reduction.instruction, reduction.combination);
  if (reduction.counted) {
    for (size_t i = 0; i < own.size(); ++i) leaf[i] = own[i].back();
    Combination sum;
    sum.types = {reduction.AccumulatorTypes()[0]};
    sum.simple = Opcode::kAdd;
    replace(own[0].size() - 1, *reduction.instruction, sum);
  }
  for (size_t j = 0; j < reduction.joined.size(); ++j) {
    for (size_t i = 0; i < own.size(); ++i) leaf[i] = RebaseTo(e, reduction, j, own[i], all[i]);
    replace(j + 1, *reduction.joined[j].instruction, reduction.joined[j].combination);
  }
  for (size_t i = 0; i < all.size(); ++i) {
    reduction.accumulators[i] = Accumulator(std::move(all[i]));
  }
}

void ProvideJoined(ElementEmitter& e, const TileReduction& reduction, const Elements& accumulator,
                   int point) {
  TileSpace& space = *e.context().tile;
  for (size_t j = 0; j < reduction.joined.size(); ++j) {
    const JoinedReduction& joined = reduction.joined[j];
    const Instruction& reference = *joined.reference;
    const ElementType type = joined.join.rule == JoinRule::kTies ? reduction.AccumulatorTypes()[0]
                                                                 : ReferenceType(joined);
    Element final_reference = e.Emit(reference, space.IndexAt(reference, point));
    final_reference.re = e.b().Convert(final_reference.re, type);
    const Element result =
        Rebase(e, reduction, joined, accumulator[j + 1],
               ReferenceOf(e, reduction, joined, accumulator), final_reference, accumulator.back());
    e.Provide(*joined.instruction, space.IndexAt(*joined.instruction, point), 0,
              joined.combination.Finish(e, {result})[0]);
  }
}

}  // namespace ingot::lower
