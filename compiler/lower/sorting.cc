// sort: each step sorts one row, stably, by merging runs of 1, 2, 4, … between result and scratch.
#include "compiler/lower/emitter.h"

namespace ingot::lower {

using kernel::Value;

namespace {

class Sort {
 public:
  Sort(ElementEmitter* e, const Instruction& sort, const Memory& memory, const Index& position)
      : e_(*e),
        sort_(sort),
        memory_(memory),
        position_(position),
        dimension_(sort.attributes<SortAttributes>().dimensions[0]),
        size_(sort.operand(0)->shape().dimension(dimension_)) {}

  void Emit() {
    const Value zero = e_.math().Const(0);
    const Value size = e_.math().Const(size_);
    e_.For(zero, size, 1, [&](Value i) {
      const Index at = At(i);
      for (int64_t k = 0; k < sort_.operand_count(); ++k) {
        e_.Store(memory_.results[k], ShapeOf(k), at, e_.Emit(*sort_.operand(k), at));
      }
    });
    if (size_ < 2) return;
    // Two merges a turn, so that the sorted row ends where it began: in the result.  A merge of
    // runs of `size` or more only copies.
    const ElementVar width = e_.Declare("width", {e_.math().Const(1), nullptr});
    e_.While([&] { return e_.b().Lt(e_.Read(width).re, size); },
             [&] {
               Merge(memory_.results, memory_.scratch, width);
               Double(width);
               Merge(memory_.scratch, memory_.results, width);
               Double(width);
             });
  }

 private:
  const Shape& ShapeOf(int64_t k) const { return sort_.operand(k)->shape(); }

  void Double(const ElementVar& width) {
    const Value w = e_.Read(width).re;
    e_.Write(width, {e_.b().Add(w, w), nullptr});
  }

  // Element `i` of this row.
  Index At(Value i) {
    Index index;
    index.dims = position_.dims;
    index.dims.insert(index.dims.begin() + dimension_, i);
    return index;
  }

  Value Least(Value a, Value b) { return e_.b().Min(a, b); }

  void Merge(const std::vector<kernel::Buffer*>& from, const std::vector<kernel::Buffer*>& to,
             const ElementVar& width_var) {
    const Value size = e_.math().Const(size_);
    const Value width = e_.Read(width_var).re;
    const ElementVar low_var = e_.Declare("low", {e_.math().Const(0), nullptr});
    e_.While([&] { return e_.b().Lt(e_.Read(low_var).re, size); },
             [&] {
               const Value low = e_.Read(low_var).re;
               const Value middle = Least(e_.b().Add(low, width), size);
               const Value high = Least(e_.b().Add(middle, width), size);
               MergeRuns(from, to, low, middle, high);
               e_.Write(low_var, {high, nullptr});
             });
  }

  // [low, middle) and [middle, high) of `from`, each sorted, to [low, high) of `to`.
  void MergeRuns(const std::vector<kernel::Buffer*>& from, const std::vector<kernel::Buffer*>& to,
                 Value low, Value middle, Value high) {
    kernel::Builder& b = e_.b();
    const ElementVar left = e_.Declare("left", {low, nullptr});
    const ElementVar right = e_.Declare("right", {middle, nullptr});
    const Value last = e_.math().Const(size_ - 1);
    e_.For(low, high, 1, [&](Value out) {
      const Value i = e_.Read(left).re;
      const Value j = e_.Read(right).re;
      const Elements a = LoadRow(from, Least(i, last));
      const Elements c = LoadRow(from, Least(j, last));
      Elements arguments;  // is the right one strictly before the left one?
      for (size_t k = 0; k < a.size(); ++k) {
        arguments.push_back(c[k]);
        arguments.push_back(a[k]);
      }
      const Value right_first = e_.Call(*sort_.to_apply(), arguments)[0].re;
      const Value left_ended = b.Ge(i, middle);
      const Value take_right = b.Or(left_ended, b.And(b.Lt(j, high), right_first));
      const Index at = At(out);
      for (size_t k = 0; k < a.size(); ++k) {
        e_.Store(to[k], ShapeOf(static_cast<int64_t>(k)), at, e_.Select(take_right, c[k], a[k]));
      }
      const Value one = e_.math().Const(1);
      const Value zero = e_.math().Const(0);
      e_.Write(left, {b.Add(i, b.Select(take_right, zero, one)), nullptr});
      e_.Write(right, {b.Add(j, b.Select(take_right, one, zero)), nullptr});
    });
  }

  Elements LoadRow(const std::vector<kernel::Buffer*>& buffers, Value i) {
    Elements row;
    for (size_t k = 0; k < buffers.size(); ++k) {
      row.push_back(e_.Load(buffers[k], ShapeOf(static_cast<int64_t>(k)), At(i)));
    }
    return row;
  }

  ElementEmitter& e_;
  const Instruction& sort_;
  const Memory& memory_;
  const Index& position_;
  const int64_t dimension_;
  const int64_t size_;
};

}  // namespace

void EmitSort(ElementEmitter& e, const Instruction& sort, const Memory& memory,
              const Index& position) {
  Sort(&e, sort, memory, position).Emit();
}

}  // namespace ingot::lower
