#ifndef INGOT_PASSES_ASSIGN_LAYOUTS_H_
#define INGOT_PASSES_ASSIGN_LAYOUTS_H_

#include "passes/pass.h"

namespace ingot {

// Give the matrices of products the order of dimensions that the target multiplies fastest, where
// plans say that this saves more than the transposes cost (PassContext::product_cost).  Matrix
// units want elements along depth side by side; which types and sizes ask for it is the plans'
// knowledge. Without that cost nothing changes.  PassContext::fusion_log is told of each product
// with another order to choose from.
//
// Requires: row-major layouts, no calls.

// Convolutions: features last, of the input, of the kernel (behind its output features and
// positions; of a depthwise one the output features), and of the result.
//
//   %c = bf16[8,64,28,28] convolution(%x, %w), window={size=3x3}, dim_labels=bf01_oi01->bf01
//   ==>  %c = transpose(convolution(transpose(%x), transpose(%w)), dim_labels=b01f_o01i->b01f)
//
// Stands before simplify and sink-transposes, by which transposes of one convolution meet those of
// the next.  A transpose that can meet another one so costs nothing here.
absl::StatusOr<bool> AssignConvolutionLayouts(Module& module, const PassContext& context);

// Dots: batch dimensions, free ones, then those of depth in the order of the sum.
//
//   %d = f32[512,512] dot(%x, %y), lhs_contracting_dims={1}, rhs_contracting_dims={0}
//   ==>  %t = opt-barrier(transpose(%y))
//        %d = f32[512,512] dot(%x, %t), lhs_contracting_dims={1}, rhs_contracting_dims={1}
//
// The barrier keeps the dot's kernel from reading the transpose through.  Stands behind simplify,
// which makes dimension numbers of transposes.
absl::StatusOr<bool> AssignDotLayouts(Module& module, const PassContext& context);

}  // namespace ingot

#endif  // INGOT_PASSES_ASSIGN_LAYOUTS_H_
