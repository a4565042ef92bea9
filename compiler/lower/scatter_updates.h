// Which elements a scatter's updates, by number and column, bring together
// (plan/scatter_updates.h).
#ifndef INGOT_COMPILER_LOWER_SCATTER_UPDATES_H_
#define INGOT_COMPILER_LOWER_SCATTER_UPDATES_H_

#include "compiler/lower/frame.h"
#include "compiler/lower/scatter.h"
#include "compiler/plan/scatter_updates.h"

namespace ingot::lower {

// Numbers of updates, rows and columns are of the plan's index type; keys are rows as s32, or
// `none()` of an update that is left out.
class ScatterUpdates {
 public:
  explicit ScatterUpdates(Frame& frame);

  const plan::ScatterUpdatesPlan& plan() const { return plan_; }
  const plan::ScatterSpace& space() const { return space_; }
  const plan::ScatterCombiner& combiner() const { return combiner_; }
  const ScatterPlaces& places() const { return places_; }
  int count() const { return places_.count(); }
  ElementType TypeOf(int operand) const { return places_.OperandShape(operand).element_type(); }
  kernel::Buffer* Scratch(int number) const { return frame_.memory.scratch[number]; }
  const plan::ScatterScratch& scratch() const { return scratch_; }

  // Updates outside of the operand have the row behind the last one where they must lie apart from
  // others, else -1.
  int64_t none() const {
    return plan_.levels > 0 && !combiner_.regroups ? space_.rows : int64_t{-1};
  }
  kernel::Value IsRow(kernel::Value key) const;
  kernel::Value KeyOf(kernel::Value number) const;
  // Loads what KeyOf(number) asks for, which is then there.
  void LoadIndices(kernel::Value number) const;

  // The elements of an update from `column` on: the plan's lanes.
  Elements UpdatesAt(kernel::Value number, kernel::Value column) const;
  // Of operands and results.
  Index OperandAt(kernel::Value row, kernel::Value column) const;
  // What is there before the updates, which is read there or computed.
  Elements Old(const Index& at) const;
  void Store(const Index& at, const Elements& values) const;
  // Old() and the updates.
  void Apply(kernel::Value key, kernel::Value column, const Elements& updates) const;

 private:
  // The window's dimensions that no index moves, from the column on; of batching ones, the row's.
  Index Owned(kernel::Value column, const std::vector<kernel::Value>& row) const;

  Frame& frame_;
  kernel::Builder& b_;
  ElementEmitter& e_;
  IndexMath& math_;
  const plan::ScatterUpdatesPlan& plan_;
  const plan::ScatterSpace space_;
  const plan::ScatterCombiner combiner_;
  const plan::ScatterScratch scratch_;
  const ScatterPlaces places_;
};

// The stages that sort, the one that combines what is sorted, and those that sum by tiles.
void LowerScatterSort(Frame& frame);
void LowerScatterCombine(Frame& frame);
void LowerScatterSums(Frame& frame);

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_SCATTER_UPDATES_H_
