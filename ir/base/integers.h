// Integer arithmetic of sizes.
#ifndef INGOT_IR_BASE_INTEGERS_H_
#define INGOT_IR_BASE_INTEGERS_H_

#include <cstdint>

namespace ingot {

// a / b rounded up; a >= 0, b > 0, and a + b - 1 does not overflow.
constexpr int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

// The least multiple of `multiple` that is `n` or more; as CeilDiv requires.
constexpr int64_t RoundUp(int64_t n, int64_t multiple) { return CeilDiv(n, multiple) * multiple; }

}  // namespace ingot

#endif  // INGOT_IR_BASE_INTEGERS_H_
