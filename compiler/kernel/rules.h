// The rules of one operation taken alone: how many operands, of which types, which attributes.
// Builder CHECKs them, the parser and the verifier report them.
#ifndef INGOT_COMPILER_KERNEL_RULES_H_
#define INGOT_COMPILER_KERNEL_RULES_H_

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "compiler/kernel/kernel.h"

namespace ingot::kernel {

inline constexpr int kMaxArraySize = 1024;  // elements of a var
inline constexpr int kMaxListSize = 4096;   // values of a static list
inline constexpr int64_t kMaxUnroll = 65536;
inline constexpr int kMaxAlignment = 1024;  // bytes

// An error that begins with the row's name: "add: operands have types f32 and s32, not one".
absl::Status CheckOperation(const Operation& op);

// The type of the result as the operands and attributes give it; None for a row whose type has to
// be stated (convert, bitcast, broadcast, iota, load, leaves, `for`), that has none, or whose
// operands are too few.
Type InferType(Opcode opcode, absl::Span<Operation* const> operands, const Attributes& attributes);
// True for convert, bitcast, broadcast, iota and load: the text form states their type.
bool StatesType(Opcode opcode);

}  // namespace ingot::kernel

#endif  // INGOT_COMPILER_KERNEL_RULES_H_
