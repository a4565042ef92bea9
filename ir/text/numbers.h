// Numbers of HLO text: as XLA prints them, so that they read back to the same bits.
#ifndef INGOT_IR_TEXT_NUMBERS_H_
#define INGOT_IR_TEXT_NUMBERS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "ir/base/element_type.h"
#include "ir/text/lexer.h"

namespace ingot::text {

// Reads one element of an array of `type` and stores its ByteWidth(type) bytes at `at`.  A value
// out of the type's range is an error.
absl::Status ReadElement(Lexer& lexer, ElementType type, std::byte* at);

// Appends the element of `type` whose bytes stand at `at`.  Floats: %.6g (f32) or %.15g (f64) where
// that reads back to the same value, otherwise as many digits as always do; narrower floats always
// the latter.  nan and -nan, with the mantissa's bits where they are not the quiet NaN's: nan(0x1).
void AppendElement(ElementType type, const std::byte* at, std::string& out);

// The value as AppendElement of f64.
void AppendDouble(double value, std::string& out);

}  // namespace ingot::text

#endif  // INGOT_IR_TEXT_NUMBERS_H_
