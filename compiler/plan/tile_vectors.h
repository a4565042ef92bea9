// What the arrays of a tile plan allow along memory: vectors, aligned rows, asynchronous copies.
#ifndef INGOT_COMPILER_PLAN_TILE_VECTORS_H_
#define INGOT_COMPILER_PLAN_TILE_VECTORS_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "compiler/plan/plan.h"
#include "ir/analysis/fusion_info.h"

namespace ingot::plan {

// Arrays in memory that are read or written at the points of the space, by value number.
std::vector<int> ArraysInSpace(const FusionInfo& info);

// Elements of an input that a thread has at the registers of a trip; saturates.
int64_t HeldElements(const FusionInfo& info, absl::Span<const TileClass> classes, int input);

// The most elements, a power of two, that an access along class `inner` can move of every array
// that has the class, each dimension of it made of whole vectors.
int MostVector(const FusionInfo& info, int inner);

// Whether a thread's vector of the input, dealt out like this, is what one asynchronous copy moves.
bool CopiesAhead(const FusionInfo& info, absl::Span<const TileClass> classes, int input);

// Bytes of an input that a thread copies for a trip, or for a row that rests (TilePlan::rests).
int64_t BytesAhead(const FusionInfo& info, absl::Span<const TileClass> classes, bool rests,
                   int input);

// The inputs that lie along class `inner` and have no other, where some array has rows of it: each
// row reads all of them, as a scale.
std::vector<int> SharedInputs(const FusionInfo& info, int inner);

// The classes of all arrays along class `inner`, of those that have others too if there are some,
// where they are the same and rows can be walked from an aligned element on (TilePlan::aligned);
// else none.  AlignedVector: the most elements, a power of two, that an access of such a row moves;
// 1 where there is no such row.
std::vector<int> AlignedRows(const FusionInfo& info, int inner);
int AlignedVector(const FusionInfo& info, int inner);
// Whole vectors of such a row begin at a multiple of so many elements: at a sector of each array,
// if its elements have two bytes or more.
int64_t RowAlignment(const FusionInfo& info, int inner);
// Elements of such a row that may be in no whole vector.
int64_t MostEnds(const FusionInfo& info, int inner, int vector);

// TilePlan::staged: how an input lies in shared memory.  That of aligned rows lies in as many
// planes as a vector has elements: element c is number c / planes of plane c % planes.  So threads
// whose vectors are neighbours read neighbouring elements, wherever a row begins.
struct StagedLayout {
  int64_t planes = 1;
  int64_t elements = 0;  // of a plane; no two threads that copy neighbours meet in a bank
};
StagedLayout LayoutOfStaged(const FusionInfo& info, const TilePlan& tile, int input);
// Shared memory that all staged inputs take; saturates.
int64_t StagedBytes(const FusionInfo& info, const TilePlan& tile);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_TILE_VECTORS_H_
