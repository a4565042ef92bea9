#include "ir/text/lexer.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "ir/base/status.h"

namespace ingot::text {
namespace {

// Words in error messages are cut at this length.
constexpr size_t kShownLength = 40;
// So are whole messages.
constexpr size_t kMessageLength = 2000;

bool IsWordStart(char c) { return absl::ascii_isalpha(c) || c == '_'; }
bool IsWordPart(char c) { return absl::ascii_isalnum(c) || c == '_' || c == '.' || c == '-'; }

char ClosingBracket(char c) { return c == '(' ? ')' : c == '[' ? ']' : '}'; }

}  // namespace

void Lexer::SkipBlanks() {
  while (position_ < text_.size()) {
    const char c = text_[position_];
    if (absl::ascii_isspace(c)) {
      ++position_;
    } else if (c == '/' && text_.substr(position_, 2) == "//") {
      position_ = std::min(text_.find('\n', position_), text_.size());
    } else if (c == '/' && text_.substr(position_, 2) == "/*") {
      const size_t end = text_.find("*/", position_ + 2);
      if (end == absl::string_view::npos) return;  // no text begins so: whoever reads on says where
      position_ = end + 2;
    } else {
      return;
    }
  }
}

size_t Lexer::Position() {
  SkipBlanks();
  return position_;
}

char Lexer::Peek() {
  SkipBlanks();
  return position_ < text_.size() ? text_[position_] : '\0';
}

bool Lexer::Next(absl::string_view symbol) {
  SkipBlanks();
  return text_.substr(position_, symbol.size()) == symbol;
}

bool Lexer::Consume(absl::string_view symbol) {
  if (!Next(symbol)) return false;
  position_ += symbol.size();
  return true;
}

absl::Status Lexer::Expect(absl::string_view symbol, absl::string_view where) {
  if (Consume(symbol)) return absl::OkStatus();
  return Expected(absl::StrCat("'", symbol, "' ", where));
}

absl::string_view Lexer::PeekWord() {
  SkipBlanks();
  if (position_ == text_.size() || !IsWordStart(text_[position_])) return {};
  size_t end = position_ + 1;
  while (end < text_.size() && IsWordPart(text_[end])) ++end;
  return text_.substr(position_, end - position_);
}

bool Lexer::ConsumeWord(absl::string_view word) {
  if (PeekWord() != word) return false;
  position_ += word.size();
  return true;
}

absl::StatusOr<absl::string_view> Lexer::Name(absl::string_view what) {
  const size_t start = Position();
  Consume("%");
  // A name follows its percent sign directly.
  const bool blank = position_ < text_.size() && absl::ascii_isspace(text_[position_]);
  const absl::string_view word = blank ? absl::string_view() : PeekWord();
  if (word.empty()) {
    position_ = start;
    return Expected(what);
  }
  position_ += word.size();
  return word;
}

absl::StatusOr<absl::string_view> Lexer::Label(absl::string_view what) {
  SkipBlanks();
  size_t end = position_;
  while (end < text_.size() && (IsWordPart(text_[end]) || text_[end] == '?' || text_[end] == '>')) {
    ++end;
  }
  if (end == position_) return Expected(what);
  const absl::string_view label = text_.substr(position_, end - position_);
  position_ = end;
  return label;
}

absl::string_view Lexer::Number() {
  SkipBlanks();
  size_t end = position_;
  while (end < text_.size() && (absl::ascii_isalnum(text_[end]) || text_[end] == '.' ||
                                text_[end] == '+' || text_[end] == '-')) {
    ++end;
  }
  const absl::string_view number = text_.substr(position_, end - position_);
  position_ = end;
  return number;
}

absl::StatusOr<int64_t> Lexer::Integer(absl::string_view what) {
  SkipBlanks();
  const size_t start = position_;
  size_t end = position_;
  if (end < text_.size() && text_[end] == '-') ++end;
  const size_t digits = end;
  while (end < text_.size() && absl::ascii_isdigit(text_[end])) ++end;
  if (end == digits) return Expected(absl::StrCat(what, ", an integer"));
  int64_t value;
  if (!absl::SimpleAtoi(text_.substr(start, end - start), &value)) {
    return ErrorAt(start, what, " does not fit 64 bits: ",
                   text_.substr(start, std::min(end - start, kShownLength)));
  }
  position_ = end;
  return value;
}

absl::StatusOr<bool> Lexer::Bool(absl::string_view what) {
  if (ConsumeWord("true")) return true;
  if (ConsumeWord("false")) return false;
  return Expected(absl::StrCat(what, ", true or false"));
}

size_t Lexer::EndOfString(size_t begin) const {
  const char quote = text_[begin];
  for (size_t i = begin + 1; i < text_.size(); ++i) {
    if (text_[i] == '\\') {
      ++i;
    } else if (text_[i] == quote) {
      return i + 1;
    }
  }
  return absl::string_view::npos;
}

absl::StatusOr<absl::string_view> Lexer::QuotedText() {
  const char c = Peek();
  if (c != '"' && c != '\'') return Expected("a string in quotes");
  const size_t start = position_;
  const size_t end = EndOfString(start);
  if (end == absl::string_view::npos) return ErrorAt(start, "the string does not end");
  position_ = end;
  return text_.substr(start, end - start);
}

absl::StatusOr<std::string> Lexer::String(absl::string_view what) {
  const char c = Peek();
  if (c != '"' && c != '\'') return Expected(absl::StrCat(what, ", a string in quotes"));
  const size_t start = position_;
  INGOT_ASSIGN_OR_RETURN(const absl::string_view quoted, QuotedText());
  std::string value;
  std::string error;
  if (!absl::CUnescape(quoted.substr(1, quoted.size() - 2), &value, &error)) {
    return ErrorAt(start, "the string has a bad escape: ", error);
  }
  return value;
}

absl::StatusOr<absl::string_view> Lexer::Verbatim(absl::string_view what) {
  const size_t start = Position();
  std::vector<char> open;  // the closing brackets that are awaited
  size_t i = start;
  while (i < text_.size()) {
    const char c = text_[i];
    if (c == '"' || c == '\'') {
      const size_t end = EndOfString(i);
      if (end == absl::string_view::npos) return ErrorAt(i, "the string does not end");
      i = end;
      continue;
    }
    if (c == '/' && text_.substr(i, 2) == "/*") {
      const size_t end = text_.find("*/", i + 2);
      if (end == absl::string_view::npos) return ErrorAt(i, "the comment does not end");
      i = end + 2;
      continue;
    }
    if (c == '(' || c == '[' || c == '{') {
      open.push_back(ClosingBracket(c));
    } else if (c == ')' || c == ']' || c == '}') {
      if (open.empty()) break;
      if (open.back() != c) {
        return ErrorAt(i, "expected '", absl::string_view(&open.back(), 1), "' in ", what,
                       ", found '", text_.substr(i, 1), "'");
      }
      open.pop_back();
    } else if (open.empty() && (c == ',' || c == '\n' || text_.substr(i, 2) == "//")) {
      break;
    }
    ++i;
  }
  if (!open.empty())
    return ErrorAt(start, what, " is not closed: '", absl::string_view(&open.back(), 1),
                   "' is missing");
  const absl::string_view value =
      absl::StripTrailingAsciiWhitespace(text_.substr(start, i - start));
  if (value.empty()) return Expected(what);
  position_ = start + value.size();
  return value;
}

bool Lexer::SkipsComment(absl::string_view opening) {
  const size_t start = position_;
  SkipBlanks();
  return TextBetween(start, position_).find(opening) != absl::string_view::npos;
}

absl::Status Lexer::Expected(absl::string_view what) {
  const size_t start = Position();
  std::string found;
  if (start == text_.size()) {
    found = "the end of the text";
  } else {
    size_t end = start + 1;
    if (IsWordPart(text_[start])) {
      while (end < text_.size() && IsWordPart(text_[end]) && end - start < kShownLength) ++end;
    }
    found = absl::StrCat("'", absl::CHexEscape(text_.substr(start, end - start)), "'");
  }
  return ErrorAt(start, "expected ", what, ", found ", found);
}

Lexer::Place Lexer::PlaceOf(size_t position) {
  if (position < place_position_) {
    place_position_ = place_line_start_ = 0;
    place_line_ = 1;
  }
  for (; place_position_ < position; ++place_position_) {
    if (text_[place_position_] == '\n') {
      ++place_line_;
      place_line_start_ = place_position_ + 1;
    }
  }
  return {place_line_, static_cast<int>(position - place_line_start_) + 1};
}

absl::Status Lexer::MakeError(size_t position, absl::string_view message) const {
  // Shapes in messages may be as long as the text.
  const std::string shown = message.size() <= kMessageLength
                                ? std::string(message)
                                : absl::StrCat(message.substr(0, kMessageLength), "...");
  if (file_name_.empty()) return absl::InvalidArgumentError(shown);
  const absl::string_view before = text_.substr(0, position);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return InvalidArgument(file_name_, ":", line, ":", position - line_start + 1, ": ", shown);
}

}  // namespace ingot::text
