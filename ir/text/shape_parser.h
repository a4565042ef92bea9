// Shapes of HLO text.
#ifndef INGOT_IR_TEXT_SHAPE_PARSER_H_
#define INGOT_IR_TEXT_SHAPE_PARSER_H_

#include "absl/status/statusor.h"
#include "ir/base/shape.h"
#include "ir/text/lexer.h"

namespace ingot::text {

// Arrays have at most this many dimensions; the parser refuses more.
inline constexpr int kMaxRank = 64;

// Whether a shape starts at the next token: '(' or a word with '[' behind it.  (An opcode has '('
// behind it.)
bool NextIsShape(Lexer& lexer);

// A shape that Validate()s.
absl::StatusOr<Shape> ReadShape(Lexer& lexer);

}  // namespace ingot::text

#endif  // INGOT_IR_TEXT_SHAPE_PARSER_H_
