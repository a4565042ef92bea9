// Calls between computations, once all are read.
#ifndef INGOT_IR_TEXT_LINK_H_
#define INGOT_IR_TEXT_LINK_H_

#include "absl/status/status.h"
#include "ir/text/module_parser.h"

namespace ingot::text {

// Sets the called computations of every call site.  A name that no computation has is an error, and
// so are recursion and calls that nest deeper than kMaxCallDepth.
absl::Status LinkCalls(ParseState& state);

}  // namespace ingot::text

#endif  // INGOT_IR_TEXT_LINK_H_
