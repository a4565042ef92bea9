// Opcodes and what the table opcodes.def says of each.
#ifndef INGOT_IR_OPCODE_H_
#define INGOT_IR_OPCODE_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"

namespace ingot {

enum class Opcode : uint8_t {
#define INGOT_OPCODE(enumerator, ...) enumerator,
#include "ir/opcodes.def"
};

inline constexpr int kOpcodeCount = 0
#define INGOT_OPCODE(...) +1
#include "ir/opcodes.def"
    ;

// The file axis: every aspect (infer, verify, evaluate, plan, lower) has one switch over these, and
// one file for each.
enum class OpKind : uint8_t {
  kElementwise,
  kDataMovement,
  kReduction,
  kContraction,
  kIndexing,
  kSorting,
  kRandom,
  kLinearAlgebra,
  kStructure,
  kControlFlow,
  kCollective,
  kExternal,
};

// Which computations an instruction calls, and under which attribute names.
enum class CalledRoles : uint8_t {
  kNone,
  kToApply,             // to_apply=
  kCalls,               // calls=
  kOptionalCalls,       // calls=, which the short form of async ops leaves out
  kWhile,               // condition=, body=
  kBranches,            // branch_computations={...}, or true_computation=, false_computation=
  kSelectAndScatter,    // select=, scatter=
  kCalledComputations,  // called_computations={...}, to_apply= or calls=; none is required
};

// Bits of OpInfo::facts.
enum OpFact : uint32_t {
  kCommutative = 1,  // f(a, b) = f(b, a)
  kAssociative = 2,  // up to rounding
  kSideEffect = 4,   // must not be removed, duplicated or reordered with its like
};

inline constexpr int kVariadic = -1;

struct OpInfo {
  absl::string_view name;
  int arity;  // or kVariadic
  OpKind kind;
  CalledRoles calls;
  uint32_t facts;
};

const OpInfo& InfoOf(Opcode opcode);
std::optional<Opcode> OpcodeFromName(absl::string_view name);

inline absl::string_view OpcodeName(Opcode opcode) { return InfoOf(opcode).name; }
inline OpKind KindOf(Opcode opcode) { return InfoOf(opcode).kind; }

}  // namespace ingot

#endif  // INGOT_IR_OPCODE_H_
