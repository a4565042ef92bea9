// Opcodes and intrinsics: the enumerations and the facts of ops.def and intrinsics.def.
#ifndef INGOT_COMPILER_KERNEL_OPS_H_
#define INGOT_COMPILER_KERNEL_OPS_H_

#include <cstdint>
#include <optional>
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

// One argument of an intrinsic, or its result.
struct IntrinsicArgument {
  enum class Kind : uint8_t {
    kValue,      // an operand of type `type`
    kTyped,      // an operand of the row's free type T
    kImmediate,  // a constant integer
    kPlace,      // a buffer in `space`, with an s32 or s64 index operand
  };
  Kind kind;
  Type type = Type::None();
  Space space = Space::kGlobal;
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
};

const IntrinsicInfo& InfoOf(Intrinsic intrinsic);
std::optional<Intrinsic> IntrinsicFromName(absl::string_view name);

}  // namespace ingot::kernel

#endif  // INGOT_COMPILER_KERNEL_OPS_H_
