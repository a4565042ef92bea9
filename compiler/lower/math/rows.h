// The table of elementary functions.
#ifndef INGOT_COMPILER_LOWER_MATH_ROWS_H_
#define INGOT_COMPILER_LOWER_MATH_ROWS_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "compiler/lower/math/expression.h"
#include "ir/opcode.h"

namespace ingot::lower::math {

struct Row {
  Opcode opcode;
  // One of the two; the other is nullptr.
  Expr (*unary)(Expr);
  Expr (*binary)(Expr, Expr);
  // The largest error, in units in the last place of the exact result, that
  // tests/compiler/lower/math lets pass; 0: always exact.
  double ulp_f32;
  double ulp_f64;
  absl::string_view method;
};

absl::Span<const Row> Rows();

}  // namespace ingot::lower::math

#endif  // INGOT_COMPILER_LOWER_MATH_ROWS_H_
