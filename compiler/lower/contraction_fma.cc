// Products by multiply-adds of threads, in the type of the sums.  A thread has every fourth row of
// its warp and every eighth column, so that what the lanes of a warp read of a tile is side by side
// and each element that is read is used several times.
#include <algorithm>

#include "compiler/lower/contraction_block.h"
#include "compiler/lower/fold.h"
#include "compiler/plan/contraction.h"

namespace ingot::lower {

using kernel::Expr;
using kernel::Value;

namespace {

constexpr int kColumnLanes = 8;
constexpr int kRowLanes = 4;
constexpr int kUnrolledGroups = 2;

// One matrix's elements, as a thread reads them.
struct Side {
  const ProductTile* tile;
  int count;   // of rows or columns of the thread
  int lanes;   // of the warp along them
  Value lane;  // number of the thread's
  Value first;
  // Elements that the thread reads together: along depth, else along rows or columns.
  int run;
  bool depth_major() const { return tile->plan->depth_major; }
  // Rows or columns of the thread that lie side by side.
  int together() const { return depth_major() ? 1 : run; }
};

class Fma : public ProductUnitLowering {
 public:
  explicit Fma(const ProductBlock& block)
      : block_(block),
        b_(block.b()),
        group_(std::min(block.elements(), plan::kFmaVector)),
        lhs_(SideOf(block.lhs(), block.warp_rows(), kRowLanes, Quotient(block.Lane(), kColumnLanes),
                    block.warp_row())),
        rhs_(SideOf(block.rhs(), block.warp_columns(), kColumnLanes,
                    Remainder(block.Lane(), kColumnLanes), block.warp_column())) {
    sums_ = b_.DeclareVar("sum", block.e().Zero(block.sum_type()).re, lhs_.count * rhs_.count);
  }

  void Multiply(Expr stage) override {
    b_.For(
        b_.Index(0), b_.Index(block_.plan().depth / group_), b_.Index(1),
        [&](Value number) {
          const Expr depth = Expr(b_, number) * group_;
          std::vector<Value> lhs, rhs;
          if (lhs_.depth_major()) lhs = Load(lhs_, stage, depth);
          if (rhs_.depth_major()) rhs = Load(rhs_, stage, depth);
          for (int k = 0; k < group_; ++k) {
            if (!lhs_.depth_major()) lhs = Load(lhs_, stage, depth + k);
            if (!rhs_.depth_major()) rhs = Load(rhs_, stage, depth + k);
            MultiplyAt(lhs, rhs, k);
          }
        },
        kUnrolledGroups);
  }

  void Pass(kernel::Buffer* to) override {
    const int together = rhs_.together();
    kernel::AccessOptions options;
    options.alignment = std::min(16, together * ByteWidth(block_.sum_type()));
    for (int i = 0; i < lhs_.count; ++i) {
      const Expr row = Place(lhs_, i) * static_cast<double>(plan::SumPitch(block_.plan()));
      for (int j = 0; j < rhs_.count; j += together) {
        std::vector<Value> sums;
        for (int n = j; n < j + together; ++n) sums.push_back(b_.Read(sums_, At(i, n)));
        b_.Store(to, (row + Place(rhs_, j)).value(), b_.Build(sums), options);
      }
    }
  }

 private:
  Side SideOf(const ProductTile& tile, int size, int lanes, Expr lane, Expr first) const {
    return {&tile, size / lanes, lanes, lane.value(), first.value(), group_};
  }
  Value At(int row, int column) { return b_.Index(row * rhs_.count + column); }

  // The tile's row or column that is number `i` of the thread's.
  Expr Place(const Side& side, int i) const {
    const int together = side.together();
    const Expr lane(b_, side.lane);
    return Expr(b_, side.first) + lane * together +
           (i / together * side.lanes * together + i % together);
  }

  // Vectors of a side's elements from this depth on, in the sums' type: one for each row or column
  // along depth, or along the rows or columns.
  std::vector<Value> Load(const Side& side, Expr stage, Expr depth) {
    std::vector<Value> vectors;
    kernel::AccessOptions options;
    options.alignment = side.run * ByteWidth(block_.type());
    for (int i = 0; i < side.count; i += side.together()) {
      const Expr outer = Place(side, i);
      const Expr line = side.depth_major() ? outer : depth;
      const Expr along = side.depth_major() ? depth : outer;
      const Expr place =
          block_.PlaceOf(*side.tile, stage, line, Quotient(along, block_.elements())) +
          Remainder(along, block_.elements());
      const Value vector = b_.Load(block_.tiles(), place.value(), side.run, options);
      vectors.push_back(block_.e().Convert({vector, nullptr}, block_.type(), block_.sum_type()).re);
    }
    return vectors;
  }

  Element ElementOf(const Side& side, const std::vector<Value>& vectors, int i, int k) {
    const Value vector = vectors[i / side.together()];
    return {b_.Extract(vector, side.depth_major() ? k : i % side.together()), nullptr};
  }

  void MultiplyAt(const std::vector<Value>& lhs, const std::vector<Value>& rhs, int k) {
    for (int i = 0; i < lhs_.count; ++i) {
      for (int j = 0; j < rhs_.count; ++j) {
        const Element sum =
            MultiplyAdd(block_.e(), block_.sum_type(), ElementOf(lhs_, lhs, i, k),
                        ElementOf(rhs_, rhs, j, k), {b_.Read(sums_, At(i, j)), nullptr});
        b_.Write(sums_, sum.re, At(i, j));
      }
    }
  }

  const ProductBlock& block_;
  kernel::Builder& b_;
  const int group_;  // elements along depth that are read together
  const Side lhs_, rhs_;
  kernel::Var* sums_ = nullptr;
};

}  // namespace

std::unique_ptr<ProductUnitLowering> FmaLowering(const ProductBlock& block) {
  return std::make_unique<Fma>(block);
}

}  // namespace ingot::lower
