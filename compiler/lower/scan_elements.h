// What scans by warps and by tiles share: one element of each input, put together, shuffled and
// taken from vectors.
#ifndef INGOT_COMPILER_LOWER_SCAN_ELEMENTS_H_
#define INGOT_COMPILER_LOWER_SCAN_ELEMENTS_H_

#include <vector>

#include "compiler/lower/emitter.h"

namespace ingot::lower {

// Of an associative scan (plan::IsAssociative) whose carries are at `position`.  `lanes` elements
// of a vector lie along memory, in the order of the scan or against it.
class ScanElements {
 public:
  ScanElements(ElementEmitter& e, const Instruction& scan, int lanes);

  int64_t count() const { return count_; }  // of inputs, of carries, of other results

  Elements Combine(const Elements& before, const Elements& value, const Index& position);
  Elements Shuffle(kernel::Intrinsic row, const Elements& values, kernel::Value by);
  Elements Choose(kernel::Value condition, const Elements& on_true, const Elements& on_false);
  // Lane l of the warp has what the values of lanes 0 … l come to.
  Elements ScanLanes(Elements values, kernel::Value lane, const Index& position);

  // The inputs' vectors at `here`, one element after the other in the order of the scan.
  std::vector<Elements> Load(const Index& here);
  // The other way round, of input `k`.
  Element Join(const std::vector<Elements>& values, int64_t k);

 private:
  int InMemory(int i) const { return is_reverse_ ? lanes_ - 1 - i : i; }

  ElementEmitter& e_;
  kernel::Builder& b_;
  const Instruction& scan_;
  const bool is_reverse_;
  const int64_t count_;
  const int lanes_;
};

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_SCAN_ELEMENTS_H_
