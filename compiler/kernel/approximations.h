// The rows of intrinsics.def that approximate a function: what folding and the simulator take for
// their value, and how far a card's result may be from it.
#ifndef INGOT_COMPILER_KERNEL_APPROXIMATIONS_H_
#define INGOT_COMPILER_KERNEL_APPROXIMATIONS_H_

#include <cstdint>

#include "absl/types/span.h"
#include "compiler/kernel/ops.h"

namespace ingot::kernel {

struct ApproximateRow {
  Intrinsic intrinsic;
  // The function, of an f32 and to f64's precision.
  double (*function)(double);
  // Denormal operands are zeros, and so are denormal results.
  bool flushes;
  // The error of the instruction is at most `ulps` units in the last place of the correctly rounded
  // f32 plus `relative` times the exact value.  The source is NVIDIA's "PTX ISA", the
  // entries of ex2, rcp and rsqrt; zeros, infinities and NaN are exact.
  double ulps;
  double relative;
};

// The kPure rows of intrinsics.def.
absl::Span<const ApproximateRow> ApproximateRows();
// nullptr for a row that is no approximation.
const ApproximateRow* FindApproximateRow(Intrinsic intrinsic);

// The correctly rounded value of one of them, of the bits of an f32.  A card's differs from it by
// the row's error.
uint64_t EvaluateApproximateRow(const ApproximateRow& row, uint64_t bits);

}  // namespace ingot::kernel

#endif  // INGOT_COMPILER_KERNEL_APPROXIMATIONS_H_
