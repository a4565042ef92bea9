// Plans of scatters whose updates are whole rows: embedding gradients, segment sums of vectors.
//
// A row is what lies at one place of the scattered dimensions, its columns are the owned
// dimensions. A block owns every n-th row, for rows beside each other are often asked for together,
// and a range of columns.  It reads all indices, keeps those of its rows in shared memory, sorts
// them by row without changing their order within one, and adds each row's updates to its operand
// in that order, so that results are the same from run to run.  Where more are found than shared
// memory lists, it does this several times.  A row of many updates is shared by all threads, where
// the combiner is one operation that is not rounded to 16 bits or fewer: each group of threads
// combines a part, and then the parts are combined in order.
#ifndef INGOT_COMPILER_PLAN_SCATTER_ROWS_H_
#define INGOT_COMPILER_PLAN_SCATTER_ROWS_H_

#include <vector>

#include "absl/status/status.h"
#include "compiler/plan/plan.h"
#include "ir/analysis/fusion_info.h"

namespace ingot::plan {

// Of a scatter whose windows cover the owned dimensions whole and have one place in the others.
struct ScatteredRows {
  int64_t rows = 1;
  int64_t columns = 1;
  int64_t indices = 1;
  int64_t last_columns = 1;  // of the last dimension, in which columns lie side by side
};

// Adds a plan for such a scatter on a GPU, where all blocks together read few bytes of indices
// beside the fusion's own.
void ProposeScatterRows(Skeleton skeleton, const Computation& fusion, const FusionInfo& info,
                        const Target& target, Numerics numerics,
                        std::vector<FusionPlan>& candidates);

// Whether a plan from outside is one of this fusion: any rows, columns and lists of a block will
// do.
absl::Status ScatterRowsFit(const FusionPlan& plan, const Computation& fusion,
                            const Target& target);

// More updates than this are many.
inline constexpr int64_t kUpdatesOfThread = 64;

// Threads that share a row, and indices that each thread looks at together.
int ThreadsOfRow(const ScatterRowsPlan& plan);
int64_t IndicesOfThread(const ScatterRowsPlan& plan, int block_threads);

// Of any other instruction: one row of one column.
ScatteredRows RowsOf(const Instruction& scatter);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_SCATTER_ROWS_H_
