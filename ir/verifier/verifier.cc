#include "ir/verifier/verifier.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "ir/base/status.h"
#include "ir/infer/infer.h"
#include "ir/verifier/checks.h"

namespace ingot {
namespace verifier {

absl::Status ErrorAt(const Instruction& instruction, absl::string_view message) {
  const Module& module = *instruction.parent()->parent();
  std::string where;
  if (!module.file_name.empty() && instruction.source_line() > 0) {
    where = absl::StrCat(module.file_name, ":", instruction.source_line(), ":",
                         instruction.source_column(), ": ");
  }
  const absl::string_view op = OpcodeName(instruction.opcode());
  const bool says_op = absl::StartsWith(instruction.name(), op);
  return InvalidArgument(where, instruction.name(), says_op ? "" : absl::StrCat(" (", op, ")"),
                         ": ", message);
}

absl::Status CheckShapes(const Computation& computation) {
  for (const Instruction* instruction : computation.instructions()) {
    if (instruction->is_removed()) continue;
    const Shape& stated = instruction->shape();
    if (const absl::Status valid = stated.Validate(); !valid.ok()) {
      return ErrorAt(*instruction, valid.message());
    }
    const absl::StatusOr<Shape> inferred = InferShape(*instruction);
    if (absl::IsUnimplemented(inferred.status())) continue;
    if (!inferred.ok()) return ErrorAt(*instruction, inferred.status().message());
    if (!ShapesAgree(*inferred, stated)) {
      return ErrorAt(*instruction, absl::StrCat("the result is stated as ", stated.ToString(false),
                                                " when it must be ", inferred->ToString(false)));
    }
  }
  return absl::OkStatus();
}

}  // namespace verifier

absl::Status Verify(const Module& module) {
  for (const Computation* computation : module.computations()) {
    INGOT_RETURN_IF_ERROR(verifier::CheckStructure(*computation));
  }
  INGOT_RETURN_IF_ERROR(verifier::CheckCalls(module));
  for (const Computation* computation : module.computations()) {
    INGOT_RETURN_IF_ERROR(verifier::CheckShapes(*computation));
  }
  return verifier::CheckEntry(module);
}

}  // namespace ingot
