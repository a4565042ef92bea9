// What becomes of the arrays of a computation: who reads an array for the last time, so that what
// is made there may have its memory, and which results of the computation it is.
#ifndef INGOT_COMPILER_PROGRAM_ARRAY_USES_H_
#define INGOT_COMPILER_PROGRAM_ARRAY_USES_H_

#include <cstdint>
#include <limits>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "compiler/plan/plan.h"
#include "ir/analysis/leaves.h"
#include "ir/module.h"

namespace ingot::program {

// Of each leaf of a computation's result the leaf of its parameters, all counted on, whose memory
// it is to have; -1 where it is to have memory of its own.  Such a parameter may be overwritten
// once nobody reads it any more.  A loop's body has its state's leaf for each result.
using ResultMemories = std::vector<int>;
ResultMemories MemoriesOfState(const Computation& body);

// Instructions run in the order in which they stand, and are named by their positions in it.
class ArrayUses {
 public:
  static constexpr int64_t kNever = -1;
  static constexpr int64_t kAtEnd = std::numeric_limits<int64_t>::max();

  // An array that has memory of its own: what a fusion, a loop or a conditional makes, and
  // parameters that may be overwritten.
  struct Use {
    int64_t last = kNever;  // the last reader, or kAtEnd: it is a result of the computation
    int leaf = 0;           // which leaf of the last reader's operands, all counted on
    bool once = false;      // the last reader has it once among them
    // The leaves of the computation's result that it is, or that a loop makes of it in its memory.
    std::vector<int> results;
  };

  ArrayUses(const Computation& computation, const ResultMemories& memories);

  // Null where the leaf has no memory of its own.
  const Use* Of(const Instruction& instruction, int64_t leaf) const;
  int64_t PositionOf(const Instruction& instruction) const { return positions_.at(&instruction); }

  // Whether the loop's body leaves this leaf of its state as it is: it is what the operand has.
  bool IsKept(const Instruction& loop, int leaf) const;

  // Whether a loop may have its state where its operand's leaf is: nobody else reads it then.
  bool MakesInPlace(const Instruction& loop, int leaf) const;

  // The operands that the fusion reads last, by number and ascending.
  absl::Span<const int> LastReadsOf(const Instruction& fusion) const;
  // Results of the fusion that are to be where such operands are.
  std::vector<plan::InPlacePair> PairsOf(const Instruction& fusion) const;

 private:
  static constexpr int kNotOwn = -1;

  void CollectReads(const Computation& computation, const ResultMemories& memories);
  void CollectResults(const Computation& computation);

  std::vector<Use> uses_;  // by array
  LeafValues<int> arrays_;
  LeafBegins begins_;
  std::vector<int> memory_of_result_;  // by leaf of the result: the array that is there at first
  absl::flat_hash_map<const Instruction*, int64_t> positions_;
  absl::flat_hash_map<const Instruction*, std::vector<bool>> kept_;  // of loops
  absl::flat_hash_map<const Instruction*, std::vector<int>> last_reads_;
};

}  // namespace ingot::program

#endif  // INGOT_COMPILER_PROGRAM_ARRAY_USES_H_
