// Attributes as HLO text.
#ifndef INGOT_IR_TEXT_ATTRIBUTE_PRINTER_H_
#define INGOT_IR_TEXT_ATTRIBUTE_PRINTER_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "ir/attributes.h"
#include "ir/instruction.h"
#include "ir/module.h"

namespace ingot::text {

// `name=value` pairs in the order in which they are printed.
using AttributeList = std::vector<std::pair<std::string, std::string>>;

// Everything behind an instruction's operands.  `annotations`: those of PrintOptions.
AttributeList AttributesOf(const Instruction& instruction, const TextForm& form, bool annotations);

// async-start, async-update and async-done.
inline bool IsAsync(Opcode opcode) {
  return opcode == Opcode::kAsyncStart || opcode == Opcode::kAsyncUpdate ||
         opcode == Opcode::kAsyncDone;
}

// The op that an asynchronous instruction wraps when its text names it (custom-call-start), null
// otherwise.
const Instruction* WrappedInline(const Instruction& instruction);

}  // namespace ingot::text

#endif  // INGOT_IR_TEXT_ATTRIBUTE_PRINTER_H_
