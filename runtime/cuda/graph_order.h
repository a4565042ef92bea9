// Which commands of a CUDA graph wait for which others.
#ifndef INGOT_RUNTIME_CUDA_GRAPH_ORDER_H_
#define INGOT_RUNTIME_CUDA_GRAPH_ORDER_H_

#include <vector>

#include "absl/types/span.h"
#include "runtime/program.h"

namespace ingot::runtime::cuda {

// At most so many commands run side by side.  A card starts a kernel every few microseconds if each
// waits for the one before it.  Of 146 kernels that depend on nothing (an optimiser's step, 98 of
// them small) an H200 takes 820 us one by one, 580 us in 8 lanes, 2,400 us with no order at all.
inline constexpr int kGraphLanes = 8;

// For each command, in the order of the program, the earlier ones that it waits for, ascending.  A
// loop or conditional touches what the commands of its lists do, and reads what decides.  Two
// commands that touch the same bytes, one of them to write, run one after the other; so do commands
// of one lane, to which each is given in turn.  What follows from other edges is left out.
// Requires: Validate(program), outputs overlap nothing but the input that they are aliased to.  O(n
// log n) for n slices, where memory is used again in few pieces.
std::vector<std::vector<int>> GraphOrder(const Program& program,
                                         absl::Span<const Command* const> commands);

}  // namespace ingot::runtime::cuda

#endif  // INGOT_RUNTIME_CUDA_GRAPH_ORDER_H_
