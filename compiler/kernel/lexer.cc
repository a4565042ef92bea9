#include "compiler/kernel/lexer.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "ir/base/status.h"

namespace ingot::kernel {
namespace {

bool IsIdentifier(char c) { return absl::ascii_isalnum(c) || c == '_' || c == '.'; }
bool IsDigit(char c) { return absl::ascii_isdigit(c); }

class Lexer {
 public:
  Lexer(absl::string_view text, absl::string_view file) : text_(text), file_(file) {}

  absl::StatusOr<std::vector<Token>> Run() {
    while (true) {
      SkipSpaceAndComments();
      Token token;
      token.line = line_;
      token.column = static_cast<int>(position_ - line_start_) + 1;
      if (position_ < text_.size()) INGOT_RETURN_IF_ERROR(Lex(token));
      tokens_.push_back(token);
      if (token.kind == Token::Kind::kEnd) return std::move(tokens_);
    }
  }

 private:
  char At(size_t offset) const {
    return position_ + offset < text_.size() ? text_[position_ + offset] : '\0';
  }

  void SkipSpaceAndComments() {
    while (position_ < text_.size()) {
      if (text_[position_] == '\n') {
        line_start_ = ++position_;
        ++line_;
      } else if (absl::ascii_isspace(text_[position_])) {
        ++position_;
      } else if (At(0) == '/' && At(1) == '/') {
        const size_t end = std::min(text_.find('\n', position_), text_.size());
        if (!tokens_.empty() && tokens_.back().line == line_) {
          tokens_.back().comment =
              absl::StripAsciiWhitespace(text_.substr(position_ + 2, end - position_ - 2));
        }
        position_ = end;
      } else {
        return;
      }
    }
  }

  // Takes characters from `offset` on while they fit.
  template <typename Predicate>
  size_t Extend(size_t offset, Predicate fits) const {
    while (position_ + offset < text_.size() && fits(text_[position_ + offset])) ++offset;
    return offset;
  }

  void Take(Token& token, Token::Kind kind, size_t skip, size_t size) {
    token.kind = kind;
    token.text = text_.substr(position_ + skip, size - skip);
    position_ += size;
  }

  void LexNumber(Token& token) {
    size_t size = Extend(0, IsDigit);
    if (At(size) == 'x' && IsDigit(At(size + 1))) {
      while (At(size) == 'x' && IsDigit(At(size + 1))) size = Extend(size + 1, IsDigit);
      return Take(token, Token::Kind::kExtent, 0, size);
    }
    if (At(size) == '.' && IsDigit(At(size + 1))) size = Extend(size + 1, IsDigit);
    if (At(size) == 'e' || At(size) == 'E') {
      const size_t sign = At(size + 1) == '-' || At(size + 1) == '+' ? 1 : 0;
      if (IsDigit(At(size + 1 + sign))) size = Extend(size + 1 + sign, IsDigit);
    }
    Take(token, Token::Kind::kNumber, 0, size);
  }

  absl::Status Lex(Token& token) {
    const char c = At(0);
    if (absl::ascii_isalpha(c) || c == '_') {
      Take(token, Token::Kind::kWord, 0, Extend(0, IsIdentifier));
    } else if ((c == '%' || c == '@') && IsIdentifier(At(1))) {
      const Token::Kind kind = c == '%' ? Token::Kind::kName : Token::Kind::kKernelName;
      Take(token, kind, 1, Extend(1, IsIdentifier));
    } else if (c == '#' && absl::ascii_isxdigit(At(1))) {
      Take(token, Token::Kind::kBits, 1,
           Extend(1, [](char d) { return absl::ascii_isxdigit(d) != 0; }));
    } else if (IsDigit(c)) {
      LexNumber(token);
    } else if ((At(1) == '=' && absl::string_view("=!<>").find(c) != absl::string_view::npos) ||
               (c == '.' && At(1) == '.')) {
      Take(token, Token::Kind::kSymbol, 0, 2);
    } else if (absl::string_view("()[]{}<>,:=+-*!").find(c) != absl::string_view::npos) {
      Take(token, Token::Kind::kSymbol, 0, 1);
    } else {
      const bool printable = absl::ascii_isprint(static_cast<unsigned char>(c));
      return ErrorAt(file_, token,
                     printable ? absl::StrCat("unexpected '", text_.substr(position_, 1), "'")
                               : absl::StrCat("unexpected byte ", static_cast<uint8_t>(c)));
    }
    return absl::OkStatus();
  }

  absl::string_view text_;
  absl::string_view file_;
  size_t position_ = 0;
  size_t line_start_ = 0;
  int line_ = 1;
  std::vector<Token> tokens_;
};

}  // namespace

absl::Status ErrorAt(absl::string_view file, const Token& token, absl::string_view message) {
  return InvalidArgument(file, ":", token.line, ":", token.column, ": error: ", message);
}

absl::StatusOr<std::vector<Token>> Tokenize(absl::string_view text, absl::string_view file) {
  return Lexer(text, file).Run();
}

}  // namespace ingot::kernel
