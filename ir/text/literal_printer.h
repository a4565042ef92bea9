// Constant values as HLO text.
#ifndef INGOT_IR_TEXT_LITERAL_PRINTER_H_
#define INGOT_IR_TEXT_LITERAL_PRINTER_H_

#include <cstdint>
#include <string>

#include "ir/literal.h"

namespace ingot::text {

// Appends what stands between the parentheses of constant(...).  Arrays of more than
// `max_elements` elements become {...}.
void AppendLiteral(const Literal& literal, int64_t max_elements, std::string& out);

}  // namespace ingot::text

#endif  // INGOT_IR_TEXT_LITERAL_PRINTER_H_
