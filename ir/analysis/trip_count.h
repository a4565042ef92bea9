// How often a loop's body runs, where its counter alone decides.
#ifndef INGOT_IR_ANALYSIS_TRIP_COUNT_H_
#define INGOT_IR_ANALYSIS_TRIP_COUNT_H_

#include <cstdint>
#include <optional>

#include "ir/instruction.h"

namespace ingot {

// The number of times that a while's body runs: its condition compares one integer of its state
// with a constant, its body adds a constant to that integer, and it begins as a constant; all three
// may stand in fusions.  nullopt where the loop is another one, or where the integer would wrap.
std::optional<int64_t> TripCountOf(const Instruction& loop);

}  // namespace ingot

#endif  // INGOT_IR_ANALYSIS_TRIP_COUNT_H_
