// ScatterPlaces: which elements of its operands and updates a scatter brings together.
#ifndef INGOT_COMPILER_LOWER_SCATTER_H_
#define INGOT_COMPILER_LOWER_SCATTER_H_

#include <vector>

#include "compiler/lower/emitter.h"
#include "compiler/plan/analysis.h"

namespace ingot::lower {

// Coordinates are named by what they are of: `owned` and `scattered` dimensions of the operands
// (plan::ScatterDimensions), and the `batch` of indices, whose vector of starts is left out.
class ScatterPlaces {
 public:
  ScatterPlaces(ElementEmitter& e, const Instruction& scatter);

  const Instruction& scatter() const { return scatter_; }
  const ScatterAttributes& attributes() const { return attributes_; }
  const plan::ScatterDimensions& dims() const { return dims_; }
  int count() const { return count_; }  // of the operands, and so of the results
  const Shape& OperandShape(int i) const { return scatter_.operand(i)->shape(); }
  // Sizes of the operands' scattered dimensions.
  const std::vector<int64_t>& scattered_sizes() const { return scattered_sizes_; }

  // Where the window of an index begins, in each scattered dimension: s64.
  std::vector<kernel::Value> Starts(const std::vector<kernel::Value>& batch) const;
  // Loads what Starts asks for, which is then there.
  void LoadStarts(const std::vector<kernel::Value>& batch) const;
  // A window that is not wholly inside is left out as a whole.
  kernel::Value IsInside(const std::vector<kernel::Value>& starts) const;

  // `owned` is an index over the owned dimensions, with its lanes.  Offsets are in the window, of
  // each scattered dimension.
  Index OperandIndex(const Index& owned, const std::vector<kernel::Value>& scattered) const;
  Index UpdateIndex(const Index& owned, const std::vector<kernel::Value>& batch,
                    const std::vector<kernel::Value>& offsets) const;
  kernel::Value OwnedCoordinate(const Index& owned, int64_t operand_dim) const;

  // Operands and updates at their indices, in all lanes; what they come to.
  Elements Operands(const Index& at) const;
  Elements Updates(const Index& at) const;
  Elements Combine(const Elements& old, const Elements& updates) const;

 private:
  // Where the start in scattered dimension d is among the indices.
  Index IndexOfStart(const std::vector<kernel::Value>& batch, int64_t d) const;

  ElementEmitter& e_;
  const Instruction& scatter_;
  const ScatterAttributes& attributes_;
  const int count_;
  const Shape& operand_shape_;
  const Instruction& indices_;
  const Shape& update_shape_;
  const plan::ScatterDimensions dims_;
  const std::vector<int64_t> scattered_sizes_;
};

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_SCATTER_H_
