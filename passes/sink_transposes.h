#ifndef INGOT_PASSES_SINK_TRANSPOSES_H_
#define INGOT_PASSES_SINK_TRANSPOSES_H_

#include "passes/pass.h"

namespace ingot {

// Moves transposes behind what reads them, until they meet one that undoes them, a reduction that
// takes them in, or an op that needs them.
//
//   %t = f32[8,4] transpose(%x), dimensions={1,0}       %e = f32[4,8] exponential(%x)
//   %e = f32[8,4] exponential(%t)                 ==>   %s = f32[8] reduce(%e, %z), dimensions={0}
//   %s = f32[8] reduce(%e, %z), dimensions={1}
//
// They pass slices, pads, windows and concatenates; elementwise ops whose other operands are
// transposes of the same kind, scalars, iotas, or broadcasts that lie along the other order as
// well; reshapes that put in or leave out dimensions of size 1; and reductions, which then go over
// other dimensions of the same elements.  In which order a reduction takes its elements is its
// plan's choice.  Data movement is what an index map says, so in one kernel it does not matter
// where a transpose stands; between kernels it is an array.
//
// Requires: row-major layouts (normalize-layouts).
absl::StatusOr<bool> SinkTransposes(Module& module, const PassContext& context);

// Whether the op's result has the dimensions of its arrays in their order, so that a transpose
// passes it where all of these are transposed alike.
bool KeepsOrderOfDimensions(const Instruction& instruction);

}  // namespace ingot

#endif  // INGOT_PASSES_SINK_TRANSPOSES_H_
