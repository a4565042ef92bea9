// Opcodes and what the table opcodes.def says of each.
#ifndef INGOT_IR_OPCODE_H_
#define INGOT_IR_OPCODE_H_

#include <cstdint>
#include <initializer_list>
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
  kMoves = 8,        // the result's elements are those of the one operand, elsewhere
  // Of floats: operands that differ by a rounding give results that do.
  kSmooth = 16,
  // Of numbers: the result is one of the operands, or its negative.
  kPicks = 32,
  // The unit that does it (ir/analysis/op_facts.h), where that is not the ALU: sums and products of
  // floats, divisions and elementary functions, changes of type.
  kFma = 64,
  kSpecial = 128,
  kConversion = 256,
};

// Bits of OpInfo::takes: categories of element types.
enum TakenTypes : uint8_t {
  kTakesPred = 1,
  kTakesSigned = 2,
  kTakesUnsigned = 4,
  kTakesFloats = 8,
  kTakesComplex = 16,
};

// The element type of an elementwise op's result.
enum class Gives : uint8_t {
  kSame,       // the operands'
  kPred,       // whatever the operands' is
  kComponent,  // of complex operands that of a component, otherwise the operands'
  kPair,       // the complex type of two operands
  kOther,      // it is stated, or what a called computation returns
};

inline constexpr int kVariadic = -1;

struct OpInfo {
  absl::string_view name;
  int arity;  // or kVariadic
  OpKind kind;
  CalledRoles calls;
  uint32_t facts;
  // Of elementwise ops.
  uint8_t takes = 0;
  Gives gives = Gives::kOther;
  int16_t operations = 0;
};

namespace opcode_table {

enum : uint8_t {
  P = kTakesPred,
  I = kTakesSigned,
  U = kTakesUnsigned,
  F = kTakesFloats,
  C = kTakesComplex,
};

inline constexpr OpInfo kRows[] = {
#define INGOT_OPCODE(enumerator, text, arity, kind, attributes, calls, facts) \
  {text, arity, OpKind::kind, CalledRoles::calls, facts},
#define INGOT_ELEMENTWISE(Name, text, arity, attributes, calls, takes, gives, operations, facts) \
  {text, arity, OpKind::kElementwise, CalledRoles::calls, facts, takes, Gives::gives, operations},
#include "ir/opcodes.def"
};

}  // namespace opcode_table

constexpr const OpInfo& InfoOf(Opcode opcode) {
  return opcode_table::kRows[static_cast<int>(opcode)];
}
std::optional<Opcode> OpcodeFromName(absl::string_view name);

constexpr absl::string_view OpcodeName(Opcode opcode) { return InfoOf(opcode).name; }
constexpr OpKind KindOf(Opcode opcode) { return InfoOf(opcode).kind; }
constexpr bool IsOneOf(Opcode opcode, std::initializer_list<Opcode> opcodes) {
  for (Opcode other : opcodes) {
    if (other == opcode) return true;
  }
  return false;
}
constexpr bool HasFact(Opcode opcode, OpFact fact) { return (InfoOf(opcode).facts & fact) != 0; }

}  // namespace ingot

#endif  // INGOT_IR_OPCODE_H_
