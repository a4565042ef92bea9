// Static indices: which values are known for each iteration of the unrolled loops around them.
#ifndef INGOT_COMPILER_KERNEL_STATIC_INDEX_H_
#define INGOT_COMPILER_KERNEL_STATIC_INDEX_H_

#include <cstdint>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "compiler/kernel/kernel.h"

namespace ingot::kernel {

// The current value of the variable of each unrolled loop (its `for` operation).
using LoopValues = absl::flat_hash_map<const Operation*, int64_t>;

// The value of `index` with the loops at `loops`; nullopt where it is not static: a constant, the
// variable of a loop in `loops`, or an integer operation on such.
std::optional<int64_t> StaticValue(const Operation& index, const LoopValues& loops);

// OK if `index` is static and in 0 … limit - 1 for every iteration of the unrolled loops that it
// depends on.
absl::Status CheckStaticIndex(const Operation& index, int64_t limit);

}  // namespace ingot::kernel

#endif  // INGOT_COMPILER_KERNEL_STATIC_INDEX_H_
