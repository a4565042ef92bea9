// Elementwise operations on elements.
#ifndef INGOT_COMPILER_LOWER_SCALAR_H_
#define INGOT_COMPILER_LOWER_SCALAR_H_

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "compiler/kernel/builder.h"
#include "compiler/lower/emitter.h"
#include "compiler/lower/math/math.h"
#include "compiler/plan/analysis.h"
#include "ir/opcode.h"

namespace ingot::lower {

using plan::ComputeType;

// `opcode` of operands that all have the compute type `type` (not complex) and the same lanes: a
// row of scalar.cc or of lower/math.
absl::StatusOr<kernel::Value> EmitRealScalar(kernel::Builder& b, Opcode opcode, ElementType type,
                                             absl::Span<const kernel::Value> operands,
                                             const MathOptions& options = {});

// The same for complex operands; abs, real and imag give a real element.
absl::StatusOr<Element> EmitComplexScalar(kernel::Builder& b, Opcode opcode,
                                          absl::Span<const Element> operands);

// The bits of an element of at most 64 bits, as an unsigned integer of at least 8; and the element
// of `type` with the low bits of an unsigned integer.
kernel::Value BitsOf(kernel::Builder& b, kernel::Value value);
kernel::Value FromBits(kernel::Builder& b, kernel::Value bits, ElementType type);

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_SCALAR_H_
