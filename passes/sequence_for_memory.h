#ifndef INGOT_PASSES_SEQUENCE_FOR_MEMORY_H_
#define INGOT_PASSES_SEQUENCE_FOR_MEMORY_H_

#include "passes/pass.h"

namespace ingot {

// Orders the instructions of computations that run as commands, so that little memory is alive.
//
//   %a = f32[1000] fusion(%0), …              %a = f32[1000] fusion(%0), …
//   %b = f32[1000] fusion(%1), …       ==>    %c = f32[] fusion(%a), …
//   %c = f32[] fusion(%a), …                  %b = f32[1000] fusion(%1), …
//   %d = f32[] fusion(%b), …                  %d = f32[] fusion(%b), …
//
// The order is kept where no other one that was tried (OrderForMemory) has a smaller peak.  What an
// instruction defines is alive to its last reader; parameters, constants and results of the entry
// take nothing, for they are not in the arena; a loop or a conditional needs the peak of what it
// calls.  Control predecessors stay before, and instructions with side effects in their order.
//
// Requires: the instructions are those that are emitted, in a topological order.
absl::StatusOr<bool> SequenceForMemory(Module& module, const PassContext& context);

}  // namespace ingot

#endif  // INGOT_PASSES_SEQUENCE_FOR_MEMORY_H_
