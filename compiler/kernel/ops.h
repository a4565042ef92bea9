// Opcodes and intrinsics: the enumerations and the facts of ops.def and intrinsics.def.
#ifndef INGOT_COMPILER_KERNEL_OPS_H_
#define INGOT_COMPILER_KERNEL_OPS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "compiler/kernel/types.h"

namespace ingot::kernel {

enum class Opcode : uint8_t {
#define INGOT_KERNEL_UNARY(Name, ...) k##Name,
#define INGOT_KERNEL_BINARY(Name, ...) k##Name,
#define INGOT_KERNEL_COMPARE(Name, ...) k##Name,
#define INGOT_KERNEL_HORIZONTAL(Name, ...) k##Name,
#define INGOT_KERNEL_OP(Name, ...) k##Name,
#include "compiler/kernel/ops.def"
};

enum class Intrinsic : uint8_t {
#define INGOT_KERNEL_INTRINSIC(Name, ...) k##Name,
#include "compiler/kernel/intrinsics.def"
};

enum class OpClass : uint8_t {
  kUnary,
  kBinary,
  kCompare,
  kTernary,
  kSelect,
  kConvert,
  kVector,
  kHorizontal,
  kOrigin,
  kId,
  kVar,
  kMemory,
  kControl,
  kIntrinsic,
};

// What an operation does besides giving a value; bits.
enum Effect : uint8_t {
  kPure = 0,
  kReadsVar = 1,
  kWritesVar = 2,
  kReadsMemory = 4,
  kWritesMemory = 8,
  kSynchronizes = 16,  // not to be moved, repeated, removed or merged
  // Intrinsics: the result depends on more than the operands; bytes are written through a tensor
  // map or a global place.
  kReadsState = 32,
  kWritesGlobal = 64,
};

struct OpInfo {
  absl::string_view name;
  OpClass op_class;
  int least_operands;
  int most_operands;
  uint8_t types;  // TypeSet bits
  bool commutative;
  uint8_t effects;  // Effect bits of the operation itself, not of its blocks
};

const OpInfo& InfoOf(Opcode opcode);
absl::string_view NameOf(Opcode opcode);
std::optional<Opcode> OpcodeFromName(absl::string_view name);
// The lane-wise row that a horizontal row folds with: kSumTree → kAdd.
Opcode HorizontalStep(Opcode opcode);

// In least_target: the instruction exists on that architecture only (sm_90a), not on later ones.
inline constexpr int kArchitecture = 1024;

// Integers first, first + step, … up to last.
struct ConstantRange {
  int64_t first = 0;
  int64_t last = 0;
  int64_t step = 1;
};

// One argument of an intrinsic, or its result.
struct IntrinsicArgument {
  enum class Kind : uint8_t {
    kValue,      // an operand of type `type`, or a list of them
    kTyped,      // an operand of the row's free type T
    kImmediate,  // a constant integer in one of `ranges`
    kPlace,      // a buffer in `space`, with an s32 or s64 index operand
    kMap,        // a tensor-map parameter
    kFragment,   // a var that is read and written: registers of type `type`
  };
  Kind kind;
  Type type = Type::None();
  Space space = Space::kGlobal;
  absl::string_view slot = {};  // its name in the template; empty: its number
  // kValue: how many operands; a list stands in braces, even of one.
  bool is_list = false;
  int least_count = 1;
  int most_count = 1;
  bool is_uniform = false;  // kValue, kTyped: the same in all threads of the row's scope
  std::vector<ConstantRange> ranges = {};  // kImmediate
  // kFragment: the var has (constant number `size_constant`) / `size_divisor` elements of `type`.
  int size_constant = 0;
  int size_divisor = 1;

  // Whether it has operands of the operation: a constant, a map and a fragment have none.
  bool HasOperands() const {
    return kind == Kind::kValue || kind == Kind::kTyped || kind == Kind::kPlace;
  }
  bool IsList() const { return kind == Kind::kValue && is_list; }
  bool Allows(int64_t constant) const;  // kImmediate
  // "1 to 15", "8 to 32 or 48 to 256 in steps of 16".
  std::string RangesText() const;
};

struct IntrinsicInfo {
  absl::string_view name;
  std::optional<IntrinsicArgument> result;
  std::vector<IntrinsicArgument> arguments;
  uint8_t types;  // what T may be, TypeSet bits
  Scope scope;
  Scope result_scope;  // the result is the same in all threads of it
  uint8_t effects;
  int least_target;
  absl::string_view ptx;

  // Of `operands` operands, those that belong to argument `i`: one, or, for the list, what the
  // others leave.
  int OperandCount(size_t i, size_t operands) const;
};

const IntrinsicInfo& InfoOf(Intrinsic intrinsic);
std::optional<Intrinsic> IntrinsicFromName(absl::string_view name);

}  // namespace ingot::kernel

#endif  // INGOT_COMPILER_KERNEL_OPS_H_
