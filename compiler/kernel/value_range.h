// Between which numbers a value of kernel IR lies, as far as the operations that made it say.
#ifndef INGOT_COMPILER_KERNEL_VALUE_RANGE_H_
#define INGOT_COMPILER_KERNEL_VALUE_RANGE_H_

#include <limits>

#include "absl/container/flat_hash_map.h"
#include "compiler/kernel/kernel.h"

namespace ingot::kernel {

// Each lane is one of the numbers from `low` to `high`, these two included, or NaN where `nan` says
// so.  Integers of 64 bits, which f64 does not hold, are in the range of everything.
struct ValueRange {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool nan = true;

  // Finite, not NaN, and not below `least`.
  bool IsFiniteFrom(double least) const;
  bool operator==(const ValueRange&) const = default;
};

// The ranges of one kernel's values, remembered: the same question twice costs a look-up.
class ValueRanges {
 public:
  // Interval arithmetic over constants, conversions, bits that are shifted, masked or joined and
  // then taken for a float, sums, products, multiply-adds, roots, min, max, select and vectors, and
  // for integers over numbers of blocks and threads, loops, quotients and remainders, a few
  // operations deep; of any other operation the range of its type.
  ValueRange Of(const Operation& value) { return Of(value, kMostDeep); }
  // What whoever made `value` knows of it.
  void Set(const Operation& value, const ValueRange& range) { known_[&value] = range; }

 private:
  static constexpr int kMostDeep = 12;

  ValueRange Of(const Operation& value, int deep);
  ValueRange Find(const Operation& value, int deep);
  ValueRange OfFloat(const Operation& value, int deep);
  ValueRange OfInteger(const Operation& value, int deep);

  absl::flat_hash_map<const Operation*, ValueRange> known_;
};

}  // namespace ingot::kernel

#endif  // INGOT_COMPILER_KERNEL_VALUE_RANGE_H_
