// Pseudo-random inputs for trying and timing programs.
#ifndef INGOT_COMPILER_TOOLS_RANDOM_INPUTS_H_
#define INGOT_COMPILER_TOOLS_RANDOM_INPUTS_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "ir/literal.h"
#include "runtime/program.h"

namespace ingot::tools {

// Floats uniform between -1 and 1 and not zero, integers uniform in [0, Input::index_limit) or,
// where that is not known, in [0, 8), as far as the type goes; pred fair.  Each 8 bytes of an
// input are made from a hash of the seed, the input's number and theirs, so the bits are the same
// for the same seed whatever the target and the number of threads.
absl::StatusOr<std::vector<Literal>> RandomInputs(uint64_t seed,
                                                  absl::Span<const runtime::Input> inputs);

}  // namespace ingot::tools

#endif  // INGOT_COMPILER_TOOLS_RANDOM_INPUTS_H_
