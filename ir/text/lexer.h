// Lexer: tokens of HLO text, on demand.
//
// What a token is depends on where it stands (dim_labels=b01f_01io->b01f, size=3x3,
// {1,0:T(8,128)}), so the parser asks for what it expects.  Every method first skips blanks and
// comments.
#ifndef INGOT_IR_TEXT_LEXER_H_
#define INGOT_IR_TEXT_LEXER_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace ingot::text {

class Lexer {
 public:
  // `text` outlives the lexer.  An empty `file_name`: error messages do not name a place.
  Lexer(absl::string_view text, absl::string_view file_name) : text_(text), file_name_(file_name) {}

  // ---- where we are

  // Offset of the next token.
  size_t Position();
  bool AtEnd() { return Position() == text_.size(); }
  // Goes back to an offset that Position() gave.
  void Rewind(size_t position) { position_ = position; }
  size_t TextSize() const { return text_.size(); }
  // Bytes that are left.
  size_t Remaining() const { return text_.size() - position_; }
  absl::string_view TextBetween(size_t begin, size_t end) const {
    return text_.substr(begin, end - begin);
  }

  // ---- tokens

  // The next character, '\0' at the end.
  char Peek();
  // Whether the next characters are `symbol`; Consume then takes them.
  bool Next(absl::string_view symbol);
  bool Consume(absl::string_view symbol);
  // InvalidArgument "expected `symbol` WHERE, found ..." unless they are.
  absl::Status Expect(absl::string_view symbol, absl::string_view where);

  // The longest [A-Za-z_][A-Za-z0-9_.-]*, not taken; empty where none starts here.
  absl::string_view PeekWord();
  // Takes the next word when it is `word`.
  bool ConsumeWord(absl::string_view word);
  // A word, with or without a percent sign before it.
  absl::StatusOr<absl::string_view> Name(absl::string_view what);
  // A word, which may start with a digit: dim_labels, 3x3, API_VERSION_1.
  absl::StatusOr<absl::string_view> Label(absl::string_view what);
  absl::StatusOr<int64_t> Integer(absl::string_view what);
  // Digits, letters, signs and points, as numbers are made of; may be empty.
  absl::string_view Number();
  absl::StatusOr<bool> Bool(absl::string_view what);
  // "...": with the quotes, as it stands.
  absl::StatusOr<absl::string_view> QuotedText();
  // "...": what it means, escapes resolved.
  absl::StatusOr<std::string> String(absl::string_view what);
  // The text of a value up to the comma, the closing bracket or the end of the line that ends it;
  // brackets inside are balanced, and strings and comments skipped.  Not empty.
  absl::StatusOr<absl::string_view> Verbatim(absl::string_view what);

  // Whether a comment that starts with `opening` stands before the next token.
  bool SkipsComment(absl::string_view opening);

  // ---- errors

  // InvalidArgument "FILE:LINE:COLUMN: parts...".
  template <typename... Parts>
  absl::Status ErrorAt(size_t position, const Parts&... parts) const {
    return MakeError(position, absl::StrCat(parts...));
  }
  // "expected WHAT, found ..." at the next token.
  absl::Status Expected(absl::string_view what);
  // 1-based.
  struct Place {
    int line;
    int column;
  };
  // Linear in the distance from the last offset asked for, when that was smaller.
  Place PlaceOf(size_t position);

 private:
  void SkipBlanks();
  // The offset behind the string that starts at `begin` with a quote; npos when it does not end.
  size_t EndOfString(size_t begin) const;
  absl::Status MakeError(size_t position, absl::string_view message) const;

  absl::string_view text_;
  std::string file_name_;
  size_t position_ = 0;
  // Where PlaceOf left off.
  size_t place_position_ = 0;
  size_t place_line_start_ = 0;
  int place_line_ = 1;
};

}  // namespace ingot::text

#endif  // INGOT_IR_TEXT_LEXER_H_
