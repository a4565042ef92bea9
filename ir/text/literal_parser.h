// Constant values of HLO text.
#ifndef INGOT_IR_TEXT_LITERAL_PARSER_H_
#define INGOT_IR_TEXT_LITERAL_PARSER_H_

#include "absl/status/statusor.h"
#include "ir/base/shape.h"
#include "ir/literal.h"
#include "ir/text/lexer.h"

namespace ingot::text {

// A value of `shape`, which comes from ReadShape.
absl::StatusOr<Literal> ReadLiteral(Lexer& lexer, const Shape& shape);

}  // namespace ingot::text

#endif  // INGOT_IR_TEXT_LITERAL_PARSER_H_
