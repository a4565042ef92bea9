// Copies of a called computation's values in its caller.
#ifndef INGOT_PASSES_INLINE_BODY_H_
#define INGOT_PASSES_INLINE_BODY_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "ir/module.h"

namespace ingot {

// Whether a body of scalars can work on whole arrays: it is elementwise operations and constants.
bool IsElementwiseBody(const Computation& body);

// Adds the values of `body` to `caller`, `arguments` standing for its parameters, and returns the
// root's.  Where `sizes` is given the body IsElementwiseBody, the arguments are arrays of these
// sizes, and so is the result.
Instruction* InlineBody(Computation& caller, const Computation& body,
                        absl::Span<Instruction* const> arguments,
                        const std::vector<int64_t>* sizes = nullptr);

}  // namespace ingot

#endif  // INGOT_PASSES_INLINE_BODY_H_
