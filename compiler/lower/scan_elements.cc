#include "compiler/lower/scan_elements.h"

namespace ingot::lower {

using kernel::Intrinsic;
using kernel::Value;

ScanElements::ScanElements(ElementEmitter& e, const Instruction& scan, int lanes)
    : e_(e),
      b_(e.b()),
      scan_(scan),
      is_reverse_(scan.attributes<ScanAttributes>().is_reverse),
      count_(scan.attributes<ScanAttributes>().num_carries),
      lanes_(lanes) {}

Elements ScanElements::Combine(const Elements& before, const Elements& value,
                               const Index& position) {
  Elements arguments = value;
  arguments.insert(arguments.end(), before.begin(), before.end());
  Elements results = e_.Call(*scan_.to_apply(), arguments, position);
  results.resize(count_);
  return results;
}

Elements ScanElements::Shuffle(Intrinsic row, const Elements& values, Value by) {
  Elements shuffled;
  for (const Element& value : values) shuffled.push_back({b_.Call(row, {value.re, by}), nullptr});
  return shuffled;
}

Elements ScanElements::Choose(Value condition, const Elements& on_true, const Elements& on_false) {
  Elements chosen;
  for (int64_t k = 0; k < count_; ++k) {
    chosen.push_back(e_.Select(condition, on_true[k], on_false[k]));
  }
  return chosen;
}

Elements ScanElements::ScanLanes(Elements values, Value lane, const Index& position) {
  for (int by = 1; by < kernel::kWarpSize; by *= 2) {
    const Elements left = Shuffle(Intrinsic::kShuffleUp, values, b_.Index(by));
    const Elements both = Combine(left, values, position);
    values = Choose(b_.Ge(lane, b_.Index(by)), both, values);
  }
  return values;
}

std::vector<Elements> ScanElements::Load(const Index& here) {
  std::vector<Elements> values(lanes_);
  for (int64_t k = 0; k < count_; ++k) {
    const Element vector = e_.Broadcast(e_.Emit(*scan_.operand(k), here), lanes_);
    for (int i = 0; i < lanes_; ++i) {
      values[i].push_back({b_.Extract(vector.re, InMemory(i)), nullptr});
    }
  }
  return values;
}

Element ScanElements::Join(const std::vector<Elements>& values, int64_t k) {
  Elements lanes(lanes_);
  for (int i = 0; i < lanes_; ++i) lanes[InMemory(i)] = values[i][k];
  return e_.Build(lanes);
}

}  // namespace ingot::lower
