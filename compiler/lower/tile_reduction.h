// Reductions of a tile: accumulators of a thread, and how threads put theirs together.
#ifndef INGOT_COMPILER_LOWER_TILE_REDUCTION_H_
#define INGOT_COMPILER_LOWER_TILE_REDUCTION_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "compiler/lower/combination.h"
#include "compiler/lower/emitter.h"
#include "compiler/plan/joins.h"
#include "compiler/plan/pass_levels.h"

namespace ingot::lower {

struct TileReduction;

// The accumulators of one result element (or of one vector of them), a leaf each.
//
// Where the combination has an identity, what is masked is the identity.  Otherwise an accumulator
// may be void, and `valid` says so; null: never void.
class Accumulator {
 public:
  Accumulator() = default;
  explicit Accumulator(Elements elements, kernel::Value valid = nullptr)
      : elements_(std::move(elements)), valid_(valid) {}

  // Before a loop in which elements are taken: they go into cells.
  void StartLoop(ElementEmitter& e, const TileReduction& reduction, int lanes);
  // Takes elements in, of the accumulators' types; where `inside` is there and false, not.
  void Take(ElementEmitter& e, const TileReduction& reduction, Elements elements,
            kernel::Value inside);
  // The same of the product of two, which is not rounded before it is added.
  void TakeProduct(ElementEmitter& e, const TileReduction& reduction, Element lhs, Element rhs,
                   kernel::Value inside);
  // The same of one lane after the other, into an accumulator of one lane.
  void TakeProductOfLanes(ElementEmitter& e, const TileReduction& reduction, Element lhs,
                          Element rhs, kernel::Value inside);
  // Puts elements, never void, in the place of what was taken.
  void Replace(ElementEmitter& e, Elements elements);
  // After the loop, and within: reads the cells.
  void FinishLoop(ElementEmitter& e);

  // The tree over the lanes of vectors.
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
  void WriteCells(ElementEmitter& e);

  Elements elements_;  // empty: nothing was taken yet
  kernel::Value valid_ = nullptr;
  std::vector<ElementVar> cells_;
  kernel::Var* valid_cell_ = nullptr;
};

// A reduction that is computed with another one, its base.
struct JoinedReduction {
  plan::Join join;
  const Instruction* instruction = nullptr;
  const Instruction* reference = nullptr;  // Join's
  const Instruction* otherwise = nullptr;  // Join's; null: zero
  Combination combination;
};

struct TileReduction {
  const Instruction* instruction = nullptr;
  int value = 0;             // its number in the FusionInfo
  int level = 0;             // PassLevels'
  std::vector<int> classes;  // that it ends
  std::vector<int> scratch;  // for each leaf the scratch buffer of its partial results, if any
  Combination combination;
  // The multiply whose products it adds as they are (UnroundedProduct), if there is one.
  const Instruction* product = nullptr;
  // An accumulator has a leaf for each of these too, and one for the count, which is one value for
  // all lanes of a vector.
  std::vector<JoinedReduction> joined;
  bool counted = false;
  std::vector<Accumulator> accumulators;  // one for each kept register
  std::vector<Accumulator> ends;          // likewise, of the ends of aligned rows

  // Of accumulators.
  bool IsCount(size_t leaf) const { return counted && leaf + 1 == scratch.size(); }
  std::vector<ElementType> AccumulatorTypes() const;
  std::optional<Elements> Identity(ElementEmitter& e) const;
  Elements Combine(ElementEmitter& e, const Elements& a, const Elements& b) const;
};

// The reductions of a fusion, joined ones with their bases; without combinations.
std::vector<TileReduction> FindReductions(const FusionInfo& info,
                                          const std::vector<plan::Join>& joins,
                                          const plan::PassLevels& levels);

// TileReduction::product; null where products are rounded before they are added.
const Instruction* ProductOf(ElementEmitter& e, const TileReduction& reduction);

// The lanes of the vectors that a reduction's accumulators are; all of them have as many.
int AccumulatorLanes(const FusionInfo& info, const plan::TilePlan& plan,
                     const TileReduction& reduction, bool parts);
// Elements of a vector that a reduction ends.
int EndedLanes(const plan::TilePlan& plan, const TileReduction& reduction);
// Whether threads hold so many vectors of what is reduced over these classes that they have no
// registers for accumulators of vectors.
bool TakesOneLane(const plan::TilePlan& plan, const std::vector<int>& reduced);

// The tree over the lanes of vectors: the upper half onto the lower half, until one is left.
Elements CombineVector(
    ElementEmitter& e, Elements elements,
    const std::function<Elements(const Elements& low, const Elements& high)>& combine);

// The tree over accumulators of neighbours: 0 with 1, 2 with 3, …, until one is left.
Accumulator CombineTree(ElementEmitter& e, const TileReduction& reduction,
                        std::vector<Accumulator> parts);

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_TILE_REDUCTION_H_
