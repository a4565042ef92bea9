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

// A second expansion, of f32 operands; see EmitFast.
struct FastRow {
  Opcode opcode;
  // Within ulp_f32 units in the last place; nullptr: Row's expansion serves.
  Expr (*unary)(Expr);
  double ulp_f32;
  // Within loose_ulp units in the last place, by what its instructions are documented to give;
  // nullptr: `unary` serves.
  Expr (*loose_unary)(Expr);
  double loose_ulp;
  // For operands and results of `type`, bf16 or f16.  One of the two.
  Expr (*narrow_unary)(Expr);
  Expr (*narrow_binary)(Expr, Expr, ElementType type);
  // The largest errors of the rounded result, in units in its last place.
  double ulp_bf16;
  double ulp_f16;
  bool approximates;  // `unary` has instructions that only GPUs have
  absl::string_view method;
};

absl::Span<const FastRow> FastRows();

}  // namespace ingot::lower::math

#endif  // INGOT_COMPILER_LOWER_MATH_ROWS_H_
