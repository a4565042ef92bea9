// scan: each step walks one row with its carries in registers: a thread, or a warp, of which each
// thread has a vector of elements at a time.
#include <algorithm>

#include "compiler/kernel/expr.h"
#include "compiler/lower/emitter.h"
#include "compiler/lower/scan_elements.h"

namespace ingot::lower {

using kernel::Value;

namespace {

using kernel::Expr;
using kernel::Intrinsic;

// An associative scan along memory by a warp.  A trip takes 32 vectors: threads scan their own,
// then what they come to is scanned over the lanes, and what is before a thread goes to each of its
// elements.  So sums are put together in an order that the row's length alone decides.
class WarpScan {
 public:
  WarpScan(ElementEmitter& e, const Instruction& scan, const Memory& memory, const Index& position)
      : e_(e),
        b_(e.b()),
        math_(e.math()),
        scan_(scan),
        attributes_(scan.attributes<ScanAttributes>()),
        memory_(memory),
        position_(position),
        size_(scan.operand(0)->shape().dimension(attributes_.dimensions[0])),
        width_(e.context().PlanOf(scan).width),
        elements_(e, scan, width_),
        count_(elements_.count()) {}

  void Run() {
    std::vector<ElementVar> carries;
    for (int64_t k = 0; k < count_; ++k) {
      carries.push_back(e_.Declare("carry", e_.Emit(*scan_.operand(count_ + k), position_)));
    }
    const int64_t trip = kernel::kWarpSize * width_;
    e_.For(
        math_.Const(0), math_.Const(size_), trip, [&](Value base) { Trip(base, carries); },
        /*unroll=*/kTripsTogether);
    e_.If(b_.Eq(b_.LaneId(), b_.Index(0)), [&] {
      for (int64_t k = 0; k < count_; ++k) {
        e_.Store(memory_.results[count_ + k], scan_.shape().tuple_shapes()[count_ + k], position_,
                 e_.Read(carries[k]));
      }
    });
  }

 private:
  static constexpr int kTripsTogether = 4;

  void Trip(Value base, const std::vector<ElementVar>& carries) {
    const Expr lane(b_, b_.LaneId());
    const Expr first = Expr(b_, base) + Expr(b_, math_.Convert(lane.value())) * width_;
    const bool whole = size_ % (kernel::kWarpSize * width_) == 0;
    // What is beyond the row reads its end, and stands behind all that is stored.
    const Expr inside = whole ? first : Min(first, Expr(b_, math_.Const(size_ - width_)));
    const Index here = At(inside);
    std::vector<Elements> values = elements_.Load(here);  // by place of the vector, then by input
    for (int i = 1; i < width_; ++i) values[i] = Combine(values[i - 1], values[i]);
    const Elements total = elements_.ScanLanes(values[width_ - 1], lane.value(), position_);
    Elements before;
    for (const ElementVar& carry : carries) before.push_back(e_.Read(carry));
    const Elements left = elements_.Shuffle(Intrinsic::kShuffleUp, total, b_.Index(1));
    const Elements both = Combine(before, left);
    before = elements_.Choose((lane >= 1).value(), both, before);
    for (Elements& value : values) value = Combine(before, value);
    Value last = b_.Index(kernel::kWarpSize - 1);
    if (!whole) {
      const Expr left_over = Expr(b_, math_.Const(size_)) - Expr(b_, base);
      const Value vectors = b_.Convert(math_.Div(left_over.value(), width_), ElementType::kS32);
      last = b_.Min(last, b_.Sub(vectors, b_.Index(1)));
    }
    const Elements end = elements_.Shuffle(Intrinsic::kShuffleIdx, values[width_ - 1], last);
    for (int64_t k = 0; k < count_; ++k) e_.Write(carries[k], end[k]);
    const Value stores = whole ? b_.True() : b_.Lt(first.value(), math_.Const(size_));
    e_.If(stores, [&] { Store(here, values); });
  }

  // The vector that begins at `place` in the order of the scan.
  Index At(Expr place) {
    const int64_t dimension = attributes_.dimensions[0];
    Index index;
    index.dims = position_.dims;
    const Expr at = attributes_.is_reverse ? static_cast<double>(size_ - width_) - place : place;
    index.dims.insert(index.dims.begin() + dimension, at.value());
    if (width_ > 1) index.lane = {width_, static_cast<int>(dimension), 1, width_};
    return index;
  }

  void Store(const Index& here, const std::vector<Elements>& values) {
    for (int64_t k = 0; k < count_; ++k) {
      e_.Store(memory_.results[k], scan_.shape().tuple_shapes()[k], here,
               elements_.Join(values, k));
    }
  }

  Elements Combine(const Elements& before, const Elements& value) {
    return elements_.Combine(before, value, position_);
  }

  ElementEmitter& e_;
  kernel::Builder& b_;
  IndexMath& math_;
  const Instruction& scan_;
  const ScanAttributes& attributes_;
  const Memory& memory_;
  const Index& position_;
  const int64_t size_;
  const int width_;
  ScanElements elements_;
  const int64_t count_;
};

}  // namespace

void EmitScan(ElementEmitter& e, const Instruction& scan, const Memory& memory,
              const Index& position) {
  if (e.context().plan.steps().step_threads > 1) return WarpScan(e, scan, memory, position).Run();
  const ScanAttributes& attributes = scan.attributes<ScanAttributes>();
  const int64_t dimension = attributes.dimensions[0];
  const int64_t inputs = scan.operand_count() - attributes.num_carries;
  const int64_t outputs =
      static_cast<int64_t>(scan.shape().tuple_shapes().size()) - attributes.num_carries;
  if (inputs == 0) {
    e.Unsupported(scan, "without inputs");
    return;
  }
  const int64_t size = scan.operand(0)->shape().dimension(dimension);
  const auto at = [&](Value i) {
    Index index;
    index.dims = position.dims;
    index.dims.insert(index.dims.begin() + dimension, i);
    index.lane = position.lane;
    if (index.lane.dim >= dimension) ++index.lane.dim;
    return index;
  };
  std::vector<ElementVar> carries;
  for (int64_t k = 0; k < attributes.num_carries; ++k) {
    const Element initial = e.Emit(*scan.operand(inputs + k), position);
    carries.push_back(e.Declare("carry", e.Broadcast(initial, position.lanes())));
  }
  e.For(e.math().Const(0), e.math().Const(size), 1, [&](Value step) {
    const Value i = attributes.is_reverse ? e.b().Sub(e.math().Const(size - 1), step) : step;
    const Index here = at(i);
    Elements arguments;
    for (int64_t k = 0; k < inputs; ++k) {
      arguments.push_back(e.Broadcast(e.Emit(*scan.operand(k), here), position.lanes()));
    }
    for (const ElementVar& carry : carries) arguments.push_back(e.Read(carry));
    const Elements results = e.Call(*scan.to_apply(), arguments, position);
    for (int64_t k = 0; k < outputs; ++k) {
      e.Store(memory.results[k], scan.shape().tuple_shapes()[k], here, results[k]);
    }
    for (size_t k = 0; k < carries.size(); ++k) e.Write(carries[k], results[outputs + k]);
  });
  for (size_t k = 0; k < carries.size(); ++k) {
    e.Store(memory.results[outputs + k], scan.shape().tuple_shapes()[outputs + k], position,
            e.Read(carries[k]));
  }
}

}  // namespace ingot::lower
