// Algebraic simplification: rows of rules, one table an op kind.
#ifndef INGOT_PASSES_SIMPLIFY_SIMPLIFY_H_
#define INGOT_PASSES_SIMPLIFY_SIMPLIFY_H_

#include "absl/types/span.h"
#include "passes/pass.h"

namespace ingot {

// Replaces an instruction of `opcode` by the value that `apply` returns; null: the rule does not
// match.  New instructions go into the same computation.  The result has the same bits for every
// input, NaNs aside.
struct SimplifyRule {
  Opcode opcode;
  absl::string_view name;
  Instruction* (*apply)(Instruction* instruction);
};

absl::Span<const SimplifyRule> ElementwiseRules();
absl::Span<const SimplifyRule> DataMovementRules();
absl::Span<const SimplifyRule> ComplexPartRules();
absl::Span<const SimplifyRule> ContractionRules();
absl::Span<const SimplifyRule> CounterRules();
absl::Span<const SimplifyRule> IndexingRules();
absl::Span<const SimplifyRule> ReductionRules();
absl::Span<const SimplifyRule> StructureRules();

// The scalar that every element of the value is, behind broadcasts and reshapes; null where none is
// known.
const Instruction* ScalarOf(const Instruction& value);

// Applies the rules to every instruction until none matches.
//
//   %1 = f32[3,2] transpose(%0), dimensions={1,0}
//   ROOT %2 = f32[2,3] transpose(%1), dimensions={1,0}    ==>    ROOT %0
//
// Requires: row-major layouts (normalize-layouts).
absl::StatusOr<bool> Simplify(Module& module, const PassContext& context);

}  // namespace ingot

#endif  // INGOT_PASSES_SIMPLIFY_SIMPLIFY_H_
