// Plans of concatenates that are nothing else: kernels that each copy some of the operands.
//
// The result is rows of columns, the dimensions before the one that is concatenated and those from
// it on; a piece is an operand's part of each row.  Where pieces are short, a block copies its rows
// of each operand, one range of memory, to shared memory, and stores whole rows from there.  Else
// each element goes where it belongs, in runs as long as a piece.
#ifndef INGOT_COMPILER_PLAN_CONCATENATE_H_
#define INGOT_COMPILER_PLAN_CONCATENATE_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "compiler/plan/plan.h"
#include "ir/analysis/fusion_info.h"

namespace ingot::plan {

// An operand of the root with its columns, in components of complex elements.
struct Piece {
  int64_t parameter;
  int64_t first_column;
  int64_t columns;
};
struct Pieces {
  int64_t rows = 1;
  int64_t columns = 0;
  int64_t width = 1;  // bytes of a column
  std::vector<Piece> list;
};
// Of a fusion whose root is a concatenate of parameters.
Pieces PiecesOf(const Computation& fusion);

// Accesses of a thread that are under way at once.
inline constexpr int64_t kPieceAccesses = 4;
// Where elements go one by one: columns that an access copies, and the blocks of a piece.
int ColumnsOfAccess(const Pieces& pieces, const Piece& piece);
int64_t BlocksOfPiece(const Pieces& pieces, const Piece& piece, int block_threads);

// Where rows are in shared memory: the pieces of the plan, from the first to past the last, that a
// warp copies together.
std::vector<std::pair<int64_t, int64_t>> GroupsOf(const Pieces& pieces,
                                                  const ConcatenatePlan& plan);

// Adds a plan for a concatenate of many parameters, or of narrow ones, on a GPU.
void ProposeConcatenate(Skeleton skeleton, const Computation& fusion, const FusionInfo& info,
                        const Target& target, Numerics numerics,
                        std::vector<FusionPlan>& candidates);

// Whether a plan from outside is the one that there is.
absl::Status ConcatenateFits(const FusionPlan& plan, const Computation& fusion,
                             const Target& target);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_CONCATENATE_H_
