// ProductParts: the parts of a product that blocks compute, and where their sums go.
#ifndef INGOT_COMPILER_LOWER_CONTRACTION_PARTS_H_
#define INGOT_COMPILER_LOWER_CONTRACTION_PARTS_H_

#include <functional>

#include "compiler/kernel/expr.h"
#include "compiler/lower/contraction_copies.h"
#include "compiler/lower/contraction_space.h"
#include "compiler/lower/frame.h"
#include "compiler/plan/product.h"
#include "compiler/plan/product_map.h"

namespace ingot::lower {

// A tile of the result, and a part of depth; all are of the kernel's index type.
struct ProductPart {
  kernel::Value split, batch;
  kernel::Value row, column;           // the tile's first
  kernel::Value first_step, end_step;  // along depth
};

class ProductParts {
 public:
  ProductParts(Frame& frame, const plan::ProductFusion& product);

  // Of a cluster's blocks together, which take tiles one below the other.
  int64_t count() const;
  // The part with the number: the tiles of rows of a group, then those of the next tile of columns,
  // then the next group; then parts of depth and batches.
  ProductPart Find(kernel::Expr number);

  // Where the block is in its cluster.
  kernel::Expr ClusterRow();
  kernel::Expr ClusterColumn();

  // Stores what `load` says are the sums of a row and of columns from `column` on, so many as the
  // plan has lanes, of the part's tile: to the results, or to the part's place in scratch where
  // depth is split; nothing where they are outside of the product.
  void Store(const ProductPart& part, kernel::Expr row, kernel::Expr column,
             const std::function<kernel::Value()>& load);
  // What Store would store, of `lanes` sums of row m and of columns from n on, which are the
  // product's and inside: each result's, or the sums where depth is split.
  std::vector<kernel::Value> Make(const ProductPart& part, kernel::Value m, kernel::Value n,
                                  kernel::Value sums, const MatrixElements& elements);
  // Where an element, whose coordinates are `at`, is along each dimension of a tensor map of
  // matrices with coordinates of these sizes.
  std::vector<kernel::Value> PlacesOf(absl::Span<const plan::OperandDigit> digits,
                                      absl::Span<const int64_t> sizes,
                                      absl::Span<const kernel::Value> at);
  // In the kernel's index type.
  kernel::Expr Wide(kernel::Expr value);
  // Of sums that are stored together.
  kernel::AccessOptions SumAccess() const;

  // The second kernel of a product that is split: a thread puts together what it stores.
  void Combine();

 private:
  // Of clusters.
  int64_t RowTiles() const;
  int64_t ColumnTiles() const;
  kernel::Expr Number(int64_t value);
  ProductPart FindPart(kernel::Expr number);

  Frame& frame_;
  const plan::ContractionPlan& plan_;
  const plan::Product& product_;
  kernel::Builder& b_;
  IndexMath& math_;
  ProductSpace space_;
};

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_CONTRACTION_PARTS_H_
