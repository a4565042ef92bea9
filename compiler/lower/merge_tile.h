// A tile of records in shared memory, which the threads of a block sort and merge
// (plan/merge_sort.h).
#ifndef INGOT_COMPILER_LOWER_MERGE_TILE_H_
#define INGOT_COMPILER_LOWER_MERGE_TILE_H_

#include <functional>
#include <vector>

#include "compiler/kernel/expr.h"
#include "compiler/lower/frame.h"

namespace ingot::lower {

class MergeTile {
 public:
  using Record = std::vector<kernel::Value>;  // fields, from the first on

  struct Options {
    std::vector<ElementType> types;  // of the fields
    size_t compared = 0;             // of the fields, the first ones, which `less` reads
    // Whether `a`, which is behind `b`, stands before it.
    std::function<kernel::Expr(const Record& a, const Record& b)> less;
    // There is one field, an unsigned integer; equal ones are the same.
    bool keys_alone = false;
    int items = 0;  // of a thread
    int row_threads = 0;
    int rows = 0;  // of the block, each of which has a tile
  };
  MergeTile(Frame& frame, Options options);

  int tile() const { return options_.items * options_.row_threads; }

  // ----- shared memory

  // Where an element of the tile of one of the block's rows is.
  kernel::Expr PlaceOf(kernel::Expr row, kernel::Expr element);
  void Store(kernel::Expr place, const Record& record);
  kernel::Value Load(size_t field, kernel::Expr place);
  // Merges read one element behind a tile, and do not take it: it has to be there.
  void StoreEnds();

  // ----- the thread's items, of the tile of its row

  // The first of them, as an element of the tile.
  kernel::Expr First();
  // Declares them, sorted, of what is in shared memory; behind a barrier.
  void SortItems();
  // Declares them, for MergeParts.
  void DeclareItems();
  // Sorts the tile of the threads' sorted items.
  void MergeItems();
  // Makes the items those of the run that is merged from the elements [begin, middle) and
  // [middle, end) of the tile, from its element `count` on: the last ones if it `is_last`.
  void MergeParts(kernel::Expr begin, kernel::Expr middle, kernel::Expr end, kernel::Expr count,
                  kernel::Expr is_last);
  kernel::Value Item(size_t field, int number);
  // The fields from number `first` on, to shared memory.
  void WriteItems(size_t first = 0);

  // Of keys alone in order, the first element whose key is not less.
  kernel::Expr FirstOf(kernel::Expr key);

 private:
  kernel::Expr Small(int64_t value) { return {b_, b_.Index(value)}; }
  kernel::Expr Thread() { return {b_, b_.ThreadId()}; }
  // Of what is not negative.
  kernel::Expr Quotient(kernel::Expr a, int64_t divisor) {
    return {b_, IndexMath(&b_, a.element()).Div(a.value(), divisor)};
  }
  kernel::Expr Remainder(kernel::Expr a, int64_t divisor) {
    return {b_, IndexMath(&b_, a.element()).Rem(a.value(), divisor)};
  }
  kernel::Value Zero(size_t field) {
    return b_.Constant(kernel::Type::Scalar(options_.types[field]), 0);
  }
  // The thread's row of the block, as its place in shared memory.
  kernel::Expr RowBase() { return Quotient(Thread(), options_.row_threads) * pitch_; }
  kernel::Expr InTile(kernel::Expr element);
  // What is compared of an element of the tile of the thread's row.
  Record Compared(kernel::Expr element);
  Record Choose(kernel::Expr condition, const Record& on_true, const Record& on_false);
  void SetKeys(const std::vector<kernel::Value>& keys);
  void MergeRuns(kernel::Expr run_threads);
  kernel::Expr Search(kernel::Expr left, kernel::Expr right, kernel::Expr left_size,
                      kernel::Expr right_size, kernel::Expr count);
  void Merge(kernel::Expr left, kernel::Expr left_end, kernel::Expr right, kernel::Expr right_end);
  void MergeKeys(kernel::Expr left, kernel::Expr count, kernel::Expr right);

  kernel::Builder& b_;
  ElementEmitter& e_;
  const Options options_;
  const int pitch_;  // elements from one row's tile to the next, one of them behind it
  std::vector<kernel::Buffer*> shared_;  // by field
  std::vector<kernel::Var*> items_;      // by field
  kernel::Buffer* splits_ = nullptr;     // of each thread of the block, where keys are merged
};

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_MERGE_TILE_H_
