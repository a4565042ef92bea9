// ProductCopies: how threads bring one matrix of a product to shared memory, 16 bytes at a time.
#ifndef INGOT_COMPILER_LOWER_CONTRACTION_COPIES_H_
#define INGOT_COMPILER_LOWER_CONTRACTION_COPIES_H_

#include <cstdint>
#include <utility>

#include "compiler/kernel/expr.h"
#include "compiler/lower/frame.h"
#include "compiler/plan/product.h"

namespace ingot::lower {

// Of what is not negative.
kernel::Expr Quotient(kernel::Expr a, int64_t divisor);
kernel::Expr Remainder(kernel::Expr a, int64_t divisor);
// Whether a coordinate of a tile that begins at a multiple of `tile` is below `size`: known where
// the tile divides it.
kernel::Value Below(kernel::Expr coordinate, int64_t size, int tile);

class ProductCopies {
 public:
  // Of tiles of `outer` rows (of the right matrix: columns) of the `outer_size` of the matrix, by
  // `depth` of `depth_size`: where they divide these, nothing is outside.
  ProductCopies(Frame& frame, const plan::ProductOperand& operand, const plan::MatrixTile& plan,
                int outer, int64_t outer_size, int depth, int64_t depth_size);

  // The elements of a vector from row m and depth k of the batch on, along whichever lies side by
  // side, to element `to` of `tile`; zeros for what is outside.  Asynchronous (copy_async) where
  // the plan copies several bytes at a time.
  void CopyVector(kernel::Value batch, kernel::Expr m, kernel::Expr k, kernel::Buffer* tile,
                  kernel::Expr to) const;
  // Whether elements are loaded one by one, and stored.
  bool one_by_one() const { return plan_.copy_bytes == 0; }

 private:
  // The elements, one by one, in registers.
  kernel::Value LoadElements(kernel::Value batch, kernel::Expr m, kernel::Expr k) const;
  // Where element i of the vector at (batch, m, k) is, 0 where there is none, and whether there is.
  std::pair<kernel::Value, kernel::Value> AddressOf(kernel::Value batch, kernel::Expr m,
                                                    kernel::Expr k, int i) const;

  Frame& frame_;
  const plan::ProductOperand& operand_;
  const plan::MatrixTile& plan_;
  const int outer_;
  const int64_t outer_size_;
  const int depth_;
  const int64_t depth_size_;
  const int width_;  // bytes of an element
  IndexExpr address_;
  kernel::Buffer* from_;
};

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_CONTRACTION_COPIES_H_
