// Prints modules as HLO text, character by character as XLA does.
#ifndef INGOT_IR_TEXT_PRINTER_H_
#define INGOT_IR_TEXT_PRINTER_H_

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "ir/literal.h"
#include "ir/module.h"

namespace ingot {

struct PrintOptions {
  // The form; none: Module::text_form, the form that the module was read in.
  std::optional<TextForm> form;
  // Array constants of more elements than this print as {...}, which cannot be read back to a
  // value.
  int64_t max_constant_elements = std::numeric_limits<int64_t>::max();
  // metadata={...}, backend_config={...} and the other attributes that mean nothing to what is
  // computed.
  bool annotations = true;
};

// The short form of JAX's as_hlo_text(), and the long form of XLA's dumps.
TextForm ShortForm();
TextForm LongForm();

std::string ToString(const Module& module, const PrintOptions& options = {});
// `name {` to `}`, without a newline at the end.
std::string ToString(const Computation& computation, const PrintOptions& options = {});
// One line without indentation and without a newline: ROOT add.1 = f32[2]{0} add(a, b)
std::string ToString(const Instruction& instruction, const PrintOptions& options = {});
// What stands between the parentheses of constant(...).
std::string ToString(const Literal& literal, const PrintOptions& options = {});

}  // namespace ingot

#endif  // INGOT_IR_TEXT_PRINTER_H_
