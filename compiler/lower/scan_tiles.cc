// The scan_tiles skeleton (plan/scan_tiles.h).
#include "compiler/plan/scan_tiles.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "compiler/kernel/expr.h"
#include "compiler/lower/frame.h"
#include "compiler/lower/scan_elements.h"
#include "compiler/lower/scan_words.h"
#include "ir/base/integers.h"

namespace ingot::lower {

using kernel::Expr;
using kernel::Intrinsic;
using kernel::Value;

namespace {

constexpr int kWarp = kernel::kWarpSize;
constexpr int64_t kGroup = plan::kTilesOfGroup;
// Published values that a thread loads together.
constexpr int kLoadsTogether = 8;
constexpr int64_t kSleepNanoseconds = 40;

void Clear(Frame& frame) {
  kernel::Builder& b = frame.builder;
  IndexMath& math = frame.context.math;
  const int64_t marks = frame.fusion_plan.scratch[0].shape.ElementCount();
  const Value place = b.Add(math.Mul(math.Convert(b.BlockId()), frame.plan.block_threads),
                            math.Convert(b.ThreadId()));
  b.If(b.Lt(place, math.Const(marks)), [&] {
    kernel::Buffer* marks_or_words = frame.memory.scratch[0];
    const kernel::Type type = kernel::Type::Scalar(marks_or_words->element);
    b.Store(marks_or_words, place, b.Integer(type, 0));
  });
}

class ScanTiles {
 public:
  explicit ScanTiles(Frame& frame)
      : frame_(frame),
        plan_(frame.plan.scan_tiles()),
        e_(frame.emitter),
        b_(frame.builder),
        math_(frame.context.math),
        scan_(*frame.fusion.root()),
        attributes_(scan_.attributes<ScanAttributes>()),
        elements_(e_, scan_, plan_.lanes),
        count_(elements_.count()),
        rows_(plan::ScannedRowsOf(scan_)),
        division_(plan::DivisionOf(plan_, rows_)) {}

  void Run() {
    b_.set_hlo(static_cast<int32_t>(scan_.id()));
    Place();
    Load();
    ScanThreads();
    ScanBlock();
    if (division_.tiles > 1) LookBack();
    Finish();
  }

 private:
  // ----- Where the block and the thread are

  void Place() {
    for (int64_t k = 0; k < count_; ++k) {
      const auto shared = [&](const char* name, int64_t size) {
        kernel::Buffer* buffer =
            frame_.kernel->AddShared(name, TypeOf(k), {size * division_.columns});
        buffer->alignment = 16;
        return buffer;
      };
      totals_.push_back(shared("totals", plan_.groups));
      if (division_.tiles == 1) continue;
      if (!rows_.along_memory) tile_total_.push_back(shared("tile_total", 1));
      before_tile_.push_back(shared("before_tile", 1));
    }
    if (division_.tiles > 1 && rows_.along_memory) {
      std::vector<ElementType> types;
      for (int64_t k = 0; k < count_; ++k) types.push_back(TypeOf(k));
      words_.emplace(e_, frame_.memory.scratch[0], std::move(types));
    }
    const Value number = TileNumber();
    tile_ = math_.Div(number, division_.chains);
    chain_ = math_.Rem(number, division_.chains);
    const Value thread = b_.ThreadId();
    IndexMath small(&b_, ElementType::kS32);
    lane_ = small.Rem(thread, plan_.across);
    group_ = small.Div(thread, plan_.across);
    Value position = chain_;
    has_columns_ = b_.True();
    if (!rows_.along_memory) {
      const int64_t across = CeilDiv(rows_.inner, division_.columns);
      const Value column = b_.Add(math_.Mul(math_.Rem(chain_, across), division_.columns),
                                  math_.Mul(math_.Convert(lane_), plan_.lanes));
      Value inside = column;
      if (rows_.inner % division_.columns != 0) {
        has_columns_ = b_.Lt(column, math_.Const(rows_.inner));
        inside = b_.Min(column, math_.Const(rows_.inner - plan_.lanes));
      }
      position = b_.Add(math_.Mul(math_.Div(chain_, across), rows_.inner), inside);
    }
    std::vector<int64_t> sizes = scan_.operand(0)->shape().dimensions();
    sizes.erase(sizes.begin() + Along());
    position_.dims = math_.Delinearize(position, sizes);
    if (!rows_.along_memory && plan_.lanes > 1) {
      position_.lane = {plan_.lanes, static_cast<int>(sizes.size()) - 1, 1, plan_.lanes};
    }
  }

  // The block's place in the order in which tiles begin: chains beside each other first.
  Value TileNumber() {
    if (division_.tiles == 1) return math_.Convert(b_.BlockId());
    kernel::Buffer* taken = frame_.kernel->AddShared("taken", ElementType::kS32, {1});
    const Value zero = b_.Index(0);
    b_.If(b_.Eq(b_.ThreadId(), zero), [&] {
      kernel::Buffer* counter = frame_.memory.scratch[0];
      const Value one = b_.Integer(kernel::Type::Scalar(counter->element), 1);
      const Value number = b_.Atomic(kernel::AtomicKind::kAdd, counter, zero, one);
      b_.Store(taken, zero, b_.Convert(number, ElementType::kS32));
    });
    b_.Barrier();
    return math_.Convert(b_.Load(taken, zero));
  }

  int64_t Along() const { return attributes_.dimensions[0]; }
  ElementType TypeOf(int64_t k) const { return scan_.operand(k)->shape().element_type(); }
  int ColumnLanes() const { return rows_.along_memory ? 1 : plan_.lanes; }

  // The first element of item `item` in the order of the scan.
  Value PlaceOf(int item) {
    const Value first = math_.Mul(tile_, division_.length);
    const Value group = math_.Convert(group_);
    if (!rows_.along_memory) {
      return math_.Add(b_.Add(first, math_.Mul(group, plan_.items)), item);
    }
    const int64_t of_warp = int64_t{kWarp} * plan_.lanes;
    const Value lane = math_.Mul(math_.Convert(lane_), plan_.lanes);
    return math_.Add(b_.Add(b_.Add(first, math_.Mul(group, of_warp * plan_.items)), lane),
                     item * of_warp);
  }
  int64_t Step() const { return rows_.along_memory ? plan_.lanes : 1; }
  bool IsWhole() const { return rows_.size % division_.length == 0; }
  Value IsInside(Value place) {
    const Value inside = IsWhole() ? b_.True() : b_.Lt(place, math_.Const(rows_.size));
    return b_.And(inside, has_columns_);
  }
  // What is beyond the row reads its end, and stands behind all that is stored.
  Index IndexAt(Value place) {
    if (!IsWhole()) place = b_.Min(place, math_.Const(rows_.size - Step()));
    if (attributes_.is_reverse) place = b_.Sub(math_.Const(rows_.size - Step()), place);
    Index index;
    index.dims = position_.dims;
    index.dims.insert(index.dims.begin() + Along(), place);
    if (plan_.lanes > 1) {
      index.lane = {plan_.lanes, static_cast<int>(index.dims.size()) - 1, 1, plan_.lanes};
    }
    return index;
  }

  // ----- Elements

  // `values_` has the elements of an item one behind the other in the order of the scan: along
  // memory one for each lane, else one vector.
  int ValuesOfItem() const { return rows_.along_memory ? plan_.lanes : 1; }

  void Load() {
    for (int item = 0; item < plan_.items; ++item) {
      places_.push_back(PlaceOf(item));
      indices_.push_back(IndexAt(places_.back()));
      std::vector<Elements> values(1);
      if (rows_.along_memory) {
        values = elements_.Load(indices_.back());
      } else {
        for (int64_t k = 0; k < count_; ++k) {
          values[0].push_back(
              e_.Broadcast(e_.Emit(*scan_.operand(k), indices_.back()), plan_.lanes));
        }
      }
      values_.insert(values_.end(), values.begin(), values.end());
    }
  }

  Elements Combine(const Elements& before, const Elements& value) {
    return elements_.Combine(before, value, position_);
  }
  Elements ScanLanes(const Elements& values) {
    return elements_.ScanLanes(values, lane_, position_);
  }
  std::vector<ElementVar> Declare(const char* name, const Elements& initial) {
    std::vector<ElementVar> vars;
    for (const Element& element : initial) vars.push_back(e_.Declare(name, element));
    return vars;
  }

  // ----- Inside the block

  // What a thread's, then a warp's elements come to; values_ are scanned where nothing stands
  // between their first and them.
  void ScanThreads() {
    const int each = ValuesOfItem();
    if (!rows_.along_memory) {
      for (size_t i = 1; i < values_.size(); ++i) values_[i] = Combine(values_[i - 1], values_[i]);
      total_ = values_.back();
      return;
    }
    for (int item = 0; item < plan_.items; ++item) {
      Elements* first = &values_[static_cast<size_t>(item) * each];
      for (int i = 1; i < each; ++i) first[i] = Combine(first[i - 1], first[i]);
      const Elements sum = ScanLanes(first[each - 1]);
      left_.push_back(elements_.Shuffle(Intrinsic::kShuffleUp, sum, b_.Index(1)));
      before_item_.push_back(total_);
      const Elements all = elements_.Shuffle(Intrinsic::kShuffleIdx, sum, b_.Index(kWarp - 1));
      total_ = item == 0 ? all : Combine(total_, all);
    }
  }

  // The thread's columns of one row of a buffer with division_.columns.
  Value ColumnsOf(Value row) {
    if (rows_.along_memory) return row;
    IndexMath math(&b_, row->type.element);
    return b_.Add(math.Mul(row, division_.columns),
                  math.Convert(b_.Mul(lane_, b_.Index(plan_.lanes))));
  }
  kernel::AccessOptions Access(int64_t k) const {
    kernel::AccessOptions options;
    options.alignment = ColumnLanes() * ByteWidth(TypeOf(k));
    return options;
  }
  // Along memory all threads of a group have the values, and the first one stores them.
  void StoreAll(const std::vector<kernel::Buffer*>& to, Value row, const Elements& values) {
    const Value at = ColumnsOf(row);
    const Value stores = rows_.along_memory ? b_.Eq(lane_, b_.Index(0)) : b_.True();
    b_.If(stores, [&] {
      for (int64_t k = 0; k < count_; ++k) {
        b_.Store(to[k], at, e_.Broadcast(values[k], ColumnLanes()).re, Access(k));
      }
    });
  }
  Elements LoadAll(const std::vector<kernel::Buffer*>& from, Value row) {
    const Value at = ColumnsOf(row);
    Elements values;
    for (int64_t k = 0; k < count_; ++k) {
      values.push_back({b_.Load(from[k], at, ColumnLanes(), Access(k)), nullptr});
    }
    return values;
  }

  // Values first … last - 1 of a buffer, of which there is one at least, put together in order.
  void FoldRange(const std::vector<kernel::Buffer*>& from, Value first, Value last,
                 const std::vector<ElementVar>& into) {
    IndexMath math(&b_, first->type.element);
    e_.Write(into, LoadAll(from, first));
    e_.For(
        math.Add(first, 1), last, 1,
        [&](Value row) {
          const Elements next = LoadAll(from, row);
          e_.Write(into, Combine(e_.Read(into), next));
        },
        kLoadsTogether);
  }

  // What the groups before this one come to, and, of several tiles, what the tile comes to.
  void ScanBlock() {
    before_group_ = Declare("before_group", total_);
    if (plan_.groups > 1) {
      StoreAll(totals_, group_, total_);
      b_.Barrier();
      e_.If(b_.Gt(group_, b_.Index(0)),
            [&] { FoldRange(totals_, b_.Index(0), group_, before_group_); });
    }
    if (division_.tiles == 1) return;
    const Value place = Published(tile_);
    e_.If(b_.Eq(group_, b_.Index(plan_.groups - 1)), [&] {
      const Elements total = plan_.groups > 1 ? Combine(e_.Read(before_group_), total_) : total_;
      if (rows_.along_memory) return words_->Publish(place, total);
      StoreAll(Published(), place, total);
      StoreAll(tile_total_, b_.Index(0), total);
    });
    if (rows_.along_memory) return;
    b_.Barrier();
    Mark(place, IsFirstThread());
  }

  // ----- Between tiles

  std::vector<kernel::Buffer*> Published() const {
    return {frame_.memory.scratch.begin() + 1, frame_.memory.scratch.end()};
  }
  // The place of a chain's published value: of tile, of group (behind the tiles), of what is before
  // a super (behind the groups).
  Value Published(Value number) { return b_.Add(math_.Mul(chain_, division_.published()), number); }
  Value GroupPlace(Value group) { return Published(math_.Add(group, division_.tiles)); }
  Value SuperPlace(Value super) {
    return Published(math_.Add(super, division_.tiles + division_.groups));
  }
  // The counter stands before the marks.
  Value MarkOf(Value place) { return math_.Add(place, 1); }
  Value IsFirstThread() { return b_.Eq(b_.ThreadId(), b_.Index(0)); }
  // By a thread that has stored, or is behind a barrier with those that have.
  void Mark(Value place, Value marks) {
    b_.If(marks, [&] {
      kernel::AccessOptions release;
      release.order = kernel::Order::kRelease;
      b_.Store(frame_.memory.scratch[0], MarkOf(place), b_.Index(1), release);
    });
  }
  void Await(Value place) {
    kernel::AccessOptions acquire;
    acquire.order = kernel::Order::kAcquire;
    b_.While(
        [&] {
          const Value mark = b_.Load(frame_.memory.scratch[0], MarkOf(place), 1, acquire);
          return b_.Eq(mark, b_.Index(0));
        },
        [&] {
          b_.Call(Intrinsic::kNanosleep, {b_.Integer({ElementType::kU32, 1}, kSleepNanoseconds)});
        });
  }
  // The lanes of the first warp wait for `count` places from `first` on, fewer than 32.
  void AwaitRange(Value first, Value count) {
    const Value lane = math_.Convert(b_.ThreadId());
    b_.If(b_.Lt(lane, count), [&] { Await(b_.Add(first, lane)); });
  }

  // Where the tile stands among others.
  struct TilePlace {
    Value in_group, group, in_super, super;
    Value first_tile, first_group;  // places of the tiles of its group, of the groups of its super
    Value is_last, is_last_of_super;  // of its group; and of a super with one behind it
  };
  TilePlace PlaceOfTile() {
    TilePlace at;
    at.in_group = math_.Rem(tile_, kGroup);
    at.group = math_.Div(tile_, kGroup);
    at.in_super = math_.Rem(at.group, kGroup);
    at.super = math_.Div(at.group, kGroup);
    at.first_tile = Published(b_.Sub(tile_, at.in_group));
    at.first_group = GroupPlace(b_.Sub(at.group, at.in_super));
    at.is_last = b_.Eq(at.in_group, math_.Const(kGroup - 1));
    at.is_last_of_super = b_.And(b_.And(at.is_last, b_.Eq(at.in_super, math_.Const(kGroup - 1))),
                                 b_.Lt(at.super, math_.Const(division_.supers - 1)));
    return at;
  }

  // What stands before the tile, to before_tile_: by the first warp where a lane can have a tile's
  // value, else by the first group of threads, where all meet at barriers.
  void LookBack() {
    if (rows_.along_memory) {
      e_.If(b_.Eq(group_, b_.Index(0)), [&] { LookBackOfWarp(PlaceOfTile()); });
      b_.Barrier();
    } else {
      LookBackOfBlock(PlaceOfTile());
    }
  }

  // Lane l has what the values of places first … first + l come to; lanes from `count` on have
  // nothing.  Waits for them.
  Elements ScanRange(Value first, Value count) {
    const Value lane = math_.Convert(lane_);
    const std::vector<ElementVar> loaded = Declare("loaded", total_);
    e_.If(b_.Lt(lane, count), [&] {
      const Value place = b_.Add(first, lane);
      words_->Await(place, loaded);
    });
    return ScanLanes(e_.Read(loaded));
  }

  void LookBackOfWarp(const TilePlace& at) {
    const Value zero = math_.Const(0);
    const Value one_less = b_.Sub(at.in_group, math_.Const(1));
    const auto lane_of = [&](const Elements& values, Value lane) {
      return elements_.Shuffle(Intrinsic::kShuffleIdx, values, b_.Convert(lane, ElementType::kS32));
    };
    // The last of a group waits for its own tile too, for it publishes what all come to.
    const Value waits = division_.groups > 0
                            ? b_.Select(at.is_last, math_.Const(kGroup), at.in_group)
                            : at.in_group;
    const Elements tiles = ScanRange(at.first_tile, waits);
    const Elements tiles_before = lane_of(tiles, b_.Max(one_less, zero));
    Elements all_tiles;
    if (division_.groups > 0) {
      all_tiles = lane_of(tiles, math_.Const(kGroup - 1));
      e_.If(at.is_last, [&] { words_->Publish(GroupPlace(at.group), all_tiles); });
    }
    const std::vector<ElementVar> before = Declare("before", Initial());
    if (division_.groups > 0) {
      const Elements groups = ScanRange(at.first_group, at.in_super);
      const Elements groups_before =
          lane_of(groups, b_.Max(b_.Sub(at.in_super, math_.Const(1)), zero));
      if (division_.supers > 0) {
        e_.If(b_.Gt(at.super, zero), [&] { words_->Await(SuperPlace(at.super), before); });
      }
      e_.If(b_.Gt(at.in_super, zero),
            [&] { e_.Write(before, Combine(e_.Read(before), groups_before)); });
    }
    if (division_.supers > 0) {
      const Value next = SuperPlace(math_.Add(at.super, 1));
      e_.If(at.is_last_of_super,
            [&] { words_->Publish(next, Combine(e_.Read(before), all_tiles)); });
    }
    e_.If(b_.Gt(at.in_group, zero),
          [&] { e_.Write(before, Combine(e_.Read(before), tiles_before)); });
    StoreAll(before_tile_, b_.Index(0), e_.Read(before));
  }

  void LookBackOfBlock(const TilePlace& at) {
    const Value zero = math_.Const(0);
    const auto first_threads = [&](const std::function<void()>& body) {
      e_.If(b_.Eq(group_, b_.Index(0)), body);
    };
    const std::vector<ElementVar> tiles = Declare("tiles", total_);
    AwaitRange(at.first_tile, at.in_group);
    b_.Barrier();
    first_threads([&] {
      e_.If(b_.Gt(at.in_group, zero), [&] {
        FoldRange(Published(), at.first_tile, b_.Add(at.first_tile, at.in_group), tiles);
      });
      if (division_.groups == 0) return;
      e_.If(at.is_last, [&] {
        const Elements own = LoadAll(tile_total_, b_.Index(0));
        StoreAll(Published(), GroupPlace(at.group), Combine(e_.Read(tiles), own));
      });
    });
    const std::vector<ElementVar> groups = Declare("groups", total_);
    if (division_.groups > 0) {
      b_.Barrier();
      Mark(GroupPlace(at.group), b_.And(at.is_last, IsFirstThread()));
      AwaitRange(at.first_group, at.in_super);
      if (division_.supers > 0) {
        const Value waits = b_.And(b_.Gt(at.super, zero), IsFirstThread());
        b_.If(waits, [&] { Await(SuperPlace(at.super)); });
      }
      b_.Barrier();
    }
    first_threads([&] {
      const std::vector<ElementVar> before = Declare("before", Initial());
      if (division_.supers > 0) {
        e_.If(b_.Gt(at.super, zero),
              [&] { e_.Write(before, LoadAll(Published(), SuperPlace(at.super))); });
      }
      if (division_.groups > 0) {
        e_.If(b_.Gt(at.in_super, zero), [&] {
          FoldRange(Published(), at.first_group, b_.Add(at.first_group, at.in_super), groups);
          e_.Write(before, Combine(e_.Read(before), e_.Read(groups)));
        });
      }
      e_.If(b_.Gt(at.in_group, zero),
            [&] { e_.Write(before, Combine(e_.Read(before), e_.Read(tiles))); });
      StoreAll(before_tile_, b_.Index(0), e_.Read(before));
      if (division_.supers == 0) return;
      e_.If(at.is_last_of_super, [&] {
        const Elements own = LoadAll(tile_total_, b_.Index(0));
        StoreAll(Published(), SuperPlace(math_.Add(at.super, 1)), Combine(e_.Read(before), own));
      });
    });
    b_.Barrier();
    if (division_.supers > 0) {
      Mark(SuperPlace(math_.Add(at.super, 1)), b_.And(at.is_last_of_super, IsFirstThread()));
    }
  }

  Elements Initial() {
    Elements initial;
    for (int64_t k = 0; k < count_; ++k) {
      initial.push_back(
          e_.Broadcast(e_.Emit(*scan_.operand(count_ + k), position_), ColumnLanes()));
    }
    return initial;
  }

  // ----- Results

  void Finish() {
    const Elements before_tile =
        division_.tiles > 1 ? LoadAll(before_tile_, b_.Index(0)) : Initial();
    const std::vector<ElementVar> before = Declare("before_thread", before_tile);
    if (plan_.groups > 1) {
      e_.If(b_.Gt(group_, b_.Index(0)),
            [&] { e_.Write(before, Combine(before_tile, e_.Read(before_group_))); });
    }
    const Elements before_thread = e_.Read(before);
    const int each = ValuesOfItem();
    for (int item = 0; item < plan_.items; ++item) {
      Elements here = before_thread;
      if (rows_.along_memory) {
        if (item > 0) here = Combine(here, before_item_[item]);
        here = elements_.Choose(b_.Ge(lane_, b_.Index(1)), Combine(here, left_[item]), here);
      }
      std::vector<Elements> values;
      for (int i = 0; i < each; ++i) {
        values.push_back(Combine(here, values_[static_cast<size_t>(item) * each + i]));
      }
      e_.If(IsInside(places_[item]), [&] { StoreItem(item, values); });
    }
  }

  void StoreItem(int item, const std::vector<Elements>& values) {
    const std::vector<Shape>& shapes = scan_.shape().tuple_shapes();
    for (int64_t k = 0; k < count_; ++k) {
      const Element stored = rows_.along_memory ? elements_.Join(values, k) : values[0][k];
      e_.Store(frame_.memory.results[k], shapes[k], indices_[item], stored);
    }
    const Value is_end = b_.Eq(places_[item], math_.Const(rows_.size - Step()));
    e_.If(is_end, [&] {
      for (int64_t k = 0; k < count_; ++k) {
        e_.Store(frame_.memory.results[count_ + k], shapes[count_ + k], position_,
                 values.back()[k]);
      }
    });
  }

  Frame& frame_;
  const plan::ScanTilesPlan& plan_;
  ElementEmitter& e_;
  kernel::Builder& b_;
  IndexMath& math_;
  const Instruction& scan_;
  const ScanAttributes& attributes_;
  ScanElements elements_;
  const int64_t count_;  // of inputs, of carries, of other results
  const plan::ScannedRows rows_;
  const plan::ScanDivision division_;
  std::vector<kernel::Buffer*> totals_, tile_total_, before_tile_;
  std::optional<PublishedWords> words_;  // along memory
  Value tile_ = nullptr;                 // of its chain
  Value chain_ = nullptr;
  Value lane_ = nullptr;   // of the threads beside each other
  Value group_ = nullptr;  // of those
  Value has_columns_ = nullptr;
  Index position_;
  std::vector<Value> places_;
  std::vector<Index> indices_;
  std::vector<Elements> values_;
  // What the thread's elements come to; along memory, the warp's.
  Elements total_;
  // Along memory, for each item: what is left of the thread's, and what the warp's items before it
  // come to.
  std::vector<Elements> left_, before_item_;
  std::vector<ElementVar> before_group_;
};

}  // namespace

void LowerScanTiles(Frame& frame) {
  frame.LaunchBlocks();
  if (frame.plan.scan_tiles().clears) return Clear(frame);
  ScanTiles(frame).Run();
}

}  // namespace ingot::lower
