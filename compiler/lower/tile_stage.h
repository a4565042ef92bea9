// Inputs that the threads of a tile's block keep in shared memory.
#ifndef INGOT_COMPILER_LOWER_TILE_STAGE_H_
#define INGOT_COMPILER_LOWER_TILE_STAGE_H_

#include "compiler/lower/frame.h"
#include "ir/module.h"

namespace ingot::lower {

// Copies all of a parameter to shared memory, from where frame.emitter reads it from then on:
// behind a barrier, which is the caller's.
void StageInput(Frame& frame, const Instruction& parameter);

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_TILE_STAGE_H_
