// EngineStores: the results of wgmma's sums, made where they are and stored by the copy engine.
#ifndef INGOT_COMPILER_LOWER_CONTRACTION_STORES_H_
#define INGOT_COMPILER_LOWER_CONTRACTION_STORES_H_

#include <array>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "compiler/kernel/expr.h"
#include "compiler/lower/contraction_parts.h"
#include "compiler/plan/product_map.h"

namespace ingot::lower {

// A warp makes boxes of results, of kStoredRows rows by a line of columns, in shared memory; its
// first lane has them stored while the warp makes the next.
class EngineStores {
 public:
  EngineStores(Frame& frame, const plan::ProductFusion& product, ProductParts& parts);

  // Shared memory and tensor maps, for so many warps; false where a result has no such map, which
  // the frame knows then.
  bool Declare(int warps);
  // One thread's: makes the mbarriers of the boxes of all warps.
  void Begin();
  // Of a warp, before its first part.
  void BeginWarp(kernel::Value warp);
  // What a warp can have loaded of a part before it has sums.
  void Prefetch(const ProductPart& part, kernel::Expr row, int step, int count);

  // Stores what the warp has of a part, whose sums are in `sums`: rows from `row` of the part's
  // tile on, then those `step` further down, and so on.
  void Store(const ProductPart& part, kernel::Expr row, int step,
             absl::Span<kernel::Var* const> sums);
  // What is made of each sum, whoever stores it; of parts of depth nothing.
  const plan::Epilogue& epilogue() const { return epilogue_; }
  // Before a warp ends: all that it stored has left shared memory.
  void End();

 private:
  struct Result {
    plan::ResultCopy copy;
    kernel::MapParameter* map;
  };

  // A box of each result: where it is in shared memory, and its first row and column in the tile.
  struct Box {
    kernel::Expr set, first, row, column;
  };
  // Box number `i` of a part: the lines of one variable's rows, then those of the next.
  Box BoxOf(kernel::Expr i, kernel::Expr row, int step);
  // A thread's two rows of the product.
  using Rows = std::array<kernel::Value, 2>;

  int box_elements() const { return plan::kStoredRows * line_; }
  int set_elements() const { return static_cast<int>(results_.size()) * box_elements(); }
  // Has boxes stored that `fill` fills, in so many turns, and what is loaded to others begun.
  void StoreBox(const ProductPart& part, const Box& box, int turns,
                const std::function<void()>& load_ahead,
                const std::function<void(const Rows&)>& fill);
  // Makes the results of 8 columns of a box, number `group` of them, from sums from `first_sum` on,
  // for StoreFilled.
  void Fill(const ProductPart& part, const Box& box, const Rows& rows, kernel::Expr group,
            kernel::Var* sums, int first_sum);
  void StoreFilled();
  // Where the element of the part is in a map.
  std::vector<kernel::Value> PlacesOf(const plan::ResultCopy& copy, const ProductPart& part,
                                      kernel::Value m, kernel::Value n);
  // Has the other matrix's elements of a box brought, when all but so many of the stores before
  // have been read; waits for them.
  void Load(const ProductPart& part, const Box& box, int stores_under_way);
  void AwaitLoaded(const Box& box);
  // `count` sums, number `number` of so many.
  void CopySums(kernel::Var* sums, int number, int count, kernel::Var* to);
  kernel::Expr RowOf(const ProductPart& part, const Box& box);
  kernel::Expr ColumnOf(const ProductPart& part, const Box& box);
  kernel::Value Within(kernel::Expr at, kernel::Expr first, int64_t size, int tile);
  // Calls `body` for lane 0.
  void First(const std::function<void()>& body);

  Frame& frame_;
  const plan::ContractionPlan& plan_;
  const plan::Product& product_;
  kernel::Builder& b_;
  ProductParts& parts_;
  const plan::Epilogue epilogue_;
  // Results are made of memory besides what comes to boxes.
  bool reads_ = false;
  // The other matrix, its map, and for each box of a warp an mbarrier; boxes that are loaded ahead.
  std::optional<plan::MatrixRead> loaded_;
  kernel::MapParameter* loaded_map_ = nullptr;
  kernel::Buffer* arrived_ = nullptr;
  int ahead_ = 0;
  kernel::Value warp_ = nullptr;
  kernel::Var* parities_ = nullptr;  // a bit for each set of the warp's boxes
  std::vector<Result> results_;
  int line_ = 0;  // columns of a box
  int sets_ = 0;  // boxes of all results that a warp has
  kernel::Buffer* boxes_ = nullptr;
  // Places in boxes, and pairs of results that go there.
  std::vector<std::pair<kernel::Value, kernel::Value>> filled_;
};

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_CONTRACTION_STORES_H_
