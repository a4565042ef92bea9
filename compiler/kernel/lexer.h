// Tokens of the text form.
#ifndef INGOT_COMPILER_KERNEL_LEXER_H_
#define INGOT_COMPILER_KERNEL_LEXER_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ingot::kernel {

struct Token {
  enum class Kind {
    kWord,        // load, f32x4, block.y
    kName,        // %x; `text` is without the %
    kKernelName,  // @k; `text` is without the @
    kNumber,      // 12, 1.5, 1e-3: no sign
    kExtent,      // 4x8
    kBits,        // #7fc00001; `text` is without the #
    kSymbol,      // ( ) [ ] { } < > , : = + - * ! .. == != <= >=
    kEnd,
  };
  Kind kind = Kind::kEnd;
  absl::string_view text;  // of the source
  int line = 1;
  int column = 1;             // in bytes, from 1
  absl::string_view comment;  // that follows it on its line, without // and spaces around
};

// "file:line:column: error: message"
absl::Status ErrorAt(absl::string_view file, const Token& token, absl::string_view message);

// The tokens of `text`, which has to outlive them; the last is kEnd.
absl::StatusOr<std::vector<Token>> Tokenize(absl::string_view text, absl::string_view file);

}  // namespace ingot::kernel

#endif  // INGOT_COMPILER_KERNEL_LEXER_H_
