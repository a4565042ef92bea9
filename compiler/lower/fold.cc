#include "compiler/lower/fold.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "compiler/lower/scalar.h"
#include "ir/base/integers.h"

namespace ingot::lower {

using kernel::Value;

namespace {

// Elements that one accumulator takes in a row before it is added to the next level's: the error of
// a sum grows with the longest chain.
constexpr int64_t kShortestPiece = 512;

// One walk of a box with `lanes` elements a step along the last coordinate, which begins at
// `first` there, its steps dealt out to `threads` of a warp.
class Walk {
 public:
  Walk(ElementEmitter* e, const Fold& fold, int64_t first, int64_t last_extent, int lanes,
       int threads)
      : e_(*e),
        fold_(fold),
        first_(first),
        extents_(fold.extents),
        lanes_(lanes),
        threads_(threads) {
    extents_.back() = last_extent;
    // Steps from each level inwards.
    steps_.assign(extents_.size() + 1, 1);
    for (size_t i = extents_.size(); i-- > 0;) {
      steps_[i] = steps_[i + 1] * (i + 1 == extents_.size()
                                       ? CeilDiv(extents_[i], int64_t{1} * lanes * threads)
                                       : extents_[i]);
    }
    piece_ =
        std::max(kShortestPiece, static_cast<int64_t>(std::sqrt(static_cast<double>(steps_[0]))));
  }

  Elements Run() {
    const std::vector<ElementVar> accumulators = Accumulators();
    Level(0, {}, accumulators);
    return e_.Read(accumulators);
  }

 private:
  std::vector<ElementVar> Accumulators() {
    std::vector<ElementVar> accumulators;
    for (const Element& start : fold_.start) {
      accumulators.push_back(e_.Declare("sum", lanes_ > 1 ? e_.Broadcast(start, lanes_) : start));
    }
    return accumulators;
  }

  // Coordinates from `level` on, the outer ones being `at`.
  void Level(size_t level, const std::vector<Value>& at,
             const std::vector<ElementVar>& accumulators) {
    if (level == extents_.size()) {
      (outside_ ? fold_.step_outside : fold_.step)(accumulators, at, lanes_);
      return;
    }
    const bool last = level + 1 == extents_.size();
    const int64_t begin = last ? first_ : 0;
    const int64_t end = begin + extents_[level];
    const int64_t stride = last ? int64_t{1} * lanes_ * threads_ : 1;
    const auto one = [&](Value i, const std::vector<ElementVar>& into) {
      std::vector<Value> inner = at;
      inner.push_back(i);
      const Value inside = fold_.guard && !outside_ ? fold_.guard(level, inner) : nullptr;
      const auto take = [&] { Level(level + 1, inner, into); };
      if (inside == nullptr) return take();
      if (!fold_.step_outside) return e_.If(inside, take);
      e_.If(inside, take, [&] {
        outside_ = true;
        take();
        outside_ = false;
      });
    };
    // This thread's steps from `first` on.
    const auto steps = [&](Value first, Value until, const std::vector<ElementVar>& into) {
      if (last && threads_ > 1) {
        const Value thread = e_.math().Convert(e_.b().LaneId());
        first = e_.b().Add(first, e_.math().Mul(thread, lanes_));
      }
      e_.For(first, until, stride, [&](Value i) { one(i, into); });
    };
    const Value first_value = e_.math().Const(begin);
    const Value end_value = e_.math().Const(end);
    if (extents_[level] == stride && threads_ == 1) {
      one(first_value, accumulators);
      return;
    }
    if (!fold_.combine || steps_[level] <= piece_) {
      steps(first_value, end_value, accumulators);
      return;
    }
    // Pieces of this coordinate, each with accumulators of its own.
    const int64_t block = std::max<int64_t>(1, piece_ / steps_[level + 1]) * stride;
    e_.For(first_value, end_value, block, [&](Value piece) {
      const std::vector<ElementVar> inner = Accumulators();
      if (block == 1) {
        one(piece, inner);
      } else {
        const Value past = e_.math().Add(piece, block);
        steps(piece, extents_[level] % block == 0 ? past : e_.b().Min(past, end_value), inner);
      }
      e_.Write(accumulators, fold_.combine(e_.Read(accumulators), e_.Read(inner)));
    });
  }

  ElementEmitter& e_;
  const Fold& fold_;
  const int64_t first_;
  std::vector<int64_t> extents_;
  const int lanes_;
  const int threads_;
  std::vector<int64_t> steps_;
  int64_t piece_;
  bool outside_ = false;  // what is being written is for elements that the guard leaves out
};

// Lanes [first, first + count) of a vector.
Value Part(ElementEmitter& e, Value vector, int first, int count) {
  if (count == 1) return e.b().Extract(vector, first);
  std::vector<int> lanes(count);
  for (int i = 0; i < count; ++i) lanes[i] = first + i;
  return e.b().VectorShuffle(vector, vector, std::move(lanes));
}

Element Part(ElementEmitter& e, Element value, int first, int count) {
  return {Part(e, value.re, first, count),
          value.is_complex() ? Part(e, value.im, first, count) : nullptr};
}

// The tree over the lanes: the upper half onto the lower half, until one is left.
Elements CombineLanes(ElementEmitter& e, const Fold& fold, Elements values) {
  for (int lanes = values[0].lanes(); lanes > 1; lanes /= 2) {
    Elements low;
    Elements high;
    for (const Element& value : values) {
      low.push_back(Part(e, value, 0, lanes / 2));
      high.push_back(Part(e, value, lanes / 2, lanes / 2));
    }
    values = fold.combine(low, high);
  }
  return values;
}

// The tree over the threads of a warp: every thread gets the result.
Elements CombineThreads(ElementEmitter& e, const Fold& fold, Elements values) {
  const auto shuffle = [&](Value value, int distance) -> Value {
    if (value == nullptr) return nullptr;
    return e.b().Call(kernel::Intrinsic::kShuffleXor, {value, e.b().Index(distance)});
  };
  for (int distance = fold.threads / 2; distance > 0; distance /= 2) {
    Elements others;
    for (const Element& value : values) {
      others.push_back({shuffle(value.re, distance), shuffle(value.im, distance)});
    }
    values = fold.combine(values, others);
  }
  return values;
}

}  // namespace

Elements RunFold(ElementEmitter& e, const Fold& fold) {
  for (int64_t extent : fold.extents) {
    if (extent == 0) return fold.start;
  }
  if (fold.extents.empty()) {
    Fold point = fold;
    point.extents = {1};
    point.guard = nullptr;
    point.step = [&](const std::vector<ElementVar>& accumulators, const std::vector<Value>&,
                     int lanes) { fold.step(accumulators, {}, lanes); };
    return Walk(&e, point, 0, 1, 1, 1).Run();
  }
  const int64_t last = fold.extents.back();
  const int lanes = fold.combine ? fold.inner_lanes : 1;
  const int threads = fold.combine ? fold.threads : 1;
  const int64_t whole = last / lanes * lanes;
  Elements sum;
  if (lanes > 1 && whole > 0) {
    sum = CombineLanes(e, fold, Walk(&e, fold, 0, whole, lanes, threads).Run());
    if (whole < last) {
      sum = fold.combine(sum, Walk(&e, fold, whole, last - whole, 1, threads).Run());
    }
  } else {
    sum = Walk(&e, fold, 0, last, 1, threads).Run();
  }
  return threads > 1 ? CombineThreads(e, fold, sum) : sum;
}

Element Combine(ElementEmitter& e, Opcode opcode, ElementType type, Element x, Element y) {
  const int lanes = std::max(x.lanes(), y.lanes());
  x = e.Broadcast(x, lanes);
  y = e.Broadcast(y, lanes);
  if (IsComplex(type)) {
    absl::StatusOr<Element> result = EmitComplexScalar(e.b(), opcode, {x, y});
    if (result.ok()) return *result;
    e.context().Fail(result.status());
    return x;
  }
  absl::StatusOr<Value> result = EmitRealScalar(e.b(), opcode, type, {x.re, y.re});
  if (result.ok()) return {*result, nullptr};
  e.context().Fail(result.status());
  return x;
}

Element MultiplyAdd(ElementEmitter& e, ElementType type, Element lhs, Element rhs, Element sum) {
  if (IsFloat(type)) {
    const int lanes = std::max({lhs.lanes(), rhs.lanes(), sum.lanes()});
    return {e.b().Fma(e.Broadcast(lhs, lanes).re, e.Broadcast(rhs, lanes).re,
                      e.Broadcast(sum, lanes).re),
            nullptr};
  }
  return Combine(e, Opcode::kAdd, type, sum, Combine(e, Opcode::kMultiply, type, lhs, rhs));
}

std::optional<Element> IdentityOf(ElementEmitter& e, Opcode opcode, ElementType type) {
  const kernel::Type component = kernel::Type::Scalar(ComponentType(type));
  const auto bits = [&](uint64_t value) {
    return Element{e.b().Constant(component, value), nullptr};
  };
  const uint64_t ones = ~uint64_t{0} >> (64 - BitWidth(component.element));
  const bool is_pred = type == ElementType::kPred;
  const double infinity = std::numeric_limits<double>::infinity();
  // On pred these are or, and.
  if (is_pred && opcode == Opcode::kMaximum) opcode = Opcode::kOr;
  if (is_pred && opcode == Opcode::kAdd) opcode = Opcode::kOr;
  if (is_pred && opcode == Opcode::kMinimum) opcode = Opcode::kAnd;
  if (is_pred && opcode == Opcode::kMultiply) opcode = Opcode::kAnd;
  if (opcode == Opcode::kAdd) return e.FromDouble(type, IsFloat(type) ? -0.0 : 0);
  if (opcode == Opcode::kMultiply) return e.FromDouble(type, 1);
  if (IsComplex(type)) return std::nullopt;
  if (opcode == Opcode::kOr || opcode == Opcode::kXor) return bits(0);
  if (opcode == Opcode::kAnd) return bits(ones);
  if (opcode == Opcode::kMaximum) {
    if (IsFloat(type)) return e.FromDouble(type, -infinity);
    return bits(IsSigned(type) ? ones ^ (ones >> 1) : 0);
  }
  if (opcode == Opcode::kMinimum) {
    if (IsFloat(type)) return e.FromDouble(type, infinity);
    return bits(IsSigned(type) ? ones >> 1 : ones);
  }
  return std::nullopt;
}

}  // namespace ingot::lower
