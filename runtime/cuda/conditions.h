// Loops and conditionals that the card decides: conditional nodes of a graph.
#ifndef INGOT_RUNTIME_CUDA_CONDITIONS_H_
#define INGOT_RUNTIME_CUDA_CONDITIONS_H_

#include <string>

#include "runtime/cuda/driver.h"
#include "runtime/program.h"

namespace ingot::runtime::cuda {

// A kernel of one thread that gives a conditional node's handle its value:
//   set_condition(handle: u64, at: u64, last: s32)
// A negative `last`: whether the byte at `at` is not zero.  Else the s32 there, or `last` where it
// is not in [0, last].
//
// PTX, which the driver assembles.  It calls cudaGraphSetConditional, which no code of ours or the
// toolkit's has to define: ptxas leaves the name undefined in a finished cubin, and the driver puts
// its own function there when it loads the module.
extern const char kSetConditionPtx[];
inline constexpr char kSetCondition[] = "set_condition";

// Whether there are loops or conditionals for which somebody has to look at the card's memory:
// loops whose trip count is known are none.
bool HasDecisions(const Program& program);

// Why the driver knows no conditional nodes of the kinds that the program needs; empty: it does.
std::string WhyHostDecides(const Program& program, const Driver& driver);

}  // namespace ingot::runtime::cuda

#endif  // INGOT_RUNTIME_CUDA_CONDITIONS_H_
