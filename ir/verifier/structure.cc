// One computation as a graph: operands, users, order, names, parameters.
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "ir/base/status.h"
#include "ir/verifier/checks.h"

namespace ingot::verifier {
namespace {

// Where each instruction stands in the computation's order.
using Positions = absl::flat_hash_map<const Instruction*, int32_t>;

absl::StatusOr<Positions> PositionsOf(const Computation& computation) {
  Positions positions;
  positions.reserve(computation.instructions().size());
  for (const Instruction* instruction : computation.instructions()) {
    if (instruction->is_removed()) continue;
    INGOT_REQUIRE(instruction->parent() == &computation, "computation ", computation.name(),
                  " holds ", instruction->name(), ", which belongs to another");
    const int32_t position = static_cast<int32_t>(positions.size());
    if (!positions.emplace(instruction, position).second) {
      return ErrorAt(*instruction, "stands twice in its computation");
    }
  }
  return positions;
}

// `used` is of this computation and stands before `user`.
absl::Status CheckUse(const Instruction& user, const Instruction* used, absl::string_view role,
                      const Positions& positions, int32_t position) {
  if (used == nullptr) return ErrorAt(user, absl::StrCat(role, " is missing"));
  const auto it = positions.find(used);
  if (it == positions.end()) {
    return ErrorAt(user, absl::StrCat(role, " ", used->name(),
                                      used->is_removed() ? " has been removed"
                                                         : " is of another computation"));
  }
  if (it->second < position) return absl::OkStatus();
  return ErrorAt(user, absl::StrCat(role, " ", used->name(), " does not come before it"));
}

absl::Status CheckOrder(const Computation& computation, const Positions& positions) {
  int32_t position = 0;
  for (const Instruction* instruction : computation.instructions()) {
    if (instruction->is_removed()) continue;
    for (const Instruction* operand : instruction->operands()) {
      INGOT_RETURN_IF_ERROR(CheckUse(*instruction, operand, "operand", positions, position));
    }
    for (const Instruction* predecessor : instruction->control_predecessors()) {
      INGOT_RETURN_IF_ERROR(
          CheckUse(*instruction, predecessor, "control predecessor", positions, position));
    }
    ++position;
  }
  return absl::OkStatus();
}

// users() against the operands, in one sweep over each: the users that the operands tell of are
// listed for each value, then ticked off.
absl::Status CheckUsers(const Computation& computation, const Positions& positions) {
  std::vector<std::vector<int32_t>> expected(positions.size());
  int32_t user = 0;
  for (const Instruction* instruction : computation.instructions()) {
    if (instruction->is_removed()) continue;
    for (const Instruction* operand : instruction->operands()) {
      std::vector<int32_t>& users = expected[positions.at(operand)];
      if (users.empty() || users.back() != user) users.push_back(user);
    }
    ++user;
  }
  std::vector<int32_t> value_of(positions.size(), -1);  // the value whose user awaits its tick
  int32_t value = 0;
  for (const Instruction* instruction : computation.instructions()) {
    if (instruction->is_removed()) continue;
    for (int32_t expected_user : expected[value]) value_of[expected_user] = value;
    for (const Instruction* listed : instruction->users()) {
      const auto it = positions.find(listed);
      if (it == positions.end() || value_of[it->second] != value) {
        return ErrorAt(*instruction, "lists a user that does not use it, or one twice");
      }
      value_of[it->second] = -1;
    }
    if (instruction->users().size() != expected[value].size()) {
      return ErrorAt(*instruction, absl::StrCat("lists ", instruction->users().size(),
                                                " users when it has ", expected[value].size()));
    }
    ++value;
  }
  return absl::OkStatus();
}

absl::Status CheckParameters(const Computation& computation) {
  int64_t count = 0;
  for (const Instruction* instruction : computation.instructions()) {
    if (instruction->is_removed()) continue;
    count += instruction->opcode() == Opcode::kParameter ? 1 : 0;
  }
  const std::vector<Instruction*>& parameters = computation.parameters();
  INGOT_REQUIRE(count == static_cast<int64_t>(parameters.size()), "computation ",
                computation.name(), " lists ", parameters.size(), " parameters when it has ",
                count);
  for (int64_t i = 0; i < count; ++i) {
    const Instruction& parameter = *parameters[i];
    if (parameter.opcode() != Opcode::kParameter || parameter.is_removed() ||
        parameter.parent() != &computation) {
      return ErrorAt(parameter, "is listed as a parameter");
    }
    if (parameter.parameter_number() != i) {
      return ErrorAt(parameter, absl::StrCat("has number ", parameter.parameter_number(),
                                             " when the next of ", count, " parameters is ", i));
    }
  }
  return absl::OkStatus();
}

int64_t PrecisionsOf(const Attributes& attributes) {
  return std::visit(
      [](const auto& own) -> int64_t {
        if constexpr (requires { own.operand_precision; }) {
          return static_cast<int64_t>(own.operand_precision.size());
        } else {
          return 0;
        }
      },
      attributes);
}

// (V6), and that the attributes are the opcode's: all_attributes() lets anyone write others.
absl::Status CheckAttributes(const Instruction& instruction) {
  const Attributes& attributes = instruction.all_attributes();
  if (attributes.index() != DefaultAttributes(instruction.opcode()).index()) {
    return ErrorAt(instruction, "has the attributes of another op");
  }
  const int64_t precisions = PrecisionsOf(attributes);
  if (precisions > instruction.operand_count()) {
    return ErrorAt(instruction,
                   absl::StrCat("operand_precision has ", precisions, " entries when there are ",
                                instruction.operand_count(), " operands"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckStructure(const Computation& computation) {
  INGOT_ASSIGN_OR_RETURN(const Positions positions, PositionsOf(computation));
  INGOT_REQUIRE(computation.root() != nullptr, "computation ", computation.name(), " has no root");
  INGOT_REQUIRE(positions.contains(computation.root()), "the root of computation ",
                computation.name(), " is not one of its instructions");
  absl::flat_hash_set<absl::string_view> names;
  names.reserve(positions.size());
  for (const Instruction* instruction : computation.instructions()) {
    if (instruction->is_removed()) continue;
    if (!names.insert(instruction->name()).second) {
      return ErrorAt(*instruction, "another instruction of its computation has this name");
    }
    INGOT_RETURN_IF_ERROR(CheckAttributes(*instruction));
  }
  INGOT_RETURN_IF_ERROR(CheckOrder(computation, positions));
  INGOT_RETURN_IF_ERROR(CheckUsers(computation, positions));
  return CheckParameters(computation);
}

}  // namespace ingot::verifier
