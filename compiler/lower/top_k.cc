#include "compiler/lower/top_k.h"

#include <utility>

#include "compiler/lower/merge_tile.h"
#include "compiler/lower/sort_keys.h"
#include "compiler/plan/top_k.h"
#include "ir/analysis/sort_order.h"
#include "ir/base/integers.h"

namespace ingot::lower {

using kernel::Expr;
using kernel::Intrinsic;
using kernel::Value;

namespace {

// Records are a key and the place in the row, by which they are ordered too.  In shared memory the
// tile has the k first records seen so far, in order, behind them those that have come since and
// stand before the k-th, and then pads, which stand behind all.
class TopKLowering {
 public:
  explicit TopKLowering(Frame& frame)
      : frame_(frame),
        plan_(frame.plan.merge_sort()),
        top_(*frame.fusion.root()),
        operand_(*top_.operand(0)),
        b_(frame.builder),
        e_(frame.emitter),
        math_(frame.context.math),
        key_(FindSortKeys(top_)->front()),
        type_(operand_.shape().element_type()),
        k_(top_.attributes<TopKAttributes>().k),
        positions_(operand_.shape().dimensions()),
        size_(positions_.back()),
        chunk_(plan::ElementsAtOnce(plan_)),
        tile_(frame, OptionsOf()) {
    positions_.pop_back();
  }

  void Run() {
    frame_.LaunchBlocks();
    b_.set_hlo(static_cast<int32_t>(top_.id()));
    count_ = frame_.kernel->AddShared("count", ElementType::kS32, {1});
    Begin();
    e_.For(math_.Const(0), math_.Const(size_), chunk_, [&](Value first) {
      TakeChunk(first);
      b_.Barrier();
      // No room for another chunk, or no other chunk.
      const Expr count(b_, b_.Load(count_, b_.Index(0)));
      const Expr is_full = count > static_cast<double>(tile_.tile() - k_ - chunk_);
      const Expr is_last = Expr(b_, first) >= static_cast<double>(size_ - chunk_);
      e_.If((is_full | is_last).value(), [&] { Keep(); });
      b_.Barrier();
    });
    StoreResults();
  }

 private:
  Expr Less(const MergeTile::Record& a, const MergeTile::Record& b) {
    const Expr a_key(b_, a[0]), b_key(b_, b[0]), a_place(b_, a[1]), b_place(b_, b[1]);
    return (a_key < b_key) | ((a_key == b_key) & (a_place < b_place));
  }

  MergeTile::Options OptionsOf() {
    MergeTile::Options options;
    options.types = {plan::KeyTypeOf(type_), ElementType::kU32};
    options.compared = 2;
    options.less = [this](const MergeTile::Record& a, const MergeTile::Record& b) {
      return Less(a, b);
    };
    options.items = plan_.items;
    options.row_threads = plan_.row_threads;
    options.rows = 1;
    return options;
  }

  Expr Small(int64_t value) { return {b_, b_.Index(value)}; }
  Expr Thread() { return {b_, b_.ThreadId()}; }
  Expr LastKey() { return !Expr(b_, b_.Constant(kernel::Type::Scalar(plan::KeyTypeOf(type_)), 0)); }
  // The pad of an element of the tile.
  MergeTile::Record PadOf(Expr element) {
    const Expr place = element.To(ElementType::kU32) + static_cast<double>(size_);
    return {LastKey().value(), place.value()};
  }
  Index IndexOf(Value element) {
    Index index;
    index.dims = math_.Delinearize(math_.Convert(b_.BlockId()), positions_);
    index.dims.push_back(element);
    return index;
  }

  void Begin() {
    for (int i = 0; i < plan_.items; ++i) {
      const Expr element = Thread() + static_cast<double>(i * plan_.threads());
      tile_.Store(tile_.PlaceOf(Small(0), element), PadOf(element));
    }
    tile_.StoreEnds();
    Clear();
    last_key_ = b_.DeclareVar("last_key", LastKey().value());
    last_place_ = b_.DeclareVar("last_place", b_.Integer(kernel::kU32, -1));
    b_.Barrier();
  }
  void Clear() {
    e_.If(b_.Eq(b_.ThreadId(), b_.Index(0)), [&] { b_.Store(count_, b_.Index(0), b_.Index(0)); });
  }

  // Elements from `first` on, of which those before the k-th record go to the tile.
  void TakeChunk(Value first) {
    struct Candidate {
      Expr key, place, is_before;
    };
    std::vector<std::pair<Expr, Expr>> loaded;  // places and elements
    for (int64_t begin = 0; begin < chunk_; begin += plan_.threads()) {
      const Expr place =
          Expr(b_, b_.Add(first, math_.Convert(Thread().value()))) + static_cast<double>(begin);
      Value read = place.value();
      if (size_ % chunk_ != 0) read = b_.Min(read, math_.Const(size_ - 1));
      loaded.emplace_back(place, Expr(b_, e_.Emit(operand_, IndexOf(read)).re));
    }
    std::vector<Candidate> candidates;
    for (const auto& [place, element] : loaded) {
      const Expr key = KeyOf(key_, type_, element);
      const Expr number = place.To(ElementType::kU32);
      Expr before = Less({key.value(), number.value()}, {b_.Read(last_key_), b_.Read(last_place_)});
      if (size_ % chunk_ != 0) before = (place < static_cast<double>(size_)) & before;
      candidates.push_back({key, number, before});
    }
    for (const Candidate& candidate : candidates) {
      const Expr votes(b_, b_.Call(Intrinsic::kBallot, {candidate.is_before.value()}));
      e_.If((votes != 0).value(), [&] {
        // The warp's are side by side; where is of no account, for places order them.
        kernel::Var* before = b_.DeclareVar("before", b_.Index(0));
        e_.If(b_.Eq(b_.LaneId(), b_.Index(0)), [&] {
          const Expr own = Popcnt(votes).To(ElementType::kS32);
          b_.Write(before, b_.Atomic(kernel::AtomicKind::kAdd, count_, b_.Index(0), own.value(),
                                     kernel::Order::kRelaxed, kernel::MemoryScope::kBlock));
        });
        const Expr base(b_, b_.Call(Intrinsic::kShuffleIdx, {b_.Read(before), b_.Index(0)}));
        const Expr lane = Expr(b_, b_.LaneId()).To(ElementType::kU32);
        const Expr lower = (Expr(b_, b_.Integer(kernel::kU32, 1)) << lane) - 1;
        const Expr rank = Popcnt(votes & lower).To(ElementType::kS32);
        e_.If(candidate.is_before.value(), [&] {
          tile_.Store(tile_.PlaceOf(Small(0), base + rank + static_cast<double>(k_)),
                      {candidate.key.value(), candidate.place.value()});
        });
      });
    }
  }

  // The k first records stay in the tile.
  void Keep() {
    tile_.SortItems();
    tile_.MergeItems();
    b_.Barrier();
    for (int i = 0; i < plan_.items; ++i) {
      const Expr element = tile_.First() + i;
      const Value stays = (element < static_cast<double>(k_)).value();
      const MergeTile::Record pad = PadOf(element);
      MergeTile::Record record;
      for (size_t f = 0; f < pad.size(); ++f) {
        record.push_back(b_.Select(stays, tile_.Item(f, i), pad[f]));
      }
      tile_.Store(tile_.PlaceOf(Small(0), element), record);
    }
    Clear();
    b_.Barrier();
    const Expr last = tile_.PlaceOf(Small(0), Small(k_ - 1));
    b_.Write(last_key_, tile_.Load(0, last));
    b_.Write(last_place_, tile_.Load(1, last));
  }

  void StoreResults() {
    for (int64_t begin = 0; begin < k_; begin += plan_.threads()) {
      const Expr element = Thread() + static_cast<double>(begin);
      e_.If((element < static_cast<double>(k_)).value(), [&] {
        const Value place = math_.Convert(tile_.Load(1, tile_.PlaceOf(Small(0), element)));
        const Index to = IndexOf(math_.Convert(element.value()));
        const std::vector<Shape>& shapes = top_.shape().tuple_shapes();
        e_.Store(frame_.memory.results[0], shapes[0], to, e_.Emit(operand_, IndexOf(place)));
        e_.Store(frame_.memory.results[1], shapes[1], to,
                 {b_.Convert(place, ElementType::kS32), nullptr});
      });
    }
  }

  Frame& frame_;
  const plan::MergeSortPlan& plan_;
  const Instruction& top_;
  const Instruction& operand_;
  kernel::Builder& b_;
  ElementEmitter& e_;
  IndexMath& math_;
  const SortKey key_;
  const ElementType type_;
  const int64_t k_;
  std::vector<int64_t> positions_;  // sizes of the dimensions but the last
  const int64_t size_;              // of a row
  const int64_t chunk_;             // elements that a block looks at together
  MergeTile tile_;
  kernel::Buffer* count_ = nullptr;  // s32[1]: records behind the first k
  kernel::Var* last_key_ = nullptr;  // of the k-th record
  kernel::Var* last_place_ = nullptr;
};

}  // namespace

void LowerTopK(Frame& frame) { TopKLowering(frame).Run(); }

}  // namespace ingot::lower
