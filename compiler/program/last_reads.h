// Which fusion reads an array for the last time, so that a result of it may have its memory.
#ifndef INGOT_COMPILER_PROGRAM_LAST_READS_H_
#define INGOT_COMPILER_PROGRAM_LAST_READS_H_

#include <vector>

#include "absl/container/flat_hash_map.h"
#include "ir/module.h"

namespace ingot::program {

using LastReads = absl::flat_hash_map<const Instruction*, std::vector<int>>;

// For fusions of the computation, which run in the order in which they stand: the operands, by
// number and ascending, that are arrays of buffers of their own, which nothing reads behind the
// fusion, and which the fusion has once among its operands.  An array that the computation was
// given, a constant, or one that it leaves behind is none.
LastReads FindLastReads(const Computation& computation);

}  // namespace ingot::program

#endif  // INGOT_COMPILER_PROGRAM_LAST_READS_H_
