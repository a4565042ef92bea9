// Reads HLO text, in the short form and the long form of XLA's dumps alike.
//
// Errors are InvalidArgument with the message "FILE:LINE:COLUMN: text", the first fault only.  Any
// bytes are safe to pass: nesting is bounded, and nothing is allocated that the text is not long
// enough to fill.
#ifndef INGOT_IR_TEXT_PARSER_H_
#define INGOT_IR_TEXT_PARSER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ir/base/shape.h"
#include "ir/literal.h"
#include "ir/module.h"

namespace ingot {

// The module that `text` says.  `file_name` stands in front of error messages and in
// Module::file_name.  The module remembers its form (Module::text_form), so that printing it gives
// the same text again, up to comments and what XLA itself does not print.
//
// What is checked is what text can get wrong: names, operand counts, attribute names and values,
// literals against their shapes, parameter numbers, recursion.  Whether shapes fit the operations
// is the verifier's matter.  Attributes that no op has are kept as text; those of other ops are
// refused.
absl::StatusOr<std::unique_ptr<Module>> ParseModule(absl::string_view text,
                                                    absl::string_view file_name);

// A shape: f32[8,16]{1,0:T(8,128)}, (s32[], f32[4]), token[].  Nothing may follow it.
absl::StatusOr<Shape> ParseShape(absl::string_view text);

// A value of the given shape as it stands between the parentheses of constant(...): 1.5, {1, 2},
// { { 1, 2 }, { 3, 4 } }, ( 1, {2, 3} ), or {...} for a value left out.  Nothing may follow it.
absl::StatusOr<Literal> ParseLiteral(absl::string_view text, const Shape& shape);

}  // namespace ingot

#endif  // INGOT_IR_TEXT_PARSER_H_
