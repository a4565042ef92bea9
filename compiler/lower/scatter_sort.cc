// scatter_updates: updates are sorted by the rows that they go to, a digit at a time.
#include <functional>
#include <utility>

#include "compiler/lower/block_scan.h"
#include "compiler/lower/scatter_updates.h"
#include "ir/base/integers.h"

namespace ingot::lower {

using kernel::Intrinsic;
using kernel::Value;

namespace {

constexpr int kWarp = kernel::kWarpSize;

class ScatterSort {
 public:
  explicit ScatterSort(Frame& frame)
      : frame_(frame),
        b_(frame.builder),
        e_(frame.emitter),
        math_(frame.context.math),
        updates_(frame),
        plan_(updates_.plan()),
        threads_(plan_.sort_threads),
        warps_(threads_ / kWarp),
        digits_(int64_t{1} << plan_.digit_bits),
        tiles_(CeilDiv(updates_.space().updates, plan_.sort_tile())),
        is_alone_(tiles_ == 1) {}

  // How many of the block's updates have each digit.
  void Count() {
    kernel::Buffer* counts = Shared("digit_counts", digits_);
    OverDigits([&](Value digit) { b_.Store(counts, digit, b_.Index(0)); });
    b_.Barrier();
    OverTiles([&](Value tile) {
      for (const Item& item : LoadItems(tile, /*with_payload=*/false)) {
        e_.If(item.inside, [&] {
          b_.Atomic(kernel::AtomicKind::kAdd, counts, DigitOf(item.key), b_.Index(1),
                    kernel::Order::kRelaxed, kernel::MemoryScope::kBlock);
        });
      }
    });
    b_.Barrier();
    OverDigits(
        [&](Value digit) { b_.Store(Scratch().counts, CountOf(digit), b_.Load(counts, digit)); });
  }

  // A block has a digit: counts of the blocks become what is before them.  Each thread has some
  // blocks one after the other.
  void Offsets() {
    kernel::Buffer* totals = Shared("warp_totals", warps_);
    const int64_t each = CeilDiv(plan_.sort_blocks, threads_);
    const Value digit = b_.BlockId();
    const Value row = b_.Mul(digit, b_.Index(plan_.sort_blocks));
    const Value first = b_.Mul(b_.ThreadId(), b_.Index(each));
    const Value end = b_.Min(b_.Add(first, b_.Index(each)), b_.Index(plan_.sort_blocks));
    const auto over = [&](const std::function<void(Value)>& body) {
      b_.For(first, end, b_.Index(1), [&](Value block) { body(b_.Add(row, block)); });
    };
    kernel::Var* sum = b_.DeclareVar("sum", b_.Index(0));
    over([&](Value at) { b_.Write(sum, b_.Add(b_.Read(sum), b_.Load(Scratch().counts, at))); });
    const BlockSums sums = SumsOfThreads(b_, totals, warps_, b_.Read(sum));
    b_.Write(sum, sums.before);
    over([&](Value at) {
      const Value before = b_.Read(sum);
      b_.Write(sum, b_.Add(before, b_.Load(Scratch().counts, at)));
      b_.Store(Scratch().counts, at, before);
    });
    e_.If(b_.Eq(b_.ThreadId(), b_.Index(0)), [&] { b_.Store(Scratch().totals, digit, sums.all); });
  }

  void Partition() {
    warp_counts_ = Shared("warp_counts", warps_ * digits_);
    begins_ = Shared("begins", digits_);
    shifts_ = Shared("shifts", digits_);
    totals_ = Shared("warp_totals", warps_);
    keys_ = Shared("keys", plan_.sort_tile());
    payload_ = frame_.kernel->AddShared("payload", PayloadType(), {plan_.sort_tile()});
    if (!is_alone_) {
      FindBegins();
      b_.Barrier();
    }
    OverTiles([&](Value tile) {
      RankTile(tile);
      b_.Barrier();
      StoreTile(tile);
      b_.Barrier();
    });
  }

 private:
  struct Buffers {
    kernel::Buffer* counts;
    kernel::Buffer* totals;
  };
  Buffers Scratch() const {
    return {updates_.Scratch(updates_.scratch().counts),
            updates_.Scratch(updates_.scratch().totals)};
  }
  kernel::Buffer* Shared(const char* name, int64_t size) {
    return frame_.kernel->AddShared(name, ElementType::kS32, {size});
  }
  ElementType PayloadType() const { return plan_.staged ? updates_.TypeOf(0) : ElementType::kS32; }
  kernel::Buffer* Keys(int pass) const {
    return updates_.Scratch(updates_.scratch().keys[pass % 2]);
  }
  kernel::Buffer* Payload(int pass) const {
    return updates_.Scratch(updates_.scratch().payload[pass % 2]);
  }

  // ----- updates

  void OverDigits(const std::function<void(Value)>& body) {
    b_.For(b_.ThreadId(), b_.Index(digits_), b_.Index(threads_),
           [&](Value digit) { e_.Scoped([&] { body(digit); }); });
  }
  // The block's tiles, which lie side by side: the number of each's first update.
  void OverTiles(const std::function<void(Value)>& body) {
    if (is_alone_) return body(math_.Const(0));
    const int64_t trips = CeilDiv(tiles_, plan_.sort_blocks);
    const Value first = math_.Mul(math_.Convert(b_.BlockId()), trips);
    const Value end = b_.Min(math_.Add(first, trips), math_.Const(tiles_));
    e_.For(first, end, 1, [&](Value tile) { body(math_.Mul(tile, plan_.sort_tile())); });
  }
  // A warp has updates that lie side by side, its lanes what lies side by side of them.
  Value NumberOf(Value tile, int item) {
    const Value warp = math_.Mul(math_.Convert(b_.WarpId()), int64_t{plan_.sort_items} * kWarp);
    const Value lane = math_.Add(math_.Convert(b_.LaneId()), int64_t{item} * kWarp);
    return b_.Add(tile, b_.Add(warp, lane));
  }
  bool IsWhole() const { return updates_.space().updates % plan_.sort_tile() == 0; }
  Value IsInside(Value number) {
    if (IsWhole()) return b_.True();
    return b_.Lt(number, math_.Const(updates_.space().updates));
  }
  Value KeyAt(Value number) {
    if (plan_.pass == 0) return updates_.KeyOf(number);
    return b_.Load(Keys(plan_.pass - 1), number);
  }
  Value PayloadAt(Value number) {
    if (plan_.pass > 0) return b_.Load(Payload(plan_.pass - 1), number);
    if (!plan_.staged) return b_.Convert(number, ElementType::kS32);
    return updates_.UpdatesAt(number, math_.Const(0))[0].re;
  }
  struct Item {
    Value inside, key, payload, rank;
  };
  // The thread's part of a tile.  All loads are under way before one is used.
  std::vector<Item> LoadItems(Value tile, bool with_payload) {
    std::vector<Value> numbers;
    for (int i = 0; i < plan_.sort_items; ++i) {
      const Value number = NumberOf(tile, i);
      const Value last = math_.Const(updates_.space().updates - 1);
      numbers.push_back(IsWhole() ? number : b_.Min(number, last));
      if (plan_.pass == 0) updates_.LoadIndices(numbers[i]);
    }
    std::vector<Item> items;
    for (int i = 0; i < plan_.sort_items; ++i) {
      items.push_back({IsInside(NumberOf(tile, i)), nullptr, nullptr, nullptr});
      if (plan_.pass > 0) items[i].key = KeyAt(numbers[i]);
      if (with_payload) items[i].payload = PayloadAt(numbers[i]);
    }
    if (plan_.pass > 0) return items;
    for (int i = 0; i < plan_.sort_items; ++i) items[i].key = KeyAt(numbers[i]);
    return items;
  }
  Value DigitOf(Value key) {
    const Value shift = b_.Integer(kernel::kU32, plan_.pass * plan_.digit_bits);
    const Value low = b_.Lshr(b_.Bitcast(key, kernel::kU32), shift);
    return b_.Bitcast(b_.And(low, b_.Integer(kernel::kU32, digits_ - 1)), kernel::kS32);
  }
  // Where the block's count of a digit is.
  Value CountOf(Value digit) {
    return b_.Add(b_.Mul(digit, b_.Index(plan_.sort_blocks)), b_.BlockId());
  }

  // ----- partition

  // Where the block's updates of each digit go; a thread has a digit.
  void FindBegins() {
    const Value has = b_.Lt(b_.ThreadId(), b_.Index(digits_));
    kernel::AccessOptions options;
    options.mask = has;
    const Value total = b_.Load(Scratch().totals, b_.ThreadId(), 1, options);
    const Value count = b_.Select(has, total, b_.Index(0));
    const BlockSums sums = SumsOfThreads(b_, totals_, warps_, count);
    e_.If(has, [&] {
      const Value before = b_.Load(Scratch().counts, CountOf(b_.ThreadId()));
      b_.Store(begins_, b_.ThreadId(), b_.Add(sums.before, before));
    });
  }

  // Puts the tile's updates to shared memory in the order of their digits.
  void RankTile(Value tile) {
    b_.For(b_.ThreadId(), b_.Index(warps_ * digits_), b_.Index(threads_),
           [&](Value i) { b_.Store(warp_counts_, i, b_.Index(0)); });
    std::vector<Item> items = LoadItems(tile, /*with_payload=*/true);
    b_.Barrier();
    for (Item& item : items) Rank(item);
    b_.Barrier();
    FindPlaces();
    b_.Barrier();
    for (const Item& item : items) {
      e_.If(item.inside, [&] {
        const Value place = b_.Add(b_.Load(warp_counts_, OfWarp(DigitOf(item.key))), item.rank);
        b_.Store(keys_, place, item.key);
        b_.Store(payload_, place, item.payload);
      });
    }
  }
  Value OfWarp(Value digit) { return b_.Add(b_.Mul(b_.WarpId(), b_.Index(digits_)), digit); }

  // How many updates of the warp with this digit are before it; they are counted.
  void Rank(Item& item) {
    const Value digit = DigitOf(item.key);
    Value same = b_.Call(Intrinsic::kBallot, {item.inside});
    for (int bit = 0; bit < plan_.digit_bits; ++bit) {
      const Value mask = b_.Index(int64_t{1} << bit);
      const Value is_set = b_.Ne(b_.And(digit, mask), b_.Index(0));
      const Value votes = b_.Call(Intrinsic::kBallot, {is_set});
      same = b_.And(same, b_.Select(is_set, votes, b_.Not(votes)));
    }
    const Value one = b_.Integer(kernel::kU32, 1);
    const Value below = b_.Sub(b_.Shl(one, b_.Convert(b_.LaneId(), ElementType::kU32)), one);
    const auto bits = [&](Value votes) { return b_.Convert(b_.Popcnt(votes), ElementType::kS32); };
    const Value before = b_.Load(warp_counts_, OfWarp(digit));
    const Value earlier = bits(b_.And(same, below));
    b_.Call(Intrinsic::kWarpSync);
    e_.If(b_.And(item.inside, b_.Eq(earlier, b_.Index(0))),
          [&] { b_.Store(warp_counts_, OfWarp(digit), b_.Add(before, bits(same))); });
    b_.Call(Intrinsic::kWarpSync);
    item.rank = b_.Add(before, earlier);
  }

  // Counts of the warps become places in the tile; a thread has a digit.
  void FindPlaces() {
    const Value digit = b_.ThreadId();
    const Value has = b_.Lt(digit, b_.Index(digits_));
    kernel::Var* count = b_.DeclareVar("count", b_.Index(0));
    const auto over_warps = [&](const std::function<void(Value)>& body) {
      for (int warp = 0; warp < warps_; ++warp) body(b_.Add(digit, b_.Index(warp * digits_)));
    };
    e_.If(has, [&] {
      over_warps(
          [&](Value at) { b_.Write(count, b_.Add(b_.Read(count), b_.Load(warp_counts_, at))); });
    });
    const Value own = b_.Read(count);
    const BlockSums sums = SumsOfThreads(b_, totals_, warps_, own);
    e_.If(has, [&] {
      b_.Write(count, sums.before);
      over_warps([&](Value at) {
        const Value place = b_.Read(count);
        b_.Write(count, b_.Add(place, b_.Load(warp_counts_, at)));
        b_.Store(warp_counts_, at, place);
      });
      if (is_alone_) return;
      const Value begin = b_.Load(begins_, digit);
      b_.Store(shifts_, digit, b_.Sub(begin, sums.before));
      b_.Store(begins_, digit, b_.Add(begin, own));
    });
  }

  // From shared memory to where each digit's updates go.
  void StoreTile(Value tile) {
    const int64_t tile_size = plan_.sort_tile();
    const Value left = b_.Sub(math_.Const(updates_.space().updates), tile);
    for (int i = 0; i < plan_.sort_items; ++i) {
      const Value place = b_.Add(b_.ThreadId(), b_.Index(int64_t{i} * threads_));
      const Value inside =
          IsWhole() ? b_.True() : b_.Lt(math_.Convert(place), b_.Min(left, math_.Const(tile_size)));
      e_.If(inside, [&] {
        const Value key = b_.Load(keys_, place);
        const Value to = is_alone_ ? place : b_.Add(b_.Load(shifts_, DigitOf(key)), place);
        b_.Store(Keys(plan_.pass), to, key);
        b_.Store(Payload(plan_.pass), to, b_.Load(payload_, place));
      });
    }
  }

  Frame& frame_;
  kernel::Builder& b_;
  ElementEmitter& e_;
  IndexMath& math_;
  const ScatterUpdates updates_;
  const plan::ScatterUpdatesPlan& plan_;
  const int threads_;
  const int warps_;
  const int64_t digits_;
  const int64_t tiles_;
  const bool is_alone_;  // one block has all updates, and nothing is counted before
  // In shared memory: of each warp and digit the updates, then their place in the tile; of each
  // digit where the block's next ones go, and how far that is from their place in the tile.
  kernel::Buffer *warp_counts_ = nullptr, *begins_ = nullptr, *shifts_ = nullptr;
  kernel::Buffer *totals_ = nullptr, *keys_ = nullptr, *payload_ = nullptr;
};

}  // namespace

void LowerScatterSort(Frame& frame) {
  ScatterSort sort(frame);
  switch (frame.plan.scatter_updates().stage) {
    case plan::ScatterStage::kCount:
      return sort.Count();
    case plan::ScatterStage::kOffsets:
      return sort.Offsets();
    default:
      return sort.Partition();
  }
}

}  // namespace ingot::lower
