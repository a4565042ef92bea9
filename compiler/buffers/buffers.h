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
  int64_t lower_bound = 0;       // most bytes alive at once: no plan is smaller
};

// Buffers whose lifetimes meet do not overlap in the arena.  Best fit over the free ranges, in
// order of birth, larger buffers first among those born together: O(n log n), deterministic.  Sizes
// are rounded up to `alignment`, a power of two; a buffer of size 0 gets a place of its own too.
ArenaPlan PlanArena(absl::Span<const Lifetime> lifetimes, int64_t alignment);

}  // namespace ingot::buffers

#endif  // INGOT_COMPILER_BUFFERS_BUFFERS_H_
