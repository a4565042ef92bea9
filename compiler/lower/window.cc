// The window skeleton (plan/window.h).
#include "compiler/plan/window.h"

#include <algorithm>

#include "compiler/lower/combination.h"
#include "compiler/lower/fold.h"
#include "compiler/lower/frame.h"
#include "compiler/lower/window_position.h"
#include "compiler/plan/analysis.h"
#include "ir/analysis/windows.h"
#include "ir/base/integers.h"

namespace ingot::lower {

using kernel::Value;

namespace {

class WindowRun {
 public:
  explicit WindowRun(Frame& frame)
      : frame_(frame),
        plan_(frame.plan.window()),
        e_(frame.emitter),
        b_(frame.builder),
        math_(frame.context.math),
        window_(*plan::FindWindow(frame.fusion)),
        view_(*WindowOf(window_)),
        along_(view_.dimensions[plan_.dimension]) {}

  void Run() {
    frame_.LaunchBlocks();
    b_.set_hlo(static_cast<int32_t>(window_.id()));
    std::vector<int64_t> sizes = WindowShape(window_).dimensions();
    sizes[plan_.dimension] = CeilDiv(sizes[plan_.dimension], int64_t{plan_.run});
    sizes.back() /= plan_.lanes;
    int64_t threads = 1;
    for (int64_t size : sizes) threads *= size;
    const Value thread = b_.Add(math_.Mul(math_.Convert(b_.BlockId()), frame_.plan.block_threads),
                                math_.Convert(b_.ThreadId()));
    const auto one = [&] {
      first_ = math_.Delinearize(thread, sizes);
      first_.back() = math_.Mul(first_.back(), plan_.lanes);
      first_[plan_.dimension] = math_.Mul(first_[plan_.dimension], plan_.run);
      Compute();
    };
    if (threads % frame_.plan.block_threads == 0) return one();
    e_.If(b_.Lt(thread, math_.Const(threads)), one);
  }

 private:
  void Compute() {
    const bool weighted = view_.has_weights();
    if (!weighted) combination_ = CombinationOf(e_, window_);
    sum_type_ = plan::SumType(WindowShape(window_).element_type());
    for (int r = 0; r < plan_.run; ++r) {
      std::vector<ElementVar> sums;
      for (const Element& start : Start()) {
        sums.push_back(e_.Declare("sum", e_.Broadcast(start, plan_.lanes)));
      }
      sums_.push_back(std::move(sums));
    }
    std::vector<Value> at(view_.dimensions.size(), math_.Const(0));
    Walk(0, at);
    for (int r = 0; r < plan_.run; ++r) {
      Index index;
      index.dims = first_;
      index.dims[plan_.dimension] = math_.Add(first_[plan_.dimension], r);
      index.lane = Lane();
      const auto store = [&] { Finish(r, index); };
      const int64_t size = WindowShape(window_).dimension(plan_.dimension);
      if (size % plan_.run == 0) {
        e_.Scoped(store);
      } else {
        e_.If(b_.Lt(index.dims[plan_.dimension], math_.Const(size)), store);
      }
    }
  }

  plan::Lanes Lane() const {
    if (plan_.lanes == 1) return {};
    return {plan_.lanes, static_cast<int>(WindowShape(window_).rank()) - 1, 1, plan_.lanes};
  }

  Elements Start() {
    if (view_.has_weights()) return {e_.Zero(sum_type_)};
    const std::optional<Elements> identity =
        combination_.simple.has_value() ? combination_.Identity(e_) : std::nullopt;
    return identity.has_value() ? *identity : combination_.initial;
  }

  // The results of one window, and what is made of it.
  void Finish(int r, const Index& index) {
    Elements sums = e_.Read(sums_[r]);
    const ElementType type = WindowShape(window_).element_type();
    const Elements results = view_.has_weights() ? Elements{e_.Convert(sums[0], sum_type_, type)}
                                                 : combination_.Finish(e_, std::move(sums));
    for (size_t k = 0; k < results.size(); ++k) {
      e_.Provide(window_, index, static_cast<int>(k), results[k]);
    }
    const std::vector<Shape> leaves = plan::Leaves(frame_.fusion.root()->shape());
    for (size_t i = 0; i < leaves.size(); ++i) {
      const Element stored = e_.Emit(*frame_.fusion.root(), index, static_cast<int>(i));
      e_.Store(frame_.memory.results[i], leaves[i], index, stored);
    }
  }

  // The window's dimensions from `d` on but the plan's, whose strip is innermost.
  void Walk(size_t d, std::vector<Value>& at) {
    if (d == view_.dimensions.size()) return is_padding_ ? TakePadding(at) : Strip(at);
    const WindowDimension& window = view_.dimensions[d];
    if (static_cast<int>(d) == plan_.dimension || window.size == 1) return WalkOne(d, at);
    e_.For(
        math_.Const(0), math_.Const(window.size), 1,
        [&](Value i) {
          at[d] = i;
          WalkOne(d, at);
        },
        window.size <= plan::kMostUnrolled ? window.size : 1);
  }

  void WalkOne(size_t d, std::vector<Value>& at) {
    const bool asks = static_cast<int>(d) != plan_.dimension && !is_padding_;
    const Value inside = asks ? Inside(d, first_[d], at[d]) : nullptr;
    const auto inner = [&] { Walk(d + 1, at); };
    if (inside == nullptr) return inner();
    if (!CountsPadding()) return e_.If(inside, inner);
    e_.If(inside, inner, [&] {
      is_padding_ = true;
      inner();
      is_padding_ = false;
    });
  }

  bool CountsPadding() const { return view_.has_weights() && lower::CountsPadding(window_); }

  // The weights along the plan's dimension for these taps of the others.
  std::vector<Element> Weights(const std::vector<Value>& at) {
    std::vector<Element> weights;
    for (int64_t tap = 0; tap < along_.size; ++tap) weights.push_back(Weight(at, tap));
    return weights;
  }

  // The sum of zero times each weight: zero, or NaN where one is infinite or NaN.
  Element ZeroTimes(const std::vector<Element>& weights) {
    const Element zero = e_.Broadcast(e_.Zero(sum_type_), plan_.lanes);
    Element sum = zero;
    for (const Element& weight : weights) sum = MultiplyAdd(e_, sum_type_, zero, weight, sum);
    return sum;
  }
  // Whether such a sum is zero in all lanes: then zeros of the operand need not be taken.
  Value IsZero(const Element& sum) {
    Value all = sum.lanes() > 1 ? b_.SumTree(sum.re) : sum.re;
    if (sum.is_complex()) all = b_.Add(all, sum.im);
    return b_.Eq(all, b_.Float(all->type, 0));
  }

  // For these taps of the other dimensions all elements are zeros, for all results.
  void TakePadding(const std::vector<Value>& at) {
    const Element sum = ZeroTimes(Weights(at));
    e_.If(b_.Not(IsZero(sum)), [&] {
      for (const std::vector<ElementVar>& sums : sums_) {
        e_.Write(sums[0], Combine(e_, Opcode::kAdd, sum_type_, e_.Read(sums[0]), sum));
      }
    });
  }

  Value Position(size_t d, Value output, Value tap) {
    return WindowPosition(math_, view_.dimensions[d], output, tap);
  }

  int64_t BaseSize(size_t d) const {
    return window_.operand(0)->shape().dimension(view_.operand_dimension[d]);
  }

  // Whether it is an element of the operand; nullptr: it is always.
  Value Inside(size_t d, Value output, Value tap) {
    const WindowDimension& window = view_.dimensions[d];
    if (plan::AlwaysInside(window, BaseSize(d), WindowShape(window_).dimension(d))) return nullptr;
    return IsElement(d, Position(d, output, tap));
  }

  // Of a position among elements and the holes between them.
  Value IsElement(size_t d, Value position) {
    return IsInside(math_, view_.dimensions[d], BaseSize(d), position);
  }

  // Elements of the operand along the plan's dimension, each for all results whose windows have it:
  // without questions where all of them are there.
  void Strip(const std::vector<Value>& at) {
    const int64_t strip = plan::StripOf(plan_, along_);
    const Value first = Position(plan_.dimension, first_[plan_.dimension], math_.Const(0));
    const WindowDimension& window = along_;
    // Which elements are holes depends on where the strip begins.
    if (window.base_dilation > 1) return TakeStrip(at, first, /*asks=*/true);
    const int64_t size = BaseSize(plan_.dimension);
    const int64_t runs =
        CeilDiv(WindowShape(window_).dimension(plan_.dimension), int64_t{plan_.run});
    const bool always = window.padding_low <= 0 &&
                        (runs - 1) * plan_.run * window.stride - window.padding_low + strip <= size;
    if (always) return TakeStrip(at, first, /*asks=*/false);
    const Value whole =
        b_.And(b_.Ge(first, math_.Const(0)), b_.Le(math_.Add(first, strip), math_.Const(size)));
    e_.If(
        whole, [&] { TakeStrip(at, first, /*asks=*/false); },
        [&] { TakeStrip(at, first, /*asks=*/true); });
  }

  // All elements are loaded before the first is taken: where there may be none at a place (`asks`),
  // one that is there stands in for it.
  void TakeStrip(const std::vector<Value>& at, Value first, bool asks) {
    const std::vector<Element> weights = view_.has_weights() ? Weights(at) : std::vector<Element>();
    const int64_t strip = plan::StripOf(plan_, along_);
    // With the holes between elements.
    const int64_t span = (BaseSize(plan_.dimension) - 1) * along_.base_dilation + 1;
    std::vector<Elements> values(strip);
    std::vector<Value> inside(strip, nullptr);
    for (int64_t i = 0; i < strip; ++i) {
      if (!IsAsked(i)) continue;
      Value place = math_.Add(first, i);
      if (asks) {
        inside[i] = IsElement(plan_.dimension, place);
        place = math_.Div(Nearest(math_, place, span), along_.base_dilation);
      }
      values[i] = Load(at, place);
    }
    for (int64_t i = 0; i < strip; ++i) {
      if (!IsAsked(i)) continue;
      if (!asks) {
        Take(i, values[i], weights);
      } else if (view_.has_weights()) {
        const ElementType type = window_.operand(0)->shape().element_type();
        const Element zero = e_.Broadcast(e_.Zero(type), plan_.lanes);
        Take(i, {e_.Select(inside[i], values[i][0], zero)}, weights);
      } else {
        e_.If(inside[i], [&] { Take(i, values[i], weights); });
      }
    }
  }

  // The tap of result r at which it has element i of the strip, or -1.
  int64_t TapOf(int r, int64_t i) const {
    const int64_t from = i - r * along_.stride;
    const bool has = from >= 0 && from % along_.window_dilation == 0 &&
                     from / along_.window_dilation < along_.size;
    return has ? from / along_.window_dilation : -1;
  }
  bool IsAsked(int64_t i) const {
    for (int r = 0; r < plan_.run; ++r) {
      if (TapOf(r, i) >= 0) return true;
    }
    return false;
  }

  // The inputs' elements for these taps of the other dimensions, at `place` along the plan's.
  Elements Load(const std::vector<Value>& at, Value place) {
    Index index;
    index.dims.assign(view_.dimensions.size(), nullptr);
    for (size_t d = 0; d < view_.dimensions.size(); ++d) {
      const Value position =
          static_cast<int>(d) == plan_.dimension
              ? place
              : math_.Div(Position(d, first_[d], at[d]), view_.dimensions[d].base_dilation);
      index.dims[view_.operand_dimension[d]] = position;
    }
    index.lane = LaneOf(view_.operand_dimension.back());
    Elements values;
    for (int64_t k = 0; k < view_.inputs; ++k) {
      values.push_back(e_.Broadcast(e_.Emit(*window_.operand(k), index), plan_.lanes));
    }
    return values;
  }

  void Take(int64_t i, const Elements& values, const std::vector<Element>& weights) {
    for (int r = 0; r < plan_.run; ++r) {
      const int64_t tap = TapOf(r, i);
      if (tap >= 0) Accumulate(r, values, weights.empty() ? Element{} : weights[tap]);
    }
  }

  plan::Lanes LaneOf(int64_t dimension) const {
    if (plan_.lanes == 1) return {};
    return {plan_.lanes, static_cast<int>(dimension), 1, plan_.lanes};
  }

  void Accumulate(int r, const Elements& values, const Element& weight) {
    const std::vector<ElementVar>& sums = sums_[r];
    if (view_.has_weights()) {
      const ElementType type = window_.operand(0)->shape().element_type();
      e_.Write(sums[0], MultiplyAdd(e_, sum_type_, e_.Convert(values[0], type, sum_type_), weight,
                                    e_.Read(sums[0])));
      return;
    }
    const Elements before = e_.Read(sums);
    e_.Write(sums, combination_.Apply(e_, window_, before, combination_.Accumulators(e_, values)));
  }

  // A tap's weight, of the type of the sums.
  Element Weight(const std::vector<Value>& at, int64_t tap) {
    const Instruction& weights = *window_.operand(1);
    Index index;
    index.dims.assign(weights.shape().rank(), math_.Const(0));
    for (size_t d = 0; d < view_.dimensions.size(); ++d) {
      if (view_.weight_dimension[d] < 0) continue;
      const WindowDimension& window = view_.dimensions[d];
      Value of = static_cast<int>(d) == plan_.dimension ? math_.Const(tap) : at[d];
      if (window.reversal) of = b_.Sub(math_.Const(window.size - 1), of);
      index.dims[view_.weight_dimension[d]] = of;
    }
    const int64_t feature = FeatureDimension();
    index.dims[view_.weight_output_feature] = first_[feature];
    if (feature + 1 == WindowShape(window_).rank())
      index.lane = LaneOf(view_.weight_output_feature);
    return e_.Broadcast(
        e_.Convert(e_.Emit(weights, index), weights.shape().element_type(), sum_type_),
        plan_.lanes);
  }
  int64_t FeatureDimension() const {
    return window_.attributes<ConvolutionAttributes>().dim_labels.output_feature;
  }

  Frame& frame_;
  const plan::WindowPlan& plan_;
  ElementEmitter& e_;
  kernel::Builder& b_;
  IndexMath& math_;
  const Instruction& window_;
  const WindowView view_;
  const WindowDimension along_;
  Combination combination_;  // of a reduce-window
  ElementType sum_type_ = ElementType::kF32;
  std::vector<Value> first_;                   // coordinates of the thread's first result
  std::vector<std::vector<ElementVar>> sums_;  // for each result of the run
  bool is_padding_ = false;                    // what is being written is for padding or holes
};

}  // namespace

void LowerWindow(Frame& frame) { WindowRun(frame).Run(); }

}  // namespace ingot::lower
