// Orders of commands in which little memory is alive.
#ifndef INGOT_PASSES_MEMORY_ORDER_H_
#define INGOT_PASSES_MEMORY_ORDER_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace ingot {

// Commands, numbered in an order in which they may run, and the arrays that they define and read.
struct MemoryGraph {
  struct Command {
    // Numbers, each once.
    std::vector<int> before;  // commands that must have run; those that define what it reads, too
    std::vector<int> defines, reads;  // arrays
    int64_t bytes = 0;                // that it needs for itself while it runs
    bool only_names = false;          // runs nothing: other names for what it reads
  };
  struct Array {
    int64_t bytes = 0;
    bool kept = false;  // alive behind the last command
  };
  std::vector<Command> commands;
  std::vector<Array> arrays;
};

// The most bytes that are alive at one command: an array is from the command that defines it to the
// last that reads it, both included.
int64_t PeakOf(const MemoryGraph& graph, absl::Span<const int> order);

// The order with the least peak among those that follow, the first of equals; O(n log n).
//   - as numbered;
//   - depth first, operands that need most memory beyond what they leave before others (Sethi and
//     Ullman, "The generation of optimal code for arithmetic expressions", 1970);
//   - always the command that leaves least alive, forwards;
//   - likewise, backwards from the last one.
std::vector<int> OrderForMemory(const MemoryGraph& graph);

}  // namespace ingot

#endif  // INGOT_PASSES_MEMORY_ORDER_H_
