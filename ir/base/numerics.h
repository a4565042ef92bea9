// How closely compiled code follows the graph's arithmetic.
#ifndef INGOT_IR_BASE_NUMERICS_H_
#define INGOT_IR_BASE_NUMERICS_H_

#include <cstdint>

namespace ingot {

enum class Numerics : uint8_t {
  // On GPUs: within each operation's bound, by the card's approximate instructions where they keep
  // it.  On hosts as kStrict.
  kDefault,
  // Elementary functions and quotients are the same bits on every target.
  kStrict,
};

}  // namespace ingot

#endif  // INGOT_IR_BASE_NUMERICS_H_
