// The PTX that a GPU's renderers write as inline assembly: memory with an order, atomics, and the
// templates of kernel/intrinsics.def.
//
// In a text, $0, $1, … are registers: the result first, then the operands.
#ifndef INGOT_COMPILER_CODEGEN_PTX_INSTRUCTIONS_H_
#define INGOT_COMPILER_CODEGEN_PTX_INSTRUCTIONS_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "compiler/kernel/kernel.h"

namespace ingot::codegen {

// Bytes of shared memory that a block may have without asking at the launch.
inline constexpr int64_t kStaticSharedBytes = 48 * 1024;

// The result or an argument of a row, as it stands in the row's template.
struct TemplateSlot {
  std::string text;             // a register, several in braces, or a constant
  absl::string_view name = {};  // empty: the slot has a number only
  int count = 1;                // of values that a list has
};

// `ptx` with $i replaced by the text of slots[i], $(name) by that of the slot with that name, and
// $#(name) by its count.  (kernel/intrinsics.def)
std::string FillTemplate(absl::string_view ptx, absl::Span<const TemplateSlot> slots);

// A load with an order: "ld.acquire.gpu.global.b32 $0, [$1];".  The result is a register of the
// element's bits; of 16 for a byte.
std::string OrderedLoadText(const kernel::MemoryAttributes& access);
// "st.release.gpu.global.b32 [$0], $1;"
std::string OrderedStoreText(const kernel::MemoryAttributes& access);

// "atom.relaxed.gpu.global.add.u32 $0, [$1], $2;" for a value of `type`, a pair of halves being one
// register of 32 bits; empty where a card of this capability (times 10) has no such instruction,
// and for a compare-exchange.
std::string AtomicText(const kernel::AtomicAttributes& atomic, kernel::Type type, int capability);
// "atom.relaxed.gpu.global.cas.b32 $0, [$1], $2, $3;": place, expected, desired.
std::string CompareExchangeText(const kernel::AtomicAttributes& atomic);

}  // namespace ingot::codegen

#endif  // INGOT_COMPILER_CODEGEN_PTX_INSTRUCTIONS_H_
