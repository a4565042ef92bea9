#include "compiler/lower/contraction_block.h"

#include <algorithm>

namespace ingot::lower {

using kernel::Expr;

namespace {

constexpr int kVectorBytes = 16;
constexpr int kBankVectors = 8;  // vectors that all banks hold side by side

}  // namespace

ProductBlock::ProductBlock(Frame& frame, const plan::Product& product)
    : frame_(frame),
      plan_(frame.plan.contraction()),
      type_(product.instruction->operand(0)->shape().element_type()),
      elements_(kVectorBytes / ByteWidth(type_)),
      sum_type_(product.sum_type()),
      lhs_(MakeTile(product, product.lhs, plan_.lhs, plan_.rows, product.rows, 0)),
      rhs_(MakeTile(product, product.rhs, plan_.rhs, plan_.columns, product.columns,
                    plan_.stages * lhs_.vectors())) {}

ProductTile ProductBlock::MakeTile(const plan::Product& product,
                                   const plan::ProductOperand& operand,
                                   const plan::MatrixTile& plan, int outer, int64_t outer_size,
                                   int64_t first) const {
  const int lines = plan.depth_major ? outer : plan_.depth;
  const int pitch = (plan.depth_major ? plan_.depth : outer) / elements_;
  return {&plan, lines, pitch, first,
          ProductCopies(frame_, operand, plan, outer, outer_size, plan_.depth, product.depth)};
}

void ProductBlock::Declare() {
  tiles_ = frame_.kernel->AddShared("tiles", type_,
                                    {plan_.stages * (lhs_.vectors() + rhs_.vectors()) * elements_});
  tiles_->alignment = 128;
  const Expr warp(b(), b().WarpId());
  warp_row_ = (Quotient(warp, plan_.column_warps) * warp_rows()).value();
  warp_column_ = (Remainder(warp, plan_.column_warps) * warp_columns()).value();
}

Expr ProductBlock::PlaceOf(const ProductTile& tile, Expr stage, Expr line, Expr vector) const {
  const int lines = std::max(1, kBankVectors / tile.pitch);  // that all banks hold
  // Four lines of 8 elements of 4 bytes are read together (mma's words), or 8 lines of a vector.
  const bool words = !tile.plan->depth_major && ByteWidth(type_) == 4;
  const Expr turn =
      Remainder(Quotient(line, lines) * (words ? 2 : 1), std::min(tile.pitch, kBankVectors));
  const Expr number = line * tile.pitch + (vector ^ turn) + static_cast<double>(tile.first);
  return (number + stage * static_cast<double>(tile.vectors())) * elements_;
}

}  // namespace ingot::lower
