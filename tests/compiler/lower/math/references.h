// What the rows are compared with: libm, in a wider type.
#ifndef INGOT_TESTS_COMPILER_LOWER_MATH_REFERENCES_H_
#define INGOT_TESTS_COMPILER_LOWER_MATH_REFERENCES_H_

#include <cstdint>
#include <vector>

#include "ir/base/element_type.h"
#include "ir/opcode.h"

namespace ingot::test {

struct Reference {
  Opcode opcode;
  int arity;
  // Of f32 operands, and of f64 operands.  Rows of one operand ignore the second.
  double (*of_f32)(double, double);
  long double (*of_f64)(long double, long double);
};

// nullptr where there is none.
const Reference* FindReference(Opcode opcode);

// |actual - exact| in units in the last place of `exact` in the type `element` (f64, f32, bf16,
// f16). Infinite where a sign, a zero, an infinity or a NaN is wrong.
double UlpError(ElementType element, double actual, long double exact);

// Operands, as bits.  Special values of the type: zeros, infinities, NaN, the ends of the ranges of
// normal and denormal numbers, and numbers where some function changes its nature.
std::vector<uint64_t> SpecialValues(ElementType element);

struct Points {
  std::vector<uint64_t> x;
  std::vector<uint64_t> y;
};
// `count` points, the same ones each time.  One operand: all exponents, and numbers of moderate
// size. Two: also pairs of similar size, and pairs whose power is in range.
Points SamplePoints(ElementType element, int arity, int64_t count);

}  // namespace ingot::test

#endif  // INGOT_TESTS_COMPILER_LOWER_MATH_REFERENCES_H_
