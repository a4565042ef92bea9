// Elementary functions as expansions in kernel IR: no libm, no libdevice, the same bits from every
// renderer and the simulator.
#ifndef INGOT_COMPILER_LOWER_MATH_MATH_H_
#define INGOT_COMPILER_LOWER_MATH_MATH_H_

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "compiler/kernel/builder.h"
#include "ir/opcode.h"

namespace ingot::lower {

// Whether EmitMath has a row for `opcode`: exponential, exponential-minus-one, log, log-plus-one,
// sine, cosine, tan, asin, acos, sinh, cosh, asinh, acosh, atanh, tanh, logistic, erf, rsqrt, cbrt;
// power, atan2, remainder (of floats: C's fmod, exact).
bool HasMath(Opcode opcode);

// `opcode` of `operands`, appended at the builder's place.  The operands have one type, f32 or f64,
// scalar or vector; so has the result.  Unimplemented, naming the op and the type, for what has no
// row.  Straight-line code: no branch, no memory, no var.
absl::StatusOr<kernel::Value> EmitMath(kernel::Builder& b, Opcode opcode,
                                       absl::Span<const kernel::Value> operands);

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_MATH_MATH_H_
