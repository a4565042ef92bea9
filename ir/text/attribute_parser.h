// The attributes behind an instruction's operands, by name.
#ifndef INGOT_IR_TEXT_ATTRIBUTE_PARSER_H_
#define INGOT_IR_TEXT_ATTRIBUTE_PARSER_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ir/attributes.h"
#include "ir/text/lexer.h"

namespace ingot::text {

// Reads the fields of one attribute struct, in whatever order the text has them.
class FieldReader {
 public:
  explicit FieldReader(Attributes& attributes) : attributes_(attributes) {}

  // The index of the field `name` in the struct, -1 where it has none.
  int IndexOf(absl::string_view name) const;
  // Reads the value of the field `index`; the equals sign is taken.  Each is read at most once: the
  // caller sees to that.
  absl::Status Read(Lexer& lexer, int index);
  // The first field that must be there and was not read; empty when there is none.
  std::string MissingField() const;

 private:
  Attributes& attributes_;
  uint64_t seen_ = 0;  // a bit for each field
};

// Whether some opcode has an attribute of this name, as a field or as a called computation.
bool IsAttributeOfSomeOpcode(absl::string_view name);

// The roles of a convolution's dimensions, "b01f_01io->b01f".  Shared with whoever reads them
// elsewhere.
absl::StatusOr<ConvolutionDimensions> ReadDimLabels(Lexer& lexer);

}  // namespace ingot::text

#endif  // INGOT_IR_TEXT_ATTRIBUTE_PARSER_H_
