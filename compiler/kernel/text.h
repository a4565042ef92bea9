// The text form: what printer.cc writes and parser.cc reads.
//
//   kernel @name(%x: buffer<f32, 4x8, readonly>, %n: s32)
//       grid 4 block 256 shared %s: f32[8] {
//     ...
//   }
//
// README.md has the grammar.  A value without a name that is used once is printed where it is used;
// leaves (constants, ids) always are.
#ifndef INGOT_COMPILER_KERNEL_TEXT_H_
#define INGOT_COMPILER_KERNEL_TEXT_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "compiler/kernel/kernel.h"

namespace ingot::kernel {

// Reads kernels; `file` is for messages: "file:line:col: error: …".  What is returned obeys the
// rules of each row (rules.h), but is not verified (verifier.h).  Kernel::ToString gives back a
// text that was printed, byte for byte.
absl::StatusOr<KernelModule> ParseKernels(absl::string_view text, absl::string_view file);
// Reads a text with one kernel.
absl::StatusOr<std::unique_ptr<Kernel>> ParseKernel(absl::string_view text, absl::string_view file);

// The statement of the kernel's text that `op` stands in, without blocks: "store %y[%0] = %1".
std::string StatementText(const Kernel& kernel, const Operation& op);

// Expressions and blocks nest at most this deep; the parser refuses more, the printer prints no
// deeper expression.
inline constexpr int kMaxTextDepth = 128;

// ----- Shared by the printer and the parser.

// The type that a constant without a suffix has as operand `i` of `op`, given the other operands;
// a constant of another type is printed with its suffix ("1.5:f32").  `is_constant[k]` says that
// operand k is a constant too; the types of those are not looked at.
Type BareConstantType(const Operation& op, size_t i, absl::Span<const bool> is_constant);

// The infix spelling of add, sub, mul and the comparisons ("+", "=="); empty for other rows.
absl::string_view InfixOf(Opcode opcode);
// How tightly an infix row binds: 1 comparison, 2 sum, 3 product.
int InfixPrecedence(Opcode opcode);

}  // namespace ingot::kernel

#endif  // INGOT_COMPILER_KERNEL_TEXT_H_
