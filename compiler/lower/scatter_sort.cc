// scatter_updates: updates are sorted by the rows that they go to, a digit a pass.
#include "compiler/lower/radix_pass.h"
#include "compiler/lower/scatter_updates.h"

namespace ingot::lower {

using kernel::Value;

namespace {

// An entry is the row of an update, and what goes along: its element, or its number.
class ScatterSort {
 public:
  explicit ScatterSort(Frame& frame)
      : frame_(frame), b_(frame.builder), updates_(frame), plan_(updates_.plan()) {}

  void Run() {
    const plan::RadixPasses& radix = plan_.radix;
    RadixEntries entries;
    entries.plan = radix;
    entries.size = updates_.space().updates;
    if (updates_.scratch().words >= 0) entries.words = updates_.Scratch(updates_.scratch().words);
    if (plan_.stage == plan::ScatterStage::kClear) return LowerRadixClear(frame_, entries.words);
    if (radix.pass == 0) {
      entries.touch = [&](Value, Value number) { updates_.LoadIndices(number); };
    }
    if (plan_.stage == plan::ScatterStage::kCount) {
      entries.digits = [&](Value, Value number) {
        const Value key = updates_.KeyOf(number);
        std::vector<Value> digits;
        for (int pass = 0; pass < radix.passes; ++pass) digits.push_back(DigitOf(key, pass));
        return digits;
      };
      return LowerRadixCount(frame_, entries);
    }
    entries.types = {ElementType::kS32, plan_.staged ? updates_.TypeOf(0) : ElementType::kS32};
    entries.bits = radix.digit_bits;
    entries.digit_of = [&](Value key) { return DigitOf(key, radix.pass); };
    entries.load = [&](size_t field, Value, Value number) { return Load(field, number); };
    entries.store = [&](size_t field, Value, Value to, Value value) {
      b_.Store(Field(field, radix.pass), to, value);
    };
    LowerRadixPass(frame_, entries);
  }

 private:
  Value DigitOf(Value key, int pass) {
    const int bits = plan_.radix.digit_bits;
    return RadixDigit(b_, b_.Bitcast(key, kernel::kU32), plan_.tile_bits + pass * bits, bits);
  }
  kernel::Buffer* Field(size_t field, int pass) const {
    const plan::ScatterScratch& scratch = updates_.scratch();
    return updates_.Scratch(field == 0 ? scratch.keys[pass % 2] : scratch.payload[pass % 2]);
  }
  Value Load(size_t field, Value number) {
    if (plan_.radix.pass > 0) return b_.Load(Field(field, plan_.radix.pass - 1), number);
    if (field == 0) return updates_.KeyOf(number);
    if (!plan_.staged) return b_.Convert(number, ElementType::kS32);
    return updates_.UpdatesAt(number, frame_.context.math.Const(0))[0].re;
  }

  Frame& frame_;
  kernel::Builder& b_;
  const ScatterUpdates updates_;
  const plan::ScatterUpdatesPlan& plan_;
};

}  // namespace

void LowerScatterSort(Frame& frame) { ScatterSort(frame).Run(); }

}  // namespace ingot::lower
