// The radix_sort skeleton (plan/radix_sort.h).
#include "compiler/plan/radix_sort.h"

#include <algorithm>
#include <utility>

#include "compiler/kernel/expr.h"
#include "compiler/lower/radix_pass.h"
#include "compiler/lower/sort_keys.h"
#include "ir/analysis/sort_order.h"

namespace ingot::lower {

using kernel::Expr;
using kernel::Value;
using plan::RadixDigitOf;
using plan::RadixField;

namespace {

class RadixSort {
 public:
  explicit RadixSort(Frame& frame)
      : frame_(frame),
        plan_(frame.plan.radix_sort()),
        sort_(*frame.fusion.root()),
        b_(frame.builder),
        e_(frame.emitter),
        math_(frame.context.math),
        dimension_(sort_.attributes<SortAttributes>().dimensions[0]),
        rows_(plan::SortedRowsOf(sort_)),
        positions_(sort_.operand(0)->shape().dimensions()),
        keys_(*FindSortKeys(sort_)),
        digits_(plan::RadixDigitsOf(sort_, plan_.radix.digit_bits)),
        scratch_(plan::RadixScratchOf(plan_, sort_)),
        fields_(plan::RadixFieldsOf(plan_, sort_)),
        is_last_(plan_.radix.pass + 1 == plan_.radix.passes) {
    positions_.erase(positions_.begin() + dimension_);
    for (size_t f = 0; f < fields_.size(); ++f) order_.push_back(f);
    const auto has_digit = std::find_if(order_.begin(), order_.end(), [&](size_t f) {
      return !fields_[f].is_place && fields_[f].number == KeyOfPass().operand;
    });
    std::rotate(order_.begin(), has_digit, has_digit + 1);
  }

  void Run() {
    RadixEntries entries;
    entries.plan = plan_.radix;
    entries.rows = rows_.rows;
    entries.size = rows_.size;
    if (scratch_.has_words) entries.words = frame_.memory.scratch[0];
    if (plan_.stage == plan::RadixStage::kCount) {
      entries.digits = [&](Value row, Value number) { return DigitsOf(row, number); };
      return LowerRadixCount(frame_, entries);
    }
    for (size_t f : order_) entries.types.push_back(fields_[f].type);
    const RadixDigitOf& digit = digits_[plan_.radix.pass];
    entries.bits = digit.bits;
    entries.digit_of = [&](Value element) {
      return RadixDigit(b_, NarrowKey(KeyOfPass(), element), digit.shift, digit.bits);
    };
    entries.load = [&](size_t f, Value row, Value number) { return Load(order_[f], row, number); };
    entries.store = [&](size_t f, Value row, Value to, Value value) {
      is_last_ ? StoreResult(fields_[order_[f]], IndexOf(row, to), value, row)
               : b_.Store(Scratch(order_[f], plan_.radix.pass), PlaceOf(row, to), value);
    };
    LowerRadixPass(frame_, entries);
  }

 private:
  const SortKey& KeyOfPass() const { return keys_[digits_[plan_.radix.pass].key]; }
  ElementType TypeOf(int64_t operand) const {
    return sort_.operand(operand)->shape().element_type();
  }
  Value NarrowKey(const SortKey& key, Value element) {
    return NarrowKeyOf(key, TypeOf(key.operand), {b_, element}).value();
  }

  Index IndexOf(Value row, Value number) {
    Index index;
    index.dims = math_.Delinearize(row, positions_);
    index.dims.insert(index.dims.begin() + dimension_, number);
    return index;
  }
  Value PlaceOf(Value row, Value number) { return b_.Add(math_.Mul(row, rows_.size), number); }
  kernel::Buffer* Scratch(size_t field, int pass) {
    return frame_.memory.scratch[scratch_.OfField(static_cast<int>(field), pass)];
  }

  std::vector<Value> DigitsOf(Value row, Value number) {
    std::vector<Value> keys, digits;
    for (const SortKey& key : keys_) {
      const Value element = e_.Emit(*sort_.operand(key.operand), IndexOf(row, number)).re;
      keys.push_back(NarrowKey(key, element));
    }
    for (const RadixDigitOf& digit : digits_) {
      digits.push_back(RadixDigit(b_, keys[digit.key], digit.shift, digit.bits));
    }
    return digits;
  }

  Value Load(size_t field, Value row, Value number) {
    if (plan_.radix.pass > 0) {
      return b_.Load(Scratch(field, plan_.radix.pass - 1), PlaceOf(row, number));
    }
    if (fields_[field].is_place) return b_.Convert(number, ElementType::kU32);
    return e_.Emit(*sort_.operand(fields_[field].number), IndexOf(row, number)).re;
  }

  void StoreResult(const RadixField& field, const Index& to, Value value, Value row) {
    if (!field.is_place) return Store(field.number, to, {value, nullptr});
    const Index from = IndexOf(row, math_.Convert(value));
    for (int64_t k = 0; k < sort_.operand_count(); ++k) {
      const bool moves = std::any_of(fields_.begin(), fields_.end(), [&](const RadixField& other) {
        return !other.is_place && other.number == k;
      });
      if (!moves) Store(k, to, e_.Emit(*sort_.operand(k), from));
    }
  }
  void Store(int64_t k, const Index& to, Element element) {
    e_.Store(frame_.memory.results[k], sort_.operand(k)->shape(), to, element);
  }

  Frame& frame_;
  const plan::RadixSortPlan& plan_;
  const Instruction& sort_;
  kernel::Builder& b_;
  ElementEmitter& e_;
  IndexMath& math_;
  const int64_t dimension_;
  const plan::SortedRows rows_;
  std::vector<int64_t> positions_;  // sizes of the other dimensions
  const std::vector<SortKey> keys_;
  const std::vector<RadixDigitOf> digits_;
  const plan::RadixScratch scratch_;
  const std::vector<RadixField> fields_;
  std::vector<size_t> order_;  // of fields: first the one that has this pass's digit
  const bool is_last_;
};

}  // namespace

void LowerRadixSort(Frame& frame) {
  frame.LaunchBlocks();
  frame.builder.set_hlo(static_cast<int32_t>(frame.fusion.root()->id()));
  if (frame.plan.radix_sort().stage == plan::RadixStage::kClear) {
    return LowerRadixClear(frame, frame.memory.scratch[0]);
  }
  RadixSort(frame).Run();
}

}  // namespace ingot::lower
