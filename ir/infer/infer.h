// Shape inference: the result's shape of every operation, and the constraints under which the
// operation means anything.
//
// The constraints stand, numbered, above the function of each op in the file of its kind
// (elementwise.cc, reduction.cc, ...); messages say which value breaks one, with the numbers.
#ifndef INGOT_IR_INFER_INFER_H_
#define INGOT_IR_INFER_INFER_H_

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "ir/attributes.h"
#include "ir/base/shape.h"
#include "ir/module.h"
#include "ir/opcode.h"

namespace ingot {

// The shape of `opcode` applied to operands of the given shapes, or InvalidArgument when a
// constraint of the op does not hold.  `attributes` is the struct that opcodes.def names (CHECKed);
// `called` are the called computations in the order of Instruction::called_computations.  The
// message does not say the op's name: the caller knows where it stands.
//
// The result of some ops does not follow from their operands: it is wholly free (parameter,
// custom-call, rng), or in its dimensions (broadcast, reshape, iota), or in its element type
// (convert, dot with a wider accumulator).  Then `stated`, the shape that the text or the caller
// gives, is checked against the constraints and returned.  Where it is null, ops with a usual
// choice take it (dot: the operands' type) and the others are an error that says so.  Ops whose
// result does follow ignore `stated`: the caller compares (ShapesAgree).
//
// Arrays that an op computes come without a layout; values that pass through (tuple,
// get-tuple-element, while, call, ...) keep theirs.  Implicit broadcasts that HLO has: clamp's
// bounds and select's predicate may be scalars.
//
// Unimplemented: operands with an unbounded dimension ("?"), and ops whose rule is not written
// (asynchronous pairs, some collectives, ragged and scaled dot): their stated shape has to be
// trusted.  Any shape and any attribute value is safe to pass: sizes are computed in 128 bits and
// those past 2^62 bytes refused.
absl::StatusOr<Shape> InferShape(Opcode opcode, absl::Span<const Shape* const> operands,
                                 const Attributes& attributes,
                                 absl::Span<const Computation* const> called,
                                 const Shape* stated = nullptr);

// InferShape of an instruction as it stands, its own shape being the stated one.
absl::StatusOr<Shape> InferShape(const Instruction& instruction);
// The same with no shape stated: what the text parser asks where the text leaves a shape out.
absl::StatusOr<Shape> InferUnstatedShape(const Instruction& instruction);

// Same kind, element types and dimensions; layouts and "<=" marks are set aside.
bool ShapesAgree(const Shape& a, const Shape& b);

}  // namespace ingot

#endif  // INGOT_IR_INFER_INFER_H_
