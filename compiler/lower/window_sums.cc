// The window_sums skeleton (plan/window_sums.h).
#include "compiler/plan/window_sums.h"

#include <algorithm>
#include <map>
#include <set>

#include "compiler/lower/fold.h"
#include "compiler/lower/frame.h"
#include "compiler/lower/window_position.h"
#include "compiler/plan/analysis.h"
#include "ir/base/integers.h"

namespace ingot::lower {

using kernel::Value;

namespace {

// Parts that a thread of the second kernel loads together.
constexpr int64_t kPartsTogether = 8;
constexpr int kAccessBytes = 16;

class SumsOfWindow {
 public:
  explicit SumsOfWindow(Frame& frame)
      : frame_(frame),
        plan_(frame.plan.window_sums()),
        e_(frame.emitter),
        b_(frame.builder),
        math_(frame.context.math),
        root_(*frame.fusion.root()),
        attributes_(root_.attributes<ConvolutionAttributes>()),
        labels_(attributes_.dim_labels),
        last_(labels_.output_spatial.size() - 1),
        window_(attributes_.window.dimensions[last_]),
        sum_type_(plan::SumType(root_.shape().element_type())),
        size_(plan::WindowSumsOf(root_)) {}

  void Run() {
    b_.set_hlo(static_cast<int32_t>(root_.id()));
    if (plan_.combines) return Combine();
    Place();
    const Value step = math_.Const(plan_.parts * plan_.groups);
    const Value first = b_.Add(math_.Mul(part_, plan_.groups), math_.Convert(group_));
    kernel::Var* const at = b_.DeclareVar("row", first);
    e_.While([&] { return b_.Lt(b_.Read(at), math_.Const(size_.rows)); },
             [&] {
               Row(b_.Read(at));
               b_.Write(at, b_.Add(b_.Read(at), step));
             });
    StorePart();
  }

 private:
  void Place() {
    const int64_t features = int64_t{plan_.across} * plan_.lanes;
    const int64_t chunks = CeilDiv(size_.features, features);
    const Value block = math_.Convert(b_.BlockId());
    // Blocks one after the other have the same rows.
    const Value tap = math_.Rem(block, size_.outer_taps);
    const Value other = math_.Div(block, size_.outer_taps);
    part_ = math_.Div(other, chunks);
    first_feature_ = math_.Mul(math_.Rem(other, chunks), features);
    outer_tap_ = tap;
    IndexMath small(&b_, ElementType::kS32);
    lane_ = small.Rem(b_.ThreadId(), plan_.across);
    group_ = small.Div(b_.ThreadId(), plan_.across);
    const Value feature = b_.Add(first_feature_, math_.Mul(math_.Convert(lane_), plan_.lanes));
    // Threads beyond the features take the last ones, and their sums are not stored.
    feature_ = size_.features % features == 0
                   ? feature
                   : b_.Min(feature, math_.Const(size_.features - plan_.lanes));
    std::vector<int64_t> taps;
    for (size_t s = 0; s < last_; ++s) {
      taps.push_back(root_.shape().dimension(labels_.output_spatial[s]));
    }
    outer_taps_ = math_.Delinearize(outer_tap_, taps);
    for (int64_t k = 0; k < size_.taps; ++k) {
      sums_.push_back(e_.Declare("sum", e_.Broadcast(e_.Zero(sum_type_), plan_.lanes)));
    }
  }

  // An image, and a position in the other spatial dimensions: what there is of the input for it.
  void Row(Value row) {
    std::vector<int64_t> sizes = {
        root_.operand(1)->shape().dimension(labels_.kernel_input_feature)};
    for (size_t s = 0; s < last_; ++s) {
      sizes.push_back(root_.operand(1)->shape().dimension(labels_.kernel_spatial[s]));
    }
    const std::vector<Value> at = math_.Delinearize(row, sizes);
    image_ = at[0];
    positions_.assign(at.begin() + 1, at.end());
    inputs_.clear();
    Value inside = b_.True();
    for (size_t s = 0; s < last_; ++s) {
      const WindowDimension& window = attributes_.window.dimensions[s];
      const Value input = WindowPosition(math_, window, outer_taps_[s], positions_[s]);
      inputs_.push_back(input);
      inside = b_.And(inside, math_.IsBelow(input, InputSize(s)));
    }
    const auto positions = [&] {
      e_.For(math_.Const(0), math_.Const(size_.positions), plan_.run,
             [&](Value first) { Positions(first); });
    };
    if (!CountsPadding(root_)) return e_.If(inside, positions);
    e_.If(inside, positions, [&] { TakePadding(); });
  }

  // The row's input is zeros, the same for all taps.
  void TakePadding() {
    const ElementVar sum = e_.Declare("padding", e_.Broadcast(e_.Zero(sum_type_), plan_.lanes));
    e_.For(
        math_.Const(0), math_.Const(size_.positions), 1,
        [&](Value position) {
          e_.Write(sum, MultiplyAdd(e_, sum_type_, e_.Zero(sum_type_),
                                    Converted(1, LoadOther(position)), e_.Read(sum)));
        },
        plan_.run);
    for (const ElementVar& tap : sums_) {
      e_.Write(tap, lower::Combine(e_, Opcode::kAdd, sum_type_, e_.Read(tap), e_.Read(sum)));
    }
  }
  int64_t InputSize(size_t s) const {
    return root_.operand(0)->shape().dimension(labels_.input_spatial[s]);
  }

  // `run` positions, without questions where all that their taps have is there.
  void Positions(Value first) {
    const Value input = math_.Add(math_.Mul(first, window_.window_dilation), -window_.padding_low);
    const int64_t reach =
        (plan_.run - 1) * window_.window_dilation + (size_.taps - 1) * window_.stride;
    const Value whole =
        b_.And(b_.And(b_.Ge(input, math_.Const(0)),
                      b_.Lt(math_.Add(input, reach), math_.Const(InputSize(last_)))),
               b_.Le(math_.Add(first, plan_.run), math_.Const(size_.positions)));
    e_.If(
        whole, [&] { TakeRun(first, input, /*asks=*/false); },
        [&] { TakeRun(first, input, /*asks=*/true); });
  }

  // All is loaded before any is taken.  Where some may not be there (`asks`), elements that are
  // stand in for them: of the input those are zeros then, and positions behind the last are not
  // taken.
  void TakeRun(Value first, Value input, bool asks) {
    const auto at = [&](Value place, int64_t size) {
      return asks ? Nearest(math_, place, size) : place;
    };
    std::vector<Element> outer;
    for (int i = 0; i < plan_.run; ++i) {
      outer.push_back(LoadOther(at(math_.Add(first, i), size_.positions)));
    }
    std::map<int64_t, Element> inner;
    for (int64_t offset : Offsets()) {
      inner[offset] = LoadInput(at(math_.Add(input, offset), InputSize(last_)));
    }
    // Each is converted once, when all are under way.
    const Element zero = e_.Broadcast(e_.Zero(sum_type_), plan_.lanes);
    for (auto& [offset, element] : inner) {
      element = Converted(0, element);
      if (!asks) continue;
      const Value inside = math_.IsBelow(math_.Add(input, offset), InputSize(last_));
      element = e_.Select(inside, element, zero);
    }
    for (int i = 0; i < plan_.run; ++i) {
      const auto take = [&] { TakeTaps(i, inner, outer[i]); };
      if (!asks || size_.positions % plan_.run == 0) {
        take();
      } else {
        e_.If(b_.Lt(math_.Add(first, i), math_.Const(size_.positions)), take);
      }
    }
  }

  // Of all taps of a run, by distance from its first element.
  std::set<int64_t> Offsets() const {
    std::set<int64_t> offsets;
    for (int i = 0; i < plan_.run; ++i) {
      for (int64_t k = 0; k < size_.taps; ++k) offsets.insert(OffsetOf(i, k));
    }
    return offsets;
  }
  int64_t OffsetOf(int i, int64_t tap) const {
    return i * window_.window_dilation + tap * window_.stride;
  }
  void TakeTaps(int i, const std::map<int64_t, Element>& inner, const Element& outer) {
    const Element other = Converted(1, outer);
    for (int64_t k = 0; k < size_.taps; ++k) Take(k, inner.at(OffsetOf(i, k)), other);
  }
  void Take(int64_t tap, const Element& input, const Element& other) {
    e_.Write(sums_[tap], MultiplyAdd(e_, sum_type_, input, other, e_.Read(sums_[tap])));
  }

  plan::Lanes LaneOf(int64_t dimension) const {
    if (plan_.lanes == 1) return {};
    return {plan_.lanes, static_cast<int>(dimension), 1, plan_.lanes};
  }
  Element LoadInput(Value place) {
    const Instruction& x = *root_.operand(0);
    Index index;
    index.dims.assign(x.shape().rank(), nullptr);
    index.dims[labels_.input_batch] = feature_;
    index.dims[labels_.input_feature] = image_;
    for (size_t s = 0; s < last_; ++s) index.dims[labels_.input_spatial[s]] = inputs_[s];
    index.dims[labels_.input_spatial[last_]] = place;
    index.lane = LaneOf(labels_.input_batch);
    return Loaded(x, index);
  }
  Element LoadOther(Value position) {
    const Instruction& dy = *root_.operand(1);
    Index index;
    index.dims.assign(dy.shape().rank(), nullptr);
    index.dims[labels_.kernel_output_feature] = feature_;
    index.dims[labels_.kernel_input_feature] = image_;
    for (size_t s = 0; s <= last_; ++s) {
      const Value at = s < last_ ? positions_[s] : position;
      const WindowDimension& window = attributes_.window.dimensions[s];
      index.dims[labels_.kernel_spatial[s]] =
          window.reversal ? b_.Sub(math_.Const(window.size - 1), at) : at;
    }
    index.lane = LaneOf(labels_.kernel_output_feature);
    return Loaded(dy, index);
  }
  Element Loaded(const Instruction& operand, const Index& index) {
    return e_.Broadcast(e_.Emit(operand, index), plan_.lanes);
  }
  // An element of the operand as the sums' type.
  Element Converted(int64_t operand, const Element& element) {
    return e_.Convert(element, root_.operand(operand)->shape().element_type(), sum_type_);
  }

  // Sums of the groups, in order, to the block's part.
  void StorePart() {
    const int64_t features = int64_t{plan_.across} * plan_.lanes;
    kernel::Buffer* shared =
        frame_.kernel->AddShared("sums", sum_type_, {plan_.groups * size_.taps * features});
    shared->alignment = kAccessBytes;
    kernel::AccessOptions access;
    access.alignment = std::min(kAccessBytes, plan_.lanes * ByteWidth(sum_type_));
    const Value column = b_.Mul(lane_, b_.Index(plan_.lanes));
    for (int64_t k = 0; k < size_.taps; ++k) {
      const Value row = b_.Add(b_.Mul(group_, b_.Index(size_.taps)), b_.Index(k));
      b_.Store(shared, b_.Add(b_.Mul(row, b_.Index(features)), column), e_.Read(sums_[k]).re,
               access);
    }
    b_.Barrier();
    const Value all = b_.Index(size_.taps * features);
    IndexMath small(&b_, ElementType::kS32);
    b_.For(b_.ThreadId(), all, b_.Index(plan_.threads()), [&](Value at) {
      Element sum = {b_.Load(shared, at), nullptr};
      for (int g = 1; g < plan_.groups; ++g) {
        const Value next = b_.Load(shared, b_.Add(at, b_.Index(g * size_.taps * features)));
        sum = Added(sum, next);
      }
      const Value feature = b_.Add(first_feature_, math_.Convert(small.Rem(at, features)));
      const Value tap =
          b_.Add(math_.Mul(outer_tap_, size_.taps), math_.Convert(small.Div(at, features)));
      b_.If(b_.Lt(feature, math_.Const(size_.features)),
            [&] { b_.Store(frame_.memory.scratch[0], PartPlace(part_, tap, feature), sum.re); });
    });
  }
  Value PartPlace(Value part, Value tap, Value feature) {
    const Value row = b_.Add(math_.Mul(part, size_.outer_taps * size_.taps), tap);
    return b_.Add(math_.Mul(row, size_.features), feature);
  }

  // The second kernel: a thread adds every n-th part of a result, and then the first of those of
  // one result adds what they have, in order.
  void Combine() {
    const int64_t results = size_.outer_taps * size_.taps * size_.features;
    constexpr int64_t kOwners = plan::kThreadsOfResult;
    const int64_t each = frame_.plan.block_threads / kOwners;
    IndexMath small(&b_, ElementType::kS32);
    const Value own = small.Div(b_.ThreadId(), each);
    const Value beside = small.Rem(b_.ThreadId(), each);
    const Value at = b_.Add(math_.Mul(math_.Convert(b_.BlockId()), each), math_.Convert(beside));
    const Value inside = b_.Min(at, math_.Const(results - 1));
    const Value feature = math_.Rem(inside, size_.features);
    const Value tap = math_.Div(inside, size_.features);
    const ElementVar sum = e_.Declare("sum", e_.Zero(sum_type_));
    e_.For(
        math_.Convert(own), math_.Const(plan_.parts), kOwners,
        [&](Value part) {
          const Value next = b_.Load(frame_.memory.scratch[0], PartPlace(part, tap, feature));
          e_.Write(sum, Added(e_.Read(sum), next));
        },
        kPartsTogether);
    kernel::Buffer* shared =
        frame_.kernel->AddShared("sums", sum_type_, {frame_.plan.block_threads});
    b_.Store(shared, b_.ThreadId(), e_.Read(sum).re);
    b_.Barrier();
    const Value stores = b_.And(b_.Eq(own, b_.Index(0)), b_.Lt(at, math_.Const(results)));
    e_.If(stores, [&] {
      Element all = e_.Read(sum);
      for (int64_t o = 1; o < kOwners; ++o) {
        all = Added(all, b_.Load(shared, b_.Add(beside, b_.Index(o * each))));
      }
      StoreResult(tap, feature, all);
    });
  }
  Element Added(const Element& sum, Value next) {
    return lower::Combine(e_, Opcode::kAdd, sum_type_, sum, {next, nullptr});
  }

  void StoreResult(Value tap, Value feature, const Element& sum) {
    Index index;
    index.dims.assign(root_.shape().rank(), math_.Const(0));
    std::vector<int64_t> taps;
    for (int64_t d : labels_.output_spatial) taps.push_back(root_.shape().dimension(d));
    const std::vector<Value> place = math_.Delinearize(tap, taps);
    for (size_t s = 0; s <= last_; ++s) index.dims[labels_.output_spatial[s]] = place[s];
    index.dims[labels_.output_feature] = feature;
    e_.Store(frame_.memory.results[0], root_.shape(), index,
             e_.Convert(sum, sum_type_, root_.shape().element_type()));
  }

  Frame& frame_;
  const plan::WindowSumsPlan& plan_;
  ElementEmitter& e_;
  kernel::Builder& b_;
  IndexMath& math_;
  const Instruction& root_;
  const ConvolutionAttributes& attributes_;
  const ConvolutionDimensions& labels_;
  const size_t last_;  // of the spatial dimensions
  const WindowDimension& window_;
  const ElementType sum_type_;
  const plan::WindowSums size_;
  Value part_ = nullptr;
  Value outer_tap_ = nullptr;
  Value first_feature_ = nullptr;  // of the block
  Value feature_ = nullptr;        // of the thread
  Value lane_ = nullptr;
  Value group_ = nullptr;
  std::vector<Value> outer_taps_;
  std::vector<ElementVar> sums_;  // for each tap of the last dimension
  // Of the row: the image, its position in the other dimensions, and where the input has it.
  Value image_ = nullptr;
  std::vector<Value> positions_, inputs_;
};

}  // namespace

void LowerWindowSums(Frame& frame) {
  frame.LaunchBlocks();
  SumsOfWindow(frame).Run();
}

}  // namespace ingot::lower
