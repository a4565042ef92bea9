// The attributes that name called computations: one table for parser and printer.
#ifndef INGOT_IR_TEXT_CALLED_ROLES_H_
#define INGOT_IR_TEXT_CALLED_ROLES_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "ir/opcode.h"

namespace ingot::text {

struct CalledAttribute {
  CalledRoles role;
  absl::string_view name;
  // A list in braces, or one name.
  bool is_list;
  // Attributes of one role with the same alternative belong together: an instruction has those of
  // one alternative.
  int alternative;
};

// In the order of Instruction::called_computations within an alternative.
inline constexpr CalledAttribute kCalledAttributes[] = {
    {CalledRoles::kToApply, "to_apply", false, 0},
    {CalledRoles::kCalls, "calls", false, 0},
    {CalledRoles::kOptionalCalls, "calls", false, 0},
    {CalledRoles::kWhile, "condition", false, 0},
    {CalledRoles::kWhile, "body", false, 0},
    {CalledRoles::kBranches, "branch_computations", true, 0},
    {CalledRoles::kBranches, "true_computation", false, 1},
    {CalledRoles::kBranches, "false_computation", false, 1},
    {CalledRoles::kSelectAndScatter, "select", false, 0},
    {CalledRoles::kSelectAndScatter, "scatter", false, 0},
    {CalledRoles::kCalledComputations, "called_computations", true, 0},
    {CalledRoles::kCalledComputations, "to_apply", false, 1},
    {CalledRoles::kCalledComputations, "calls", false, 2},
};

// Whether an instruction must name its computations.
inline bool CallIsRequired(CalledRoles role) {
  return role != CalledRoles::kNone && role != CalledRoles::kOptionalCalls &&
         role != CalledRoles::kCalledComputations;
}

}  // namespace ingot::text

#endif  // INGOT_IR_TEXT_CALLED_ROLES_H_
