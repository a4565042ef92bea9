// Where the buffers of a program lie in its one arena, given when each is alive.
#ifndef INGOT_COMPILER_BUFFERS_BUFFERS_H_
#define INGOT_COMPILER_BUFFERS_BUFFERS_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace ingot::buffers {

// A buffer holds a value from command `first` to command `last`, both included, in the order in
// which commands run.
struct Lifetime {
  int64_t size = 0;  // bytes
  int64_t first = 0;
  int64_t last = 0;
};

struct ArenaPlan {
  std::vector<int64_t> offsets;  // bytes, of each buffer; multiples of the alignment
  int64_t size = 0;              // bytes of the arena
  int64_t peak = 0;              // most bytes alive at once: no plan is smaller
  std::vector<int64_t> at_peak;  // the buffers that are then alive, the largest first
};

// Buffers whose lifetimes meet do not overlap in the arena.  The smaller of two plans: best fit in
// order of birth, and best fit by size (Pisarchyk and Lee, "Efficient memory management for deep
// neural net inference", 2020), of the 4,096 largest buffers at the most, so that time is
// O(n log n).  Deterministic.  Sizes are rounded up to `alignment`, a power of two; a buffer of
// size 0 gets a place of its own too.
ArenaPlan PlanArena(absl::Span<const Lifetime> lifetimes, int64_t alignment);

}  // namespace ingot::buffers

#endif  // INGOT_COMPILER_BUFFERS_BUFFERS_H_
