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

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_SCALAR_H_
