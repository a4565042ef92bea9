// Ranks of a tile's entries by a digit, in shared memory.
#ifndef INGOT_COMPILER_LOWER_RADIX_RANK_H_
#define INGOT_COMPILER_LOWER_RADIX_RANK_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "compiler/lower/frame.h"

namespace ingot::lower {

// A block's threads have `items` entries each of a tile: a warp has entries that lie side by side,
// its lanes what lies side by side of them.  They are put in the order of their digits; those of
// one digit keep theirs.  Digits are shared by the threads, each of which has some one after the
// other.
class RadixRank {
 public:
  using Value = kernel::Value;

  // `bits` of the digits are not 0.
  RadixRank(Frame& frame, int bits, int threads, int items);

  // The entry `item` of the thread, s32, in the tile.
  Value NumberOf(int item) const;
  // Digits of the thread's entries, s32; which of them are there (empty: all).  All threads come
  // here.  `counted` is called once `counts` is known.
  void Run(const std::vector<Value>& digits, const std::vector<Value>& inside,
           const std::function<void()>& counted = nullptr);

  // Where the thread's entries are in the tile in that order.
  const std::vector<Value>& places() const { return places_; }
  // Whether the thread has digits; their numbers, how many entries have each, and where the first
  // of those is.
  Value has_digits() const { return has_digits_; }
  const std::vector<Value>& digits() const { return digits_; }
  const std::vector<Value>& counts() const { return counts_; }
  const std::vector<Value>& firsts() const { return firsts_; }

  // What the digits before the thread's come to, of `own` of each thread.  All threads come here,
  // behind a barrier.
  Value SumBefore(Value own);

  // Bytes of shared memory.
  static int64_t SharedBytes(int bits, int threads);

 private:
  Value OfWarp(Value digit) const;
  Value Rank(Value digit, Value inside);
  void FindPlaces(const std::function<void()>& counted);

  kernel::Builder& b_;
  ElementEmitter& e_;
  const int bits_, threads_, items_, warps_;
  const int64_t all_digits_;
  // Of each warp and digit its entries, then their places in the tile; sums of warps.
  kernel::Buffer *warp_counts_, *sums_;
  Value has_digits_ = nullptr;
  std::vector<Value> digits_, counts_, firsts_, places_;
};

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_RADIX_RANK_H_
