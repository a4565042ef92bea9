// Product: a dot or a convolution as a batched product of matrices, and what stands behind it in
// its fusion.
#ifndef INGOT_COMPILER_PLAN_PRODUCT_H_
#define INGOT_COMPILER_PLAN_PRODUCT_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "compiler/plan/lanes.h"
#include "compiler/plan/plan.h"
#include "ir/index_map/index_map.h"
#include "ir/module.h"

namespace ingot::plan {

// A matrix of the product: where its elements are in a parameter of the fusion.  The coordinates
// are batch, then row (of the left matrix) or column (of the right one), then depth; where the
// conditions of the map fail, the element is zero (padding).
struct ProductOperand {
  const Instruction* parameter = nullptr;
  IndexMap map;
};

// result[output(b, m, n)] = Σ_k lhs[b, m, k] * rhs[b, n, k]
//
// A coordinate may be several dimensions of the operation, the last one fastest: rows of a
// convolution are the positions of its result, depth is the positions of its window and then the
// features of its input; groups are the batch.
struct Product {
  const Instruction* instruction = nullptr;
  int64_t batch = 1;
  int64_t rows = 1;
  int64_t columns = 1;
  int64_t depth = 1;
  ProductOperand lhs;
  ProductOperand rhs;
  IndexMap output;  // of (batch, row, column), to the instruction's result
  // Of the instruction's result: along which columns and rows lie, each one's fastest; -1: none.
  int column_dimension = -1;
  int row_dimension = -1;
  // The left matrix is the instruction's right operand: rows of the result became columns, because
  // they are what lies side by side in memory.
  bool exchanged = false;

  // The instruction's left operand, the input of a convolution.
  const ProductOperand& first() const { return exchanged ? rhs : lhs; }
  // In which its sums are, until they are rounded to the result's type.
  ElementType sum_type() const;
  double flops() const {
    return 2.0 * static_cast<double>(batch) * static_cast<double>(rows) *
           static_cast<double>(columns) * static_cast<double>(depth);
  }
};

// One element of a fusion's values at a place of its product's result.
struct ProductValue {
  // From the product's result index to the index of the value that is made of this element alone
  // (and of what does not depend on the product).
  IndexMap place;
  // How the value's elements lie whose columns are side by side, ProductFusion::lanes of them.
  Lanes lanes;
};

// A fusion whose results are, element by element, made of one product: the product, then
// elementwise operations, reshapes and transposes.
struct ProductFusion {
  Product product;
  // By number among the fusion's instructions; nullopt for what does not depend on the product.
  std::vector<std::optional<ProductValue>> values;
  int lanes = 1;  // elements along columns that are stored together, all in one row
};

// InvalidArgument says what the fusion is instead.  A thread stores at most `most_lanes` elements
// together; whether the matrices are exchanged does not depend on it.
inline constexpr int kMostProductLanes = 16;
absl::StatusOr<ProductFusion> MakeProductFusion(const Computation& fusion,
                                                int most_lanes = kMostProductLanes);

// The arrays that the fusion results in, in order.
std::vector<const Instruction*> ResultsOf(const Computation& fusion);

// What is made of each element of a product: by how many elementwise operations, and whether of
// memory that is read then, or even of an element of another matrix of its size.
struct Epilogue {
  int operations = 0;
  bool reads = false;
  bool reads_matrix = false;
};
Epilogue EpilogueOf(const Computation& fusion, const ProductFusion& product);

// What multiplies on a GPU: matrix units where they have the types, f32 as tf32 where precision and
// numerics are the default; threads else.  InvalidArgument for types that neither multiplies.
absl::StatusOr<ProductUnit> UnitFor(const Instruction& product, const Target& target,
                                    Numerics numerics);

// The most elements along depth (along == 2) or along rows or columns (along == 1) that lie side by
// side in the parameter's memory, at a multiple of as many, wherever a multiple of as many along
// that coordinate is read: a power of two, at most `most`.
int ProductRun(const ProductOperand& operand, int along, int most);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_PRODUCT_H_
