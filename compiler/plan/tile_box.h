// Tile plans of fusions whose arrays have the classes of the space in different orders, with short
// runs of memory that are the same: a block copies a box of several classes to shared memory along
// each input's memory, and walks it along each result's.
#ifndef INGOT_COMPILER_PLAN_TILE_BOX_H_
#define INGOT_COMPILER_PLAN_TILE_BOX_H_

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "compiler/plan/plan.h"
#include "compiler/plan/tile_deal.h"
#include "ir/analysis/fusion_info.h"

namespace ingot::plan {

// A box as an array has it.  Its elements along the classes of a run lie one behind the other; a
// line is the run of one place of the other classes.  Warps take windows of 32 words of a line,
// the first of which begins at a sector.
struct BoxSide {
  std::vector<int> classes;     // of the array, innermost first
  std::vector<int> run, lines;  // the classes that the box has several places of, likewise
  int64_t length = 1;           // of a run, in elements
  int64_t sector = 1;           // elements of a sector of the narrowest array
  int64_t most_shift = 0;       // elements of its sector before the first of a run, at the most
  int word = 1;                 // elements that a thread takes together, one behind the other
  // Of the lines, `vector` along class `vector_class` are taken together.
  int vector = 1;
  int vector_class = -1;
  int64_t groups = 1;   // of lines
  int64_t windows = 1;  // of a line
  int line_warps = 1;   // warps that share out the groups, and the windows
  int window_warps = 1;
};

// Where shared memory has an input's element: the sum of its places in the box times `strides`, by
// class.  Where `vector` is more than one, the class of stride 1 is taken in vectors by the side
// along whose memory it does not lie.
struct SharedBox {
  std::vector<int64_t> strides = {};
  int vector = 1;
  int vector_class = -1;
  bool along_results = false;  // the class of stride 1 lies along the results' memory
  int64_t elements = 1;
  // BoxSide::word of the input and of the results: elements of fewer than 4 bytes make one.  Words
  // of the input are words of shared memory too, of which the box's first element is number `front`
  // and its row-major number in the array modulo `input_word`.  A word may have elements before or
  // behind its run, for which lines have room between them.
  int input_word = 1, result_word = 1;
  int64_t front = 0;
};

// Of an array whose classes are `classes`, major to minor, with elements of `width` bytes; lines
// are taken one by one.
BoxSide SideOf(const TilePlan& tile, absl::Span<const int> classes, int64_t width, int word = 1);
// How the block walks an input, and the results whose classes are `classes`, major to minor.
BoxSide SideOfInput(const FusionInfo& info, const TilePlan& tile, int input);
BoxSide SideOfResults(const FusionInfo& info, const TilePlan& tile, absl::Span<const int> classes);
SharedBox SharedBoxOf(const FusionInfo& info, const TilePlan& tile, int input);
int64_t BytesOfSharedBox(const FusionInfo& info, const TilePlan& tile, int input);

// Turns that banks of shared memory take for the accesses of a warp, of so many bytes at these
// offsets, and those without conflicts.
std::pair<int64_t, int64_t> BankPasses(absl::Span<const int64_t> offsets, int64_t bytes);

// Elements of so many bytes that are a word.
int WordOf(int64_t width);

// The roots, by number, of each order of classes.
std::vector<std::vector<int>> RootsByOrder(const FusionInfo& info);

// Whether all results have every class of the space, so that they can be walked in boxes.
bool HasBoxedResults(const FusionInfo& info);
// Whether a box can have the input.
bool CanBeBoxed(const FusionInfo& info, int input);
// The inputs that lie otherwise than some result; none where boxes of two classes, or none at all,
// serve as well.
std::vector<int> BoxedInputs(const FusionInfo& info);

// Whether the boxes of a plan from outside are what lowering relies on.
absl::Status BoxFits(const FusionInfo& info, const TilePlan& tile);

// A deal of boxes for a fusion without reductions; none where no box fits shared memory.
std::optional<TileDeal> DealBox(const FusionInfo& info, const Target& target,
                                const std::vector<int>& order, const std::vector<int>& boxed);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_TILE_BOX_H_
