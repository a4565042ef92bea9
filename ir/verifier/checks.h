// The parts of Verify.  Only ir/verifier includes this.
#ifndef INGOT_IR_VERIFIER_CHECKS_H_
#define INGOT_IR_VERIFIER_CHECKS_H_

#include "absl/status/status.h"
#include "ir/module.h"

namespace ingot::verifier {

// "FILE:LINE:COLUMN: NAME (OP): `message`", with InvalidArgument; the position where it is known,
// the op where the name does not start with it.
absl::Status ErrorAt(const Instruction& instruction, absl::string_view message);

// (V1) to (V3), (V6) of one computation.
absl::Status CheckStructure(const Computation& computation);
// (V4).  Requires: no instruction is null.
absl::Status CheckCalls(const Module& module);
// (V5) of one computation.  Requires: (V1) to (V4) of the whole module.
absl::Status CheckShapes(const Computation& computation);
// (V7), (V8).  Requires: (V1) to (V5).
absl::Status CheckEntry(const Module& module);

}  // namespace ingot::verifier

#endif  // INGOT_IR_VERIFIER_CHECKS_H_
