// Fold: accumulation over a box of coordinates; reductions, windows and contractions are folds.
#ifndef INGOT_COMPILER_LOWER_FOLD_H_
#define INGOT_COMPILER_LOWER_FOLD_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "compiler/lower/emitter.h"

namespace ingot::lower {

struct Fold {
  std::vector<int64_t> extents;  // of the box; walked in row-major order
  Elements start;                // of the accumulators
  // `start` is an identity of `combine`, and the order of combinations is ours to choose: long
  // folds are cut into pieces, so that rounding errors do not add up, and inner_lanes may be used.
  std::function<Elements(const Elements& a, const Elements& b)> combine;
  // The last coordinate is walked that many at a time: `at` is lane 0's.
  int inner_lanes = 1;
  // Threads of a warp that come here together share the last coordinate; each has the result.
  int threads = 1;
  // What the plan says of `instruction`, whose accumulation this is; `lanes` are computed at once.
  void Follow(const plan::InstructionPlan& plan, int lanes) {
    if (lanes > 1) return;
    inner_lanes = plan.width;
    threads = plan.threads;
  }

  // Takes the element at `at`, or the `lanes` elements from there along the last coordinate, into
  // the accumulators.
  std::function<void(const std::vector<ElementVar>& accumulators,
                     const std::vector<kernel::Value>& at, int lanes)>
      step;
  // Whether any element with the coordinates at[0 … level] takes part; nullptr: all of them.
  std::function<kernel::Value(size_t level, const std::vector<kernel::Value>& at)> guard;
  // As `step`, for the elements that `guard` leaves out; nullptr: nothing is taken of them.
  decltype(step) step_outside = nullptr;
};

// The accumulators after the whole box.
Elements RunFold(ElementEmitter& e, const Fold& fold);

// x op y for a commutative op, of elements of a compute type.
Element Combine(ElementEmitter& e, Opcode opcode, ElementType type, Element x, Element y);

// sum + lhs * rhs: one rounding on real floats.
Element MultiplyAdd(ElementEmitter& e, ElementType type, Element lhs, Element rhs, Element sum);

// What leaves every element of the compute type as it is; nullopt where Combine has none.
std::optional<Element> IdentityOf(ElementEmitter& e, Opcode opcode, ElementType type);

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_FOLD_H_
