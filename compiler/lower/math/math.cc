#include "compiler/lower/math/math.h"

#include "ir/base/status.h"

namespace ingot::lower {

bool HasMath(Opcode) { return false; }

absl::StatusOr<kernel::Value> EmitMath(kernel::Builder&, Opcode opcode,
                                       absl::Span<const kernel::Value>) {
  return Unimplemented(OpcodeName(opcode), ": no row in lower/math");
}

}  // namespace ingot::lower
