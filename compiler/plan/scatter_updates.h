// scatter_updates: scatters of any updates on a GPU.  Results begin as the operands (stage copy;
// not where the program makes them so), and then change where there are updates.
//
// Updates that need no order are applied where they go, each by threads of its own (apply):
// integers by atomics, and whatever has at most one update an element.  Where a copy of the result
// fits shared memory, blocks accumulate integers there first.
//
// Others are sorted by the rows that they go to, in the order of their numbers within a row, by
// radix passes (radix_pass.h: clear, count, partition).  Then groups of threads each walk a part of
// the sorted updates (combine): what begins and ends there is combined with the result, and the
// first and the last sum are left for the next level, which does the same with them.  So the order
// of additions depends on the indices alone.  Where a combiner's updates must not be combined with
// each other, who has a row's first update walks all of them.
//
// A scatter that says indices_are_sorted or unique_indices is taken at its word, as XLA does.
#ifndef INGOT_COMPILER_PLAN_SCATTER_UPDATES_H_
#define INGOT_COMPILER_PLAN_SCATTER_UPDATES_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "compiler/plan/plan.h"
#include "compiler/plan/scatter_space.h"
#include "ir/analysis/fusion_info.h"

namespace ingot::plan {

// The numbers of scratch buffers; -1 where there is none.
struct ScatterScratch {
  int keys[2] = {-1, -1};       // s32[updates], the rows: what passes 0, 2, … and 1, 3, … leave
  int payload[2] = {-1, -1};    // [updates], what goes along: elements if staged, else numbers, s32
  int words = -1;               // RadixWords
  int sums = -1;                // [tiles, rows of a part]
  std::vector<int> level_keys;  // s32[entries]; -1 where there is no entry
  std::vector<std::vector<int>> level_values;  // [entries, columns], of each operand
};
ScatterScratch ScatterScratchOf(const ScatterUpdatesPlan& plan, const Instruction& scatter,
                                std::vector<Scratch>* shapes = nullptr);

// Entries that are walked at a level, and groups that walk them; a staged group is a block.
int64_t ScatterEntries(const ScatterUpdatesPlan& plan, int64_t updates, int level);
int64_t ScatterGroups(const ScatterUpdatesPlan& plan, int64_t updates, int level);

// Blocks that one group's columns are spread over.
int64_t ScatterColumnTiles(const ScatterUpdatesPlan& plan, int64_t columns);

// Walkers of a staged block's n entries that its threads left: each has so many, the first time,
// and so on, until one is left.
inline constexpr int kScatterFanIn = 16;

// Threads of a block that copies or applies.
inline constexpr int kScatterThreads = 256;

// Elements of a result that a thread copies.
int ScatterCopyLanes(const Instruction& scatter);

// Adds a plan for a scatter on a GPU, where it takes less time than threads that read all indices.
void ProposeScatterUpdates(Skeleton skeleton, const Computation& fusion, const FusionInfo& info,
                           const Target& target, Numerics numerics,
                           std::vector<FusionPlan>& candidates);

// What there is to choose from, the cheapest first; none where no such plan is there.
std::vector<ScatterUpdatesPlan> ScatterUpdatesWorks(const Computation& fusion,
                                                    const Target& target);
// The kernels of such a plan, whose stage, pass and level say nothing.  It may not fit.
FusionPlan MakeScatterUpdates(const ScatterUpdatesPlan& work, const Computation& fusion,
                              const Target& target);

absl::Status ScatterUpdatesFit(const FusionPlan& plan, const Computation& fusion,
                               const Target& target);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_SCATTER_UPDATES_H_
