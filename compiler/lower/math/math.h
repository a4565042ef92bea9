// Elementary functions as expansions in kernel IR: no libm, no libdevice, the same bits from every
// renderer and the simulator.
#ifndef INGOT_COMPILER_LOWER_MATH_MATH_H_
#define INGOT_COMPILER_LOWER_MATH_MATH_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "compiler/kernel/builder.h"
#include "ir/base/element_type.h"
#include "ir/opcode.h"

namespace ingot::lower {

// Whether EmitMath has a row for `opcode`: exponential, exponential-minus-one, log, log-plus-one,
// sine, cosine, tan, asin, acos, sinh, cosh, asinh, acosh, atanh, tanh, logistic, erf, rsqrt, cbrt;
// power, atan2, remainder (of floats: C's fmod, exact).
bool HasMath(Opcode opcode);

// `opcode` of `operands`, appended at the builder's place.  The operands have one type, f32 or f64,
// scalar or vector; so has the result.  Unimplemented, naming the op and the type, for what has no
// row.  Straight-line code, but for one branch of sine, cosine and tan, which large operands take.
absl::StatusOr<kernel::Value> EmitMath(kernel::Builder& b, Opcode opcode,
                                       absl::Span<const kernel::Value> operands);

// ----- The second expansions

// Which expansions are taken.
enum class Approximation : uint8_t {
  kNone,     // EmitMath's, and IEEE division: the same bits on every target
  kShorter,  // EmitShorter's where it has a row: within the bounds of FastRow, and other bits
  kFast,     // EmitFast's where it has a row: likewise, with instructions of GPUs
};

struct MathOptions {
  Approximation approximation = Approximation::kNone;
  // bf16 or f16: the result is rounded to that type at once, and the operands of a division are
  // values of it.  f32 otherwise.
  ElementType rounded_to = ElementType::kF32;
  // Not all digits of an f32 result are seen: it may be FastRow::loose_ulp off.
  bool loose = false;
  // 1 or -1: the result is seen only as a sum with it.
  int shift = 0;
};

// The second expansion of `opcode` of an f32 operand that any target can do: exponential, log,
// log-plus-one, sine, cosine; nullptr for others.
kernel::Value EmitShorter(kernel::Builder& b, Opcode opcode,
                          absl::Span<const kernel::Value> operands);

// `opcode` of f32 operands in fewer instructions, as EmitMath appends it; nullptr where there is no
// second expansion.  Of f32: exponential, logistic, log, log-plus-one, sine, cosine, tanh, rsqrt,
// sqrt, within FastRow::ulp_f32.  Where rounded_to is narrower also divide; the bounds then are of
// the rounded result, half a unit and a little more.  `loose` allows a few units of f32.  Rows that
// approximate are for GPUs only.
kernel::Value EmitFast(kernel::Builder& b, Opcode opcode, absl::Span<const kernel::Value> operands,
                       ElementType rounded_to, bool loose = false);

// tanh x of f32 operands, for who adds `shift`, 1 or -1, to it: the sum is within 12 units in the
// last place of shift + tanh x, and 2^-25.  For GPUs only.
kernel::Value EmitShiftedTanh(kernel::Builder& b, kernel::Value x, int shift);

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_MATH_MATH_H_
