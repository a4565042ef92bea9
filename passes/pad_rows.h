#ifndef INGOT_PASSES_PAD_ROWS_H_
#define INGOT_PASSES_PAD_ROWS_H_

#include "passes/pass.h"

namespace ingot {

// Matrices of dots whose rows are not whole 16 bytes, which a GPU reads element by element, are
// copied to memory whose rows are, where plans say that this saves more than the copies cost
// (PassContext::product_cost).  Without that cost nothing changes.  PassContext::fusion_log is told
// of each dot with such a matrix.
//
//   %d = bf16[512,512] dot(%x, %y), lhs_contracting_dims={1}, rhs_contracting_dims={1}
//   ==>  %p = bf16[512,1008] opt-barrier(pad(bf16[512,1001] %x, 0), padding=0_0x0_7)
//        %s = bf16[512,1001] slice(%p), slice={[0:512], [0:1001]}
//        %d = bf16[512,512] dot(%s, …)
//
// The dot's kernel reads the slice through; the barrier keeps it from reading the pad through.
//
// Requires: row-major layouts, no calls.  Stands behind assign-dot-layouts.
absl::StatusOr<bool> PadRows(Module& module, const PassContext& context);

}  // namespace ingot

#endif  // INGOT_PASSES_PAD_ROWS_H_
