// scatter_updates: blocks sum the updates of each row of a part in tiles, and the tiles' sums.
#include "compiler/plan/scatter_sums.h"

#include <utility>

#include "compiler/lower/block_scan.h"
#include "compiler/lower/fold.h"
#include "compiler/lower/radix_rank.h"
#include "compiler/lower/scatter_walk.h"
#include "ir/base/integers.h"

namespace ingot::lower {

using kernel::Value;

namespace {

constexpr int kWarp = kernel::kWarpSize;
// Tiles whose sums are under way together.
constexpr int kTilesTogether = 8;

// A part has the rows of one digit of the radix pass, or all where there is no pass.  Its updates
// lie together; tiles do not go beyond it.
class ScatterSums {
 public:
  explicit ScatterSums(Frame& frame)
      : frame_(frame),
        b_(frame.builder),
        e_(frame.emitter),
        math_(frame.context.math),
        updates_(frame),
        plan_(updates_.plan()),
        is_parted_(plan_.radix.passes > 0),
        rows_(int64_t{1} << plan_.tile_bits),
        tile_(plan::ScatterSumTile(plan_)) {}

  // The sums of a tile, [tiles, rows of a part]: what changes nothing where a row has no update.
  void SumTiles() {
    const Value block = math_.Convert(b_.BlockId());
    Value begin = math_.Mul(block, tile_);
    Value end = b_.Min(math_.Add(begin, tile_), math_.Const(updates_.space().updates));
    if (is_parted_) {
      const std::vector<Value> found = FindTile();
      begin = found[0];
      end = found[1];
    }
    kernel::Buffer* keys = frame_.kernel->AddShared("keys", ElementType::kS32, {tile_});
    kernel::Buffer* values = frame_.kernel->AddShared("values", updates_.TypeOf(0), {tile_});
    b_.For(b_.ThreadId(), b_.Index(tile_), b_.Index(plan_.walk_threads), [&](Value i) {
      b_.Store(keys, i, b_.Index(-1));
      b_.Store(values, i, Identity());
    });
    const int items = static_cast<int>(plan_.span);
    RadixRank rank(frame_, plan_.tile_bits, plan_.walk_threads, items);
    std::vector<Value> numbers, insides, item_keys, item_values, digits;
    for (int i = 0; i < items; ++i) {
      const Value number = b_.Add(begin, math_.Convert(rank.NumberOf(i)));
      insides.push_back(b_.Lt(number, end));
      numbers.push_back(b_.Select(insides[i], number, math_.Const(0)));
      if (!is_parted_) updates_.LoadIndices(numbers[i]);
    }
    for (Value number : numbers) item_values.push_back(ValueAt(number));
    for (int i = 0; i < items; ++i) {
      item_keys.push_back(KeyAt(numbers[i]));
      insides[i] = b_.And(insides[i], updates_.IsRow(item_keys[i]));
      digits.push_back(RowInPart(item_keys[i]));
    }
    rank.Run(digits, insides);
    for (int i = 0; i < items; ++i) {
      e_.If(insides[i], [&] {
        b_.Store(keys, rank.places()[i], item_keys[i]);
        b_.Store(values, rank.places()[i], item_values[i]);
      });
    }
    const Value first_sum = math_.Mul(block, rows_);
    for (size_t j = 0; j < rank.digits().size(); ++j) {
      const Value is_none = b_.Eq(rank.counts()[j], b_.Index(0));
      e_.If(b_.And(rank.has_digits(), is_none), [&] {
        b_.Store(Sums(), b_.Add(first_sum, math_.Convert(rank.digits()[j])), Identity());
      });
    }
    b_.Barrier();
    WalkTile(frame_, updates_, keys, values, [&] {
      SegmentWalk::Sinks sinks;
      sinks.whole = [&, first_sum](Value key, const Elements& sum) {
        b_.Store(Sums(), b_.Add(first_sum, math_.Convert(RowInPart(key))), sum[0].re);
      };
      return sinks;
    });
  }

  // A block has a row for each lane; its warps have some of the tiles of their part each, one
  // behind the other.
  void SumRows() {
    const int warps = plan_.row_threads;
    const Value lane = math_.Convert(b_.LaneId());
    const Value first_row = math_.Mul(math_.Convert(b_.BlockId()), kWarp);
    const Value row = b_.Add(first_row, lane);
    Value first = math_.Const(0), count = math_.Const(plan::ScatterSumTiles(plan_, Updates()));
    if (is_parted_) {
      const std::vector<Value> found = FindPart(math_.Div(first_row, rows_));
      first = found[0];
      count = found[1];
    }
    const Value each = math_.Div(math_.Add(count, warps - 1), warps);
    const Value own = b_.Mul(math_.Convert(b_.WarpId()), each);
    const Value begin = b_.Add(first, b_.Min(own, count));
    const Value end = b_.Add(first, b_.Min(b_.Add(own, each), count));
    const ElementVar sum = e_.Declare("sum", {Identity(), nullptr});
    const Value in_part = math_.Rem(row, rows_);
    e_.For(begin, end, kTilesTogether, [&](Value tile) {
      std::vector<Value> loaded;
      for (int i = 0; i < kTilesTogether; ++i) {
        kernel::AccessOptions options;
        options.mask = b_.Lt(math_.Add(tile, i), end);
        const Value at = b_.Add(math_.Mul(math_.Add(tile, i), rows_), in_part);
        loaded.push_back(b_.Select(options.mask, b_.Load(Sums(), at, 1, options), Identity()));
      }
      for (Value next : loaded) Add(sum, next);
    });
    if (warps > 1) {
      kernel::Buffer* sums = frame_.kernel->AddShared("sums", updates_.TypeOf(0), {warps * kWarp});
      b_.Store(sums, b_.ThreadId(), e_.Read(sum).re);
      b_.Barrier();
      e_.If(b_.Eq(b_.WarpId(), b_.Index(0)), [&] {
        for (int warp = 1; warp < warps; ++warp) {
          Add(sum, b_.Load(sums, b_.Add(b_.LaneId(), b_.Index(warp * kWarp))));
        }
      });
    }
    const Value all = e_.Read(sum).re;
    const Value stores = b_.And(b_.Lt(row, math_.Const(updates_.space().rows)), IsUpdate(all));
    e_.If(b_.And(stores, b_.Eq(b_.WarpId(), b_.Index(0))), [&] {
      updates_.Apply(b_.Convert(row, ElementType::kS32), math_.Const(0), {{all, nullptr}});
    });
  }

 private:
  int64_t Updates() const { return updates_.space().updates; }
  kernel::Buffer* Sums() const { return updates_.Scratch(updates_.scratch().sums); }
  Value Identity() { return IdentityOf(e_, updates_.combiner().ops[0], updates_.TypeOf(0))->re; }
  void Add(const ElementVar& sum, Value next) {
    e_.Write(sum, updates_.places().Combine({e_.Read(sum)}, {{next, nullptr}})[0]);
  }
  // Of a row's sum: other bits than what changes nothing.
  Value IsUpdate(Value sum) {
    Value none = Identity();
    const ElementType type = updates_.TypeOf(0);
    if (IsFloat(type)) {
      const ElementType bits = ByteWidth(type) == 2   ? ElementType::kU16
                               : ByteWidth(type) == 4 ? ElementType::kU32
                                                      : ElementType::kU64;
      sum = b_.Bitcast(sum, kernel::Type::Scalar(bits));
      none = b_.Bitcast(none, kernel::Type::Scalar(bits));
    }
    return b_.Ne(sum, none);
  }

  Value RowInPart(Value key) { return b_.And(key, b_.Index(rows_ - 1)); }
  Value KeyAt(Value number) {
    if (!is_parted_) return updates_.KeyOf(number);
    return b_.Load(updates_.Scratch(updates_.scratch().keys[0]), number);
  }
  Value ValueAt(Value number) {
    if (!is_parted_) return updates_.UpdatesAt(number, math_.Const(0))[0].re;
    return b_.Load(updates_.Scratch(updates_.scratch().payload[0]), number);
  }

  // ----- parts, from the counts of their updates

  // Calls `visit` with each of the thread's parts: its number, its first tile and update, and how
  // many it has of each.
  void OverParts(const std::function<void(Value part, Value tile, Value tiles, Value update,
                                          Value updates)>& visit) {
    const int64_t threads = frame_.plan.block_threads;
    const int64_t each = CeilDiv(plan_.radix.digits(), threads);
    const plan::RadixWords words(plan_.radix, 1, Updates());
    std::vector<Value> parts, counts, tiles;
    Value all = b_.Index(0), all_tiles = b_.Index(0);
    for (int64_t j = 0; j < each; ++j) {
      parts.push_back(b_.Add(b_.Mul(b_.ThreadId(), b_.Index(each)), b_.Index(j)));
      kernel::AccessOptions options;
      options.mask = b_.Lt(parts[j], b_.Index(plan_.radix.digits()));
      const Value word = b_.Load(updates_.Scratch(updates_.scratch().words),
                                 b_.Add(parts[j], b_.Index(words.first_count())), 1, options);
      const Value count = b_.Convert(word, ElementType::kS32);
      counts.push_back(b_.Select(options.mask, count, b_.Index(0)));
      IndexMath small(&b_, ElementType::kS32);
      tiles.push_back(small.Div(b_.Add(counts[j], b_.Index(tile_ - 1)), tile_));
      all = b_.Add(all, counts[j]);
      all_tiles = b_.Add(all_tiles, tiles[j]);
    }
    const int warps = static_cast<int>(threads / kWarp);
    kernel::Buffer* updates_of_warps =
        frame_.kernel->AddShared("part_updates", ElementType::kS32, {warps});
    kernel::Buffer* tiles_of_warps =
        frame_.kernel->AddShared("part_tiles", ElementType::kS32, {warps});
    Value update = SumsOfThreads(b_, updates_of_warps, warps, all).before;
    Value tile = SumsOfThreads(b_, tiles_of_warps, warps, all_tiles).before;
    for (int64_t j = 0; j < each; ++j) {
      visit(parts[j], tile, tiles[j], update, counts[j]);
      update = b_.Add(update, counts[j]);
      tile = b_.Add(tile, tiles[j]);
    }
  }
  // Two numbers that one thread finds, for all; zeros where none does.
  std::vector<Value> Share(const std::function<void(kernel::Buffer* found)>& find) {
    kernel::Buffer* found = frame_.kernel->AddShared("found", ElementType::kS32, {2});
    b_.If(b_.Lt(b_.ThreadId(), b_.Index(2)), [&] { b_.Store(found, b_.ThreadId(), b_.Index(0)); });
    find(found);
    b_.Barrier();
    return {math_.Convert(b_.Load(found, b_.Index(0))), math_.Convert(b_.Load(found, b_.Index(1)))};
  }
  // Where the updates of the block's tile begin and end.
  std::vector<Value> FindTile() {
    return Share([&](kernel::Buffer* found) {
      const Value block = b_.BlockId();
      OverParts([&](Value, Value tile, Value tiles, Value update, Value updates) {
        const Value number = b_.Sub(block, tile);
        const Value is_there = b_.And(b_.Ge(number, b_.Index(0)), b_.Lt(number, tiles));
        b_.If(is_there, [&] {
          const Value begin = b_.Mul(number, b_.Index(tile_));
          const Value end = b_.Min(b_.Add(begin, b_.Index(tile_)), updates);
          b_.Store(found, b_.Index(0), b_.Add(update, begin));
          b_.Store(found, b_.Index(1), b_.Add(update, end));
        });
      });
    });
  }
  // The first tile of a part, and how many it has.
  std::vector<Value> FindPart(Value wanted) {
    return Share([&](kernel::Buffer* found) {
      OverParts([&](Value part, Value tile, Value tiles, Value, Value) {
        b_.If(b_.Eq(math_.Convert(part), wanted), [&] {
          b_.Store(found, b_.Index(0), tile);
          b_.Store(found, b_.Index(1), tiles);
        });
      });
    });
  }

  Frame& frame_;
  kernel::Builder& b_;
  ElementEmitter& e_;
  IndexMath& math_;
  const ScatterUpdates updates_;
  const plan::ScatterUpdatesPlan& plan_;
  const bool is_parted_;
  const int64_t rows_;  // of a part
  const int64_t tile_;
};

}  // namespace

void LowerScatterSums(Frame& frame) {
  ScatterSums sums(frame);
  frame.plan.scatter_updates().stage == plan::ScatterStage::kSums ? sums.SumTiles()
                                                                  : sums.SumRows();
}

}  // namespace ingot::lower
