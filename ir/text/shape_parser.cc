#include "ir/text/shape_parser.h"

#include <optional>
#include <utility>
#include <vector>

#include "ir/base/status.h"
#include "ir/text/nearest.h"
#include "ir/text/parser.h"

namespace ingot {
namespace text {
namespace {

struct Dimensions {
  std::vector<int64_t> sizes;
  std::vector<bool> dynamic;
};

// [8,<=16,?]
absl::StatusOr<Dimensions> ReadDimensions(Lexer& lexer) {
  Dimensions result;
  INGOT_RETURN_IF_ERROR(lexer.Expect("[", "before dimensions"));
  if (lexer.Consume("]")) return result;
  do {
    const size_t start = lexer.Position();
    if (lexer.Consume("?")) {
      result.sizes.push_back(kUnboundedSize);
      result.dynamic.push_back(true);
    } else {
      result.dynamic.push_back(lexer.Consume("<="));
      INGOT_ASSIGN_OR_RETURN(const int64_t size, lexer.Integer("the size of a dimension"));
      if (size < 0) {
        return lexer.ErrorAt(start, "dimension ", result.sizes.size(), " has the negative size ",
                             size);
      }
      result.sizes.push_back(size);
    }
    if (result.sizes.size() > kMaxRank) {
      return lexer.ErrorAt(start, "an array has at most ", kMaxRank, " dimensions");
    }
  } while (lexer.Consume(","));
  INGOT_RETURN_IF_ERROR(lexer.Expect("]", "after dimensions"));
  return result;
}

// {1,0:T(8,128)S(1)}, or nothing where the brace is not a layout.
absl::StatusOr<std::optional<Layout>> ReadLayout(Lexer& lexer) {
  const size_t start = lexer.Position();
  if (!lexer.Consume("{")) return std::optional<Layout>();
  const char c = lexer.Peek();
  if (c != ':' && c != '}' && !(c >= '0' && c <= '9')) {
    // A computation's body behind its result shape.
    lexer.Rewind(start);
    return std::optional<Layout>();
  }
  Layout layout;
  if (c != ':' && c != '}') {
    do {
      INGOT_ASSIGN_OR_RETURN(const int64_t dimension, lexer.Integer("a dimension of a layout"));
      layout.minor_to_major.push_back(dimension);
    } while (lexer.Consume(","));
  }
  if (lexer.Consume(":")) {
    INGOT_ASSIGN_OR_RETURN(const absl::string_view extras, lexer.Verbatim("the layout's tiles"));
    layout.extras = std::string(extras);
  }
  INGOT_RETURN_IF_ERROR(lexer.Expect("}", "after a layout"));
  return std::optional<Layout>(std::move(layout));
}

absl::StatusOr<Shape> ReadArray(Lexer& lexer) {
  const size_t start = lexer.Position();
  const absl::string_view name = lexer.PeekWord();
  const std::optional<ElementType> type = ElementTypeFromName(name);
  if (name.empty()) return lexer.Expected("a shape");
  if (!type.has_value() && name != "token" && name != "opaque") {
    return lexer.ErrorAt(start, "unknown element type '", name, "'",
                         DidYouMean(NearestElementType(name)));
  }
  lexer.ConsumeWord(name);
  INGOT_ASSIGN_OR_RETURN(Dimensions dimensions, ReadDimensions(lexer));
  if (!type.has_value()) {
    if (!dimensions.sizes.empty()) return lexer.ErrorAt(start, name, " has no dimensions");
    return name == "token" ? Shape::Token() : Shape::Opaque();
  }
  Shape shape = Shape::Array(*type, std::move(dimensions.sizes));
  for (int64_t i = 0; i < shape.rank(); ++i) shape.set_dynamic(i, dimensions.dynamic[i]);
  INGOT_ASSIGN_OR_RETURN(std::optional<Layout> layout, ReadLayout(lexer));
  shape.set_layout(std::move(layout));
  const absl::Status valid = shape.Validate();
  if (!valid.ok()) return lexer.ErrorAt(start, valid.message());
  return shape;
}

absl::StatusOr<Shape> ReadShapeAt(Lexer& lexer, int depth) {
  const size_t start = lexer.Position();
  if (!lexer.Consume("(")) return ReadArray(lexer);
  if (depth == kMaxTupleDepth) {
    return lexer.ErrorAt(start, "tuples nest deeper than ", kMaxTupleDepth);
  }
  std::vector<Shape> elements;
  if (!lexer.Consume(")")) {
    do {
      INGOT_ASSIGN_OR_RETURN(Shape element, ReadShapeAt(lexer, depth + 1));
      elements.push_back(std::move(element));
    } while (lexer.Consume(","));
    INGOT_RETURN_IF_ERROR(lexer.Expect(")", "after the shapes of a tuple"));
  }
  return Shape::Tuple(std::move(elements));
}

}  // namespace

bool NextIsShape(Lexer& lexer) {
  if (lexer.Peek() == '(') return true;
  const size_t start = lexer.Position();
  const absl::string_view word = lexer.PeekWord();
  if (word.empty() || !lexer.ConsumeWord(word)) return false;
  const bool bracket = lexer.Peek() == '[';
  lexer.Rewind(start);
  return bracket;
}

absl::StatusOr<Shape> ReadShape(Lexer& lexer) {
  const size_t start = lexer.Position();
  INGOT_ASSIGN_OR_RETURN(Shape shape, ReadShapeAt(lexer, 0));
  if (shape.IsTuple()) {
    // Its elements are valid; whether their sum is, is said of the whole.
    const absl::Status valid = shape.Validate();
    if (!valid.ok()) return lexer.ErrorAt(start, valid.message());
  }
  return shape;
}

}  // namespace text

absl::StatusOr<Shape> ParseShape(absl::string_view text) {
  text::Lexer lexer(text, "");
  INGOT_ASSIGN_OR_RETURN(Shape shape, text::ReadShape(lexer));
  if (!lexer.AtEnd()) return lexer.Expected("nothing after the shape");
  return shape;
}

}  // namespace ingot
