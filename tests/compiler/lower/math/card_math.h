// The second expansions on a card, on every operand: kernels that compare them with the first
// expansions in f64 and keep the worst.
#ifndef INGOT_TESTS_COMPILER_LOWER_MATH_CARD_MATH_H_
#define INGOT_TESTS_COMPILER_LOWER_MATH_CARD_MATH_H_

#include <memory>
#include <string>
#include <vector>

#include "compiler/kernel/kernel.h"

namespace ingot::test {

// A kernel with one parameter, a u64: the error in units in the last place, as the bits of an f32,
// above the 32 bits of the operand that has it (of two operands of 16 bits, the first one above).
struct CardCase {
  std::string name;
  double bound;
  std::unique_ptr<kernel::Kernel> kernel;
};

// All operands of each function, in f32, bf16 and f16, and of f32 with results of bf16 and f16;
// pairs of bf16 and of f16; 2^32 pairs of significands for the division by a reciprocal, or all
// 2^46 (a minute on an H200).
std::vector<CardCase> CardCases(bool all_significands);

}  // namespace ingot::test

#endif  // INGOT_TESTS_COMPILER_LOWER_MATH_CARD_MATH_H_
