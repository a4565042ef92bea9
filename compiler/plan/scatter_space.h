// What a scatter is, whatever kernels do it: rows and columns, and whether updates need an order.
#ifndef INGOT_COMPILER_PLAN_SCATTER_SPACE_H_
#define INGOT_COMPILER_PLAN_SCATTER_SPACE_H_

#include <cstdint>
#include <vector>

#include "compiler/plan/analysis.h"
#include "ir/module.h"

namespace ingot::plan {

// The elements of a scatter's operand as rows and columns, and of its updates as numbers and
// columns.
struct ScatterSpace {
  ScatterDimensions dims;
  // The operand's scattered and batching dimensions: their places, row-major, are the rows.
  std::vector<int64_t> row_dims, row_sizes;
  // The others, of which a window has the first places: the columns.
  std::vector<int64_t> column_dims, column_sizes;
  // Of updates: the indices' dimensions, then the window's along scattered dimensions.
  std::vector<int64_t> update_sizes;
  int64_t rows = 1;
  int64_t columns = 1;
  int64_t updates = 1;
};
ScatterSpace ScatterSpaceOf(const Instruction& scatter);

// How updates are applied: each by itself, or combined with each other first.
struct ScatterCombiner {
  // Of each operand: the commutative op of the old value and the update; kParameter: the update is
  // the new value.  Empty where the combiner is anything else.
  std::vector<Opcode> ops;
  bool regroups = false;  // updates of an element may be combined with each other first
  bool is_atomic = false;
  // No element has two updates.
  bool is_unique = false;

  bool NeedsOrder() const { return !is_atomic && !is_unique; }
};
ScatterCombiner ScatterCombinerOf(const Instruction& scatter);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_SCATTER_SPACE_H_
