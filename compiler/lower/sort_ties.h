// Elements that tie in a sort by keys, and have other bits.
#ifndef INGOT_COMPILER_LOWER_SORT_TIES_H_
#define INGOT_COMPILER_LOWER_SORT_TIES_H_

#include <functional>
#include <vector>

#include "compiler/kernel/expr.h"
#include "compiler/lower/frame.h"
#include "ir/analysis/sort_order.h"

namespace ingot::lower {

// A block sorts the keys of a row of floats.  They say what the elements were, but for those that
// tie: zeros of both signs, or NaNs.  These are one range of the sorted row, and are put there in
// the row's order: nothing to do where each is what its key says, as the first reading tells, else
// every warp counts those of its part of the row, and stores them behind those of warps before it.
class SortTies {
 public:
  // The row's element `i`, where that is one; any element beyond.
  using ElementAt = std::function<kernel::Expr(kernel::Expr i)>;

  // Of a row of `size` elements of `type`, all of whose threads are the block's.
  SortTies(Frame& frame, const SortKey& key, ElementType type, int64_t size);

  // Whether a thread's element has other bits than its key says.  Before any barrier.
  void Note(kernel::Expr element);
  // Once, behind the first barrier behind all notes.
  void Vote();
  // Behind a barrier behind all stores of results.  `first_of` gives the place of the first of a
  // key's elements in the sorted row; `store` stores an element at such a place.
  void Restore(const ElementAt& element_at,
               const std::function<kernel::Expr(kernel::Expr key)>& first_of,
               const std::function<void(kernel::Expr place, kernel::Expr element)>& store);

 private:
  kernel::Expr KeyOfElement(kernel::Expr element) const;
  kernel::Expr Ballot(kernel::Expr votes);
  // Calls `visit` with each element of the warp's part of the row: its key and whether it is there.
  void ForOwn(const ElementAt& element_at,
              const std::function<void(kernel::Expr element, kernel::Expr is_there)>& visit);

  Frame& frame_;
  kernel::Builder& b_;
  const SortKey key_;
  const ElementType type_;
  const int64_t size_;
  const int warps_;
  const std::vector<kernel::Expr> classes_;  // TiedKeys
  kernel::Buffer* differ_;                   // u32[1]: some element does
  kernel::Buffer* counts_;                   // s32[classes, warps]
  kernel::Value differs_;                    // one of the thread's
};

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_SORT_TIES_H_
