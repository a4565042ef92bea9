// ProductBlock: what the lowerings of a product's block share: the tiles of both matrices in shared
// memory, and the units that multiply them.
#ifndef INGOT_COMPILER_LOWER_CONTRACTION_BLOCK_H_
#define INGOT_COMPILER_LOWER_CONTRACTION_BLOCK_H_

#include <memory>

#include "compiler/kernel/expr.h"
#include "compiler/lower/contraction_copies.h"
#include "compiler/lower/frame.h"
#include "compiler/plan/product.h"
#include "ir/index_map/index_expr.h"

namespace ingot::lower {

// Shared memory of one matrix's tile: rows of vectors of 16 bytes, whose places are exchanged so
// that neither a row nor eight rows' vectors of one number meet in a bank.
struct ProductTile {
  const plan::MatrixTile* plan;
  int lines, pitch;  // rows in memory, vectors in each
  int64_t first;     // vector of stage 0
  ProductCopies copies;

  int64_t vectors() const { return int64_t{lines} * pitch; }
};

class ProductBlock {
 public:
  ProductBlock(Frame& frame, const plan::Product& product);

  const plan::ContractionPlan& plan() const { return plan_; }
  ElementEmitter& e() const { return frame_.emitter; }
  kernel::Builder& b() const { return frame_.builder; }
  // Of the matrices' elements, and how many of them a vector of 16 bytes has.
  ElementType type() const { return type_; }
  int elements() const { return elements_; }
  ElementType sum_type() const { return sum_type_; }
  const ProductTile& lhs() const { return lhs_; }
  const ProductTile& rhs() const { return rhs_; }
  kernel::Buffer* tiles() const { return tiles_; }

  // The block's shared memory, and the first row and column of the thread's warp in the tile.
  void Declare();
  kernel::Expr warp_row() const { return {b(), warp_row_}; }
  kernel::Expr warp_column() const { return {b(), warp_column_}; }
  int warp_rows() const { return plan_.rows / plan_.row_warps; }
  int warp_columns() const { return plan_.columns / plan_.column_warps; }

  kernel::Expr Lane() const { return {b(), b().LaneId()}; }

  // The element of tiles() at which a vector of a line of a stage's tile begins.
  kernel::Expr PlaceOf(const ProductTile& tile, kernel::Expr stage, kernel::Expr line,
                       kernel::Expr vector) const;

 private:
  ProductTile MakeTile(const plan::Product& product, const plan::ProductOperand& operand,
                       const plan::MatrixTile& plan, int outer, int64_t outer_size,
                       int64_t first) const;

  Frame& frame_;
  const plan::ContractionPlan& plan_;
  const ElementType type_;
  const int elements_;
  const ElementType sum_type_;
  const ProductTile lhs_, rhs_;
  kernel::Buffer* tiles_ = nullptr;
  kernel::Value warp_row_ = nullptr, warp_column_ = nullptr;
};

// What multiplies: its sums are in registers, dealt out to the lanes of warps.
class ProductUnitLowering {
 public:
  virtual ~ProductUnitLowering() = default;
  // Adds the product of a stage's tiles.
  virtual void Multiply(kernel::Expr stage) = 0;
  // Stores the sums: element (row, column) of the tile at row · SumPitch + column of `to`.
  virtual void Pass(kernel::Buffer* to) = 0;
};

// By mma.sync and ldmatrix; by multiply-adds of threads.  Both declare their sums, zero.
std::unique_ptr<ProductUnitLowering> MatrixUnitLowering(const ProductBlock& block);
std::unique_ptr<ProductUnitLowering> FmaLowering(const ProductBlock& block);

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_CONTRACTION_BLOCK_H_
