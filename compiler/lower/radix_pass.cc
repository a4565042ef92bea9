#include "compiler/lower/radix_pass.h"

#include <algorithm>
#include <optional>

#include "compiler/lower/radix_rank.h"
#include "ir/base/integers.h"

namespace ingot::lower {

using kernel::Intrinsic;
using kernel::Value;

namespace {

constexpr int kWarp = kernel::kWarpSize;
// Tiles before its own that a thread asks at once, and its wait where the first says nothing yet.
// All blocks that wait ask L2: on an H200 16 tiles at once take passes of small tiles five times as
// long.
constexpr int kTilesTogether = 2;
constexpr int64_t kSleepNanoseconds = 200;

class RadixKernel {
 public:
  RadixKernel(Frame& frame, const RadixEntries& entries)
      : frame_(frame),
        b_(frame.builder),
        e_(frame.emitter),
        math_(frame.context.math),
        entries_(entries),
        plan_(entries.plan),
        words_(plan_, entries.rows, entries.size) {}

  // How many entries of a row have each digit of each pass.  The blocks of a row take its tiles by
  // turns.
  void Count() {
    const int64_t counts = plan_.passes * plan_.digits();
    counts_ = Shared("digit_counts", ElementType::kS32, counts * plan_.copies);
    const auto over_counts = [&](int64_t size, const std::function<void(Value)>& body) {
      b_.For(b_.ThreadId(), b_.Index(size), b_.Index(plan_.threads),
             [&](Value i) { e_.Scoped([&] { body(i); }); });
    };
    over_counts(counts * plan_.copies, [&](Value i) { b_.Store(counts_, i, b_.Index(0)); });
    b_.Barrier();
    const int64_t of_row = frame_.plan.blocks / entries_.rows;
    const Value block = math_.Convert(b_.BlockId());
    row_ = math_.Div(block, of_row);
    e_.For(math_.Rem(block, of_row), math_.Const(words_.tiles()), of_row, [&](Value tile) {
      first_ = math_.Mul(tile, plan_.tile());
      CountTile();
    });
    b_.Barrier();
    over_counts(counts, [&](Value i) {
      Value sum = b_.Index(0);
      for (int copy = 0; copy < plan_.copies; ++copy) {
        sum = b_.Add(sum, b_.Load(counts_, OfCopy(i, b_.Index(copy))));
      }
      e_.If(b_.Gt(sum, b_.Index(0)), [&] {
        const Value to =
            math_.Add(b_.Add(math_.Mul(row_, counts), math_.Convert(i)), words_.first_count());
        b_.Atomic(kernel::AtomicKind::kAdd, entries_.words, to, Word(sum));
      });
    });
  }

  void Pass() {
    shifts_ = Shared("shifts", frame_.context.math.type(), plan_.digits());
    rank_.emplace(frame_, entries_.bits, plan_.threads, plan_.items);
    DeclareFields();
    TakeTile();
    LoadKeys();
    RankItems();
    if (entries_.types.size() > 1) next_ = LoadField(1);
    Exchange(0, keys_);
    if (!words_.IsAlone()) {
      e_.If(rank_->has_digits(), [&] { LookBack(); });
    }
    b_.Barrier();
    StoreKeys();
    for (size_t field = 1; field < entries_.types.size(); ++field) {
      b_.Barrier();
      Exchange(field, next_);
      if (field + 1 < entries_.types.size()) next_ = LoadField(field + 1);
      b_.Barrier();
      StoreField(field);
    }
  }

 private:
  kernel::Buffer* Shared(const char* name, ElementType type, int64_t size) {
    return frame_.kernel->AddShared(name, type, {size});
  }
  Value Word(Value count) { return b_.Convert(count, ElementType::kU32); }
  Value Bits(int64_t value) { return b_.Integer(kernel::kU32, value); }

  // ----- entries of a tile

  Value NumberOf(int item) {
    const Value warp = math_.Mul(math_.Convert(b_.WarpId()), int64_t{plan_.items} * kWarp);
    const Value lane = math_.Add(math_.Convert(b_.LaneId()), int64_t{item} * kWarp);
    return b_.Add(first_, b_.Add(warp, lane));
  }
  bool IsWhole() const { return entries_.size % plan_.tile() == 0; }
  Value IsInside(Value number) {
    return IsWhole() ? b_.True() : b_.Lt(number, math_.Const(entries_.size));
  }
  // What is beyond the row reads its end.
  Value Inside(Value number) {
    return IsWhole() ? number : b_.Min(number, math_.Const(entries_.size - 1));
  }
  std::vector<Value> LoadField(size_t field) {
    std::vector<Value> values;
    for (int i = 0; i < plan_.items; ++i) {
      values.push_back(entries_.load(field, row_, Inside(NumberOf(i))));
    }
    return values;
  }
  void Touch() {
    if (!entries_.touch) return;
    for (int i = 0; i < plan_.items; ++i) entries_.touch(row_, Inside(NumberOf(i)));
  }

  // ----- counting

  Value OfCopy(Value count, Value copy) {
    return b_.Add(b_.Mul(count, b_.Index(plan_.copies)), copy);
  }

  void CountTile() {
    Touch();
    std::vector<std::vector<Value>> digits;
    for (int i = 0; i < plan_.items; ++i) {
      digits.push_back(entries_.digits(row_, Inside(NumberOf(i))));
    }
    const Value copy = b_.And(b_.LaneId(), b_.Index(plan_.copies - 1));
    for (int i = 0; i < plan_.items; ++i) {
      e_.If(IsInside(NumberOf(i)), [&] {
        for (int pass = 0; pass < plan_.passes; ++pass) {
          const Value count = b_.Add(digits[i][pass], b_.Index(pass * plan_.digits()));
          b_.Atomic(kernel::AtomicKind::kAdd, counts_, OfCopy(count, copy), b_.Index(1),
                    kernel::Order::kRelaxed, kernel::MemoryScope::kBlock);
        }
      });
    }
  }

  // ----- where the block's tile is

  // Tiles beside each other, one of each row, begin one after the other.
  void TakeTile() {
    const Value zero = b_.Index(0);
    const Value thread = b_.ThreadId();
    if (words_.IsAlone()) {
      row_ = math_.Convert(b_.BlockId());
      first_ = math_.Const(0);
      return;
    }
    kernel::Buffer* taken = Shared("taken", ElementType::kS32, 1);
    b_.If(b_.Eq(thread, zero), [&] {
      const Value number =
          b_.Atomic(kernel::AtomicKind::kAdd, entries_.words, b_.Index(plan_.pass), Bits(1));
      b_.Store(taken, zero, b_.Convert(number, ElementType::kS32));
    });
    b_.Barrier();
    ticket_ = b_.Load(taken, zero);
    const Value ticket = math_.Convert(ticket_);
    row_ = math_.Rem(ticket, entries_.rows);
    first_ = math_.Mul(math_.Div(ticket, entries_.rows), plan_.tile());
    // Of the row and pass, under way while the tile is.
    kernel::AccessOptions options;
    options.mask = rank_->has_digits();
    const Value counts =
        math_.Mul(math_.Add(math_.Mul(row_, plan_.passes), plan_.pass), plan_.digits());
    const Value count =
        b_.Load(entries_.words,
                b_.Add(math_.Add(counts, words_.first_count()), math_.Convert(thread)), 1, options);
    row_count_ = b_.Select(rank_->has_digits(), count, Bits(0));
  }

  void LoadKeys() {
    Touch();
    keys_ = LoadField(0);
    for (int i = 0; i < plan_.items; ++i) inside_.push_back(IsInside(NumberOf(i)));
  }

  // ----- ranks

  void RankItems() {
    std::vector<Value> digits;
    for (Value key : keys_) digits.push_back(entries_.digit_of(key));
    const auto publish = [&] {
      if (!words_.IsAlone()) e_.If(rank_->has_digits(), [&] { PublishOwn(); });
    };
    rank_->Run(digits, IsWhole() ? std::vector<Value>{} : inside_, publish);
    if (words_.IsAlone()) return;
    // Where the row's entries of the digit begin.
    first_in_row_ = rank_->SumBefore(b_.Convert(row_count_, ElementType::kS32));
  }
  Value OwnCount() { return Word(rank_->counts()[0]); }

  // ----- between tiles

  Value StateOf(Value ticket) {
    const int64_t first =
        words_.first_state() + plan_.pass * words_.tiles() * entries_.rows * plan_.digits();
    return b_.Add(b_.Add(b_.Mul(ticket, b_.Index(plan_.digits())), b_.ThreadId()), b_.Index(first));
  }
  Value IsFirstTile() { return b_.Lt(ticket_, b_.Index(entries_.rows)); }
  void Publish(Value count, Value kind) {
    kernel::AccessOptions relaxed;
    relaxed.order = kernel::Order::kRelaxed;
    const Value upper = b_.Shl(kind, Bits(plan::RadixWords::kCountBits));
    b_.Store(entries_.words, StateOf(ticket_), b_.Or(upper, count), relaxed);
  }
  void PublishOwn() {
    Publish(OwnCount(), b_.Select(IsFirstTile(), Bits(plan::RadixWords::kTileAndBefore),
                                  Bits(plan::RadixWords::kTileAlone)));
  }

  // Sets shifts_: how far an entry with the thread's digit goes from its place in the tile.
  void LookBack() {
    kernel::Var* before = b_.DeclareVar("before", Bits(0));
    kernel::Var* at = b_.DeclareVar("at", b_.Sub(ticket_, b_.Index(entries_.rows)));
    kernel::Var* goes_on = b_.DeclareVar("goes_on", b_.Not(IsFirstTile()));
    b_.While([&] { return b_.Read(goes_on); }, [&] { LookBackOnce(before, at, goes_on); });
    const Value sum = b_.Read(before);
    b_.If(b_.Not(IsFirstTile()),
          [&] { Publish(b_.Add(sum, OwnCount()), Bits(plan::RadixWords::kTileAndBefore)); });
    const Value to = b_.Add(math_.Convert(first_in_row_), math_.Convert(sum));
    b_.Store(shifts_, b_.ThreadId(), b_.Sub(to, math_.Convert(rank_->firsts()[0])));
  }

  // Takes what the next tiles say, up to one that says nothing yet, or all.
  void LookBackOnce(kernel::Var* before, kernel::Var* at, kernel::Var* goes_on) {
    kernel::AccessOptions relaxed;
    relaxed.order = kernel::Order::kRelaxed;
    const Value first = b_.Read(at);
    std::vector<Value> states;
    for (int i = 0; i < kTilesTogether; ++i) {
      // Behind the row's first tile nobody looks at what is read.
      const Value tile = b_.Max(b_.Sub(first, b_.Index(i * entries_.rows)), b_.Index(0));
      states.push_back(b_.Load(entries_.words, StateOf(tile), 1, relaxed));
    }
    Value sum = b_.Read(before);
    Value taken = b_.Index(0);
    Value is_open = b_.True();  // nothing between the tile and these says nothing, or all
    Value has_all = b_.False();
    for (Value state : states) {
      const Value kind = b_.Lshr(state, Bits(plan::RadixWords::kCountBits));
      const Value counts = b_.And(is_open, b_.Ne(kind, Bits(0)));
      const Value is_all = b_.And(counts, b_.Eq(kind, Bits(plan::RadixWords::kTileAndBefore)));
      const Value count = b_.And(state, Bits((int64_t{1} << plan::RadixWords::kCountBits) - 1));
      sum = b_.Add(sum, b_.Select(counts, count, Bits(0)));
      taken = b_.Add(taken, b_.Select(counts, b_.Index(entries_.rows), b_.Index(0)));
      has_all = b_.Or(has_all, is_all);
      is_open = b_.And(counts, b_.Not(is_all));
    }
    b_.Write(before, sum);
    b_.Write(at, b_.Sub(first, taken));
    b_.Write(goes_on, b_.Not(has_all));
    b_.If(b_.Eq(taken, b_.Index(0)),
          [&] { b_.Call(Intrinsic::kNanosleep, {b_.Integer(kernel::kU32, kSleepNanoseconds)}); });
  }

  // ----- fields, through shared memory to their places

  void DeclareFields() {
    for (size_t f = 0; f < entries_.types.size(); ++f) {
      const auto same =
          std::find(entries_.types.begin(), entries_.types.begin() + f, entries_.types[f]);
      if (same != entries_.types.begin() + f) {
        fields_.push_back(fields_[same - entries_.types.begin()]);
        continue;
      }
      fields_.push_back(Shared("tile", entries_.types[f], plan_.tile()));
      fields_[f]->alignment = 8;
      if (f > 0) fields_[f]->overlaps = fields_[0];
    }
  }

  void Exchange(size_t field, const std::vector<Value>& values) {
    for (int i = 0; i < plan_.items; ++i) {
      e_.If(inside_[i], [&] { b_.Store(fields_[field], rank_->places()[i], values[i]); });
    }
  }

  Value PlaceOf(int item) { return b_.Add(b_.ThreadId(), b_.Index(int64_t{item} * plan_.threads)); }
  // Whether the tile has an entry there.
  Value IsStored(int item) { return IsInside(b_.Add(first_, math_.Convert(PlaceOf(item)))); }

  void StoreKeys() {
    for (int i = 0; i < plan_.items; ++i) {
      const Value place = PlaceOf(i);
      kernel::Var* to = b_.DeclareVar("to", math_.Const(0));
      e_.If(IsStored(i), [&] {
        const Value key = b_.Load(fields_[0], place);
        Value at = math_.Convert(place);
        if (!words_.IsAlone()) at = b_.Add(at, b_.Load(shifts_, entries_.digit_of(key)));
        b_.Write(to, at);
        entries_.store(0, row_, at, key);
      });
      to_.push_back(to);
    }
  }
  void StoreField(size_t field) {
    for (int i = 0; i < plan_.items; ++i) {
      e_.If(IsStored(i), [&] {
        entries_.store(field, row_, b_.Read(to_[i]), b_.Load(fields_[field], PlaceOf(i)));
      });
    }
  }

  Frame& frame_;
  kernel::Builder& b_;
  ElementEmitter& e_;
  IndexMath& math_;
  const RadixEntries& entries_;
  const plan::RadixPasses& plan_;
  const plan::RadixWords words_;
  std::optional<RadixRank> rank_;
  // In shared memory: how far entries of each digit go from their places in the tile; fields of the
  // tile, one at a time; of the kernel that counts, [passes, digits, copies].
  kernel::Buffer* shifts_ = nullptr;
  std::vector<kernel::Buffer*> fields_;
  kernel::Buffer* counts_ = nullptr;
  Value ticket_ = nullptr;  // tile * rows + row, s32
  Value row_ = nullptr;
  Value first_ = nullptr;  // entry of the tile, in its row
  // Of a thread that has a digit: how many entries of the row have it, and how many a lower one.
  Value row_count_ = nullptr, first_in_row_ = nullptr;
  std::vector<Value> keys_, inside_, next_;  // of the thread's items
  std::vector<kernel::Var*> to_;             // of the entries that it stores
};

}  // namespace

Value RadixDigit(kernel::Builder& b, Value key, int shift, int bits) {
  const kernel::Type type = key->type;
  const Value low = b.Lshr(key, b.Integer(type, shift));
  return b.Convert(b.And(low, b.Integer(type, (int64_t{1} << bits) - 1)), ElementType::kS32);
}

void LowerRadixClear(Frame& frame, kernel::Buffer* words) {
  kernel::Builder& b = frame.builder;
  IndexMath& math = frame.context.math;
  const int64_t size = words->count();
  const Value thread =
      b.Add(math.Mul(math.Convert(b.BlockId()), plan::kClearThreads), math.Convert(b.ThreadId()));
  const Value place = math.Mul(thread, plan::kClearLanes);
  kernel::AccessOptions options;
  options.alignment = words->alignment;
  const Value zeros = b.Integer(kernel::kU32.WithLanes(plan::kClearLanes), 0);
  b.If(b.Lt(place, math.Const(size)), [&] { b.Store(words, place, zeros, options); });
}

void LowerRadixCount(Frame& frame, const RadixEntries& entries) {
  RadixKernel(frame, entries).Count();
}

void LowerRadixPass(Frame& frame, const RadixEntries& entries) {
  RadixKernel(frame, entries).Pass();
}

}  // namespace ingot::lower
