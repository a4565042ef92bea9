// Reductions of a tile: accumulators of a thread, and how threads put theirs together.
#ifndef INGOT_COMPILER_LOWER_TILE_REDUCTION_H_
#define INGOT_COMPILER_LOWER_TILE_REDUCTION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/lower/combination.h"
#include "compiler/lower/emitter.h"

namespace ingot::lower {

struct TileReduction;

// The accumulators of one result element (or of one vector of them), a leaf each.
//
// Where the combination has an identity, what is masked is the identity.  Otherwise an accumulator
// may be void, and `valid` says so; null: never void.
class Accumulator {
 public:
  Accumulator() = default;
  Accumulator(Elements elements, kernel::Value valid)
      : elements_(std::move(elements)), valid_(valid) {}

  // Before a loop in which elements are taken: they go into cells.
  void StartLoop(ElementEmitter& e, const TileReduction& reduction, int lanes);
  // Takes elements in, of the accumulators' types; where `inside` is there and false, not.
  void Take(ElementEmitter& e, const TileReduction& reduction, Elements elements,
            kernel::Value inside);
  // After the loop.
  void FinishLoop(ElementEmitter& e);

  // The tree over the lanes of vectors: the upper half onto the lower half, until one is left.
  void CombineVector(ElementEmitter& e, const TileReduction& reduction);
  // The tree over lanes of the warp: with the lane whose number differs by each mask, in turn.
  void CombineLanes(ElementEmitter& e, const TileReduction& reduction,
                    const std::vector<int>& masks);
  // Both together.
  void Merge(ElementEmitter& e, const TileReduction& reduction, const Accumulator& other);

  // With the initial values, of the results' types.
  Elements Result(ElementEmitter& e, const TileReduction& reduction) const;

  const Elements& elements() const { return elements_; }
  kernel::Value valid() const { return valid_; }

 private:
  Elements elements_;  // empty: nothing was taken yet
  kernel::Value valid_ = nullptr;
  std::vector<ElementVar> cells_;
  kernel::Var* valid_cell_ = nullptr;
};

struct TileReduction {
  const Instruction* instruction = nullptr;
  int value = 0;             // its number in the FusionInfo
  int level = 0;             // FusionInfo::LevelOf
  std::vector<int> classes;  // that it ends
  std::vector<int> scratch;  // for each leaf the scratch buffer of its partial results
  Combination combination;
  std::vector<Accumulator> accumulators;  // one for each kept register
};

// The tree over accumulators of neighbours: 0 with 1, 2 with 3, …, until one is left.
Accumulator CombineTree(ElementEmitter& e, const TileReduction& reduction,
                        std::vector<Accumulator> parts);

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_TILE_REDUCTION_H_
