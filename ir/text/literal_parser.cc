#include "ir/text/literal_parser.h"

#include <utility>
#include <vector>

#include "ir/base/status.h"
#include "ir/text/numbers.h"
#include "ir/text/parser.h"

namespace ingot {
namespace text {
namespace {

// Reads the nested braces of an array, filling its elements in order.
class ArrayReader {
 public:
  ArrayReader(Lexer& lexer, const Shape& shape, absl::Span<std::byte> bytes)
      : lexer_(lexer), shape_(shape), at_(bytes.data()), width_(ByteWidth(shape.element_type())) {}

  // Everything from dimension `d` inwards.  Shapes bound the depth (kMaxRank).
  absl::Status Read(int64_t d) {
    if (d == shape_.rank()) {
      INGOT_RETURN_IF_ERROR(ReadElement(lexer_, shape_.element_type(), at_));
      at_ += width_;
      return absl::OkStatus();
    }
    const size_t start = lexer_.Position();
    INGOT_RETURN_IF_ERROR(lexer_.Expect("{", "before the elements of a literal"));
    int64_t count = 0;
    while (!lexer_.Next("}")) {
      if (count > 0) INGOT_RETURN_IF_ERROR(lexer_.Expect(",", "or '}' in a literal"));
      if (count == shape_.dimension(d)) return WrongLength(start, d, "more");
      INGOT_RETURN_IF_ERROR(Read(d + 1));
      ++count;
    }
    if (count < shape_.dimension(d)) {
      return WrongLength(start, d, absl::StrCat("only ", count));
    }
    return lexer_.Expect("}", "after the elements of a literal");
  }

 private:
  absl::Status WrongLength(size_t start, int64_t d, absl::string_view found) const {
    return lexer_.ErrorAt(start, "the literal of ", shape_.ToString(/*with_layout=*/false),
                          " needs ", shape_.dimension(d), " elements in dimension ", d, ", found ",
                          found);
  }

  Lexer& lexer_;
  const Shape& shape_;
  std::byte* at_;
  size_t width_;
};

absl::StatusOr<Literal> ReadArray(Lexer& lexer, const Shape& shape) {
  const size_t start = lexer.Position();
  for (int64_t size : shape.dimensions()) {
    if (size == kUnboundedSize) {
      return lexer.ErrorAt(start, "a literal of ", shape.ToString(false), " has no size");
    }
  }
  // An element takes a character or more.  Checked before memory is taken for them.
  if (shape.ElementCount() > static_cast<int64_t>(lexer.Remaining())) {
    return lexer.ErrorAt(start, "the literal of ", shape.ToString(false), " needs ",
                         shape.ElementCount(), " elements, and the text has only ",
                         lexer.Remaining(), " characters left");
  }
  INGOT_ASSIGN_OR_RETURN(Literal literal, Literal::Zeros(shape));
  ArrayReader reader(lexer, shape, literal.MutableBytes());
  INGOT_RETURN_IF_ERROR(reader.Read(0));
  return literal;
}

absl::StatusOr<Literal> ReadTuple(Lexer& lexer, const Shape& shape) {
  std::vector<Literal> elements;
  INGOT_RETURN_IF_ERROR(lexer.Expect("(", "before the elements of a tuple"));
  for (const Shape& element : shape.tuple_shapes()) {
    if (!elements.empty()) {
      INGOT_RETURN_IF_ERROR(lexer.Expect(",", "between the elements of a tuple"));
    }
    INGOT_ASSIGN_OR_RETURN(Literal value, ReadLiteral(lexer, element));
    elements.push_back(std::move(value));
  }
  INGOT_RETURN_IF_ERROR(lexer.Expect(")", "after the elements of a tuple"));
  return Literal::Tuple(std::move(elements));
}

}  // namespace

absl::StatusOr<Literal> ReadLiteral(Lexer& lexer, const Shape& shape) {
  const size_t start = lexer.Position();
  if (shape.IsToken() || shape.IsOpaque()) {
    return lexer.ErrorAt(start, "there is no literal of ", shape.ToString());
  }
  if (lexer.Consume("{") && lexer.Consume("...")) {
    INGOT_RETURN_IF_ERROR(lexer.Expect("}", "after '{...'"));
    return Literal::Elided(shape);
  }
  lexer.Rewind(start);
  return shape.IsTuple() ? ReadTuple(lexer, shape) : ReadArray(lexer, shape);
}

}  // namespace text

absl::StatusOr<Literal> ParseLiteral(absl::string_view text, const Shape& shape) {
  INGOT_RETURN_IF_ERROR(shape.Validate());
  text::Lexer lexer(text, "");
  INGOT_ASSIGN_OR_RETURN(Literal literal, text::ReadLiteral(lexer, shape));
  if (!lexer.AtEnd()) return lexer.Expected("nothing after the literal");
  return literal;
}

}  // namespace ingot
